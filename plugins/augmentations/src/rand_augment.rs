//! RandAugment, with FixMatch's list of operations and its strengths.

use crate::check;
use crate::color::{adjust_brightness, adjust_contrast, adjust_saturation};
use crate::rotate::rotate;
use crate::shift::{Border, translate};
use crate::tone::{autocontrast, equalize, posterize, sharpen, solarize};
use crate::warp::{AffineMap, Interpolation, Sampling, warp_affine};
use scant_abi::{Augmentation, Component, Error, Image, Key, Result, Rng, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An operation of RandAugment; its strength goes from a tenth to the whole of the range given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Stretches every channel to [0, 1].
    AutoContrast,
    /// Multiplies brightness by 0.05 to 0.95.
    Brightness,
    /// Multiplies saturation by 0.05 to 0.95.
    Color,
    /// Multiplies contrast by 0.05 to 0.95.
    Contrast,
    /// Equalises every channel's histogram.
    Equalize,
    /// Changes nothing.
    Identity,
    /// Keeps 4 to 8 bits.
    Posterize,
    /// Turns by up to 30 degrees.
    Rotate,
    /// Multiplies sharpness by 0.05 to 0.95.
    Sharpness,
    /// Shears along the rows by up to 0.3.
    ShearX,
    /// Shears along the columns by up to 0.3.
    ShearY,
    /// Inverts what is brighter than a threshold.
    Solarize,
    /// Shifts along the rows by up to 0.3 of the width.
    TranslateX,
    /// Shifts along the columns by up to 0.3 of the height.
    TranslateY,
}

impl Op {
    /// FixMatch's list.
    pub const FIXMATCH: [Self; 14] = [
        Self::AutoContrast,
        Self::Brightness,
        Self::Color,
        Self::Contrast,
        Self::Equalize,
        Self::Identity,
        Self::Posterize,
        Self::Rotate,
        Self::Sharpness,
        Self::ShearX,
        Self::ShearY,
        Self::Solarize,
        Self::TranslateX,
        Self::TranslateY,
    ];

    /// The image changed with a strength in [0, 1]; `mirrored` turns, shears and shifts the other way.
    pub fn apply(self, mut image: Image, strength: f32, mirrored: bool, sampling: Sampling) -> Image {
        let factor = 0.05 + 0.9 * strength;
        let signed = if mirrored { -strength } else { strength };
        let shear = |x: f32, y: f32| AffineMap([1.0, f64::from(x), 0.0, f64::from(y), 1.0, 0.0]);
        let (height, width) = (image.height(), image.width());
        match self {
            Self::Identity => {}
            Self::AutoContrast => autocontrast(&mut image),
            Self::Equalize => equalize(&mut image),
            Self::Brightness => adjust_brightness(&mut image, factor),
            Self::Color => adjust_saturation(&mut image, factor),
            Self::Contrast => adjust_contrast(&mut image, factor),
            Self::Sharpness => sharpen(&mut image, factor),
            Self::Posterize => posterize(&mut image, 4 + (4.0 * strength) as u32),
            Self::Solarize => solarize(&mut image, 1.0 - strength),
            Self::Rotate => return rotate(&image, 30.0 * signed, sampling),
            Self::ShearX => {
                return warp_affine(&image, shear(0.3 * signed, 0.0).about_corner(height, width), sampling);
            }
            Self::ShearY => {
                return warp_affine(&image, shear(0.0, 0.3 * signed).about_corner(height, width), sampling);
            }
            Self::TranslateX => {
                let right = (0.3 * signed * width as f32) as isize;
                return translate(&image, 0, right, Border::Constant, sampling.fill);
            }
            Self::TranslateY => {
                let down = (0.3 * signed * height as f32) as isize;
                return translate(&image, down, 0, Border::Constant, sampling.fill);
            }
        }
        image
    }
}

/// Settings of `rand-augment`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RandAugmentConfig {
    /// Operations drawn for each image, one after another.
    #[schemars(range(max = 100))]
    pub count: usize,
    /// Bound of the strength: each draws a whole number of tenths of its range, from 1 to this less one.
    #[schemars(range(min = 2, max = 11))]
    pub magnitude: usize,
    /// Probability that a drawn operation is carried out.
    #[schemars(range(min = 0, max = 1))]
    pub p: f32,
    /// The operations to draw from.
    #[schemars(length(min = 1))]
    pub ops: Vec<Op>,
    /// How rotated and sheared images are read between their pixels: `bilinear` or `nearest`.
    pub interpolation: Interpolation,
    /// Value of what moves in from beyond the edge, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub fill: f32,
}

impl Default for RandAugmentConfig {
    fn default() -> Self {
        Self {
            count: 2,
            magnitude: 10,
            p: 0.5,
            ops: Op::FIXMATCH.to_vec(),
            interpolation: Interpolation::Nearest,
            fill: 0.0,
        }
    }
}

/// `rand-augment`: some operations out of a list, each with a strength of its own.
#[derive(Clone, Debug)]
pub struct RandAugment(pub(crate) RandAugmentConfig);

impl RandAugment {
    /// An operation, its strength and its direction; `None` where it is left out.
    fn draw(&self, rng: &mut Rng) -> Option<(Op, f32, bool)> {
        let op = self.0.ops[rng.below(self.0.ops.len())];
        let level = 1 + rng.below(self.0.magnitude - 1);
        let (carried_out, mirrored) = (rng.chance(self.0.p), rng.chance(0.5));
        carried_out.then_some((op, level as f32 / 10.0, mirrored))
    }
}

impl Component for RandAugment {
    const NAME: &'static str = "rand-augment";
    const SUMMARY: &'static str =
        "Applies operations drawn from FixMatch's list, each with a random strength.";
    type Config = RandAugmentConfig;

    fn new(config: RandAugmentConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "magnitude", config.magnitude as f32, 2.0..=11.0)?;
        check::within(Self::NAME, "p", config.p, 0.0..=1.0)?;
        check::within(Self::NAME, "fill", config.fill, 0.0..=1.0)?;
        if config.ops.is_empty() {
            return Err(Error::config(format!("{}: `ops` is empty; leave it out for all 14", Self::NAME)));
        }
        Ok(Self(config))
    }
}

impl Augmentation for RandAugment {
    fn apply(&self, mut image: Image, key: Key) -> Result<Image> {
        check::gray_or_rgb(Self::NAME, &image)?;
        let sampling = Sampling { interpolation: self.0.interpolation, fill: self.0.fill };
        let mut rng = key.rng();
        for _ in 0..self.0.count {
            if let Some((op, strength, mirrored)) = self.draw(&mut rng) {
                image = op.apply(image, strength, mirrored, sampling);
            }
        }
        Ok(image)
    }
}
