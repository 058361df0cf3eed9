//! Cutting work into pieces that do not depend on the number of threads.

use rayon::prelude::*;

/// Floats below which a piece of elementwise work is not worth handing to another thread.
pub const PIECE: usize = 16 * 1024;

/// Whether there is one thread only: work then stays on the thread that asks for it, which may be none of the pool's.
fn alone() -> bool {
    rayon::current_num_threads() == 1
}

/// Runs `work` for each index below `count`, on any thread and in any order.
pub fn each(count: usize, work: impl Fn(usize) + Sync + Send) {
    if count <= 1 || alone() {
        (0..count).for_each(work);
    } else {
        (0..count).into_par_iter().with_max_len(1).for_each(work);
    }
}

/// Hands out consecutive pieces of `out`, each of `size` elements but the last, together with their index.
pub fn pieces<T: Send>(out: &mut [T], size: usize, work: impl Fn(usize, &mut [T]) + Sync + Send) {
    let size = size.max(1);
    if out.len() <= size || alone() {
        out.chunks_mut(size).enumerate().for_each(|(i, piece)| work(i, piece));
    } else {
        out.par_chunks_mut(size).enumerate().with_max_len(1).for_each(|(i, piece)| work(i, piece));
    }
}

/// The same for two slices cut at the same places: `size_a` and `size_b` elements a piece.
pub fn pieces2<A: Send, B: Send>(
    (a, size_a): (&mut [A], usize),
    (b, size_b): (&mut [B], usize),
    work: impl Fn(usize, &mut [A], &mut [B]) + Sync + Send,
) {
    let (size_a, size_b) = (size_a.max(1), size_b.max(1));
    if (a.len() <= size_a && b.len() <= size_b) || alone() {
        let pieces = a.chunks_mut(size_a).zip(b.chunks_mut(size_b));
        pieces.enumerate().for_each(|(i, (a, b))| work(i, a, b));
    } else {
        let pieces = a.par_chunks_mut(size_a).zip(b.par_chunks_mut(size_b));
        pieces.enumerate().with_max_len(1).for_each(|(i, (a, b))| work(i, a, b));
    }
}

/// Runs `run` on all of `work`, on other threads too where its `elements` are worth that.
pub fn all<T: Send>(work: Vec<T>, elements: usize, run: impl Fn(T) + Sync + Send) {
    if elements <= PIECE || alone() {
        work.into_iter().for_each(run);
    } else {
        work.into_par_iter().for_each(run);
    }
}

/// The sum of `part` over pieces of `len` elements, added up in the order of the pieces.
pub fn sum(len: usize, part: impl Fn(std::ops::Range<usize>) -> f64 + Sync + Send) -> f64 {
    let count = len.div_ceil(PIECE);
    let range = |i: usize| i * PIECE..((i + 1) * PIECE).min(len);
    if count <= 1 {
        return part(0..len);
    }
    if alone() {
        return (0..count).map(|i| part(range(i))).sum();
    }
    let parts: Vec<f64> = (0..count).into_par_iter().map(|i| part(range(i))).collect();
    parts.into_iter().sum()
}
