//! Shifts by whole pixels.

use std::iter::repeat_n;

use crate::check;
use scant_abi::{Augmentation, Component, Image, Key, Result, Rng, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What lies beyond the edge of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// One value, given as `fill`.
    Constant,
    /// The nearest pixel of the edge.
    Edge,
    /// The image mirrored at its outermost pixels.
    Reflect,
}

/// Settings of `shift`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShiftConfig {
    /// Largest shift in each direction, as a share of the image's side; shifts are by whole pixels.
    #[schemars(range(min = 0, max = 1))]
    pub fraction: f32,
    /// What moves in from beyond the edge: `constant`, `edge` or `reflect`.
    pub border: Border,
    /// Value that a `constant` border brings in, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub fill: f32,
}

impl Default for ShiftConfig {
    fn default() -> Self {
        Self { fraction: 0.125, border: Border::Constant, fill: 0.0 }
    }
}

/// `shift`: the image moved by whole pixels.
#[derive(Clone, Debug)]
pub struct Shift(pub(crate) ShiftConfig);

impl Component for Shift {
    const NAME: &'static str = "shift";
    const SUMMARY: &'static str = "Moves the image by whole pixels.";
    type Config = ShiftConfig;

    fn new(config: ShiftConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "fraction", config.fraction, 0.0..=1.0)?;
        check::within(Self::NAME, "fill", config.fill, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for Shift {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let reach = |side: usize| (side as f32 * self.0.fraction).round() as usize;
        let mut rng = key.rng();
        let down = draw(&mut rng, reach(image.height()));
        let right = draw(&mut rng, reach(image.width()));
        Ok(translate(&image, down, right, self.0.border, self.0.fill))
    }
}

/// A whole number from `-reach` to `reach`, each equally likely.
pub(crate) fn draw(rng: &mut Rng, reach: usize) -> isize {
    rng.below(2 * reach + 1) as isize - reach as isize
}

/// The image moved `down` and `right` by whole pixels; `border` says what moves in.
pub fn translate(image: &Image, down: isize, right: isize, border: Border, fill: f32) -> Image {
    let [_, height, width] = image.dims();
    let mut pixels = Vec::with_capacity(image.pixels().len());
    // How many columns move in at the left, are the image's own, and move in at the right.
    let before = right.clamp(0, width as isize) as usize;
    let own = width - right.unsigned_abs().min(width);
    let after = width - before - own;
    let from = (-right).clamp(0, width as isize) as usize;
    for plane in image.planes() {
        for y in 0..height {
            let Some(y) = beyond(y as isize - down, height, border) else {
                pixels.extend(repeat_n(fill, width));
                continue;
            };
            let line = &plane[y * width..][..width];
            let moved_in =
                |x: usize| beyond(x as isize - right, width, border).map_or(fill, |from| line[from]);
            pixels.extend((0..before).map(moved_in));
            pixels.extend_from_slice(&line[from..][..own]);
            pixels.extend((width - after..width).map(moved_in));
        }
    }
    image.clone().with_pixels(pixels)
}

/// The position inside `0..side` that stands in for `at`, if the border is not a constant.
fn beyond(at: isize, side: usize, border: Border) -> Option<usize> {
    let last = side as isize - 1;
    if (0..=last).contains(&at) {
        return Some(at as usize);
    }
    match border {
        Border::Constant => None,
        Border::Edge => Some(at.clamp(0, last) as usize),
        Border::Reflect if last == 0 => Some(0),
        Border::Reflect => {
            // Mirrored at both ends, the image repeats every two sides less the two pixels it is mirrored at.
            let at = at.rem_euclid(2 * last);
            Some(at.min(2 * last - at) as usize)
        }
    }
}
