//! Brightness, contrast, saturation and hue. A factor of 1 (a hue of 0) changes nothing.

use scant_abi::{Image, image_ops};

/// The weights of red, green and blue in the luminance (ITU-R 601).
const LUMINANCE: [f32; 3] = [0.2989, 0.587, 0.114];

/// Every value times `factor`.
pub fn adjust_brightness(image: &mut Image, factor: f32) {
    image.pixels_mut().iter_mut().for_each(|value| *value = (*value * factor).clamp(0.0, 1.0));
}

/// Every value's distance from the image's mean luminance times `factor`.
pub fn adjust_contrast(image: &mut Image, factor: f32) {
    let area = (image.height() * image.width()).max(1) as f32;
    let sums = image.planes().map(sum);
    let mean = if image.channels() == 3 {
        sums.zip(LUMINANCE).map(|(sum, weight)| sum * weight).sum::<f32>() / area
    } else {
        sums.sum::<f32>() / (area * image.channels().max(1) as f32)
    };
    let rest = (1.0 - factor) * mean;
    image.pixels_mut().iter_mut().for_each(|value| *value = (*value * factor + rest).clamp(0.0, 1.0));
}

/// Every colour's distance from its luminance times `factor`; an image of other than three channels stays.
pub fn adjust_saturation(image: &mut Image, factor: f32) {
    let Some((red, green, blue)) = rgb(image) else { return };
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let rest = (1.0 - factor) * (LUMINANCE[0] * *r + LUMINANCE[1] * *g + LUMINANCE[2] * *b);
        *r = (*r * factor + rest).clamp(0.0, 1.0);
        *g = (*g * factor + rest).clamp(0.0, 1.0);
        *b = (*b * factor + rest).clamp(0.0, 1.0);
    }
}

/// Every colour turned by `shift` (1 is the whole circle, so -0.5 to 0.5 reach everything); an image of other than
/// three channels stays.
pub fn adjust_hue(image: &mut Image, shift: f32) {
    let turn = 6.0 * shift;
    let Some((red, green, blue)) = rgb(image) else { return };
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let high = r.max(*g).max(*b);
        let low = r.min(*g).min(*b);
        let range = high - low;
        let scale = 1.0 / if range > 0.0 { range } else { 1.0 };
        // The hue in sixths of the circle; selections instead of branches, so that this becomes vector code.
        let from_green = 2.0 + (*b - *r) * scale;
        let from_blue = 4.0 + (*r - *g) * scale;
        let from_red = (*g - *b) * scale;
        let hue = if *g == high { from_green } else { from_blue };
        let hue = if *r == high { from_red } else { hue } + turn;
        let channel = |offset: f32| {
            let position = hue + offset;
            let position = if position < 0.0 { position + 6.0 } else { position };
            let position = if position >= 6.0 { position - 6.0 } else { position };
            let position = if position >= 6.0 { position - 6.0 } else { position };
            high - range * position.min(4.0 - position).clamp(0.0, 1.0)
        };
        (*r, *g, *b) = (channel(5.0), channel(3.0), channel(1.0));
    }
}

/// Every channel replaced by the luminance (the mean, where there are not three channels).
pub fn grayscale(image: &mut Image) {
    let pixels = match image.planes().collect::<Vec<_>>()[..] {
        [_] => return,
        [red, green, blue] => {
            let mut gray = Vec::with_capacity(3 * red.len());
            let colors = red.iter().zip(green).zip(blue);
            gray.extend(colors.map(|((r, g), b)| LUMINANCE[0] * r + LUMINANCE[1] * g + LUMINANCE[2] * b));
            gray.extend_from_within(..);
            gray.extend_from_within(..red.len());
            gray
        }
        _ => image_ops::gray(image).pixels().repeat(image.channels()),
    };
    *image = image.clone().with_pixels(pixels);
}

fn rgb(image: &mut Image) -> Option<(&mut [f32], &mut [f32], &mut [f32])> {
    if image.channels() != 3 {
        return None;
    }
    let area = image.height() * image.width();
    let (red, others) = image.pixels_mut().split_at_mut(area);
    let (green, blue) = others.split_at_mut(area);
    Some((red, green, blue))
}

/// The sum in an order that does not depend on how wide the machine's vectors are.
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    let chunks = values.chunks_exact(lanes.len());
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
    }
    lanes.iter().sum::<f32>() + rest
}
