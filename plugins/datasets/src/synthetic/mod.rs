//! Data sets that the program draws: no files, any number of images, the same pixels for the same seed.

mod digits;
mod glyphs;
mod objects;
mod strokes;

pub use digits::{SyntheticDigits, SyntheticDigitsConfig};
pub use objects::{SyntheticObjects, SyntheticObjectsConfig};

use rayon::prelude::*;
use scant_abi::{Counts, Error, Key, Result, Rng};

use crate::memory::{Images, Parts};

/// Draws both parts: `draw` gets the key of an image, its class and its pixels.
///
/// The classes take turns, so that each is as frequent as any other.
fn draw_parts(
    key: Key,
    counts: [usize; 2],
    classes: usize,
    image_len: usize,
    draw: impl Fn(Key, usize, &mut [u8]) + Sync,
) -> Parts {
    let draw_part = |name: &str, count: usize| {
        let key = key.named(name);
        let mut pixels = vec![0; count * image_len];
        pixels.par_chunks_exact_mut(image_len).with_min_len(32).enumerate().for_each(|(index, pixels)| {
            draw(key.fold(index as u64), index % classes, pixels);
        });
        Images { image_len, pixels, labels: (0..count).map(|index| (index % classes) as i64).collect() }
    };
    Parts { train: draw_part("train", counts[0]), test: draw_part("test", counts[1]) }
}

/// Images of one part; they lie in memory, and nobody needs so many drawn ones.
const MOST_IMAGES: usize = 1_000_000;

/// Refuses parts that would fill the memory.
fn check_size(parts: [usize; 2]) -> Result<()> {
    match parts.into_iter().find(|images| *images > MOST_IMAGES) {
        Some(images) => Err(Error::config(format!(
            "train and test may each have up to {MOST_IMAGES} images, not {images}"
        ))),
        None => Ok(()),
    }
}

/// How often each of `classes` occurs among the images of [`draw_parts`].
fn counts([train, test]: [usize; 2], classes: usize) -> Counts {
    Counts::labelled((0..classes).map(|class| (train + classes - 1 - class) / classes).collect(), test)
}

/// Close to the standard normal distribution and much faster: the sum of four uniform numbers out of one word.
fn bell(rng: &mut Rng) -> f32 {
    let sum: i32 = rng.bits().to_le_bytes().into_iter().map(i32::from).sum();
    // Four bytes have the mean 510 and the standard deviation 147.8.
    (sum - 510) as f32 / 147.8
}
