//! Parts of the image: somewhere, at a padded image's place, in the middle.

use crate::check;
use crate::shift::{self, Border, translate};
use scant_abi::{Augmentation, Component, Error, Image, Key, Result, Setup, image_ops};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `crop`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CropConfig {
    /// Side of the square that is kept, in pixels.
    #[schemars(range(min = 1))]
    pub size: usize,
    /// Bring the square back to the image's size (bilinear).
    pub resize: bool,
}

impl Default for CropConfig {
    fn default() -> Self {
        Self { size: 20, resize: true }
    }
}

/// `crop`: a square from anywhere in the image.
#[derive(Clone, Debug)]
pub struct Crop(pub(crate) CropConfig);

impl Component for Crop {
    const NAME: &'static str = "crop";
    const SUMMARY: &'static str =
        "Takes a square from anywhere in the image and brings it back to the image's size.";
    type Config = CropConfig;

    fn new(config: CropConfig, _: &Setup) -> Result<Self> {
        check::positive(Self::NAME, "size", config.size)?;
        Ok(Self(config))
    }
}

impl Augmentation for Crop {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let CropConfig { size, resize } = self.0;
        fits(Self::NAME, &image, size)?;
        let mut rng = key.rng();
        let top = rng.below(image.height() - size + 1);
        let left = rng.below(image.width() - size + 1);
        crop(&image, top, left, size, resize)
    }
}

/// Settings of `padded-crop`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PaddedCropConfig {
    /// Pixels added on each side before a part of the image's own size is taken.
    #[schemars(range(max = 65536))]
    pub padding: usize,
    /// What the added pixels are: `constant`, `edge` or `reflect`.
    pub border: Border,
    /// Value of a `constant` border, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub fill: f32,
}

impl Default for PaddedCropConfig {
    fn default() -> Self {
        Self { padding: 4, border: Border::Constant, fill: 0.0 }
    }
}

/// `padded-crop`: a part, of the image's own size, of the padded image.
#[derive(Clone, Debug)]
pub struct PaddedCrop(pub(crate) PaddedCropConfig);

impl Component for PaddedCrop {
    const NAME: &'static str = "padded-crop";
    const SUMMARY: &'static str = "Pads the image and takes a part of the old size.";
    type Config = PaddedCropConfig;

    fn new(config: PaddedCropConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "padding", config.padding as f32, 0.0..=65536.0)?;
        check::within(Self::NAME, "fill", config.fill, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for PaddedCrop {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let PaddedCropConfig { padding, border, fill } = self.0;
        let mut rng = key.rng();
        let down = shift::draw(&mut rng, padding);
        let right = shift::draw(&mut rng, padding);
        Ok(translate(&image, down, right, border, fill))
    }
}

/// Settings of `center-crop`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CenterCropConfig {
    /// Side of the square that is kept, in pixels.
    #[schemars(range(min = 1))]
    pub size: usize,
    /// Bring the square back to the image's size (bilinear).
    pub resize: bool,
}

impl Default for CenterCropConfig {
    fn default() -> Self {
        Self { size: 24, resize: true }
    }
}

/// `center-crop`: a square from the middle of the image.
#[derive(Clone, Debug)]
pub struct CenterCrop(pub(crate) CenterCropConfig);

impl Component for CenterCrop {
    const NAME: &'static str = "center-crop";
    const SUMMARY: &'static str = "Takes the square in the middle and brings it back to the image's size.";
    type Config = CenterCropConfig;

    fn new(config: CenterCropConfig, _: &Setup) -> Result<Self> {
        check::positive(Self::NAME, "size", config.size)?;
        Ok(Self(config))
    }
}

impl Augmentation for CenterCrop {
    fn apply(&self, image: Image, _: Key) -> Result<Image> {
        let CenterCropConfig { size, resize } = self.0;
        fits(Self::NAME, &image, size)?;
        let [top, left] = [image.height(), image.width()].map(|side| middle(side, size));
        crop(&image, top, left, size, resize)
    }
}

/// Where a part of `size` pixels starts if it is to lie in the middle of `side`; half pixels go to the even side.
pub(crate) fn middle(side: usize, size: usize) -> usize {
    ((side - size) as f32 / 2.0).round_ties_even() as usize
}

fn fits(component: &str, image: &Image, size: usize) -> Result<()> {
    let [_, height, width] = image.dims();
    if size > height || size > width {
        return Err(Error::config(format!(
            "{component}: `size` is {size}, the image only {height}x{width}: choose at most {}",
            height.min(width)
        )));
    }
    Ok(())
}

/// The square of `size` pixels at (`top`, `left`), as it is or brought back to the image's size.
pub fn crop(image: &Image, top: usize, left: usize, size: usize, resize: bool) -> Result<Image> {
    let part = image_ops::crop(image, top, left, size, size)?;
    if resize { image_ops::resize(&part, image.height(), image.width(), true) } else { Ok(part) }
}
