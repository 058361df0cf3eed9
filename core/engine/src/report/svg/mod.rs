//! Figures as SVG, drawn for a box 360 units wide, so that their text can be read on a phone.

mod bars;
mod confusion;
mod dots;
mod lines;
mod scale;
mod scatter;

use maud::{Markup, html};

pub(super) use bars::bars;
pub(super) use confusion::{confusion, in_words as confusion_in_words};
pub(super) use dots::{Dots, dots};
pub(super) use lines::{LineChart, Series, line_chart};
pub(super) use scatter::scatter;

/// The width of every figure, in its own units.
const WIDTH: f64 = 360.0;

/// The number of class colours and of series colours in the style sheet.
const CLASS_COLOURS: usize = 10;
const SERIES_COLOURS: usize = 6;

/// A coordinate: a tenth of a unit is finer than any screen shows.
fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// The first characters of a name that is too long for its place.
fn short(name: &str, longest: usize) -> String {
    match name.chars().count() > longest {
        true => name.chars().take(longest.saturating_sub(1)).chain(['\u{2026}']).collect(),
        false => name.to_owned(),
    }
}

/// The frame of a figure: its box, and its description for those who cannot see it.
fn frame(kind: &str, height: f64, description: &str, inside: Markup) -> Markup {
    html! {
        svg class={ "figure " (kind) } viewBox={ "0 0 " (at(WIDTH)) " " (at(height)) } role="img"
            aria-label=(description) { (inside) }
    }
}
