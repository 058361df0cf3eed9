//! Strokes of ink on a small sheet.

use super::glyphs::{Point, Stroke};

/// Spline segments between two points of a smooth stroke.
const SEGMENTS: usize = 5;

/// How far the nearest ink's centre line is from every pixel of a square sheet.
pub(super) struct Sheet<const SIDE: usize> {
    squared: Vec<f32>,
}

impl<const SIDE: usize> Sheet<SIDE> {
    pub(super) fn new() -> Self {
        Self { squared: vec![f32::INFINITY; SIDE * SIDE] }
    }

    /// Draws a stroke whose points `place` puts onto the sheet; only pixels nearer than `reach` matter.
    pub(super) fn draw(&mut self, stroke: &Stroke, reach: f32, place: impl Fn(Point) -> Point) {
        match stroke {
            Stroke::Straight(points) => {
                // A long line bends too where `place` does.
                let pieces = points.windows(2).flat_map(|pair| {
                    (0..SEGMENTS).map(move |i| {
                        let at = |i: usize| between(pair[0], pair[1], i as f32 / SEGMENTS as f32);
                        [at(i), at(i + 1)]
                    })
                });
                pieces.for_each(|[from, to]| self.segment(place(from), place(to), reach));
            }
            Stroke::Smooth(points) => {
                let at = |i: usize| points[i.clamp(1, points.len()) - 1];
                let mut last = place(points[0]);
                for span in 1..points.len() {
                    let around = [at(span - 1), at(span), at(span + 1), at(span + 2)];
                    for step in 1..=SEGMENTS {
                        let next = place(spline(around, step as f32 / SEGMENTS as f32));
                        self.segment(last, next, reach);
                        last = next;
                    }
                }
            }
        }
    }

    /// The share of ink in every pixel, for a pen of this thickness.
    pub(super) fn ink(&self, thickness: f32) -> impl Iterator<Item = f32> {
        self.squared.iter().map(move |squared| (0.5 * thickness + 0.5 - squared.sqrt()).clamp(0.0, 1.0))
    }

    /// A straight piece from `from` to `to`.
    pub(super) fn segment(&mut self, from: Point, to: Point, reach: f32) {
        let along = [to[0] - from[0], to[1] - from[1]];
        let length = (along[0] * along[0] + along[1] * along[1]).max(1e-12);
        let range = |axis: usize| {
            let (low, high) = (from[axis].min(to[axis]), from[axis].max(to[axis]));
            let end = |value: f32| value.clamp(0.0, SIDE as f32) as usize;
            end((low - reach).floor())..end((high + reach).ceil())
        };
        for y in range(1) {
            for x in range(0) {
                let [dx, dy] = [x as f32 + 0.5 - from[0], y as f32 + 0.5 - from[1]];
                let share = ((dx * along[0] + dy * along[1]) / length).clamp(0.0, 1.0);
                let [dx, dy] = [dx - share * along[0], dy - share * along[1]];
                let nearest = &mut self.squared[y * SIDE + x];
                *nearest = nearest.min(dx * dx + dy * dy);
            }
        }
    }
}

fn between(from: Point, to: Point, share: f32) -> Point {
    [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]
}

/// Catmull-Rom: from the second point to the third, as the first and the fourth bend it.
fn spline([a, b, c, d]: [Point; 4], t: f32) -> Point {
    let axis = |i: usize| {
        let (a, b, c, d) = (a[i], b[i], c[i], d[i]);
        0.5 * (2.0 * b + t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a))))
    };
    [axis(0), axis(1)]
}
