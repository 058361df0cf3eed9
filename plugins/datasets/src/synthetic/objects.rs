//! `synthetic-objects`: five shapes, plain or striped, in any colours, on any background.

use std::f32::consts::{PI, TAU};

use scant_abi::{Check, DatasetInfo, Error, Key, Result, Rng, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MOST_IMAGES, bell, check_size, counts, draw_parts};
use crate::memory::{Parts, Source};

const SIDE: usize = 32;
const SHAPES: [&str; 5] = ["disc", "ring", "square", "triangle", "star"];
const TEXTURES: [&str; 2] = ["plain", "striped"];

/// Settings of `synthetic-objects`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticObjectsConfig {
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
    /// Smallest and largest radius of an object, in pixels.
    #[schemars(inner(range(min = 1, max = SIDE)))]
    pub radius: [f32; 2],
    /// Standard deviation of the noise on every pixel and channel, as a share of full white.
    #[schemars(range(min = 0))]
    pub noise: f32,
    /// Largest number of smaller blots in the background.
    #[schemars(range(max = 1000))]
    pub blots: usize,
}

impl Default for SyntheticObjectsConfig {
    fn default() -> Self {
        Self {
            train: 10_000,
            test: 2_000,
            seed: 0,
            rotation: 30.0,
            shift: 4.0,
            radius: [8.0, 13.0],
            noise: 0.04,
            blots: 3,
        }
    }
}

/// `synthetic-objects`: objects drawn by the program, 32x32, three channels, ten classes.
#[derive(Debug)]
pub struct SyntheticObjects {
    config: SyntheticObjectsConfig,
}

impl Source for SyntheticObjects {
    const NAME: &'static str = "synthetic-objects";
    const SUMMARY: &'static str =
        "Plain and striped shapes drawn by the program: 32x32, colour, 10 classes; needs no files.";
    type Config = SyntheticObjectsConfig;

    fn new(config: SyntheticObjectsConfig, _: &Setup) -> Result<Self> {
        let numbers = [config.rotation, config.shift, config.noise];
        let [small, large] = config.radius;
        if numbers.iter().any(|number| !number.is_finite() || *number < 0.0) {
            return Err(Error::config(format!(
                "rotation, shift and noise must be 0 or more, not {numbers:?}"
            )));
        }
        if !(small >= 1.0 && small <= large && large <= SIDE as f32) {
            return Err(Error::config(format!(
                "radius = [{small}, {large}]; give the smallest first, from 1 to {SIDE}"
            )));
        }
        check_size([config.train, config.test])?;
        Ok(Self { config })
    }

    fn info(&self) -> DatasetInfo {
        let classes = SHAPES.iter().flat_map(|shape| TEXTURES.map(|texture| format!("{texture} {shape}")));
        let classes: Vec<String> = classes.collect();
        let counts = Some(counts([self.config.train, self.config.test], classes.len()));
        DatasetInfo { image: [3, SIDE, SIDE], classes, counts }
    }

    fn load(&self) -> Result<Parts> {
        let config = &self.config;
        let key = Key::new(config.seed).named(Self::NAME);
        let draw = |key: Key, class: usize, pixels: &mut [u8]| draw_object(config, key, class, pixels);
        Ok(draw_parts(key, [config.train, config.test], 10, 3 * SIDE * SIDE, draw))
    }

    fn verify(&self) -> Vec<Check> {
        Vec::new()
    }
}

type Color = [f32; 3];

fn draw_object(config: &SyntheticObjectsConfig, key: Key, class: usize, pixels: &mut [u8]) {
    let mut rng = key.rng();
    let (shape, striped) = (class / TEXTURES.len(), class % TEXTURES.len() == 1);
    let middle = 0.5 * SIDE as f32;
    let centre = [0, 1].map(|_| middle + rng.range(-config.shift, config.shift));
    let radius = rng.range(config.radius[0], config.radius[1]);
    let (sin, cos) = rng.range(-config.rotation, config.rotation).to_radians().sin_cos();
    let background = Background::new(config, &mut rng);
    let paint = color_unlike(&mut rng, &[background.colors[0], background.colors[1]]);
    let second = if striped { color_unlike(&mut rng, &[paint]) } else { paint };
    let stripes = Stripes::new(&mut rng);
    let (planes, noise) = (SIDE * SIDE, 255.0 * config.noise);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = [x as f32 + 0.5, y as f32 + 0.5];
            let [dx, dy] = [at[0] - centre[0], at[1] - centre[1]];
            let turned = [(cos * dx + sin * dy) / radius, (cos * dy - sin * dx) / radius];
            let inside = (0.5 - radius * distance(shape, turned)).clamp(0.0, 1.0);
            let ink = mix(paint, second, stripes.share(at));
            let color = mix(background.at(at), ink, inside);
            for (channel, value) in color.into_iter().enumerate() {
                let value = 255.0 * value + noise * bell(&mut rng);
                pixels[channel * planes + y * SIDE + x] = value.clamp(0.0, 255.0).round() as u8;
            }
        }
    }
}

