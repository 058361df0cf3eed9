//! The geometry and colour of images that both a host's preparation and plugins' augmentations need.
//!
//! Sampling follows PyTorch and torchvision: pixel centres at half coordinates (`align_corners = false`).

use crate::{Error, Image, Result};

/// What stands outside an image when it is padded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Padding {
    /// One value everywhere.
    Constant(f32),
    /// The image mirrored at its edge, the edge pixel itself not repeated.
    Reflect,
}

/// The image in another size, bilinear.
///
/// With `antialias`, shrinking averages over all pixels that fall into the new one, as torchvision does for
/// images; without it only the four nearest count. Enlarging is the same either way.
pub fn resize(image: &Image, height: usize, width: usize, antialias: bool) -> Result<Image> {
    if image.pixels().is_empty() || height == 0 || width == 0 {
        let [c, h, w] = image.dims();
        return Err(Error::shape(format!(
            "cannot resize an image of {c}x{h}x{w} to {height}x{width}: every side must be at least 1"
        )));
    }
    if (height, width) == (image.height(), image.width()) {
        return Ok(image.clone());
    }
    let columns = Taps::new(image.width(), width, antialias);
    let rows = Taps::new(image.height(), height, antialias);
    let mut narrowed = vec![0.0; image.height() * width];
    let mut pixels = Vec::with_capacity(image.channels() * height * width);
    for plane in image.planes() {
        for (row, narrow) in plane.chunks_exact(image.width()).zip(narrowed.chunks_exact_mut(width)) {
            columns.sum_along(row, narrow);
        }
        for (start, weights) in rows.iter() {
            let lines = &narrowed[start * width..];
            // Two taps are what enlarging takes.
            if let [a, b] = weights {
                let (upper, lower) = lines.split_at(width);
                pixels.extend(upper.iter().zip(lower).map(|(upper, lower)| a * upper + b * lower));
                continue;
            }
            let row = pixels.len();
            for (tap, (line, weight)) in lines.chunks_exact(width).zip(weights).enumerate() {
                match tap {
                    0 => pixels.extend(line.iter().map(|value| weight * value)),
                    _ => {
                        pixels[row..].iter_mut().zip(line).for_each(|(pixel, value)| *pixel += weight * value)
                    }
                }
            }
        }
    }
    Image::new(image.channels(), height, width, pixels)
}

/// For every new coordinate along one axis: the first old one that counts, and the weights from there on.
struct Taps {
    starts: Vec<usize>,
    weights: Vec<f32>,
    per_output: usize,
}

impl Taps {
    fn new(from: usize, to: usize, antialias: bool) -> Self {
        let scale = from as f32 / to as f32;
        let reach = if antialias { scale.max(1.0) } else { 1.0 };
        // Within a reach of one pixel lie two at most.
        let per_output = if reach > 1.0 { 2 * reach.ceil() as usize + 1 } else { 2 }.min(from);
        let mut starts = Vec::with_capacity(to);
        let mut weights = vec![0.0; to * per_output];
        for (output, row) in weights.chunks_exact_mut(per_output).enumerate() {
            let mut centre = (output as f32 + 0.5) * scale;
            if !antialias {
                // Outside the outermost centres the edge pixel alone counts.
                centre = centre.clamp(0.5, from as f32 - 0.5);
            }
            let first = (centre - reach + 0.5).max(0.0) as usize;
            let start = first.min(from - per_output);
            for (offset, weight) in row.iter_mut().enumerate() {
                let distance = ((start + offset) as f32 + 0.5 - centre) / reach;
                *weight = (1.0 - distance.abs()).max(0.0);
            }
            let total: f32 = row.iter().sum();
            row.iter_mut().for_each(|weight| *weight /= total);
            starts.push(start);
        }
        Self { starts, weights, per_output }
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.starts.iter().copied().zip(self.weights.chunks_exact(self.per_output))
    }

