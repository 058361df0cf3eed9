//! Gaussian noise.

use crate::{check, normal};
use scant_abi::{Augmentation, Component, Image, Key, Result, Rng, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `noise`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NoiseConfig {
    /// Standard deviation of what is added to every value.
    pub sigma: f32,
}

impl Default for NoiseConfig {
    fn default() -> Self {
        Self { sigma: 0.1 }
    }
}

/// `noise`: a normally distributed number added to every value, the sum kept in [0, 1].
#[derive(Clone, Debug)]
pub struct Noise(pub(crate) NoiseConfig);

impl Component for Noise {
    const NAME: &'static str = "noise";
    const SUMMARY: &'static str = "Adds Gaussian noise to every value and keeps the sum in [0, 1].";
    type Config = NoiseConfig;

    fn new(config: NoiseConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "sigma", config.sigma, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for Noise {
    fn apply(&self, mut image: Image, key: Key) -> Result<Image> {
        add_noise(&mut image, self.0.sigma, &mut key.rng());
        Ok(image)
    }
}

/// Adds normally distributed numbers of standard deviation `sigma`.
pub fn add_noise(image: &mut Image, sigma: f32, rng: &mut Rng) {
    normal::add_normals(rng, image.pixels_mut(), |value, normal| {
        *value = (*value + sigma * normal).clamp(0.0, 1.0);
    });
}
