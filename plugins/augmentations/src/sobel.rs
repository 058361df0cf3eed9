//! Gradients instead of pixels.

use scant_abi::{Augmentation, Component, Image, Key, Result, Setup, image_ops};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `sobel`: there are none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SobelConfig {}

/// `sobel`: the gradients across and down, as two channels; the last of a sequence.
#[derive(Clone, Debug)]
pub struct Sobel;

impl Component for Sobel {
    const NAME: &'static str = "sobel";
    const SUMMARY: &'static str = "Gives the gradients across and down as two channels; put it last.";
    type Config = SobelConfig;

    fn new(_: SobelConfig, _: &Setup) -> Result<Self> {
        Ok(Self)
    }
}

impl Augmentation for Sobel {
    fn apply(&self, image: Image, _: Key) -> Result<Image> {
        Ok(image_ops::sobel(&image))
    }
}
