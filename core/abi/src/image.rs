//! One image on the CPU, as augmentations see it.

use std::sync::Arc;

use crate::{Error, Result};

/// An image: planes of `f32` in [0, 1], one after another (channel, row, column).
///
/// Clones share their pixels until one of them is changed: several views of an image cost no copies of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    channels: usize,
    height: usize,
    width: usize,
    pixels: Arc<Vec<f32>>,
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
        Ok(Self { channels, height, width, pixels: Arc::new(pixels) })
    }

    /// An image of one value.
    pub fn filled(channels: usize, height: usize, width: usize, value: f32) -> Self {
        Self { channels, height, width, pixels: Arc::new(vec![value; channels * height * width]) }
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

    /// All pixels, to be changed; copied first where a clone shares them.
    pub fn pixels_mut(&mut self) -> &mut [f32] {
        let pixels: &mut Vec<f32> = Arc::make_mut(&mut self.pixels);
        pixels
    }

    /// The pixels without the image.
    pub fn into_pixels(self) -> Vec<f32> {
        Arc::unwrap_or_clone(self.pixels)
    }

    /// The planes in order.
    pub fn planes(&self) -> impl Iterator<Item = &[f32]> {
        self.pixels.chunks_exact((self.height * self.width).max(1))
    }

    /// The planes in order, to be changed.
    pub fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let area = (self.height * self.width).max(1);
        self.pixels_mut().chunks_exact_mut(area)
    }

    /// Puts `pixels`, as many as there were, in the place of all that the image has.
    ///
    /// # Panics
    ///
    /// Where they are more or fewer: that is a mistake of the program, not of its input.
    pub fn with_pixels(self, pixels: Vec<f32>) -> Self {
        assert_eq!(pixels.len(), self.pixels.len(), "an image keeps its size");
        Self { pixels: Arc::new(pixels), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_to_a_clone_leaves_the_original() {
        let image = Image::filled(1, 1, 2, 0.25);
        let mut other = image.clone();
        other.pixels_mut()[1] = 1.0;
        other.planes_mut().for_each(|plane| plane[0] = 0.5);
        assert_eq!((image.pixels(), other.pixels()), (&[0.25, 0.25][..], &[0.5, 1.0][..]));
        let kept = image.clone();
        assert_eq!(image.into_pixels(), kept.into_pixels());
    }
}
