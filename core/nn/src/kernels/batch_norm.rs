//! Batch normalisation of (items, channels, pixels), with the activation and a second summand in the same pass.

use super::simd::vectorised;
use super::{Activation, buffer, linear, threads};

/// Mean and variance of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Biased variance of each channel.
    pub variance: Vec<f32>,
}

/// Items, channels, and values of a channel in one item.
pub type Extent = (usize, usize, usize);

/// The moments of each channel over all items and pixels.
pub fn moments((batch, channels, pixels): Extent, x: &[f32]) -> Moments {
    let mut both = vec![(0.0, 0.0); channels];
    if pixels == 1 {
        let block = 16;
        threads::pieces(&mut both, block, |i, both| row_moments(x, channels, i * block, both));
    } else {
        threads::pieces(&mut both, 1, |c, both| {
            both[0] =
                with_channel((batch, channels, pixels), c, x, |planes| plane_moments(planes.iter().copied()));
        });
    }
    let (mean, variance) = both.into_iter().unzip();
    Moments { mean, variance }
}

/// Pixels below which the planes of a channel are first brought together: each run over a plane has its cost.
const SMALL: usize = 256;

/// Lends the values of a channel to `work`, in runs worth a loop.
fn with_channel<R>(
    (batch, channels, pixels): Extent,
    channel: usize,
    x: &[f32],
    work: impl FnOnce(&[&[f32]]) -> R,
) -> R {
    let planes = (0..batch).map(|n| &x[(n * channels + channel) * pixels..][..pixels]);
    if pixels >= SMALL {
        return work(&planes.collect::<Vec<_>>());
    }
    buffer::with(batch * pixels, |values| {
        for (to, from) in values.chunks_exact_mut(pixels).zip(planes) {
            to.copy_from_slice(from);
        }
        work(&values.chunks(SMALL).collect::<Vec<_>>())
    })
}

/// Joins the moments of planes (Chan et al.): the mean may be far from zero without costing digits.
fn plane_moments<'a>(planes: impl Iterator<Item = &'a [f32]>) -> (f32, f32) {
    let (mut count, mut mean, mut squares) = (0.0f64, 0.0f64, 0.0f64);
    for plane in planes {
        let n = plane.len() as f64;
        let plane_mean = f64::from(linear::sum(plane)) / n;
        let plane_squares = f64::from(squares_around(plane, plane_mean as f32));
        let delta = plane_mean - mean;
        squares += plane_squares + delta * delta * count * n / (count + n);
        mean += delta * n / (count + n);
        count += n;
    }
    (mean as f32, (squares / count) as f32)
}

fn squares_around(values: &[f32], mean: f32) -> f32 {
    vectorised(
        #[inline(always)]
        || {
            let mut lanes = [0.0f32; 16];
            let chunks = values.chunks_exact(16);
            let rest: f32 = chunks.remainder().iter().map(|v| (v - mean) * (v - mean)).sum();
            for chunk in chunks {
                for (lane, v) in lanes.iter_mut().zip(chunk) {
                    *lane += (v - mean) * (v - mean);
                }
            }
            lanes.iter().sum::<f32>() + rest
        },
    )
}

fn row_moments(x: &[f32], channels: usize, start: usize, both: &mut [(f32, f32)]) {
    let rows = x.len() / channels;
    let mut sums = vec![0.0f64; both.len()];
    let mut squares = vec![0.0f64; both.len()];
    let lines = || x.chunks_exact(channels).map(|row| &row[start..start + sums_len(channels, start)]);
    for line in lines() {
        sums.iter_mut().zip(line).for_each(|(s, &v)| *s += f64::from(v));
    }
    sums.iter_mut().for_each(|s| *s /= rows as f64);
    for line in lines() {
        for ((q, &v), mean) in squares.iter_mut().zip(line).zip(&sums) {
            *q += (f64::from(v) - mean).powi(2);
        }
    }
    for ((both, mean), square) in both.iter_mut().zip(sums).zip(squares) {
        *both = (mean as f32, (square / rows as f64) as f32);
    }
}

fn sums_len(channels: usize, start: usize) -> usize {
    (channels - start).min(16)
}

/// How each channel is scaled and shifted.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// 1 / sqrt(variance + epsilon).
    pub inverse: Vec<f32>,
    /// Factor of each channel.
    pub scale: Vec<f32>,
    /// Summand of each channel.
    pub shift: Vec<f32>,
}

impl Affine {
    /// The normalisation by `moments`, followed by `gain` and `bias`.
    pub fn new(moments: &Moments, gain: &[f32], bias: &[f32], epsilon: f32) -> Self {
        let inverse: Vec<f32> = moments.variance.iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect();
        let scale: Vec<f32> = inverse.iter().zip(gain).map(|(i, g)| i * g).collect();
        let shift = scale.iter().zip(&moments.mean).zip(bias).map(|((s, m), b)| b - m * s).collect();
        Self { inverse, scale, shift }
    }
}

/// Items handed to a thread at once.
fn items_per_piece(channels: usize, pixels: usize) -> usize {
    (threads::PIECE / (channels * pixels).max(1)).max(1)
}

