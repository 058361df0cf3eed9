//! One image on the CPU, as augmentations see it.

use crate::{Error, Result};

/// An image: planes of `f32` in [0, 1], one after another (channel, row, column).
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    channels: usize,
    height: usize,
    width: usize,
    pixels: Vec<f32>,
}

impl Image {
    /// An image of `channels` planes of `height` rows of `width` pixels.
    pub fn new(channels: usize, height: usize, width: usize, pixels: Vec<f32>) -> Result<Self> {
        if pixels.len() != channels * height * width {
            return Err(Error::shape(format!(
                "an image of {channels}x{height}x{width} has {} pixels, not {}",
                channels * height * width,
                pixels.len()
            )));
        }
        Ok(Self { channels, height, width, pixels })
    }

    /// An image of one value.
    pub fn filled(channels: usize, height: usize, width: usize, value: f32) -> Self {
        Self { channels, height, width, pixels: vec![value; channels * height * width] }
    }

    /// The number of planes.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Channels, height, width.
    pub fn dims(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// All pixels, plane after plane.
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// All pixels, to be changed.
    pub fn pixels_mut(&mut self) -> &mut [f32] {
        &mut self.pixels
    }

    /// The pixels without the image.
    pub fn into_pixels(self) -> Vec<f32> {
        self.pixels
    }

    /// The planes in order.
    pub fn planes(&self) -> impl Iterator<Item = &[f32]> {
        self.pixels.chunks_exact((self.height * self.width).max(1))
    }

    /// The planes in order, to be changed.
    pub fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.pixels.chunks_exact_mut((self.height * self.width).max(1))
    }
}
