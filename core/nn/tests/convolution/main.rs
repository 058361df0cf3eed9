//! The fast passes against convolution by explicit matrices, and fully connected layers against a general product, on
//! vectors and on scalars. One test, since the choice between the two is the process's.

mod columns;
mod plain;

use scant_abi::Key;
use scant_nn::kernels::convolution::{
    ConvShape, Convolution, forward, input_gradient, transposed, weight_gradient,
};
use scant_nn::kernels::gemm::{Matrix, multiply};
use scant_nn::kernels::{Activation, linear, simd};

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = Key::new(seed).rng();
    (0..len).map(|_| rng.range(-1.0, 1.0)).collect()
}

fn agree(what: &str, found: &[f32], wanted: &[f32]) {
    let scale = wanted.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
        assert!((f - w).abs() <= 1e-5 * scale, "{what}[{i}]: {f}, not {w}");
    }
}

fn shapes() -> Vec<ConvShape> {
    let walk = |stride, padding, dilation, groups| Convolution { stride, padding, dilation, groups };
    let cases = [
        ((2, 3, 32, 32), 11, (3, 3), walk(1, 1, 1, 1)),
        ((3, 8, 8, 8), 16, (3, 3), walk(1, 1, 1, 1)),
        ((7, 16, 4, 4), 24, (3, 3), walk(2, 1, 1, 1)),
        ((5, 9, 2, 2), 10, (3, 3), walk(1, 1, 1, 1)),
        ((2, 3, 35, 33), 7, (11, 11), walk(4, 2, 1, 1)),
        ((2, 6, 13, 9), 4, (2, 3), walk(1, 2, 2, 2)),
        ((3, 4, 16, 16), 4, (4, 4), walk(2, 1, 1, 1)),
        ((2, 5, 28, 28), 3, (5, 5), walk(1, 2, 1, 1)),
        ((2, 4, 7, 7), 8, (1, 1), walk(2, 0, 1, 4)),
        ((1, 2, 5, 5), 2, (1, 1), walk(3, 2, 1, 1)),
        ((1, 2, 6, 6), 3, (2, 2), walk(3, 0, 1, 1)),
        // Outputs that see the whole image; rows that end within a vector; many channels on few pixels.
        ((5, 6, 3, 3), 17, (3, 3), walk(2, 0, 1, 1)),
        ((2, 3, 15, 15), 40, (5, 5), walk(1, 0, 1, 1)),
        ((9, 70, 2, 2), 65, (3, 3), walk(1, 1, 1, 1)),
        ((9, 300, 4, 4), 70, (3, 3), walk(2, 1, 1, 1)),
        ((3, 33, 6, 5), 16, (1, 1), walk(1, 0, 1, 1)),
        // Few output channels: image and gradient change places.
        ((3, 9, 10, 12), 2, (3, 3), walk(1, 1, 1, 1)),
        ((2, 8, 9, 9), 1, (5, 5), walk(1, 0, 2, 1)),
    ];
    cases.map(|(x, out, kernel, walk)| ConvShape::new(x, out, kernel, walk).unwrap()).to_vec()
}

fn compare(s: &ConvShape) {
    let (x, w) = (numbers(1, s.input_len()), numbers(2, s.weight_len()));
    let (dy, bias) = (numbers(3, s.output_len()), numbers(4, s.out_channels));
    let (mut found, mut wanted) = (vec![f32::NAN; s.output_len()], vec![0.0; s.output_len()]);
    forward(s, &x, &w, Some(&bias), Activation::Relu, &mut found);
    plain::forward(s, &x, &w, Some(&bias), Activation::Relu, &mut wanted);
    agree(&format!("forward {s:?}"), &found, &wanted);
    let (mut found, mut wanted) = (vec![0.5; s.weight_len()], vec![0.5; s.weight_len()]);
    weight_gradient(s, &x, &dy, &mut found);
    plain::weight_gradient(s, &x, &dy, &mut wanted);
    agree(&format!("weights {s:?}"), &found, &wanted);
    for accumulate in [false, true] {
        let (mut found, mut wanted) = (vec![0.5; s.input_len()], vec![0.5; s.input_len()]);
        input_gradient(s, &dy, &w, &mut found, accumulate);
        plain::input_gradient(s, &dy, &w, &mut wanted, accumulate);
        agree(&format!("input {s:?}"), &found, &wanted);
    }
    let bias = numbers(4, s.channels);
    let (mut found, mut wanted) = (vec![0.5; s.input_len()], vec![0.5; s.input_len()]);
    transposed(s, &dy, &w, Some(&bias), Activation::Tanh, &mut found);
    plain::input_gradient(s, &dy, &w, &mut wanted, false);
    linear::finish((s.batch, s.channels, s.height * s.width), Some(&bias), Activation::Tanh, &mut wanted);
    agree(&format!("transposed {s:?}"), &found, &wanted);
}

/// Fully connected layers of every remainder of rows and columns.
fn compare_linear((rows, inputs, outputs): (usize, usize, usize)) {
    let what = format!("linear {rows}x{inputs}x{outputs}");
    let (x, w) = (numbers(5, rows * inputs), numbers(6, inputs * outputs));
    let (dy, bias) = (numbers(7, rows * outputs), numbers(8, outputs));
    let (a, b, d) =
        (Matrix::new(&x, rows, inputs), Matrix::new(&w, outputs, inputs), Matrix::new(&dy, rows, outputs));
    let (mut found, mut wanted) = (vec![f32::NAN; rows * outputs], vec![0.0; rows * outputs]);
    linear::forward((rows, inputs, outputs), &x, &w, Some(&bias), Activation::Identity, &mut found);
    multiply(&mut wanted, a, b.transposed(), false);
    wanted.chunks_exact_mut(outputs).for_each(|row| row.iter_mut().zip(&bias).for_each(|(v, b)| *v += b));
    agree(&format!("{what} forward"), &found, &wanted);
    for accumulate in [false, true] {
        let (mut found, mut wanted) = (vec![0.5; rows * inputs], vec![0.5; rows * inputs]);
        linear::input_gradient((rows, inputs, outputs), &dy, &w, &mut found, accumulate);
        multiply(&mut wanted, d, b, accumulate);
        agree(&format!("{what} input"), &found, &wanted);
    }
    let (mut found, mut wanted) = (vec![0.5; inputs * outputs], vec![0.5; inputs * outputs]);
    linear::weight_gradient((rows, inputs, outputs), &x, &dy, &mut found);
    multiply(&mut wanted, d.transposed(), a, true);
    agree(&format!("{what} weights"), &found, &wanted);
}

#[test]
fn every_path_agrees_with_explicit_matrices() {
    for scalar in [false, true] {
        simd::force_scalar(scalar);
        shapes().iter().for_each(compare);
        let sizes =
            [(1, 1, 1), (2, 3, 5), (7, 300, 10), (16, 33, 32), (50, 64, 70), (131, 20, 49), (28, 600, 31)];
        sizes.into_iter().for_each(compare_linear);
    }
    simd::force_scalar(false);
}
