//! `synthetic-digits`: ten digits in strokes, as varied as the settings say.

use std::f32::consts::TAU;

use scant_abi::{Check, DatasetInfo, Error, Key, Result, Rng, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::glyphs::{GLYPHS, Point};
use super::strokes::Sheet;
use super::{MOST_IMAGES, bell, check_size, counts, draw_parts};
use crate::memory::{Parts, Source};

const SIDE: usize = 28;

/// Settings of `synthetic-digits`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticDigitsConfig {
    /// Number of images to train on.
    #[schemars(range(max = MOST_IMAGES))]
    pub train: usize,
    /// Number of images to test on.
    #[schemars(range(max = MOST_IMAGES))]
    pub test: usize,
    /// Seed of the drawing; another seed draws other images of the same kind.
    pub seed: u64,
    /// Largest rotation to either side, in degrees.
    #[schemars(range(min = 0))]
    pub rotation: f32,
    /// Largest shift along each axis, in pixels.
    #[schemars(range(min = 0))]
    pub shift: f32,
    /// Smallest and largest thickness of the pen, in pixels.
    #[schemars(inner(range(min = 0, max = SIDE)))]
    pub thickness: [f32; 2],
    /// How far handwriting bends a stroke, as a share of the digit's size.
    #[schemars(range(min = 0))]
    pub warp: f32,
    /// Standard deviation of the noise on every pixel, as a share of full white.
    #[schemars(range(min = 0))]
    pub noise: f32,
    /// Largest number of stray strokes beside the digit.
    #[schemars(range(max = 1000))]
    pub strays: usize,
}

impl Default for SyntheticDigitsConfig {
    fn default() -> Self {
        Self {
            train: 10_000,
            test: 2_000,
            seed: 0,
            rotation: 12.0,
            shift: 1.5,
            thickness: [1.6, 3.4],
            warp: 0.05,
            noise: 0.06,
            strays: 1,
        }
    }
}

/// `synthetic-digits`: digits drawn by the program, 28x28, one channel, ten classes.
#[derive(Debug)]
pub struct SyntheticDigits {
    config: SyntheticDigitsConfig,
}

impl Source for SyntheticDigits {
    const NAME: &'static str = "synthetic-digits";
    const SUMMARY: &'static str = "Digits drawn by the program: 28x28, 10 classes; needs no files.";
    type Config = SyntheticDigitsConfig;

    fn new(config: SyntheticDigitsConfig, _: &Setup) -> Result<Self> {
        let numbers = [config.rotation, config.shift, config.warp, config.noise];
        let [thin, thick] = config.thickness;
        if numbers.iter().any(|number| !number.is_finite() || *number < 0.0) {
            return Err(Error::config(format!(
                "rotation, shift, warp and noise must be 0 or more, not {numbers:?}"
            )));
        }
        if !(thin > 0.0 && thin <= thick && thick <= SIDE as f32) {
            return Err(Error::config(format!(
                "thickness = [{thin}, {thick}]; give the smallest first, above 0 and up to {SIDE}"
            )));
        }
        check_size([config.train, config.test])?;
        Ok(Self { config })
    }

    fn info(&self) -> DatasetInfo {
        DatasetInfo {
            image: [1, SIDE, SIDE],
            classes: (0..10).map(|digit| digit.to_string()).collect(),
            counts: Some(counts([self.config.train, self.config.test], 10)),
        }
    }

    fn load(&self) -> Result<Parts> {
        let config = &self.config;
        let key = Key::new(config.seed).named(Self::NAME);
        let draw = |key: Key, digit: usize, pixels: &mut [u8]| draw_digit(config, key, digit, pixels);
        Ok(draw_parts(key, [config.train, config.test], 10, SIDE * SIDE, draw))
    }

    fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

fn draw_digit(config: &SyntheticDigitsConfig, key: Key, digit: usize, pixels: &mut [u8]) {
    let mut rng = key.rng();
    let glyph = GLYPHS[digit][rng.below(GLYPHS[digit].len())];
    let hand = Hand::new(config, &mut rng);
    let [thin, thick] = config.thickness;
    // Squared, so that fine pens are more frequent than broad ones.
    let thickness = thin + (thick - thin) * rng.uniform() * rng.uniform().max(0.3);
    let reach = 0.5 * thickness + 1.0;
    let mut sheet = Sheet::<SIDE>::new();
    for stroke in glyph {
        sheet.draw(stroke, reach, |point| hand.place(point));
    }
    let mut strays = Sheet::<SIDE>::new();
    for _ in 0..rng.below(config.strays + 1) {
        let centre = [rng.range(0.0, SIDE as f32), rng.range(0.0, SIDE as f32)];
        let (angle, half) = (rng.range(0.0, TAU), rng.range(1.0, 4.0));
        let [dx, dy] = [half * angle.cos(), half * angle.sin()];
        strays.segment([centre[0] - dx, centre[1] - dy], [centre[0] + dx, centre[1] + dy], 2.0);
    }
    let white = rng.range(0.55, 1.0);
    let stray_white = white * rng.range(0.3, 1.0);
    let paper = rng.range(0.0, 0.15);
    for ((pixel, ink), stray) in pixels.iter_mut().zip(sheet.ink(thickness)).zip(strays.ink(1.2)) {
        let value = paper + (white - paper) * ink.max(stray * stray_white);
        *pixel = (255.0 * (value + config.noise * bell(&mut rng))).clamp(0.0, 255.0).round() as u8;
    }
}

/// One person's way to put a digit onto the sheet.
struct Hand {
    matrix: [f32; 4],
    offset: Point,
    warp: f32,
    waves: [[f32; 3]; 2],
}

impl Hand {
    fn new(config: &SyntheticDigitsConfig, rng: &mut Rng) -> Self {
        let angle = rng.range(-config.rotation, config.rotation).to_radians();
        let (sin, cos) = angle.sin_cos();
        let slant = rng.range(-0.25, 0.25);
        let height = rng.range(16.0, 21.0);
        let width = height * rng.range(0.6, 0.95);
        let middle = 0.5 * SIDE as f32;
        let mut shift = || middle + rng.range(-config.shift, config.shift);
        let offset = [shift(), shift()];
        let mut wave = || [rng.range(-3.5, 3.5), rng.range(-3.5, 3.5), rng.range(0.0, TAU)];
        let waves = [wave(), wave()];
        Self {
            matrix: [cos * width, (cos * slant - sin) * height, sin * width, (sin * slant + cos) * height],
            offset,
            warp: config.warp,
            waves,
        }
    }

    /// Where a point of the unit square falls on the sheet.
    fn place(&self, [x, y]: Point) -> Point {
        let bend = |[a, b, phase]: [f32; 3]| self.warp * (a * x + b * y + phase).sin();
        let x_bent = x - 0.5 + bend(self.waves[0]);
        let y_bent = y - 0.5 + bend(self.waves[1]);
        let [a, b, c, d] = self.matrix;
        [self.offset[0] + a * x_bent + b * y_bent, self.offset[1] + c * x_bent + d * y_bent]
    }
}
