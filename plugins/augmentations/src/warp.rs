//! Reading an image at positions between and beyond its pixels.

use pulp::{Simd, WithSimd};
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
    pulp::Arch::new().dispatch(Warp { image, sampling, sources })
}

/// The work as a type of its own: unlike a closure, it is sure to be compiled into the dispatched function.
struct Warp<'a, F> {
    image: &'a Image,
    sampling: Sampling,
    sources: F,
}

impl<F: Fn(usize, &mut [f32], &mut [f32])> WithSimd for Warp<'_, F> {
    type Output = Image;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Image {
        match self.image.channels() {
            1 => warp_lanes::<1>(self.image, self.sampling, self.sources),
            _ => warp_lanes::<4>(self.image, self.sampling, self.sources),
        }
    }
}

/// [`warp`] with groups of `N` channels side by side, so that one vector holds a pixel.
#[inline(always)]
fn warp_lanes<const N: usize>(
    image: &Image,
    sampling: Sampling,
    sources: impl Fn(usize, &mut [f32], &mut [f32]),
) -> Image {
    let [channels, height, width] = image.dims();
    let mut out = Image::filled(channels, height, width, sampling.fill);
    let area = height * width;
    if area == 0 {
        return out;
    }
    let (mut xs, mut ys, mut starts) = (vec![0.0; width], vec![0.0; width], vec![0; width]);
    let mut pixels = vec![[0.0; N]; width];
    for (from, to) in image.pixels().chunks(N * area).zip(out.pixels_mut().chunks_mut(N * area)) {
        let framed = Framed::<N>::new(from, height, width, sampling.fill);
        for row in 0..height {
            sources(row, &mut xs, &mut ys);
            match sampling.interpolation {
                Interpolation::Nearest => {
                    framed.locate(&mut xs, &mut ys, &mut starts, 0.5);
                    for (pixel, &start) in pixels.iter_mut().zip(&starts) {
                        *pixel = framed.pixels[start as usize];
                    }
                }
                Interpolation::Bilinear => {
                    framed.locate(&mut xs, &mut ys, &mut starts, 0.0);
                    framed.blend(&xs, &ys, &starts, &mut pixels);
                }
            }
            for (channel, plane) in to.chunks_exact_mut(area).enumerate() {
                let values = plane[row * width..][..width].iter_mut().zip(&pixels);
                values.for_each(|(value, pixel)| *value = pixel[channel]);
            }
        }
    }
    out
}

/// Up to `N` channels side by side with a frame of the fill around them (one pixel above and left, two below and
/// right), so that a position clamped to the frame can be read like any other.
struct Framed<const N: usize> {
    pixels: Vec<[f32; N]>,
    height: usize,
    width: usize,
    stride: usize,
}

impl<const N: usize> Framed<N> {
    #[inline(always)]
    fn new(planes: &[f32], height: usize, width: usize, fill: f32) -> Self {
        let stride = width + 3;
        let mut pixels = vec![[fill; N]; (height + 3) * stride];
        let area = height * width;
        for (y, row) in pixels[stride..].chunks_exact_mut(stride).take(height).enumerate() {
            // Lanes without a channel hold the first one again.
            let lines: [&[f32]; N] = std::array::from_fn(|lane| {
                let plane = if lane * area < planes.len() { lane * area } else { 0 };
                &planes[plane + y * width..][..width]
            });
            for (x, pixel) in row[1..=width].iter_mut().enumerate() {
                *pixel = lines.map(|line| line[x]);
            }
        }
        Self { pixels, height, width, stride }
    }

    /// Turns positions into where they start in the framed pixels, and how far they lie past that pixel.
    #[inline(always)]
    fn locate(&self, xs: &mut [f32], ys: &mut [f32], starts: &mut [i32], rounding: f32) {
        let (right, bottom, stride) = (self.width as f32, self.height as f32, self.stride as i32);
        for ((x, y), start) in xs.iter_mut().zip(ys).zip(starts) {
            // `max` and `min` in this order turn NaN into the frame.
            let (framed_x, framed_y) =
                ((*x + rounding).max(-1.0).min(right) + 1.0, (*y + rounding).max(-1.0).min(bottom) + 1.0);
            let (column, line) = (floor(framed_x), floor(framed_y));
            *start = whole(line) * stride + whole(column);
            *x = framed_x - column;
            *y = framed_y - line;
        }
    }

    /// The four pixels from each start on, weighted by how far the position lies past the first.
    #[inline(always)]
    fn blend(&self, xs: &[f32], ys: &[f32], starts: &[i32], out: &mut [[f32; N]]) {
        for (((pixel, &start), &x), &y) in out.iter_mut().zip(starts).zip(xs).zip(ys) {
            // One slice, so that one bounds check covers the four pixels.
            let four = &self.pixels[start as usize..][..self.stride + 2];
            let between = |a: [f32; N], b: [f32; N], share: f32| -> [f32; N] {
                std::array::from_fn(|lane| a[lane] + share * (b[lane] - a[lane]))
            };
            let upper = between(four[0], four[1], x);
            let lower = between(four[self.stride], four[self.stride + 1], x);
            *pixel = between(upper, lower, y);
        }
    }
}

/// From here on up to its double, floating-point numbers are the whole numbers.
const WHOLE: f32 = (1 << 23) as f32;

/// The whole part of a number from 0 to 2^22. Unlike a cast, this becomes vector code.
#[inline(always)]
pub(crate) fn floor(x: f32) -> f32 {
    let nearest = (x + WHOLE) - WHOLE;
    if nearest > x { nearest - 1.0 } else { nearest }
}

/// A whole number from 0 to 2^22 as an integer.
#[inline(always)]
fn whole(x: f32) -> i32 {
    ((x + WHOLE).to_bits().wrapping_sub(WHOLE.to_bits())) as i32
}
