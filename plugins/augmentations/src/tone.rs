//! Changes of tone: stretching, equalising, posterising, solarising, sharpening.

use crate::warp::floor;
use scant_abi::Image;

/// Every channel stretched to reach from 0 to 1; a channel of one value stays.
pub fn autocontrast(image: &mut Image) {
    for plane in image.planes_mut() {
        let (low, high) = plane.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| {
            (low.min(value), high.max(value))
        });
        if high > low {
            let scale = 1.0 / (high - low);
            plane.iter_mut().for_each(|value| *value = ((*value - low) * scale).clamp(0.0, 1.0));
        }
    }
}

/// Every channel's grey levels (of 256) spread so that each range of levels holds about as many pixels.
pub fn equalize(image: &mut Image) {
    for plane in image.planes_mut() {
        let mut counts = [0_usize; 256];
        plane.iter().for_each(|&value| counts[level(value)] += 1);
        let highest = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        let step = (plane.len() - counts[highest]) / 255;
        if step == 0 {
            continue;
        }
        let mut below = step / 2;
        let table = counts.map(|count| {
            let level = (below / step).min(255);
            below += count;
            level as f32 / 255.0
        });
        plane.iter_mut().for_each(|value| *value = table[level(*value)]);
    }
}

/// The grey level of 256, as torchvision's conversion from floating point has it.
fn level(value: f32) -> usize {
    usize::from((value * (256.0 - 1e-3)) as u8)
}

/// Every value cut down to `bits` bits.
pub fn posterize(image: &mut Image, bits: u32) {
    let levels = (1_u32 << bits.min(8)) as f32;
    for value in image.pixels_mut() {
        *value = floor(*value * levels).clamp(0.0, levels - 1.0) / levels;
    }
}

/// Every value at or above `threshold` turned into its negative.
pub fn solarize(image: &mut Image, threshold: f32) {
    for value in image.pixels_mut() {
        *value = if *value >= threshold { 1.0 - *value } else { *value };
    }
}

/// Every pixel's distance from its smoothed neighbourhood times `factor`: 0 blurs, 1 changes nothing, more sharpens.
/// The outermost pixels stay.
pub fn sharpen(image: &mut Image, factor: f32) {
    let (height, width) = (image.height(), image.width());
    if height <= 2 || width <= 2 {
        return;
    }
    let mut source = vec![0.0; height * width];
    for plane in image.planes_mut() {
        source.copy_from_slice(plane);
        let rows = plane.chunks_exact_mut(width).skip(1);
        for (row, above) in rows.zip(source.windows(3 * width).step_by(width)) {
            let (above, rest) = above.split_at(width);
            let (here, below) = rest.split_at(width);
            let neighbours = above.windows(3).zip(here.windows(3)).zip(below.windows(3));
            for (pixel, ((a, h), b)) in row[1..width - 1].iter_mut().zip(neighbours) {
                let ring = a[0] + a[1] + a[2] + h[0] + h[2] + b[0] + b[1] + b[2];
                let smooth = (ring + 5.0 * h[1]) / 13.0;
                *pixel = (smooth + factor * (h[1] - smooth)).clamp(0.0, 1.0);
            }
        }
    }
}
