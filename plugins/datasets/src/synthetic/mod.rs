//! Data sets that the program draws: no files, any number of images, the same pixels for the same seed.

mod digits;
mod glyphs;
mod strokes;

pub use digits::{SyntheticDigits, SyntheticDigitsConfig};

use rayon::prelude::*;
use scant_abi::Key;

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
