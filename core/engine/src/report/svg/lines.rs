//! Lines over epochs, or over anything else.

use maud::{Markup, html};

use super::scale::Scale;
use super::{SERIES_COLOURS, WIDTH, at, frame};
use crate::report::number;

const HEIGHT: f64 = 220.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = HEIGHT - 36.0;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Series {
    /// Its name.
    pub name: String,
    /// Its points, in order of x.
    pub points: Vec<[f64; 2]>,
}

/// Lines in one frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::report) struct LineChart {
    /// The x axis.
    pub x_name: String,
    /// The y axis.
    pub y_name: String,
    /// The lines.
    pub series: Vec<Series>,
    /// Places on the x axis where something begins, with its name.
    pub marks: Vec<(f64, String)>,
    /// Slope and intercept of a line of best fit.
    pub fit: Option<[f64; 2]>,
}

/// The lines with their axes, and a legend where there are several.
pub(in crate::report) fn line_chart(chart: &LineChart) -> Markup {
    let all = || chart.series.iter().flat_map(|series| &series.points);
    let x = Scale::exactly(all().map(|p| p[0]), LEFT, RIGHT);
    let y = Scale::for_losses(all().map(|p| p[1]), BOTTOM, TOP);
    let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
    let described = format!("{} over {}: {}", chart.y_name, chart.x_name, names.join(", "));
    html! {
        @if names.len() > 1 || chart.fit.is_some() { (legend(&names, chart.fit)) }
        (frame("lines", HEIGHT, &described, html! {
            (grid(&x, &y))
            text class="axis-name" x=(at(RIGHT)) y=(at(HEIGHT - 4.0)) text-anchor="end" { (chart.x_name) }
            // A curve may begin after a stage has: its mark would lie outside of the frame.
            @for (place, name) in chart.marks.iter().filter(|(place, _)| x.holds(*place)) {
                @let line = x.place(*place);
                line class="mark" x1=(at(line)) x2=(at(line)) y1=(at(TOP)) y2=(at(BOTTOM)) {}
                text class="mark-name" x=(at(line + 3.0)) y=(at(TOP - 5.0)) { (super::short(name, 16)) }
            }
            @if let Some([slope, intercept]) = chart.fit { (best_fit(&x, &y, slope, intercept, all().map(|p| p[0]))) }
            @for (i, series) in chart.series.iter().enumerate() {
                path class={ "line s" (i % SERIES_COLOURS) } d=(path(series, &x, &y)) {}
                @if let Some([px, py]) = lone_point(series) {
                    circle class={ "dot s" (i % SERIES_COLOURS) } cx=(at(x.place(px))) cy=(at(y.place(py))) r="4" {}
                }
            }
        }))
    }
}

fn grid(x: &Scale, y: &Scale) -> Markup {
    html! {
        @for (value, place) in y.ticks(5.0) {
            line class="grid" x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(place)) y2=(at(place)) {}
            text class="tick" x=(at(LEFT - 6.0)) y=(at(place + 4.0)) text-anchor="end" { (number::tick(value)) }
        }
        @for (value, place) in x.ticks(6.0) {
            line class="stub" x1=(at(place)) x2=(at(place)) y1=(at(BOTTOM)) y2=(at(BOTTOM + 4.0)) {}
            text class="tick" x=(at(place)) y=(at(BOTTOM + 16.0)) text-anchor="middle" { (number::tick(value)) }
        }
    }
}

/// The path of a line; a value that is no number leaves a gap.
fn path(series: &Series, x: &Scale, y: &Scale) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for [px, py] in &series.points {
        let (px, py) = (x.place(*px), y.place(*py));
        if px.is_finite() && py.is_finite() {
            path.push_str(&format!("{}{} {}", if drawing { 'L' } else { 'M' }, at(px), at(py)));
        }
        drawing = px.is_finite() && py.is_finite();
    }
    path
}

fn lone_point(series: &Series) -> Option<[f64; 2]> {
    let mut finite = series.points.iter().filter(|point| point.iter().all(|value| value.is_finite()));
    let first = finite.next()?;
    finite.next().is_none().then_some(*first)
}

fn best_fit(
    x: &Scale,
    y: &Scale,
    slope: f64,
    intercept: f64,
    values: impl Iterator<Item = f64> + Clone,
) -> Markup {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let end = |value: f64| (at(x.place(value)), at(y.place(slope * value + intercept)));
    let ((x1, y1), (x2, y2)) = (end(low), end(high));
    html! { line class="fit" x1=(x1) y1=(y1) x2=(x2) y2=(y2) {} }
}

fn legend(names: &[&str], fit: Option<[f64; 2]>) -> Markup {
    html! {
        ul class="legend" {
            @for (i, name) in names.iter().enumerate() {
                li {
                    svg class="swatch" viewBox="0 0 26 8" aria-hidden="true" {
                        path class={ "line s" (i % SERIES_COLOURS) } d="M1 4L25 4" {}
                    }
                    (name)
                }
            }
            @if let Some([slope, intercept]) = fit {
                li {
                    svg class="swatch" viewBox="0 0 26 8" aria-hidden="true" {
                        line class="fit" x1="1" y1="4" x2="25" y2="4" {}
                    }
                    "best fit: m " (number::metric(slope)) ", k " (number::metric(intercept))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<[f64; 2]>) -> String {
        let series = vec![Series { name: "<train>".into(), points }];
        let chart = LineChart { x_name: "epoch".into(), y_name: "loss".into(), series, ..Default::default() };
        line_chart(&chart).into_string()
    }

    #[test]
    fn a_value_that_is_no_number_leaves_a_gap() {
        let text = chart(vec![[0.0, 1.0], [1.0, 0.5], [2.0, f64::NAN], [3.0, 0.4], [4.0, 0.3]]);
        let line = text.split("class=\"line s0\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(line.matches('M').count(), 2, "{line}");
        assert!(!text.contains("NaN"), "{text}");
    }

    #[test]
    fn only_marks_within_the_frame_are_drawn() {
        let series = vec![Series { name: "top-1".into(), points: vec![[3.0, 0.5], [4.0, 0.6]] }];
        let marks = vec![(1.0, "first".into()), (2.5, "second".into()), (3.5, "third".into())];
        let text = line_chart(&LineChart { series, marks, ..Default::default() }).into_string();
        assert_eq!(text.matches("class=\"mark\"").count(), 1, "{text}");
        assert!(text.contains("third") && !text.contains("first") && !text.contains("second"), "{text}");
    }

    #[test]
    fn a_single_point_is_seen_and_names_are_escaped() {
        let text = chart(vec![[3.0, 0.5]]);
        assert!(text.contains("<circle"));
        assert!(text.contains("&lt;train&gt;") && !text.contains("<train>"));
    }
}
