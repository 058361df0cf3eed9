//! The composed operations against the kernels, on the CPU.

use super::{
    activate, batch_norm, bce_with_logits, conv_transpose2d, conv2d, cross_entropy, dropout, gaussian_kl,
    linear, place, pool, soft_cross_entropy, softmax_kl, squared_error, upsample,
};
use crate::kernels::pool::Windows;
use crate::kernels::rearrange::Placement;
use crate::ops::{
    self, Activation, BatchNorm, Conv2d, ConvTranspose2d, Convolution, ImageDevice, NormMode, PoolKind,
    Upsampling, Wanted,
};
use crate::parameters::{FlatBuffer, Parameters, RunningStatistics};
use dfdx::prelude::*;
use scant_abi::{Key, Result};

type Traced<S> = Tensor<S, f32, Cpu, OwnedTape<f32, Cpu>>;

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = Key::new(seed).rng();
    (0..len).map(|_| rng.range(-1.0, 1.0)).collect()
}

fn agree(what: &str, found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let scale = wanted.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
        assert!((f - w).abs() <= 1e-4 * scale, "{what}[{i}]: {f}, not {w}");
    }
}

/// Output, gradient of the input, and gradients of the parameters.
fn run<S: Shape, R: Shape>(
    shape: S,
    parameters: usize,
    f: impl FnOnce(Traced<S>, &Parameters<Cpu>) -> Result<Traced<R>>,
) -> [Vec<f32>; 3] {
    let device = Cpu::default();
    let parameters = Parameters::new(&device, numbers(2, parameters.max(1))).unwrap();
    let x = device.tensor_from_vec(numbers(1, shape.num_elements()), shape);
    let y = f(x.leaky_trace(), &parameters).unwrap();
    let values = y.as_vec();
    let form = device.tensor_from_vec(numbers(3, values.len()), (values.len(),));
    let loss = (ops::reshape(y, (values.len(),)).unwrap() * form).sum::<(), _>();
    let gradients = loss.backward();
    [values, gradients.get(&x).as_vec(), parameters.gradients.to_vec()]
}

fn compare<S: Shape, R: Shape, Q: Shape>(
    what: &str,
    shape: S,
    parameters: usize,
    composed: impl FnOnce(Traced<S>, &Parameters<Cpu>) -> Result<Traced<R>>,
    kernels: impl FnOnce(Traced<S>, &Parameters<Cpu>) -> Result<Traced<Q>>,
) {
    let (found, wanted) = (run(shape, parameters, composed), run(shape, parameters, kernels));
    for ((found, wanted), part) in found.iter().zip(&wanted).zip(["output", "input", "parameters"]) {
        agree(&format!("{what}, {part}"), found, wanted);
    }
}

#[test]
fn layers() {
    for (stride, padding, dilation, groups) in [(1, 1, 1, 1), (2, 1, 1, 2), (1, 2, 2, 1), (3, 0, 1, 2)] {
        let walk = Convolution { stride, padding, dilation, groups };
        let activation = Activation::Tanh;
        let layer = Conv2d { out_channels: 4, kernel: (3, 2), walk, activation };
        let len = 4 * (2 / groups) * 6;
        let parts = |p: &Parameters<Cpu>| (p.weight(0..len), p.weight(len..len + 4));
        compare(
            &format!("{walk:?}"),
            (2, 2, 7, 6),
            len + 4,
            |x, p| {
                let s = layer.shape(*x.shape())?;
                conv2d(x, &s, &parts(p).0, Some(&parts(p).1), activation, Wanted::ALL).map_err(Cpu::failed)
            },
            |x, p| ops::conv2d(x, &layer, &parts(p).0, Some(&parts(p).1), Wanted::ALL),
        );
        let layer =
            ConvTranspose2d { out_channels: 4, kernel: (3, 2), walk, output_padding: stride - 1, activation };
        compare(
            &format!("transposed {walk:?}"),
            (2, 2, 4, 5),
            len + 4,
            |x, p| {
                let s = layer.shape(*x.shape())?;
                let (w, b) = parts(p);
                conv_transpose2d(x, &s, &w, Some(&b), activation, Wanted::ALL).map_err(Cpu::failed)
            },
            |x, p| ops::conv_transpose2d(x, &layer, &parts(p).0, Some(&parts(p).1), Wanted::ALL),
        );
    }
    let activation = Activation::Elu(0.7);
    compare(
        "linear",
        (3, 5),
        42,
        |x, p| {
            let (w, b) = (p.weight(0..35), p.weight(35..42));
            linear(x, 7, &w, Some(&b), activation, Wanted::ALL).map_err(Cpu::failed)
        },
        |x, p| ops::linear(x, 7, &p.weight(0..35), Some(&p.weight(35..42)), activation, Wanted::ALL),
    );
    for activation in [
        Activation::Relu,
        Activation::LeakyRelu(0.2),
        Activation::Elu(0.7),
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softplus,
    ] {
        compare(
            &format!("{activation:?}"),
            (3, 20),
            0,
            |x, _| activate(x, activation).map_err(Cpu::failed),
            |x, _| ops::activate(x, activation),
        );
    }
}

