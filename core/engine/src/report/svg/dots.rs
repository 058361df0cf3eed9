//! Repeats of each method as dots, with mean and standard deviation.

use maud::{Markup, html};

use super::scale::Scale;
use super::{SERIES_COLOURS, WIDTH, at, frame, short};
use crate::report::number;

const ROW: f64 = 38.0;
const TOP: f64 = 4.0;

/// The repeats of one method.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Dots {
    /// The method.
    pub name: String,
    /// One value for each repeat that finished.
    pub values: Vec<f64>,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their sample standard deviation.
    pub std: Option<f64>,
}

/// All methods under each other on one axis.
pub(in crate::report) fn dots(metric: &str, methods: &[Dots]) -> Markup {
    let ends = methods.iter().flat_map(|method| {
        let spread = method.std.unwrap_or(0.0);
        let around = method.mean.into_iter().flat_map(move |mean| [mean - spread, mean + spread]);
        method.values.iter().copied().chain(around)
    });
    let x = Scale::around(ends, 18.0, WIDTH - 18.0);
    let bottom = TOP + ROW * methods.len() as f64;
    frame(
        "dots",
        bottom + 24.0,
        &format!("{metric} of each repeat of {} methods", methods.len()),
        html! {
            @for (value, place) in x.ticks(5.0) {
                line class="grid" x1=(at(place)) x2=(at(place)) y1=(at(TOP)) y2=(at(bottom)) {}
                text class="tick" x=(at(place)) y=(at(bottom + 16.0)) text-anchor="middle" { (number::tick(value)) }
            }
            @for (i, method) in methods.iter().enumerate() {
                @let colour = format!("s{}", i % SERIES_COLOURS);
                @let y = TOP + ROW * i as f64 + 27.0;
                text class="method" x="4" y=(at(y - 12.0)) { (short(&method.name, 44)) }
                @if let (Some(mean), Some(std)) = (method.mean, method.std) {
                    line class={ "whisker " (colour) } x1=(at(x.place(mean - std))) x2=(at(x.place(mean + std))) y1=(at(y)) y2=(at(y)) {}
                }
                @for value in method.values.iter().filter(|value| value.is_finite()) {
                    circle class={ "repeat " (colour) } cx=(at(x.place(*value))) cy=(at(y)) r="3.4" { title { (number::metric(*value)) } }
                }
                @if let Some(mean) = method.mean.filter(|mean| mean.is_finite()) {
                    line class={ "mean " (colour) } x1=(at(x.place(mean))) x2=(at(x.place(mean))) y1=(at(y - 7.0)) y2=(at(y + 7.0)) {}
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_without_a_finished_repeat_has_its_row_and_no_dot() {
        let none = Dots { name: "none".into(), values: vec![], mean: None, std: None };
        let two = Dots { name: "two".into(), values: vec![0.5, 0.7], mean: Some(0.6), std: Some(0.14) };
        let text = dots("top-1", &[none, two]).into_string();
        assert!(text.contains(">none</text>"));
        assert_eq!(text.matches("<circle").count(), 2);
    }
}
