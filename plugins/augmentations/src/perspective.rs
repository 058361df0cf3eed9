//! Views from another angle.

use crate::check;
use crate::warp::{Interpolation, Sampling, warp};
use scant_abi::{Augmentation, Component, Image, Key, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `perspective`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerspectiveConfig {
    /// How far a corner may move inwards, as a share of half the image's side.
    #[schemars(range(min = 0, max = 1))]
    pub distortion: f32,
    /// How the image is read between its pixels: `bilinear` or `nearest`.
    pub interpolation: Interpolation,
    /// Value of what moves in from beyond the edge, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub fill: f32,
}

impl Default for PerspectiveConfig {
    fn default() -> Self {
        Self { distortion: 0.5, interpolation: Interpolation::Bilinear, fill: 0.0 }
    }
}

/// `perspective`: the image seen from another angle, each corner moved inwards by a length of its own.
#[derive(Clone, Debug)]
pub struct Perspective(pub(crate) PerspectiveConfig);

impl Component for Perspective {
    const NAME: &'static str = "perspective";
    const SUMMARY: &'static str = "Shows the image from another angle: each corner moves inwards.";
    type Config = PerspectiveConfig;

    fn new(config: PerspectiveConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "distortion", config.distortion, 0.0..=1.0)?;
        check::within(Self::NAME, "fill", config.fill, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for Perspective {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let PerspectiveConfig { distortion, interpolation, fill } = self.0;
        let (right, bottom) = (image.width() as f32 - 1.0, image.height() as f32 - 1.0);
        let mut rng = key.rng();
        let mut inwards = |side: f32| rng.range(0.0, distortion * side / 2.0);
        let corners = [
            [inwards(right), inwards(bottom)],
            [right - inwards(right), inwards(bottom)],
            [right - inwards(right), bottom - inwards(bottom)],
            [inwards(right), bottom - inwards(bottom)],
        ];
        Ok(perspective(&image, Quad(corners), Sampling { interpolation, fill }))
    }
}

/// Four points (x, y): where the image's upper left, upper right, lower right and lower left pixels go.
#[derive(Clone, Copy, Debug)]
pub struct Quad(pub [[f32; 2]; 4]);

impl Quad {
    /// The 3x3 matrix that takes the quad's points to the corners of an image; `None` where three of them lie in
    /// line, or the image is less than two pixels wide or high.
    fn to_corners(self, height: usize, width: usize) -> Option<[[f64; 3]; 3]> {
        let [p0, p1, p2, p3] = self.0.map(|point| point.map(f64::from));
        // From the unit square to the quad (Heckbert, 1989).
        let edge = |from: [f64; 2], to: [f64; 2]| [to[0] - from[0], to[1] - from[1]];
        let cross = |a: [f64; 2], b: [f64; 2]| a[0] * b[1] - a[1] * b[0];
        let (d1, d2) = (edge(p2, p1), edge(p2, p3));
        let bend = [p0[0] - p1[0] + p2[0] - p3[0], p0[1] - p1[1] + p2[1] - p3[1]];
        let area = cross(d1, d2);
        let (g, h) = (cross(bend, d2) / area, cross(d1, bend) / area);
        let forward = [
            [p1[0] - p0[0] + g * p1[0], p3[0] - p0[0] + h * p3[0], p0[0]],
            [p1[1] - p0[1] + g * p1[1], p3[1] - p0[1] + h * p3[1], p0[1]],
            [g, h, 1.0],
        ];
        // The inverse up to a factor, which a projective map does not see, scaled from the unit square.
        let minor = |a: usize, b: usize, c: usize, d: usize| {
            forward[a][c] * forward[b][d] - forward[a][d] * forward[b][c]
        };
        let (right, bottom) = (width as f64 - 1.0, height as f64 - 1.0);
        let inverse = [
            [right * minor(1, 2, 1, 2), right * minor(0, 2, 2, 1), right * minor(0, 1, 1, 2)],
            [bottom * minor(1, 2, 2, 0), bottom * minor(0, 2, 0, 2), bottom * minor(0, 1, 2, 0)],
            [minor(1, 2, 0, 1), minor(0, 2, 1, 0), minor(0, 1, 0, 1)],
        ];
        // The map's last entry is 1 by convention: also the test that the quad has an inside.
        let last = inverse[2][2];
        let map = inverse.map(|row| row.map(|entry| entry / last));
        (right > 0.0 && bottom > 0.0 && map.as_flattened().iter().all(|entry| entry.is_finite()))
            .then_some(map)
    }
}

/// The image with its corner pixels moved to `quad`; unchanged where no such view exists.
pub fn perspective(image: &Image, quad: Quad, sampling: Sampling) -> Image {
    let Some([across, down, depth]) = quad.to_corners(image.height(), image.width()) else {
        return image.clone();
    };
    warp(image, sampling, |row, xs, ys| {
        // Half a pixel is added before and taken off after, as in torchvision and Pillow.
        let y = row as f64 + 0.5;
        let line = |[a, b, c]: [f64; 3]| ((0.5 * a + b * y + c) as f32, a as f32);
        let ((x0, x_step), (y0, y_step), (depth0, depth_step)) = (line(across), line(down), line(depth));
        for (column, (source_x, source_y)) in xs.iter_mut().zip(ys).enumerate() {
            let column = column as i32 as f32;
            let nearness = 1.0 / (depth0 + depth_step * column);
            *source_x = (x0 + x_step * column) * nearness - 0.5;
            *source_y = (y0 + y_step * column) * nearness - 0.5;
        }
    })
}
