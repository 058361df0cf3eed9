//! Every operation's gradient against central differences.

use scant_abi::{Key, Result};
use scant_nn::dfdx::prelude::*;
use scant_nn::kernels::convolution::Convolution;
use scant_nn::ops::{
    self, Activation, BatchNorm, Conv2d, ConvTranspose2d, NormMode, Pool, PoolKind, Reduction, Rows, Scalar,
    Upsampling, Wanted, activate, adaptive_average_pool, add, batch_norm, bce_with_logits, conv_transpose2d,
    conv2d, crop, cross_entropy, dropout, gaussian_kl, linear, mse, pad, place, pool, private, sobel,
    soft_cross_entropy, softmax_kl, upsample,
};
use scant_nn::parameters::{FlatBuffer, Parameters, RunningStatistics};

type Traced<S> = Tensor<S, f32, Cpu, OwnedTape<f32, Cpu>>;

/// Numbers away from zero and, where they are few, from each other, so that a small step crosses no kink.
fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let grid = |i: usize| (2 * i + 1) as f32 / len as f32 - 1.0;
    let mut values: Vec<f32> = (0..len).map(|i| grid(i) + 0.1 * grid(i).signum()).collect();
    Key::new(seed).rng().shuffle(&mut values);
    values
}

/// A fixed linear form of all values: its gradients tell every output apart.
fn probe<S: Shape>(y: Traced<S>) -> Scalar<Cpu, OwnedTape<f32, Cpu>> {
    let len = y.shape().num_elements();
    let device = y.device().clone();
    let flat = ops::reshape(y, (len,)).unwrap();
    let form = device.tensor_from_vec(numbers(99, len), (len,));
    (flat * form).sum::<(), _>()
}

fn close(what: &str, found: &[f32], wanted: &[f32]) {
    let scale = wanted.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
        assert!((f - w).abs() <= 1e-2 * scale, "{what}[{i}]: {f}, central difference {w}");
    }
}

/// Compares the gradients of `x` and of `parameters` with central differences of `run`.
fn check<S: Shape>(
    what: &str,
    shape: S,
    parameters: usize,
    run: impl Fn(Traced<S>, &Parameters<Cpu>) -> Result<Scalar<Cpu, OwnedTape<f32, Cpu>>>,
) {
    let device = Cpu::default();
    let x0 = numbers(1, shape.num_elements());
    let p0 = numbers(2, parameters);
    let value = |x: &[f32], p: &[f32]| {
        let p = Parameters::new(&device, p.to_vec()).unwrap();
        run(device.tensor_from_vec(x.to_vec(), shape).leaky_traced(), &p).unwrap().array()
    };
    let parameters = Parameters::new(&device, p0.clone()).unwrap();
    let x = device.tensor_from_vec(x0.clone(), shape);
    let gradients = run(x.leaky_trace(), &parameters).unwrap().backward();
    let step = 1e-2;
    let difference = |values: &[f32], i: usize, f: &dyn Fn(&[f32]) -> f32| {
        let mut moved = values.to_vec();
        moved[i] = values[i] + step;
        let up = f(&moved);
        moved[i] = values[i] - step;
        (up - f(&moved)) / (2.0 * step)
    };
    let by_x: Vec<f32> = (0..x0.len()).map(|i| difference(&x0, i, &|x| value(x, &p0))).collect();
    close(&format!("{what}: input"), &gradients.get(&x).as_vec(), &by_x);
    let by_p: Vec<f32> = (0..p0.len()).map(|i| difference(&p0, i, &|p| value(&x0, p))).collect();
    close(&format!("{what}: parameters"), &parameters.gradients.to_vec(), &by_p);
}

const WALKS: [Convolution; 5] = [
    Convolution { stride: 1, padding: 1, dilation: 1, groups: 1 },
    Convolution { stride: 2, padding: 1, dilation: 1, groups: 1 },
    Convolution { stride: 1, padding: 2, dilation: 2, groups: 2 },
    Convolution { stride: 3, padding: 0, dilation: 1, groups: 2 },
    Convolution { stride: 2, padding: 2, dilation: 2, groups: 1 },
];

#[test]
fn convolutions() {
    for walk in WALKS {
        for kernel in [(3, 3), (2, 3), (1, 1)] {
            let layer = Conv2d { out_channels: 4, kernel, walk, activation: Activation::Tanh };
            let weights = 4 * (2 / walk.groups) * kernel.0 * kernel.1;
            check(&format!("{layer:?}"), (2, 2, 7, 6), weights + 4, |x, p| {
                let y = conv2d(
                    x,
                    &layer,
                    &p.weight(0..weights),
                    Some(&p.weight(weights..weights + 4)),
                    Wanted::ALL,
                )?;
                Ok(probe(y))
            });
        }
    }
}

#[test]
fn transposed_convolutions() {
    for walk in WALKS {
        for output_padding in [0, 1] {
            if output_padding >= walk.stride.max(walk.dilation) {
                continue;
            }
            let activation = Activation::Identity;
            let layer = ConvTranspose2d { out_channels: 4, kernel: (3, 2), walk, output_padding, activation };
            let weights = 2 * (4 / walk.groups) * 6;
            check(&format!("{layer:?}"), (2, 2, 4, 5), weights + 4, |x, p| {
                let y = conv_transpose2d(
                    x,
                    &layer,
                    &p.weight(0..weights),
                    Some(&p.weight(weights..weights + 4)),
                    Wanted::ALL,
                )?;
                Ok(probe(y))
            });
        }
    }
}

