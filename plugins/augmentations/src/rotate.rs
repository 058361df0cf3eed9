//! Rotation about the middle.

use crate::check;
use crate::warp::{AffineMap, Interpolation, Sampling, warp_affine};
use scant_abi::{Augmentation, Component, Image, Key, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `rotate`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RotateConfig {
    /// Largest angle to either side, in degrees.
    #[schemars(range(min = 0, max = 180))]
    pub degrees: f32,
    /// How the image is read between its pixels: `bilinear` or `nearest`.
    pub interpolation: Interpolation,
    /// Value of the corners that turn in, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub fill: f32,
}

impl Default for RotateConfig {
    fn default() -> Self {
        Self { degrees: 45.0, interpolation: Interpolation::Bilinear, fill: 0.0 }
    }
}

/// `rotate`: the image turned about its middle.
#[derive(Clone, Debug)]
pub struct Rotate(pub(crate) RotateConfig);

impl Component for Rotate {
    const NAME: &'static str = "rotate";
    const SUMMARY: &'static str = "Turns the image about its middle.";
    type Config = RotateConfig;

    fn new(config: RotateConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "degrees", config.degrees, 0.0..=180.0)?;
        check::within(Self::NAME, "fill", config.fill, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for Rotate {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let RotateConfig { degrees, interpolation, fill } = self.0;
        let angle = key.rng().range(-degrees, degrees);
        Ok(rotate(&image, angle, Sampling { interpolation, fill }))
    }
}

/// The image turned counter-clockwise by an angle in degrees.
pub fn rotate(image: &Image, degrees: f32, sampling: Sampling) -> Image {
    warp_affine(image, AffineMap::undoing(f64::from(degrees), [0.0; 2], 1.0, [0.0; 2]), sampling)
}
