//! Cutting work into pieces that do not depend on the number of threads.

use rayon::prelude::*;

/// Floats below which a piece of elementwise work is not worth handing to another thread.
pub const PIECE: usize = 16 * 1024;

/// Limits the whole process to `count` threads. Later calls, and calls after the first operation, change nothing.
pub fn set_threads(count: usize) {
    // The pool can be built once; a second request has nothing left to decide.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(count).build_global();
}

/// Runs `work` for each index below `count`, on any thread and in any order.
pub fn each(count: usize, work: impl Fn(usize) + Sync + Send) {
    match count {
        0 => {}
        1 => work(0),
        _ => (0..count).into_par_iter().with_max_len(1).for_each(work),
    }
}

/// Hands out consecutive pieces of `out`, each of `size` elements but the last, together with their index.
pub fn pieces<T: Send>(out: &mut [T], size: usize, work: impl Fn(usize, &mut [T]) + Sync + Send) {
    if out.len() <= size {
        if !out.is_empty() {
            work(0, out);
        }
    } else {
        out.par_chunks_mut(size.max(1)).enumerate().with_max_len(1).for_each(|(i, piece)| work(i, piece));
    }
}

/// The same for two slices cut at the same places: `size_a` and `size_b` elements a piece.
pub fn pieces2<A: Send, B: Send>(
    (a, size_a): (&mut [A], usize),
    (b, size_b): (&mut [B], usize),
    work: impl Fn(usize, &mut [A], &mut [B]) + Sync + Send,
) {
    if a.len() <= size_a && b.len() <= size_b {
        if !a.is_empty() && !b.is_empty() {
            work(0, a, b);
        }
        return;
    }
    a.par_chunks_mut(size_a.max(1))
        .zip(b.par_chunks_mut(size_b.max(1)))
        .enumerate()
        .with_max_len(1)
        .for_each(|(i, (a, b))| work(i, a, b));
}

/// Runs `run` on all of `work`, on other threads too where its `elements` are worth that.
pub fn all<T: Send>(work: Vec<T>, elements: usize, run: impl Fn(T) + Sync + Send) {
    match elements <= PIECE {
        true => work.into_iter().for_each(run),
        false => work.into_par_iter().for_each(run),
    }
}

/// The sum of `part` over pieces of `len` elements, added up in the order of the pieces.
pub fn sum(len: usize, part: impl Fn(std::ops::Range<usize>) -> f64 + Sync + Send) -> f64 {
    let count = len.div_ceil(PIECE);
    let range = |i: usize| i * PIECE..((i + 1) * PIECE).min(len);
    if count <= 1 {
        return part(0..len);
    }
    let parts: Vec<f64> = (0..count).into_par_iter().map(|i| part(range(i))).collect();
    parts.into_iter().sum()
}
