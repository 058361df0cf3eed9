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
    #[schemars(range(min = 0, max = 1))]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_its_deviation_and_stays_in_range() {
        let mut image = Image::filled(1, 200, 200, 0.5);
        add_noise(&mut image, 0.1, &mut Key::new(5).rng());
        let differences: Vec<f64> = image.pixels().iter().map(|&value| f64::from(value) - 0.5).collect();
        let mean = differences.iter().sum::<f64>() / 40_000.0;
        let deviation = (differences.iter().map(|d| d * d).sum::<f64>() / 40_000.0).sqrt();
        assert!(mean.abs() < 0.002 && (deviation - 0.1).abs() < 0.002, "{mean} {deviation}");
        add_noise(&mut image, 1.0, &mut Key::new(6).rng());
        let at = |end: f32| image.pixels().iter().filter(|value| **value == end).count();
        assert!(at(0.0) > 10_000 && at(1.0) > 10_000 && at(0.0) + at(1.0) < 30_000);
    }
}