#[test]
fn batch_norms() {
    let layer = BatchNorm { activation: Activation::Relu, ..BatchNorm::default() };
    for mode in [NormMode::Train, NormMode::TrainFrozen, NormMode::Eval] {
        let running = || RunningStatistics {
            buffer: FlatBuffer::new(&Cpu::default(), vec![0.1, -0.2, 0.3, 0.8, 1.2, 0.9]).unwrap(),
            mean: 0..3,
            variance: 3..6,
        };
        let (one, two) = (running(), running());
        compare(
            &format!("{mode:?}"),
            (3, 3, 2, 3),
            6,
            |x, p| {
                let (g, b) = (p.weight(0..3), p.weight(3..6));
                let add = Some(x.with_empty_tape());
                batch_norm(x, (3, 3, 6), &layer, (&g, &b), &one, mode, add, Wanted::ALL).map_err(Cpu::failed)
            },
            |x, p| {
                let (g, b) = (p.weight(0..3), p.weight(3..6));
                let add = Some(x.with_empty_tape());
                ops::batch_norm(x, &layer, &g, &b, &two, mode, add, Wanted::ALL)
            },
        );
        agree("running statistics", &one.buffer.to_vec(), &two.buffer.to_vec());
    }
}

#[test]
fn pools_sizes_and_frames() {
    for kind in [PoolKind::Max, PoolKind::Average] {
        for (kernel, stride, padding, ceil) in [(2, 2, 0, false), (3, 2, 1, false), (3, 2, 0, true)] {
            let layer = ops::Pool { kind, kernel, stride, padding, ceil };
            let windows = |size| Windows::sliding(size, kernel, stride, padding, ceil).unwrap();
            compare(
                &format!("{layer:?}"),
                (2, 2, 6, 8),
                0,
                |x, _| pool(x, kind, &windows(6), &windows(8)).map_err(Cpu::failed),
                |x, _| ops::pool(x, &layer),
            );
        }
    }
    for method in [Upsampling::Nearest, Upsampling::Bilinear] {
        compare(
            &format!("{method:?}"),
            (2, 2, 3, 4),
            0,
            |x, _| upsample(x, method, (6, 9)).map_err(Cpu::failed),
            |x, _| ops::upsample(x, method, (6, 9)),
        );
    }
    let background = Cpu::default().tensor_from_vec(numbers(5, 2 * 36), (1, 2, 6, 6));
    let placement = Placement { height: 3, width: 4, top: 2, left: -1, frame_height: 6, frame_width: 6 };
    compare(
        "place",
        (2, 2, 3, 4),
        0,
        |x, _| place(x, &placement, Some(&background)).map_err(Cpu::failed),
        |x, _| ops::place(x, (2, -1), (6, 6), Some(&background)),
    );
    compare(
        "dropout",
        (2, 50),
        0,
        |x, _| dropout(x, 0.4, Key::new(5)).map_err(Cpu::failed),
        |x, _| ops::dropout(x, 0.4, Key::new(5)),
    );
}

#[test]
fn losses() {
    use ops::Reduction::Sum;
    let device = Cpu::default();
    let (classes, weights) = ([0, 4, 2, 2], [1.0, 0.0, 0.5, 2.0]);
    let soft = device.tensor_from_vec(numbers(4, 20).iter().map(|v| v.abs()).collect(), (4, 5));
    type Two = (usize, usize);
    compare::<Two, (), ()>(
        "hard",
        (4, 5),
        0,
        |x, _| cross_entropy(x, &classes, Some(&weights), 1.0).map_err(Cpu::failed),
        |x, _| ops::cross_entropy(x, &classes, Some(&weights), Sum),
    );
    compare::<Two, (), ()>(
        "soft",
        (4, 5),
        0,
        |x, _| soft_cross_entropy(x, &soft, Some(&weights), 1.0).map_err(Cpu::failed),
        |x, _| ops::soft_cross_entropy(x, &soft, Some(&weights), Sum),
    );
    compare::<Two, (), ()>(
        "squares",
        (4, 5),
        0,
        |x, _| squared_error(x, soft.clone(), 1.0).map_err(Cpu::failed),
        |x, _| ops::mse(x, soft.clone(), Sum),
    );
    compare::<Two, (), ()>(
        "binary",
        (4, 5),
        0,
        |x, _| bce_with_logits(x, &soft, 1.0).map_err(Cpu::failed),
        |x, _| ops::bce_with_logits(x, &soft, Sum),
    );
    compare::<Two, (), ()>(
        "gaussian",
        (4, 5),
        0,
        |x, _| {
            let other = x.with_empty_tape();
            gaussian_kl(x, other, 1.0).map_err(Cpu::failed)
        },
        |x, _| {
            let other = x.with_empty_tape();
            ops::gaussian_kl(x, other, Sum)
        },
    );
    compare::<Two, (), ()>(
        "softmax",
        (4, 5),
        0,
        |x, _| {
            let p = activate(x.with_empty_tape(), Activation::Tanh).map_err(Cpu::failed)?;
            softmax_kl(p, x, 1.0).map_err(Cpu::failed)
        },
        |x, _| {
            let p = ops::activate(x.with_empty_tape(), Activation::Tanh)?;
            ops::softmax_kl(p, x, Sum)
        },
    );
}
