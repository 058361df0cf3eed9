//! Points on a plane, coloured by class, each class named where it lies.

use maud::{Markup, html};

use super::{CLASS_COLOURS, WIDTH, at, frame, short};

/// More points than this are thinned out: they would cover each other anyhow.
const MOST: usize = 6000;
const MARGIN: f64 = 10.0;

/// The points; labels of -1 are drawn in grey and not named.
pub(in crate::report) fn scatter(classes: &[String], points: &[[f32; 2]], labels: &[i64]) -> Markup {
    let every = points.len().div_ceil(MOST).max(1);
    let finite = |point: &[f32; 2]| point.iter().all(|value| value.is_finite());
    let shown: Vec<([f64; 2], i64)> = points
        .iter()
        .enumerate()
        .step_by(every)
        .filter(|(_, point)| finite(point))
        .map(|(i, point)| (point.map(f64::from), labels.get(i).copied().unwrap_or(-1)))
        .collect();
    let place = placing(&shown);
    let groups: Vec<(i64, Vec<[f64; 2]>)> = (-1..classes.len() as i64)
        .map(|class| (class, shown.iter().filter(|(_, c)| *c == class).map(|(p, _)| place(p)).collect()))
        .filter(|(_, points): &(i64, Vec<_>)| !points.is_empty())
        .collect();
    let radius = if shown.len() > 1500 { 2.6 } else { 4.0 };
    let described = format!("map of {} points in {} classes", shown.len(), classes.len());
    html! {
        (frame("scatter", WIDTH, &described, html! {
            @for (class, points) in &groups {
                path class={ "points " (colour(*class)) } stroke-width=(at(radius)) d=(dots(points)) {}
            }
            @for (class, points) in groups.iter().filter(|(class, _)| *class >= 0) {
                @let [x, y] = middle(points);
                text class="class-name" x=(at(x)) y=(at(y + 4.0)) text-anchor="middle" {
                    (short(&classes[*class as usize], 14))
                }
            }
        }))
        ul class="legend" {
            @for (class, _) in &groups {
                li {
                    svg class="chip" viewBox="0 0 10 10" aria-hidden="true" {
                        circle class=(colour(*class)) cx="5" cy="5" r="4.5" {}
                    }
                    @match classes.get(*class as usize) { Some(name) => (name), None => "no class" }
                }
            }
        }
        @if every > 1 { p class="note" { "One point in " (every) " is drawn." } }
    }
}

fn colour(class: i64) -> String {
    match class {
        -1 => "none".to_owned(),
        class => format!("c{}", class as usize % CLASS_COLOURS),
    }
}

/// From a point to its place: both axes to the same measure, the whole in the middle.
fn placing(points: &[([f64; 2], i64)]) -> impl Fn(&[f64; 2]) -> [f64; 2] {
    let along = |axis: usize| {
        points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (point, _)| {
            (low.min(point[axis]), high.max(point[axis]))
        })
    };
    let ((x0, x1), (y0, y1)) = (along(0), along(1));
    let width = (x1 - x0).max(y1 - y0);
    let measure = if width > 0.0 { (WIDTH - 2.0 * MARGIN) / width } else { 1.0 };
    move |[x, y]| {
        [WIDTH / 2.0 + (x - (x0 + x1) / 2.0) * measure, WIDTH / 2.0 - (y - (y0 + y1) / 2.0) * measure]
    }
}

/// Round dots as one path of lines without length: a tenth of the size of as many circles.
fn dots(points: &[[f64; 2]]) -> String {
    points.iter().map(|[x, y]| format!("M{} {}h0", at(*x), at(*y))).collect()
}

/// The point in the middle of a class, by each axis' median: outliers do not draw the name away.
fn middle(points: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|axis| {
        let mut values: Vec<f64> = points.iter().map(|point| point[axis]).collect();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_lies_within_the_figure() {
        let points = [[-1000.0, 3.0], [2000.0, 4.0], [f32::NAN, 0.0], [5.0, 1e3]];
        let text = scatter(&["a".into(), "b".into()], &points, &[0, 1, 0, -1]).into_string();
        for dot in text.split('M').skip(1).filter(|part| part.contains("h0")) {
            let numbers = dot.split("h0").next().unwrap().split(' ');
            for number in numbers {
                assert!((0.0..=WIDTH).contains(&number.parse::<f64>().unwrap()), "{dot}");
            }
        }
        assert_eq!(text.matches("h0").count(), 3);
        assert!(text.contains("no class"));
    }

    #[test]
    fn one_place_for_all_points_is_no_division_by_zero() {
        let text = scatter(&["a".into()], &[[1.0, 1.0]; 3], &[0; 3]).into_string();
        assert!(text.contains("M180 180h0"), "{text}");
    }
}
