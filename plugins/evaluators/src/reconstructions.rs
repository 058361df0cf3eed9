//! `reconstructions`: images above what the model makes of them.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use scant_abi::{
    Artefact, Component, Content, Error, ErrorKind, Evaluation, Evaluator, Findings, INPUT, Reading, Result,
    Setup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sample::{SplitName, less_is_better, rows};

/// Settings of `reconstructions`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReconstructionsConfig {
    /// The output with one image for each sample.
    pub on: String,
    /// The split whose first images are shown.
    pub split: SplitName,
    /// How many images are shown.
    #[schemars(range(min = 1, max = 1000))]
    pub images: usize,
    /// How many stand side by side.
    #[schemars(range(min = 1))]
    pub columns: usize,
}

impl Default for ReconstructionsConfig {
    fn default() -> Self {
        Self { on: "reconstruction".to_owned(), split: SplitName::Test, images: 40, columns: 10 }
    }
}

/// `reconstructions`: a grid of pairs, the image above its reconstruction.
#[derive(Clone, Debug)]
pub struct Reconstructions(ReconstructionsConfig);

impl Component for Reconstructions {
    const NAME: &'static str = "reconstructions";
    const SUMMARY: &'static str =
        "A picture of images above their reconstructions, and their mean squared error.";
    type Config = ReconstructionsConfig;

    fn new(config: ReconstructionsConfig, setup: &Setup) -> Result<Self> {
        config.split.check(setup)?;
        if config.images == 0 || config.columns == 0 {
            return Err(Error::config("reconstructions: `images` and `columns` must be at least 1"));
        }
        Ok(Self(config))
    }
}

impl Evaluator for Reconstructions {
    fn reads(&self) -> Vec<Reading> {
        let reading = |output: &str| Reading { output: output.to_owned(), rows: Some(self.0.images) };
        vec![reading(INPUT), reading(&self.0.on)]
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        let config = &self.0;
        let split = evaluation.split(config.split.as_str())?;
        let shape = split.output(INPUT)?.shape();
        let images = rows(split, INPUT, Some(config.images))?;
        let made = rows(split, &config.on, Some(config.images))?;
        let &[_, channels, height, width] = &shape[..] else {
            return Err(Error::shape(format!("the input has shape {shape:?}; wanted are images")));
        };
        if made.width() != images.width() || made.len() != images.len() || images.is_empty() {
            return Err(Error::shape(format!(
                "output '{}' has {} rows of {} numbers for {} images of {channels}x{height}x{width}",
                config.on,
                made.len(),
                made.width(),
                images.len()
            )));
        }
        let pairs: Vec<[&[f32]; 2]> =
            images.iter().zip(made.iter()).map(|(image, made)| [image, made]).collect();
        let picture = grid(&pairs, [channels, height, width], config.columns);
        let mut png = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture)
            .write_to(&mut png, ImageFormat::Png)
            .map_err(|error| Error::caused_by(ErrorKind::Io, "cannot write the grid as PNG", &error))?;
        let squares = images.values().iter().zip(made.values()).map(|(a, b)| f64::from(a - b).powi(2));
        let error = squares.sum::<f64>() / images.values().len() as f64;
        Ok(Findings {
            metrics: vec![less_is_better(split, "reconstruction-error", error)],
            artefacts: vec![Artefact {
                name: format!("reconstructions-{}", split.name),
                caption: format!("Images of {} above their reconstructions", split.name),
                content: Content::Picture { png: png.into_inner() },
            }],
            predictions: Vec::new(),
        })
    }
}

/// Pairs from left to right, `columns` in a row, each image above its reconstruction; small ones enlarged.
fn grid(pairs: &[[&[f32]; 2]], [channels, height, width]: [usize; 3], columns: usize) -> RgbImage {
    const GAP: usize = 2;
    let zoom = 64_usize.div_ceil(height.max(width)).max(1);
    let (cell_height, cell_width) = (height * zoom + GAP, width * zoom + GAP);
    let columns = columns.min(pairs.len());
    let lines = 2 * pairs.len().div_ceil(columns);
    let size = [columns * cell_width + GAP, lines * cell_height + GAP];
    let mut picture = RgbImage::from_pixel(size[0] as u32, size[1] as u32, Rgb([255; 3]));
    for (index, pair) in pairs.iter().enumerate() {
        for (half, pixels) in pair.iter().enumerate() {
            let left = GAP + index % columns * cell_width;
            let top = GAP + (2 * (index / columns) + half) * cell_height;
            for y in 0..height * zoom {
                for x in 0..width * zoom {
                    // One channel is grey; of more than three the first three are shown.
                    let value = |channel: usize| {
                        let channel = if channels < 3 { 0 } else { channel };
                        let value = pixels[(channel * height + y / zoom) * width + x / zoom];
                        (value.clamp(0.0, 1.0) * 255.0).round() as u8
                    };
                    picture.put_pixel(
                        (left + x) as u32,
                        (top + y) as u32,
                        Rgb([value(0), value(1), value(2)]),
                    );
                }
            }
        }
    }
    picture
}
