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
pub fn flip_horizontal(mut image: Image) -> Image {
    let width = image.width().max(1);
    image.pixels_mut().chunks_exact_mut(width).for_each(<[f32]>::reverse);
    image
}

/// The image mirrored top to bottom.
pub fn flip_vertical(mut image: Image) -> Image {
    let (height, width) = (image.height(), image.width());
    for plane in image.planes_mut() {
        let (top, bottom) = plane.split_at_mut(height / 2 * width);
        let upper = top.chunks_exact_mut(width.max(1));
        let lower = bottom.chunks_exact_mut(width.max(1)).rev();
        upper.zip(lower).for_each(|(a, b)| a.swap_with_slice(b));
    }
    image
}
