//! Elementwise activations: every gradient is computed from the output alone, so that the input need not be kept.

use super::simd::vectorised;
use super::threads::{self, PIECE};

/// What happens to each value after a layer's linear part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, else `slope * x`; the slope must be positive.
    LeakyRelu(f32),
    /// `x` where positive, else `alpha * (exp(x) - 1)`; alpha must be positive.
    Elu(f32),
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `ln(1 + exp(x))`.
    Softplus,
}

/// e^x to about one unit in the last place: range reduction and a polynomial, in a form that compilers vectorise.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.3, 88.7);
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number and leaves it in the low bits.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    let scale = shifted.to_bits().wrapping_sub(0x4B40_0000).wrapping_add(127) << 23;
    y * f32::from_bits(scale)
}

/// e^x - 1, also for small x.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    let series = x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0)))));
    if x.abs() < 0.15 { series } else { exp(x) - 1.0 }
}

/// ln(x) for positive normal x, in a form that compilers vectorise.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    let bits = x.to_bits().wrapping_sub(0x3F35_04F3);
    let exponent = (bits as i32 >> 23) as f32;
    let m = f32::from_bits((bits & 0x007F_FFFF).wrapping_add(0x3F35_04F3)) - 1.0;
    let z = m * m;
    let p = 7.037_683_6e-2;
    let p = p * m - 1.151_461e-1;
    let p = p * m + 1.167_699_9e-1;
    let p = p * m - 1.242_014_1e-1;
    let p = p * m + 1.424_932_3e-1;
    let p = p * m - 1.666_805_8e-1;
    let p = p * m + 2.000_071_5e-1;
    let p = p * m - 2.499_999_4e-1;
    let p = p * m + 3.333_333e-1;
    let y = p * m * z + exponent * -2.121_944_4e-4 - 0.5 * z;
    m + y + exponent * 0.693_359_4
}

/// ln(1 + exp(x)) without overflow.
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    let e = exp(-x.abs());
    // Below 1e-4 the sum 1 + e has lost too many digits of e.
    let tail = if e < 1e-4 { e } else { ln(1.0 + e) };
    x.max(0.0) + tail
}

/// 1 / (1 + exp(-x)).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let m = exp_m1(2.0 * x.clamp(-10.0, 10.0));
    m / (m + 2.0)
}

impl Activation {
    /// Replaces each value by its activation. One thread.
    #[allow(clippy::redundant_closure, reason = "a function's own name cannot carry inline(always)")]
    pub fn apply(self, values: &mut [f32]) {
        fn map(values: &mut [f32], f: impl Fn(f32) -> f32) {
            vectorised(
                #[inline(always)]
                || values.iter_mut().for_each(|v| *v = f(*v)),
            );
        }
        match self {
            Self::Identity => {}
            Self::Relu => map(
                values,
                #[inline(always)]
                |x| if x < 0.0 { 0.0 } else { x },
            ),
            Self::LeakyRelu(slope) => map(
                values,
                #[inline(always)]
                |x| if x > 0.0 { x } else { slope * x },
            ),
            Self::Elu(alpha) => map(
                values,
                #[inline(always)]
                |x| if x > 0.0 { x } else { alpha * exp_m1(x) },
            ),
            Self::Sigmoid => map(
                values,
                #[inline(always)]
                |x| sigmoid(x),
            ),
            Self::Tanh => map(
                values,
                #[inline(always)]
                |x| tanh(x),
            ),
            Self::Softplus => map(
                values,
                #[inline(always)]
                |x| softplus(x),
            ),
        }
    }

    /// Multiplies each gradient by the activation's slope, where `y` are the activation's outputs. One thread.
    pub fn pull_back(self, y: &[f32], gradient: &mut [f32]) {
        fn scale(y: &[f32], gradient: &mut [f32], slope: impl Fn(f32) -> f32) {
            vectorised(
                #[inline(always)]
                || gradient.iter_mut().zip(y).for_each(|(g, &y)| *g *= slope(y)),
            );
        }
        match self {
            Self::Identity => {}
            Self::Relu => scale(
                y,
                gradient,
                #[inline(always)]
                |y| if y > 0.0 { 1.0 } else { 0.0 },
            ),
            Self::LeakyRelu(slope) => scale(
                y,
                gradient,
                #[inline(always)]
                |y| if y > 0.0 { 1.0 } else { slope },
            ),
            Self::Elu(alpha) => scale(
                y,
                gradient,
                #[inline(always)]
                |y| if y > 0.0 { 1.0 } else { y + alpha },
            ),
            Self::Sigmoid => scale(
                y,
                gradient,
                #[inline(always)]
                |y| y * (1.0 - y),
            ),
            Self::Tanh => scale(
                y,
                gradient,
                #[inline(always)]
                |y| 1.0 - y * y,
            ),
            Self::Softplus => scale(
                y,
                gradient,
                #[inline(always)]
                |y| -exp_m1(-y),
            ),
        }
    }

    /// [`Activation::apply`] over all threads.
    pub fn apply_threaded(self, values: &mut [f32]) {
        if self != Self::Identity {
            threads::pieces(values, PIECE, |_, piece| self.apply(piece));
        }
    }

    /// [`Activation::pull_back`] over all threads.
    pub fn pull_back_threaded(self, y: &[f32], gradient: &mut [f32]) {
        if self != Self::Identity {
            threads::pieces(gradient, PIECE, |i, piece| {
                self.pull_back(&y[i * PIECE..i * PIECE + piece.len()], piece);
            });
        }
    }
}
