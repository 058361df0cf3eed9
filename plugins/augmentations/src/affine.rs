//! Rotation, scale, shift and shear in one step.

use crate::check;
use crate::warp::{AffineMap, Interpolation, Sampling, warp_affine};
use scant_abi::{Augmentation, Component, Image, Key, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `affine`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AffineConfig {
    /// Largest rotation to either side, in degrees.
    #[schemars(range(min = 0, max = 180))]
    pub degrees: f32,
    /// Smallest and largest scale.
    #[schemars(inner(range(min = 0.01, max = 100)))]
    pub scale: [f32; 2],
    /// Largest shift in each direction, as a share of the image's side.
    #[schemars(range(min = 0, max = 1))]
    pub translate: f32,
    /// Largest shear along each axis to either side, in degrees.
    #[schemars(range(min = 0, max = 80))]
    pub shear: f32,
    /// How the image is read between its pixels: `bilinear` or `nearest`.
    pub interpolation: Interpolation,
    /// Value of what moves in from beyond the edge, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub fill: f32,
}

impl Default for AffineConfig {
    fn default() -> Self {
        Self {
            degrees: 45.0,
            scale: [0.5, 1.5],
            translate: 0.0,
            shear: 0.0,
            interpolation: Interpolation::Bilinear,
            fill: 0.0,
        }
    }
}

/// `affine`: the image turned, scaled, sheared and shifted at once.
#[derive(Clone, Debug)]
pub struct Affine(pub(crate) AffineConfig);

impl Component for Affine {
    const NAME: &'static str = "affine";
    const SUMMARY: &'static str = "Turns, scales, shears and shifts the image in one step.";
    type Config = AffineConfig;

    fn new(config: AffineConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "degrees", config.degrees, 0.0..=180.0)?;
        check::ordered(Self::NAME, "scale", config.scale, 0.01..=100.0)?;
        check::within(Self::NAME, "translate", config.translate, 0.0..=1.0)?;
        check::within(Self::NAME, "shear", config.shear, 0.0..=80.0)?;
        check::within(Self::NAME, "fill", config.fill, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for Affine {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let AffineConfig { degrees, scale, translate, shear, interpolation, fill } = self.0;
        let mut rng = key.rng();
        let angle = rng.range(-degrees, degrees);
        let scale = rng.range(scale[0], scale[1]);
        let shift =
            [image.width(), image.height()].map(|side| rng.range(-translate, translate) * side as f32);
        let shear = [(); 2].map(|()| rng.range(-shear, shear));
        Ok(affine(&image, angle, shift, scale, shear, Sampling { interpolation, fill }))
    }
}

/// The image scaled, sheared and turned clockwise about its middle (angles in degrees), then shifted right and down
/// (in pixels).
pub fn affine(
    image: &Image,
    degrees: f32,
    shift: [f32; 2],
    scale: f32,
    shear: [f32; 2],
    sampling: Sampling,
) -> Image {
    let map =
        AffineMap::undoing(-f64::from(degrees), shift.map(f64::from), f64::from(scale), shear.map(f64::from));
    warp_affine(image, map, sampling)
}
