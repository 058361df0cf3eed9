//! Many normally distributed numbers at once.
//!
//! Box and Muller's method, both of its numbers used, over arrays that the compiler turns into vector code. Logarithm,
//! sine and cosine are polynomials of additions and multiplications alone, so that every machine gets the same bits.

use pulp::{Simd, WithSimd};
use scant_abi::Rng;

const PAIRS: usize = 64;

/// Hands standard normal numbers to `each`, one for every item.
pub(crate) fn add_normals(rng: &mut Rng, items: &mut [f32], each: impl Fn(&mut f32, f32)) {
    pulp::Arch::new().dispatch(Each { rng, items, each });
}

/// The work as a type of its own: unlike a closure, it is sure to be compiled into the dispatched function.
struct Each<'a, F> {
    rng: &'a mut Rng,
    items: &'a mut [f32],
    each: F,
}

impl<F: Fn(&mut f32, f32)> WithSimd for Each<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for chunk in self.items.chunks_mut(2 * PAIRS) {
            let normals = normals(self.rng);
            let numbered = chunk.iter_mut().zip(normals.as_flattened());
            numbered.for_each(|(item, &normal)| (self.each)(item, normal));
        }
    }
}

#[inline(always)]
fn normals(rng: &mut Rng) -> [[f32; PAIRS]; 2] {
    let mut words = [[0; PAIRS]; 2];
    rng.fill(words.as_flattened_mut());
    let [lengths, angles] = &words;
    let mut normals = [[0.0; PAIRS]; 2];
    let [across, up] = &mut normals;
    for (((across, up), length), &angle) in across.iter_mut().zip(up).zip(lengths).zip(angles) {
        let length = (-2.0 * ln(((length >> 8) + 1) as i32 as f32 / (1 << 24) as f32)).sqrt();
        // 24 bits give an angle in the first quadrant, two more the signs.
        let turn = (angle & 0x00ff_ffff) as i32 as f32 * (std::f32::consts::FRAC_PI_2 / (1 << 24) as f32);
        *across = signed(length * cos(turn), angle);
        *up = signed(length * sin(turn), angle << 1);
    }
    normals
}

/// `value` with its sign flipped if the highest bit is set.
#[inline(always)]
fn signed(value: f32, bits: u32) -> f32 {
    f32::from_bits(value.to_bits() ^ (bits & 0x8000_0000))
}

/// The natural logarithm of a positive normal number.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // x = m * 2^e with m within a factor of sqrt(2) of 1; ln m = 2 artanh((m - 1) / (m + 1)).
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (shifted as i32 >> 23) as f32;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(SQRT_HALF));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let q = s * s;
    let series = 1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0))));
    exponent * std::f32::consts::LN_2 + 2.0 * s * series
}

/// The sine between 0 and a right angle, by its Taylor series.
#[inline(always)]
fn sin(x: f32) -> f32 {
    let q = x * x;
    let tail = 1.0 / 362_880.0 - q * (1.0 / 39_916_800.0);
    x * (1.0 - q * (1.0 / 6.0 - q * (1.0 / 120.0 - q * (1.0 / 5040.0 - q * tail))))
}

/// The cosine between 0 and a right angle, by its Taylor series.
#[inline(always)]
fn cos(x: f32) -> f32 {
    let q = x * x;
    let tail = 1.0 / 40_320.0 - q * (1.0 / 3_628_800.0 - q * (1.0 / 479_001_600.0));
    1.0 - q * (0.5 - q * (1.0 / 24.0 - q * (1.0 / 720.0 - q * tail)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scant_abi::Key;

    #[test]
    fn polynomials_agree_with_the_functions() {
        for i in 1..=1000 {
            let x = i as f32 / 1000.0;
            assert!((ln(x) - x.ln()).abs() < 2e-6, "ln {x}");
            let turn = x * std::f32::consts::FRAC_PI_2;
            assert!((sin(turn) - turn.sin()).abs() < 5e-7, "sin {turn}");
            assert!((cos(turn) - turn.cos()).abs() < 5e-7, "cos {turn}");
        }
        assert!((ln(2f32.powi(-24)) + 24.0 * std::f32::consts::LN_2).abs() < 2e-6);
    }

    #[test]
    fn the_numbers_are_standard_normal() {
        let mut numbers = vec![0.0; 200_000];
        add_normals(&mut Key::new(3).rng(), &mut numbers, |number, normal| *number = normal);
        let count = numbers.len() as f64;
        let moment = |power| numbers.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / count;
        for (power, expected, error) in [(1, 0.0, 0.01), (2, 1.0, 0.01), (3, 0.0, 0.03), (4, 3.0, 0.06)] {
            let seen = moment(power);
            assert!((seen - expected).abs() < error, "moment {power}: {seen}");
        }
        // Shares below -2 .. 2, from tables of the normal distribution.
        for (limit, share) in [(-2.0, 0.02275), (-1.0, 0.15866), (0.0, 0.5), (1.0, 0.84134), (2.0, 0.97725)] {
            let seen = numbers.iter().filter(|&&x| x < limit).count() as f64 / count;
            assert!((seen - share).abs() < 0.004, "below {limit}: {seen}");
        }
        let neighbours = numbers.windows(2).map(|w| f64::from(w[0] * w[1])).sum::<f64>() / count;
        assert!(neighbours.abs() < 0.01, "correlation {neighbours}");
    }
}
