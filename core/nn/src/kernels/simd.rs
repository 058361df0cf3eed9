//! The instruction set, chosen at run time.

use pulp::{Arch, Scalar, Simd, WithSimd};
use std::sync::atomic::{AtomicBool, Ordering};

static SCALAR: AtomicBool = AtomicBool::new(false);

/// Makes every kernel of the process take its scalar path, or the best one again: for tests and measurements.
pub fn force_scalar(scalar: bool) {
    SCALAR.store(scalar, Ordering::Relaxed);
}

/// The name of the instruction set in use.
pub fn name() -> &'static str {
    if SCALAR.load(Ordering::Relaxed) {
        return "scalar";
    }
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "AVX-512",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "AVX2",
        _ => "scalar",
    }
}

/// Runs an operation written over `pulp`'s vectors.
#[inline]
pub(crate) fn run<W: WithSimd>(work: W) -> W::Output {
    if SCALAR.load(Ordering::Relaxed) { work.with_simd(Scalar::new()) } else { Arch::new().dispatch(work) }
}

/// Runs a plain loop compiled for the best instruction set; the compiler vectorises it.
#[inline]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    if SCALAR.load(Ordering::Relaxed) { work() } else { Arch::new().dispatch(work) }
}

/// Floats of a vector on this machine.
pub(crate) fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    run(Lanes)
}