#[test]
fn linear_layers_and_activations() {
    use Activation::*;
    for activation in [Identity, Relu, LeakyRelu(0.2), Elu(0.7), Sigmoid, Tanh, Softplus] {
        check(&format!("linear {activation:?}"), (3, 5), 7 * 5 + 7, |x, p| {
            let y = linear(x, 7, &p.weight(0..35), Some(&p.weight(35..42)), activation, Wanted::ALL)?;
            Ok(probe(y))
        });
        check(&format!("{activation:?}"), (3, 5), 0, |x, _| Ok(probe(activate(x, activation)?)));
    }
}

#[test]
fn batch_norms() {
    let device = Cpu::default();
    for mode in [NormMode::Train, NormMode::TrainFrozen, NormMode::Eval] {
        let running = RunningStatistics {
            buffer: FlatBuffer::new(&device, vec![0.1, -0.2, 0.3, 0.8, 1.2, 0.9]).unwrap(),
            mean: 0..3,
            variance: 3..6,
        };
        let layer = BatchNorm { momentum: 0.0, activation: Activation::Softplus, ..BatchNorm::default() };
        check(&format!("images {mode:?}"), (3, 3, 2, 3), 6, |x, p| {
            let (gain, bias) = (p.weight(0..3), p.weight(3..6));
            let residual = x.with_empty_tape();
            batch_norm(x, &layer, &gain, &bias, &running, mode, Some(residual), Wanted::ALL).map(probe)
        });
        check(&format!("rows {mode:?}"), (5, 3), 6, |x, p| {
            let (gain, bias) = (p.weight(0..3), p.weight(3..6));
            let none: Option<Rows<Cpu>> = None;
            batch_norm(x, &layer, &gain, &bias, &running, mode, none, Wanted::ALL).map(probe)
        });
    }
}

#[test]
fn pools_and_rearrangements() {
    for kind in [PoolKind::Max, PoolKind::Average] {
        for (kernel, stride, padding, ceil) in [(2, 2, 0, false), (3, 2, 1, false), (3, 2, 0, true)] {
            let layer = Pool { kind, kernel, stride, padding, ceil };
            check(&format!("{layer:?}"), (1, 1, 6, 8), 0, |x, _| Ok(probe(pool(x, &layer)?)));
        }
    }
    check("adaptive", (2, 2, 5, 7), 0, |x, _| Ok(probe(adaptive_average_pool(x, (2, 3))?)));
    for method in [Upsampling::Nearest, Upsampling::Bilinear] {
        check(&format!("{method:?}"), (2, 2, 3, 4), 0, |x, _| Ok(probe(upsample(x, method, (6, 9))?)));
    }
    check("pad", (2, 2, 3, 4), 0, |x, _| Ok(probe(pad(x, (1, 2, 0, 3))?)));
    check("crop", (2, 2, 5, 4), 0, |x, _| Ok(probe(crop(x, (1, 2), (3, 2))?)));
    check("sobel", (2, 2, 5, 4), 0, |x, _| Ok(probe(sobel(x)?)));
    check("dropout", (2, 50), 0, |x, _| Ok(probe(dropout(x, 0.4, Key::new(5))?)));
    check("add", (2, 50), 0, |x, _| {
        let y = x.with_empty_tape();
        Ok(probe(add(x, y, Activation::Tanh)?))
    });
    let device = Cpu::default();
    let background = device.tensor_from_vec(numbers(3, 2 * 36), (1, 2, 6, 6));
    check("place", (2, 2, 3, 4), 0, |x, _| Ok(probe(place(x, (2, -1), (6, 6), Some(&background))?)));
}

#[test]
fn losses() {
    let device = Cpu::default();
    for reduction in [Reduction::Sum, Reduction::Items, Reduction::Values] {
        check("cross entropy", (4, 5), 0, |x, _| {
            cross_entropy(x, &[0, 4, 2, 2], Some(&[1.0, 0.0, 0.5, 2.0]), reduction)
        });
        let soft = device.tensor_from_vec(numbers(4, 20).iter().map(|v| v.abs()).collect(), (4, 5));
        check("soft", (4, 5), 0, |x, _| soft_cross_entropy(x, &soft, None, reduction));
        let target = device.tensor_from_vec(numbers(5, 20), (4, 5));
        check("mse", (4, 5), 0, |x, _| mse(x, target.clone(), reduction));
        check("mse, both", (4, 5), 0, |x, _| {
            let y = x.with_empty_tape();
            mse(activate(x, Activation::Tanh)?, y, reduction)
        });
        check("bce", (4, 5), 0, |x, _| bce_with_logits(x, &soft, reduction));
        check("gaussian kl", (4, 5), 0, |x, _| {
            let variance = activate(x.with_empty_tape(), Activation::Sigmoid)?;
            gaussian_kl(x, variance, reduction)
        });
        check("softmax kl", (4, 5), 0, |x, _| {
            let p = activate(x.with_empty_tape(), Activation::Tanh)?;
            softmax_kl(p, x, reduction)
        });
    }
}

#[test]
fn private_tensors_give_the_same_gradients() {
    let device = Cpu::default();
    let run = |hide: bool| {
        let keep = |x: Traced<(usize, usize)>| if hide { private(x) } else { x };
        let parameters = Parameters::new(&device, numbers(2, 30)).unwrap();
        let x = device.tensor_from_vec(numbers(1, 10), (2, 5));
        let y = linear(
            x.leaky_trace(),
            5,
            &parameters.weight(0..25),
            Some(&parameters.weight(25..30)),
            Activation::Tanh,
            Wanted::ALL,
        );
        let y = keep(y.unwrap());
        let z = keep(activate(y.with_empty_tape(), Activation::Sigmoid).unwrap());
        let gradients = probe(add(y, z, Activation::Identity).unwrap()).backward();
        (gradients.get(&x).as_vec(), parameters.gradients.to_vec())
    };
    assert_eq!(run(true), run(false));
}