    /// Every output along one row.
    fn sum_along(&self, row: &[f32], out: &mut [f32]) {
        if self.per_output == 2 {
            let (pairs, _) = self.weights.as_chunks::<2>();
            for ((pixel, &start), [a, b]) in out.iter_mut().zip(&self.starts).zip(pairs) {
                let two = &row[start..start + 2];
                *pixel = a * two[0] + b * two[1];
            }
            return;
        }
        for (pixel, (start, weights)) in out.iter_mut().zip(self.iter()) {
            *pixel = row[start..].iter().zip(weights).map(|(value, weight)| value * weight).sum();
        }
    }
}

/// The image in one channel: the luminance of three (ITU-R 601), the mean of any other number.
pub fn gray(image: &Image) -> Image {
    match image.channels() {
        1 => image.clone(),
        3 => weighted_sum(image, &[0.2989, 0.587, 0.114]),
        n => weighted_sum(image, &vec![1.0 / n as f32; n]),
    }
}

/// A one-channel image in three equal channels; an image of three channels as it is.
pub fn rgb(image: &Image) -> Result<Image> {
    match image.channels() {
        1 => Image::new(3, image.height(), image.width(), image.pixels().repeat(3)),
        3 => Ok(image.clone()),
        n => Err(Error::shape(format!("an image of {n} channels has no red, green and blue; 1 or 3 do"))),
    }
}

/// The horizontal and the vertical gradient of the channels' mean, as two channels (3x3 Sobel, zeros outside).
///
/// The values leave [0, 1]: this comes last in a chain.
pub fn sobel(image: &Image) -> Image {
    let mean = weighted_sum(image, &vec![1.0 / image.channels() as f32; image.channels()]);
    let framed = pad_constant(&mean, 1, 0.0);
    let (height, width, stride) = (image.height(), image.width(), image.width() + 2);
    let mut out = Image::filled(2, height, width, 0.0);
    let (across, down) = out.pixels_mut().split_at_mut(height * width);
    for y in 0..height {
        let above = &framed.pixels()[y * stride..][..stride];
        let here = &framed.pixels()[(y + 1) * stride..][..stride];
        let below = &framed.pixels()[(y + 2) * stride..][..stride];
        for x in 0..width {
            let corners = [above[x], above[x + 2], below[x], below[x + 2]];
            across[y * width + x] =
                corners[0] - corners[1] + 2.0 * (here[x] - here[x + 2]) + corners[2] - corners[3];
            down[y * width + x] =
                corners[0] + 2.0 * (above[x + 1] - below[x + 1]) + corners[1] - corners[2] - corners[3];
        }
    }
    out
}

/// The image with `margin` more pixels on each of its four sides.
pub fn pad(image: &Image, margin: usize, padding: Padding) -> Result<Image> {
    match padding {
        Padding::Constant(value) => Ok(pad_constant(image, margin, value)),
        Padding::Reflect if margin >= image.height() || margin >= image.width() => {
            Err(Error::shape(format!(
                "cannot mirror {margin} pixels at the edge of an image of {}x{}: the margin must be smaller",
                image.height(),
                image.width()
            )))
        }
        Padding::Reflect => {
            let source = |position: usize, size: usize| {
                let last = size - 1;
                let inside = position.abs_diff(margin);
                if inside > last { 2 * last - inside } else { inside }
            };
            Ok(gather(image, image.height() + 2 * margin, image.width() + 2 * margin, |y, x| {
                (source(y, image.height()), source(x, image.width()))
            }))
        }
    }
}

/// The part of the image that starts at (`top`, `left`).
pub fn crop(image: &Image, top: usize, left: usize, height: usize, width: usize) -> Result<Image> {
    let inside =
        |start: usize, length: usize, size: usize| start.checked_add(length).is_some_and(|e| e <= size);
    if !inside(top, height, image.height()) || !inside(left, width, image.width()) {
        return Err(Error::shape(format!(
            "cannot crop {height}x{width} at ({top}, {left}) out of an image of {}x{}",
            image.height(),
            image.width()
        )));
    }
    let mut pixels = Vec::with_capacity(image.channels() * height * width);
    for plane in image.planes().filter(|_| width > 0) {
        let rows = plane.chunks_exact(image.width()).skip(top).take(height);
        rows.for_each(|row| pixels.extend_from_slice(&row[left..left + width]));
    }
    Image::new(image.channels(), height, width, pixels)
}

