//! Images without colour.

use crate::color::grayscale;
use scant_abi::{Augmentation, Component, Image, Key, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `gray`: there are none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GrayConfig {}

/// `gray`: every channel becomes the luminance.
#[derive(Clone, Debug)]
pub struct Gray;

impl Component for Gray {
    const NAME: &'static str = "gray";
    const SUMMARY: &'static str = "Takes the colour out; the number of channels stays.";
    type Config = GrayConfig;

    fn new(_: GrayConfig, _: &Setup) -> Result<Self> {
        Ok(Self)
    }
}

impl Augmentation for Gray {
    fn apply(&self, mut image: Image, _: Key) -> Result<Image> {
        grayscale(&mut image);
        Ok(image)
    }
}
