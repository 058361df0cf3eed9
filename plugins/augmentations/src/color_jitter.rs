//! Brightness, contrast, saturation and hue together.

use crate::check;
use crate::color::{adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation};
use scant_abi::{Augmentation, Component, Image, Key, Result, Rng, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a number is drawn: to both sides of where it changes nothing, or from one number to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number, or two numbers [low, high]")]
pub enum Span {
    /// This far to either side.
    Around(f32),
    /// From the first to the second.
    Between([f32; 2]),
}

impl Span {
    /// The ends of the span around `neutral`, none of them below `least`.
    fn ends(self, neutral: f32, least: f32) -> [f32; 2] {
        match self {
            Self::Around(reach) => [(neutral - reach).max(least), neutral + reach],
            Self::Between(ends) => ends,
        }
    }
}

/// Settings of `color-jitter`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ColorJitterConfig {
    /// Brightness: 0.8 draws a factor from 0.2 to 1.8, as [0.2, 1.8] does.
    #[schemars(extend("minimum" = 0, "maximum" = 100))]
    pub brightness: Span,
    /// Contrast: a factor like that of brightness.
    #[schemars(extend("minimum" = 0, "maximum" = 100))]
    pub contrast: Span,
    /// Saturation: a factor like that of brightness.
    #[schemars(extend("minimum" = 0, "maximum" = 100))]
    pub saturation: Span,
    /// Hue: 0.2 draws a turn from -0.2 to 0.2 of the colour circle.
    #[schemars(extend("minimum" = 0, "maximum" = 0.5))]
    pub hue: Span,
}

impl Default for ColorJitterConfig {
    fn default() -> Self {
        let [brightness, contrast, saturation] = [Span::Around(0.8); 3];
        Self { brightness, contrast, saturation, hue: Span::Around(0.2) }
    }
}

/// `color-jitter`: brightness, contrast, saturation and hue changed in random order.
#[derive(Clone, Debug)]
pub struct ColorJitter {
    factors: [[f32; 2]; 3],
    hue: [f32; 2],
}

impl ColorJitter {
    fn draw(&self, rng: &mut Rng) -> [Change; 4] {
        let mut draw = |[low, high]: [f32; 2]| rng.range(low, high);
        let [brightness, contrast, saturation] = self.factors.map(&mut draw);
        let hue = draw(self.hue);
        let mut changes = [
            Change::Brightness(brightness),
            Change::Contrast(contrast),
            Change::Saturation(saturation),
            Change::Hue(hue),
        ];
        rng.shuffle(&mut changes);
        changes
    }
}

#[derive(Clone, Copy)]
enum Change {
    Brightness(f32),
    Contrast(f32),
    Saturation(f32),
    Hue(f32),
}

impl Component for ColorJitter {
    const NAME: &'static str = "color-jitter";
    const SUMMARY: &'static str = "Changes brightness, contrast, saturation and hue in random order.";
    type Config = ColorJitterConfig;

    fn new(config: ColorJitterConfig, _: &Setup) -> Result<Self> {
        let ColorJitterConfig { brightness, contrast, saturation, hue } = config;
        let mut factors = [[1.0; 2]; 3];
        let named = [("brightness", brightness), ("contrast", contrast), ("saturation", saturation)];
        for (ends, (key, span)) in factors.iter_mut().zip(named) {
            if let Span::Around(reach) = span {
                check::within(Self::NAME, key, reach, 0.0..=100.0)?;
            }
            *ends = span.ends(1.0, 0.0);
            check::ordered(Self::NAME, key, *ends, 0.0..=101.0)?;
        }
        if let Span::Around(reach) = hue {
            check::within(Self::NAME, "hue", reach, 0.0..=0.5)?;
        }
        let hue = hue.ends(0.0, -0.5);
        check::ordered(Self::NAME, "hue", hue, -0.5..=0.5)?;
        Ok(Self { factors, hue })
    }
}

impl Augmentation for ColorJitter {
    fn apply(&self, mut image: Image, key: Key) -> Result<Image> {
        check::gray_or_rgb(Self::NAME, &image)?;
        for change in self.draw(&mut key.rng()) {
            match change {
                Change::Brightness(factor) => adjust_brightness(&mut image, factor),
                Change::Contrast(factor) => adjust_contrast(&mut image, factor),
                Change::Saturation(factor) => adjust_saturation(&mut image, factor),
                Change::Hue(turn) => adjust_hue(&mut image, turn),
            }
        }
        Ok(image)
    }
}
