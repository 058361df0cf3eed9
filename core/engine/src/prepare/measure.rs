//! Mean and deviation of the training images.

use scant_abi::Image;

/// Mean and standard deviation of every channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// What is subtracted.
    pub means: Vec<f32>,
    /// What is divided by.
    pub deviations: Vec<f32>,
}

/// Measures mean and deviation over images that pass by, in their order.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    pixels: usize,
    sums: Vec<[f64; 2]>,
}

impl Measure {
    /// Takes one image into account, as `Preparation::before` gave it.
    pub fn add(&mut self, image: &Image) {
        self.sums.resize(image.channels(), [0.0; 2]);
        self.pixels += image.height() * image.width();
        for (plane, [sum, squares]) in image.planes().zip(&mut self.sums) {
            for &pixel in plane {
                *sum += f64::from(pixel);
                *squares += f64::from(pixel) * f64::from(pixel);
            }
        }
    }

    /// What was measured; a channel that never changes is left at its scale.
    pub fn moments(&self) -> Moments {
        let count = self.pixels.max(1) as f64;
        let pairs = self.sums.iter().map(|[sum, squares]| {
            let mean = sum / count;
            let variance = squares / count - mean * mean;
            (mean as f32, if variance > 1e-12 { variance.sqrt() as f32 } else { 1.0 })
        });
        let (means, deviations) = pairs.unzip();
        Moments { means, deviations }
    }
}
