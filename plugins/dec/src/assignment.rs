//! Soft assignments of embeddings to centroids, and the target that sharpens them: equations 3.3 to 3.5 of 003.

use scant_abi::{Result, Tensor, TensorView};
use scant_nn::adapt::{Traced, differentiate_two, tensor};
use scant_nn::dfdx::prelude::*;
use scant_nn::ops::{Reduction, soft_cross_entropy};
use scant_nn::train::largest;

/// q: the share of each centroid in each embedding (equation 3.3), Student's t with `alpha` degrees of freedom.
pub(crate) fn assign(embeddings: &[f32], centroids: &[f32], width: usize, alpha: f32) -> Vec<f32> {
    let mut shares = Vec::with_capacity(embeddings.len() / width.max(1) * (centroids.len() / width.max(1)));
    for embedding in embeddings.chunks_exact(width.max(1)) {
        let start = shares.len();
        for centroid in centroids.chunks_exact(width.max(1)) {
            let distance: f32 = embedding.iter().zip(centroid).map(|(z, m)| (z - m) * (z - m)).sum();
            shares.push((1.0 + distance / alpha).powf(-(alpha + 1.0) / 2.0));
        }
        let sum: f32 = shares[start..].iter().sum();
        shares[start..].iter_mut().for_each(|share| *share /= sum);
    }
    shares
}

/// p: the assignments squared and held against the clusters' sizes (equation 3.4).
pub(crate) fn target(shares: &[f32], clusters: usize) -> Vec<f32> {
    let mut sizes = vec![0.0f64; clusters];
    for row in shares.chunks_exact(clusters) {
        sizes.iter_mut().zip(row).for_each(|(size, q)| *size += f64::from(*q));
    }
    let mut target = shares.to_vec();
    for row in target.chunks_exact_mut(clusters) {
        row.iter_mut().zip(&sizes).for_each(|(q, size)| *q = (f64::from(*q * *q) / size) as f32);
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= sum);
    }
    target
}

/// The cluster of each sample.
pub(crate) fn hard(shares: &[f32], clusters: usize) -> Vec<i64> {
    shares.chunks_exact(clusters).map(|row| largest(row) as i64).collect()
}

/// KL(P || Q), the mean over samples (equation 3.5), with its gradients for embeddings and centroids.
pub(crate) fn divergence(
    embeddings: TensorView<'_>,
    centroids: TensorView<'_>,
    targets: TensorView<'_>,
    alpha: f32,
) -> Result<(f32, [Tensor; 2])> {
    let p = tensor::<(usize, usize)>(targets)?;
    let (value, gradients) = differentiate_two(embeddings, centroids, |z, m| {
        soft_cross_entropy(student(z, m, alpha), &p, None, Reduction::Items)
    })?;
    // Cross-entropy and divergence differ by the targets' entropy, which no gradient sees.
    let rows = targets.shape().rows().max(1) as f32;
    let negative_entropy: f32 = targets.f32()?.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum();
    Ok((value + negative_entropy / rows, gradients))
}

/// The numbers whose softmax is q.
fn student(z: Traced<(usize, usize)>, m: Traced<(usize, usize)>, alpha: f32) -> Traced<(usize, usize)> {
    let ((rows, width), (clusters, _)) = (*z.shape(), *m.shape());
    let shape = (rows, clusters, width);
    let difference = z.broadcast_like::<_, Axis<1>>(&shape) - m.broadcast_like::<_, Axis<0>>(&shape);
    let distance = difference.square().sum::<(usize, usize), Axis<2>>();
    (distance / alpha + 1.0).ln() * (-(alpha + 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // One number per sample, centroids at 0 and 1: samples at 0, 0.5, 1.
    const Z: [f32; 3] = [0.0, 0.5, 1.0];
    const M: [f32; 2] = [0.0, 1.0];

    #[test]
    fn assignments_are_those_worked_by_hand() {
        // Kernels with alpha = 1: 1/(1+d^2): (1, 1/2), (4/5, 4/5), (1/2, 1).
        let q = assign(&Z, &M, 1, 1.0);
        let expected = [2.0 / 3.0, 1.0 / 3.0, 0.5, 0.5, 1.0 / 3.0, 2.0 / 3.0];
        assert!(q.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{q:?}");
        assert_eq!(hard(&q, 2), [0, 0, 1]);
        // With alpha = 2: (1 + d^2 / 2)^(-3/2), which is 1 and 1.5^(-3/2) = 0.544331 for the first sample.
        let q = assign(&Z, &M, 1, 2.0);
        assert!((q[0] - 0.647_530).abs() < 1e-6 && (q[2] - 0.5).abs() < 1e-6, "{q:?}");
    }

    #[test]
    fn the_target_is_sharper_and_held_against_sizes() {
        // Samples at 0, 0 and 1: q = (2/3, 1/3) twice and (1/3, 2/3), so that the sizes are 5/3 and 4/3. p of the first sample is
        // (4/9 / 5/3, 1/9 / 4/3) = (16, 5) / 60 brought to the sum 1, that of the last one (1/9 / 5/3, 4/9 / 4/3) = (4, 20) / 60.
        let p = target(&assign(&[0.0, 0.0, 1.0], &M, 1, 1.0), 2);
        let expected = [16.0 / 21.0, 5.0 / 21.0, 16.0 / 21.0, 5.0 / 21.0, 1.0 / 6.0, 5.0 / 6.0];
        assert!(p.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{p:?}");
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let z = [0.3f32, -0.2, 1.1, 0.4];
        let m = [0.1f32, 0.2, 0.9, 0.6];
        let p = [0.7f32, 0.3, 0.2, 0.8];
        let at = |z: &[f32], m: &[f32]| {
            let view = |v| TensorView::of_f32(v, &[2, 2]).expect("a view");
            divergence(view(z), view(m), view(&p), 1.0).expect("a value")
        };
        let (value, gradients) = at(&z, &m);
        let q = assign(&z, &m, 2, 1.0);
        let by_hand: f32 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum::<f32>() / 2.0;
        assert!((value - by_hand).abs() < 1e-6, "{value} {by_hand}");
        for i in 0..4 {
            let step = 1e-2;
            let (mut up, mut down) = (z, z);
            up[i] += step;
            down[i] -= step;
            let slope = (at(&up, &m).0 - at(&down, &m).0) / (2.0 * step);
            assert!((slope - gradients[0].f32().expect("numbers")[i]).abs() < 1e-3);
            let (mut up, mut down) = (m, m);
            up[i] += step;
            down[i] -= step;
            let slope = (at(&z, &up).0 - at(&z, &down).0) / (2.0 * step);
            assert!((slope - gradients[1].f32().expect("numbers")[i]).abs() < 1e-3);
        }
    }
}
