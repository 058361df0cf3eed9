//! What pushes points of a layout apart: every other point.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Points whose pushes are worked out together: they share what is loaded, and one division.
const TILE: usize = 4;

/// For each point the sums over all others of q^2 dx, q^2 dy and q, where q = 1 / (1 + distance^2).
pub(super) fn repulsion(x: &[f32], y: &[f32]) -> Vec<[f32; 3]> {
    const CHUNK: usize = 64;
    let mut pushes = vec![[0.0; 3]; x.len()];
    // Points beyond the last are so far away that they push nobody.
    let padded = |values: &[f32]| {
        let mut padded = values.to_vec();
        padded.resize(values.len().next_multiple_of(16), FAR);
        padded
    };
    let (others_x, others_y) = (padded(x), padded(y));
    pushes.par_chunks_mut(CHUNK).enumerate().for_each(|(c, pushes)| {
        let from = c * CHUNK;
        let (x, y) = (&x[from..from + pushes.len()], &y[from..from + pushes.len()]);
        Arch::new().dispatch(Pushes { x, y, others_x: &others_x, others_y: &others_y, pushes });
    });
    pushes
}

/// A coordinate whose squared distance to any point of a layout reaches [`MOST`].
const FAR: f32 = 1e6;

/// The largest 1 + distance^2 that counts: four of them can still be multiplied.
const MOST: f32 = 1e9;

struct Pushes<'a> {
    x: &'a [f32],
    y: &'a [f32],
    others_x: &'a [f32],
    others_y: &'a [f32],
    pushes: &'a mut [[f32; 3]],
}

impl WithSimd for Pushes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (others_x, _) = S::as_simd_f32s(self.others_x);
        let (others_y, _) = S::as_simd_f32s(self.others_y);
        for ((x, y), pushes) in self.x.chunks(TILE).zip(self.y.chunks(TILE)).zip(self.pushes.chunks_mut(TILE))
        {
            let place = |values: &[f32]| -> [S::f32s; TILE] {
                std::array::from_fn(|r| simd.splat_f32s(values[r.min(values.len() - 1)]))
            };
            let sums = tile(simd, place(x), place(y), others_x, others_y);
            for (push, [along_x, along_y, weight]) in pushes.iter_mut().zip(sums) {
                // The point itself was counted among the others, with weight 1.
                *push = [
                    simd.reduce_sum_f32s(along_x),
                    simd.reduce_sum_f32s(along_y),
                    simd.reduce_sum_f32s(weight) - 1.0,
                ];
            }
        }
    }
}

#[inline(always)]
fn tile<S: Simd>(
    simd: S,
    x: [S::f32s; TILE],
    y: [S::f32s; TILE],
    others_x: &[S::f32s],
    others_y: &[S::f32s],
) -> [[S::f32s; 3]; TILE] {
    let (one, most) = (simd.splat_f32s(1.0), simd.splat_f32s(MOST));
    let mut sums = [[simd.splat_f32s(0.0); 3]; TILE];
    for (&other_x, &other_y) in others_x.iter().zip(others_y) {
        let dx: [S::f32s; TILE] = std::array::from_fn(|r| simd.sub_f32s(x[r], other_x));
        let dy: [S::f32s; TILE] = std::array::from_fn(|r| simd.sub_f32s(y[r], other_y));
        let d: [S::f32s; TILE] = std::array::from_fn(|r| {
            let square = simd.mul_add_f32s(dy[r], dy[r], simd.mul_add_f32s(dx[r], dx[r], one));
            simd.min_f32s(square, most)
        });
        // Four reciprocals from one division.
        let (front, back) = (simd.mul_f32s(d[0], d[1]), simd.mul_f32s(d[2], d[3]));
        let all = simd.div_f32s(one, simd.mul_f32s(front, back));
        let (of_front, of_back) = (simd.mul_f32s(all, back), simd.mul_f32s(all, front));
        let q = [
            simd.mul_f32s(of_front, d[1]),
            simd.mul_f32s(of_front, d[0]),
            simd.mul_f32s(of_back, d[3]),
            simd.mul_f32s(of_back, d[2]),
        ];
        for r in 0..TILE {
            let square = simd.mul_f32s(q[r], q[r]);
            sums[r][0] = simd.mul_add_f32s(square, dx[r], sums[r][0]);
            sums[r][1] = simd.mul_add_f32s(square, dy[r], sums[r][1]);
            sums[r][2] = simd.add_f32s(sums[r][2], q[r]);
        }
    }
    sums
}