/// `y = activation(x * scale + shift + add)`.
pub fn normalise(
    (_, channels, pixels): Extent,
    x: &[f32],
    affine: &Affine,
    add: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
) {
    let many = items_per_piece(channels, pixels) * channels * pixels;
    threads::pieces(y, many, |i, y| {
        let at = i * many;
        let x = &x[at..at + y.len()];
        let add = add.map(|a| &a[at..at + y.len()]);
        vectorised(
            #[inline(always)]
            || {
                if pixels == 1 {
                    for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                        for (((y, x), scale), shift) in
                            y.iter_mut().zip(x).zip(&affine.scale).zip(&affine.shift)
                        {
                            *y = x * scale + shift;
                        }
                    }
                } else {
                    for (p, (y, x)) in y.chunks_exact_mut(pixels).zip(x.chunks_exact(pixels)).enumerate() {
                        let (scale, shift) = (affine.scale[p % channels], affine.shift[p % channels]);
                        y.iter_mut().zip(x).for_each(|(y, x)| *y = x * scale + shift);
                    }
                }
                if let Some(add) = add {
                    y.iter_mut().zip(add).for_each(|(y, a)| *y += a);
                }
            },
        );
        activation.apply(y);
    });
}

/// Sums over each channel that the backward pass needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// Sum of the gradients: the gradient of the bias.
    pub plain: Vec<f32>,
    /// Sum of gradient times normalised value: the gradient of the gain.
    pub weighted: Vec<f32>,
}

/// The sums of `dz`, the gradient before the activation.
pub fn sums(
    (batch, channels, pixels): Extent,
    x: &[f32],
    moments: &Moments,
    affine: &Affine,
    dz: &[f32],
) -> Sums {
    let mut both = vec![(0.0, 0.0); channels];
    if pixels == 1 {
        let block = 16;
        threads::pieces(&mut both, block, |i, both| {
            for (x, dz) in x.chunks_exact(channels).zip(dz.chunks_exact(channels)) {
                for (j, (plain, weighted)) in both.iter_mut().enumerate() {
                    let c = i * block + j;
                    *plain += dz[c];
                    *weighted += dz[c] * (x[c] - moments.mean[c]) * affine.inverse[c];
                }
            }
        });
    } else {
        threads::pieces(&mut both, 1, |c, both| {
            let extent = (batch, channels, pixels);
            let (plain, weighted) = with_channel(extent, c, x, |x| {
                with_channel(extent, c, dz, |dz| {
                    x.iter().zip(dz).fold((0.0f64, 0.0f64), |(plain, weighted), (x, dz)| {
                        let (p, w) = plane_sums(x, dz, moments.mean[c]);
                        (plain + f64::from(p), weighted + f64::from(w))
                    })
                })
            });
            both[0] = (plain as f32, weighted as f32 * affine.inverse[c]);
        });
    }
    let (plain, weighted) = both.into_iter().unzip();
    Sums { plain, weighted }
}

fn plane_sums(x: &[f32], dz: &[f32], mean: f32) -> (f32, f32) {
    vectorised(
        #[inline(always)]
        || {
            let (mut plain, mut weighted) = ([0.0f32; 16], [0.0f32; 16]);
            let (xs, ds) = (x.chunks_exact(16), dz.chunks_exact(16));
            let (xr, dr) = (xs.remainder(), ds.remainder());
            for (x, d) in xs.zip(ds) {
                for lane in 0..16 {
                    plain[lane] += d[lane];
                    weighted[lane] += d[lane] * (x[lane] - mean);
                }
            }
            let rest: f32 = xr.iter().zip(dr).map(|(x, d)| d * (x - mean)).sum();
            (plain.iter().sum::<f32>() + dr.iter().sum::<f32>(), weighted.iter().sum::<f32>() + rest)
        },
    )
}

/// Turns the gradient before the activation into that of the input, in place. With `sums` the statistics were the
/// batch's own and depend on the input; without, they were constants.
pub fn input_gradient(
    (batch, channels, pixels): Extent,
    x: &[f32],
    moments: &Moments,
    affine: &Affine,
    sums: Option<&Sums>,
    dz: &mut [f32],
) {
    // dx = scale * (dz - mean(dz) - normalised * mean(dz * normalised)), as one linear form of dz and x.
    let count = (batch * pixels) as f32;
    let forms: Vec<(f32, f32, f32)> = (0..channels)
        .map(|c| {
            let scale = affine.scale[c];
            sums.map_or((scale, 0.0, 0.0), |s| {
                let of_x = -scale * s.weighted[c] / count * affine.inverse[c];
                (scale, of_x, -scale * s.plain[c] / count - of_x * moments.mean[c])
            })
        })
        .collect();
    let many = items_per_piece(channels, pixels) * channels * pixels;
    threads::pieces(dz, many, |i, dz| {
        let x = &x[i * many..i * many + dz.len()];
        vectorised(
            #[inline(always)]
            || {
                if pixels == 1 {
                    for (dz, x) in dz.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                        for ((d, x), (a, b, c)) in dz.iter_mut().zip(x).zip(&forms) {
                            *d = *d * a + x * b + c;
                        }
                    }
                } else {
                    for (p, (dz, x)) in dz.chunks_exact_mut(pixels).zip(x.chunks_exact(pixels)).enumerate() {
                        let (a, b, c) = forms[p % channels];
                        dz.iter_mut().zip(x).for_each(|(d, x)| *d = *d * a + x * b + c);
                    }
                }
            },
        );
    });
}