/// The image repeated `rows` times downwards and `columns` times to the right.
pub fn tile(image: &Image, rows: usize, columns: usize) -> Image {
    let (height, width) = (image.height(), image.width());
    gather(image, rows * height, columns * width, |y, x| (y % height, x % width))
}

fn pad_constant(image: &Image, margin: usize, value: f32) -> Image {
    let (height, width) = (image.height(), image.width());
    let mut out = Image::filled(image.channels(), height + 2 * margin, width + 2 * margin, value);
    if image.pixels().is_empty() {
        return out;
    }
    let stride = width + 2 * margin;
    for (from, to) in image.planes().zip(out.planes_mut()) {
        for (row, padded) in from.chunks_exact(width).zip(to.chunks_exact_mut(stride).skip(margin)) {
            padded[margin..margin + width].copy_from_slice(row);
        }
    }
    out
}

fn weighted_sum(image: &Image, weights: &[f32]) -> Image {
    let mut out = Image::filled(1, image.height(), image.width(), 0.0);
    let sums = out.pixels_mut();
    for (plane, weight) in image.planes().zip(weights) {
        sums.iter_mut().zip(plane).for_each(|(sum, value)| *sum += weight * value);
    }
    out
}

fn gather(
    image: &Image,
    height: usize,
    width: usize,
    source: impl Fn(usize, usize) -> (usize, usize),
) -> Image {
    let mut out = Image::filled(image.channels(), height, width, 0.0);
    for (from, to) in image.planes().zip(out.planes_mut()) {
        for (index, pixel) in to.iter_mut().enumerate() {
            let (y, x) = source(index / width, index % width);
            *pixel = from[y * image.width() + x];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(height: usize, width: usize) -> Image {
        Image::new(1, height, width, (0..height * width).map(|i| i as f32).collect()).unwrap()
    }

    #[test]
    fn tiles_crops_and_margins_put_pixels_where_they_belong() {
        let image = ramp(2, 3);
        assert_eq!(tile(&image, 2, 2).pixels()[..12], [0., 1., 2., 0., 1., 2., 3., 4., 5., 3., 4., 5.]);
        assert_eq!(crop(&image, 1, 1, 1, 2).unwrap().pixels(), [4., 5.]);
        let padded = pad(&image, 1, Padding::Constant(9.0)).unwrap();
        assert_eq!(padded.dims(), [1, 4, 5]);
        assert_eq!(padded.pixels()[5..10], [9., 0., 1., 2., 9.]);
        let mirrored = pad(&image, 1, Padding::Reflect).unwrap();
        assert_eq!(mirrored.pixels()[..5], [4., 3., 4., 5., 4.]);
        assert_eq!(mirrored.pixels()[5..10], [1., 0., 1., 2., 1.]);
    }

    #[test]
    fn what_cannot_be_done_is_an_error() {
        let image = ramp(2, 3);
        assert!(crop(&image, 1, 0, 2, 3).is_err());
        assert!(crop(&image, usize::MAX, 0, 2, 3).is_err());
        assert!(pad(&image, 2, Padding::Reflect).is_err());
        assert!(resize(&image, 0, 4, false).is_err());
        assert!(rgb(&Image::filled(2, 1, 1, 0.0)).is_err());
    }

    #[test]
    fn sobel_sees_a_vertical_edge_across_and_nothing_downwards() {
        let image = Image::new(1, 3, 4, [0., 0., 1., 1.].repeat(3)).unwrap();
        let edges = sobel(&image);
        assert_eq!(edges.dims(), [2, 3, 4]);
        assert_eq!(edges.pixels()[4..8], [0., -4., -4., 4.]);
        assert_eq!(edges.pixels()[16..20], [0.; 4]);
    }

    #[test]
    fn images_without_pixels_do_no_harm() {
        let empty = Image::filled(3, 0, 4, 0.0);
        assert_eq!(gray(&empty).dims(), [1, 0, 4]);
        assert_eq!(sobel(&empty).dims(), [2, 0, 4]);
        assert_eq!(tile(&empty, 2, 2).dims(), [3, 0, 8]);
        assert_eq!(pad(&empty, 1, Padding::Constant(0.0)).unwrap().dims(), [3, 2, 6]);
    }
}
