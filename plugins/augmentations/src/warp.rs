//! Reading an image at positions between and beyond its pixels.

use scant_abi::Image;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an image is read between its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// The pixel whose centre is nearest.
    Nearest,
    /// The four nearest pixels, weighted by distance.
    Bilinear,
}

/// How an image is read between and beyond its pixels.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// Between its pixels.
    pub interpolation: Interpolation,
    /// The value everywhere beyond them.
    pub fill: f32,
}

/// The map from an output pixel (column x, row y, counted from the image's middle) to its source,
/// `(a x + b y + c, d x + e y + f)`.
#[derive(Clone, Copy, Debug)]
pub struct AffineMap(pub [f64; 6]);

impl AffineMap {
    /// Undoes a counter-clockwise turn, a scale and two shears (in degrees) about the middle, then a shift in pixels.
    pub fn undoing(turn: f64, shift: [f64; 2], scale: f64, shear: [f64; 2]) -> Self {
        let (turn, [along_x, along_y]) = (-turn.to_radians(), shear.map(f64::to_radians));
        let a = (turn - along_y).cos() / along_y.cos();
        let c = (turn - along_y).sin() / along_y.cos();
        let b = -a * along_x.tan() - turn.sin();
        let d = turn.cos() - c * along_x.tan();
        // The forward matrix is scale * [a b; c d] with determinant scale².
        let [a, b, c, d] = [d, -b, -c, a].map(|entry| entry / scale);
        let [right, down] = shift;
        Self([a, b, -a * right - b * down, c, d, -c * right - d * down])
    }

    /// The map whose numbers were meant for positions counted from the image's upper left corner.
    pub fn about_corner(self, height: usize, width: usize) -> Self {
        let [a, b, c, d, e, f] = self.0;
        let (x, y) = (width as f64 / 2.0, height as f64 / 2.0);
        Self([a, b, c + a * x + b * y - x, d, e, f + d * x + e * y - y])
    }
}

/// The image whose every pixel is read at the source that `map` gives it.
pub fn warp_affine(image: &Image, map: AffineMap, sampling: Sampling) -> Image {
    let (middle_x, middle_y) = ((image.width() as f64 - 1.0) / 2.0, (image.height() as f64 - 1.0) / 2.0);
    let [a, b, c, d, e, f] = map.0;
    warp(image, sampling, |y, xs, ys| {
        let y = y as f64 - middle_y;
        let (x_at_0, y_at_0) =
            ((b * y + c - a * middle_x + middle_x) as f32, (e * y + f - d * middle_x + middle_y) as f32);
        let (x_step, y_step) = (a as f32, d as f32);
        for (x, (source_x, source_y)) in xs.iter_mut().zip(ys).enumerate() {
            *source_x = x_at_0 + x_step * x as i32 as f32;
            *source_y = y_at_0 + y_step * x as i32 as f32;
        }
    })
}

/// The image whose every pixel is read at the position that `sources` writes for its row into two slices (columns,
/// rows). A position that is no number reads the fill.
pub(crate) fn warp(
    image: &Image,
    sampling: Sampling,
    sources: impl Fn(usize, &mut [f32], &mut [f32]),
) -> Image {
    let [channels, height, width] = image.dims();
    let mut out = Image::filled(channels, height, width, sampling.fill);
    if width == 0 {
        return out;
    }
    let framed = Framed::new(image, sampling.fill);
    let (mut xs, mut ys, mut starts) = (vec![0.0; width], vec![0.0; width], vec![0; width]);
    for row in 0..height {
        sources(row, &mut xs, &mut ys);
        match sampling.interpolation {
            Interpolation::Nearest => {
                framed.locate(&mut xs, &mut ys, &mut starts, 0.5);
                for (plane, target) in framed.planes().zip(out.planes_mut()) {
                    for (pixel, &start) in target[row * width..][..width].iter_mut().zip(&starts) {
                        *pixel = plane[start as usize];
                    }
                }
            }
            Interpolation::Bilinear => {
                framed.locate(&mut xs, &mut ys, &mut starts, 0.0);
                for (plane, target) in framed.planes().zip(out.planes_mut()) {
                    let weights = xs.iter().zip(&ys);
                    let target = &mut target[row * width..][..width];
                    for ((pixel, &start), (&x, &y)) in target.iter_mut().zip(&starts).zip(weights) {
                        // One slice, so that one bounds check covers the four pixels.
                        let four = &plane[start as usize..][..framed.stride + 2];
                        let upper = four[0] + x * (four[1] - four[0]);
                        let lower = four[framed.stride] + x * (four[framed.stride + 1] - four[framed.stride]);
                        *pixel = upper + y * (lower - upper);
                    }
                }
            }
        }
    }
    out
}

/// An image with a frame of the fill around it (one pixel above and left, two below and right), so that a position
/// clamped to the frame can be read like any other.
struct Framed {
    pixels: Vec<f32>,
    height: usize,
    width: usize,
    stride: usize,
}

impl Framed {
    fn new(image: &Image, fill: f32) -> Self {
        let [channels, height, width] = image.dims();
        let stride = width + 3;
        let mut pixels = vec![fill; channels * (height + 3) * stride];
        let framed = pixels.chunks_exact_mut((height + 3) * stride);
        for (source, target) in image.planes().zip(framed) {
            let rows = target[stride..].chunks_exact_mut(stride);
            for (line, row) in source.chunks_exact(width).zip(rows) {
                row[1..=width].copy_from_slice(line);
            }
        }
        Self { pixels, height, width, stride }
    }

    fn planes(&self) -> impl Iterator<Item = &[f32]> {
        self.pixels.chunks_exact((self.height + 3) * self.stride)
    }

    /// Turns positions into where they start in a framed plane, and how far they lie past that pixel.
    fn locate(&self, xs: &mut [f32], ys: &mut [f32], starts: &mut [i32], rounding: f32) {
        let (right, bottom, stride) = (self.width as f32, self.height as f32, self.stride as i32);
        for ((x, y), start) in xs.iter_mut().zip(ys).zip(starts) {
            // `max` and `min` in this order turn NaN into the frame.
            let (framed_x, framed_y) =
                ((*x + rounding).max(-1.0).min(right) + 1.0, (*y + rounding).max(-1.0).min(bottom) + 1.0);
            let (column, line) = (framed_x as i32, framed_y as i32);
            *start = line * stride + column;
            *x = framed_x - column as f32;
            *y = framed_y - line as f32;
        }
    }
}
