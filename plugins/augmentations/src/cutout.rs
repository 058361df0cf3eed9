//! Hiding a square.

use crate::check;
use scant_abi::{Augmentation, Component, Image, Key, Result, Rng, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Settings of `cutout`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CutoutConfig {
    /// Side of the hidden square, in pixels.
    #[schemars(range(min = 1))]
    pub size: usize,
    /// Value of the hidden pixels, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub fill: f32,
    /// Let the square reach over the edge: its middle, not all of it, lies in the image.
    pub over_edge: bool,
}

impl Default for CutoutConfig {
    fn default() -> Self {
        Self { size: 10, fill: 0.0, over_edge: false }
    }
}

/// `cutout`: one square of the image hidden.
#[derive(Clone, Debug)]
pub struct Cutout(pub(crate) CutoutConfig);

impl Component for Cutout {
    const NAME: &'static str = "cutout";
    const SUMMARY: &'static str = "Hides one square of the image.";
    type Config = CutoutConfig;

    fn new(config: CutoutConfig, _: &Setup) -> Result<Self> {
        check::positive(Self::NAME, "size", config.size)?;
        check::within(Self::NAME, "fill", config.fill, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for Cutout {
    fn apply(&self, mut image: Image, key: Key) -> Result<Image> {
        let CutoutConfig { size, fill, over_edge } = self.0;
        let mut rng = key.rng();
        let mut span = |side| {
            if over_edge { self::over_edge(&mut rng, side, size) } else { inside(&mut rng, side, size) }
        };
        let (rows, columns) = (span(image.height()), span(image.width()));
        erase(&mut image, rows, columns, fill);
        Ok(image)
    }
}

/// A stretch of `size` pixels, all of it within `side` where it fits.
fn inside(rng: &mut Rng, side: usize, size: usize) -> Range<usize> {
    let size = size.min(side);
    let start = rng.below(side - size + 1);
    start..start + size
}

/// What lies within `side` of a stretch of `size` pixels whose middle does.
pub(crate) fn over_edge(rng: &mut Rng, side: usize, size: usize) -> Range<usize> {
    let end = rng.below(side) + size.div_ceil(2);
    end.saturating_sub(size)..end.min(side)
}

/// Fills what `rows` and `columns` cover of the image with one value.
pub fn erase(image: &mut Image, rows: Range<usize>, columns: Range<usize>, fill: f32) {
    let width = image.width();
    let columns = columns.start.min(width)..columns.end.clamp(columns.start.min(width), width);
    for plane in image.planes_mut() {
        for row in plane.chunks_exact_mut(width.max(1)).take(rows.end).skip(rows.start) {
            row[columns.clone()].fill(fill);
        }
    }
}