/// How far a point is outside a shape of radius 1, and how far inside where that is negative.
fn distance(shape: usize, [x, y]: [f32; 2]) -> f32 {
    let from_centre = (x * x + y * y).sqrt();
    match SHAPES[shape] {
        "disc" => from_centre - 0.9,
        "ring" => (from_centre - 0.72).abs() - 0.24,
        "square" => x.abs().max(y.abs()) - 0.78,
        "triangle" => (0.866 * x.abs() - 0.5 * y).max(y) - 0.5,
        _ => {
            // One of the star's ten equal halves of a ray, from the tip to the next inner corner.
            let sector = 0.4 * PI;
            let angle = (y.atan2(x) + 0.5 * PI).rem_euclid(sector);
            let (sin, cos) = angle.min(sector - angle).sin_cos();
            let inner = [0.42 * (0.2 * PI).cos(), 0.42 * (0.2 * PI).sin()];
            let edge = [inner[0] - 1.0, inner[1]];
            let length = (edge[0] * edge[0] + edge[1] * edge[1]).sqrt();
            (edge[1] * (from_centre * cos - 1.0) - edge[0] * from_centre * sin) / length
        }
    }
}

/// A gradient between two colours, with blots.
struct Background {
    colors: [Color; 2],
    across: [f32; 2],
    blots: Vec<([f32; 2], f32, Color)>,
}

impl Background {
    fn new(config: &SyntheticObjectsConfig, rng: &mut Rng) -> Self {
        let colors = [color(rng), color(rng)];
        let (sin, cos) = rng.range(0.0, TAU).sin_cos();
        let side = SIDE as f32;
        let blots = (0..rng.below(config.blots + 1))
            .map(|_| ([rng.range(0.0, side), rng.range(0.0, side)], rng.range(1.5, 4.0), color(rng)))
            .collect();
        Self { colors, across: [cos / side, sin / side], blots }
    }

    fn at(&self, [x, y]: [f32; 2]) -> Color {
        let middle = 0.5 * SIDE as f32;
        let share = 0.5 + self.across[0] * (x - middle) + self.across[1] * (y - middle);
        let plain = mix(self.colors[0], self.colors[1], share.clamp(0.0, 1.0));
        self.blots.iter().fold(plain, |under, (centre, radius, color)| {
            let [dx, dy] = [x - centre[0], y - centre[1]];
            let inside = (0.5 + radius - (dx * dx + dy * dy).sqrt()).clamp(0.0, 1.0);
            mix(under, *color, 0.7 * inside)
        })
    }
}

/// Straight stripes over the whole sheet.
struct Stripes {
    wave: [f32; 3],
}

impl Stripes {
    fn new(rng: &mut Rng) -> Self {
        let (sin, cos) = rng.range(0.0, PI).sin_cos();
        let per_pixel = TAU / rng.range(4.0, 7.0);
        Self { wave: [cos * per_pixel, sin * per_pixel, rng.range(0.0, TAU)] }
    }

    /// How much of the second colour shows at a point.
    fn share(&self, [x, y]: [f32; 2]) -> f32 {
        let [a, b, phase] = self.wave;
        (0.5 + 1.5 * (a * x + b * y + phase).sin()).clamp(0.0, 1.0)
    }
}

fn color(rng: &mut Rng) -> Color {
    [0; 3].map(|_| rng.uniform())
}

/// A colour that can be told from all of `others`: the best of a few.
fn color_unlike(rng: &mut Rng, others: &[Color]) -> Color {
    let nearest = |color: &Color| {
        let apart = |other: &Color| color.iter().zip(other).map(|(a, b)| (a - b).abs()).sum::<f32>();
        others.iter().map(apart).fold(f32::INFINITY, f32::min)
    };
    let tries = [0; 4].map(|_| color(rng));
    tries.into_iter().max_by(|a, b| nearest(a).total_cmp(&nearest(b))).unwrap_or_default()
}

fn mix(from: Color, to: Color, share: f32) -> Color {
    [0, 1, 2].map(|i| from[i] + share * (to[i] - from[i]))
}
