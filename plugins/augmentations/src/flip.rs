//! Mirror images.

use crate::check;
use scant_abi::{Augmentation, Component, Image, Key, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `hflip` and `vflip`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FlipConfig {
    /// Probability of the flip.
    #[schemars(range(min = 0, max = 1))]
    pub p: f32,
}

impl Default for FlipConfig {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

/// `hflip`: left becomes right.
#[derive(Clone, Debug)]
pub struct HorizontalFlip(pub(crate) FlipConfig);

impl Component for HorizontalFlip {
    const NAME: &'static str = "hflip";
    const SUMMARY: &'static str = "Mirrors the image left to right, with a probability.";
    type Config = FlipConfig;

    fn new(config: FlipConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "p", config.p, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for HorizontalFlip {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        Ok(if key.rng().chance(self.0.p) { flip_horizontal(image) } else { image })
    }
}

/// `vflip`: top becomes bottom.
#[derive(Clone, Debug)]
pub struct VerticalFlip(pub(crate) FlipConfig);

impl Component for VerticalFlip {
    const NAME: &'static str = "vflip";
    const SUMMARY: &'static str = "Mirrors the image top to bottom, with a probability.";
    type Config = FlipConfig;

    fn new(config: FlipConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "p", config.p, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for VerticalFlip {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        Ok(if key.rng().chance(self.0.p) { flip_vertical(image) } else { image })
    }
}

/// The image mirrored left to right.
pub fn flip_horizontal(image: Image) -> Image {
    let mut pixels = Vec::with_capacity(image.pixels().len());
    for row in image.pixels().chunks_exact(image.width().max(1)) {
        pixels.extend(row.iter().rev());
    }
    image.with_pixels(pixels)
}

/// The image mirrored top to bottom.
pub fn flip_vertical(image: Image) -> Image {
    let mut pixels = Vec::with_capacity(image.pixels().len());
    for plane in image.planes() {
        plane.chunks_exact(image.width().max(1)).rev().for_each(|row| pixels.extend_from_slice(row));
    }
    image.with_pixels(pixels)
}
