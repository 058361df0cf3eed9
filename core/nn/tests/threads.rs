//! The same bits for 1, 2 and 4 threads.

use scant_abi::Key;
use scant_nn::dfdx::prelude::*;
use scant_nn::kernels::convolution::Convolution;
use scant_nn::ops::{
    Activation, BatchNorm, Conv2d, ConvTranspose2d, NormMode, Pool, PoolKind, Reduction, Rows, Wanted,
    batch_norm, conv_transpose2d, conv2d, flatten, linear, mse, pool,
};
use scant_nn::parameters::{FlatBuffer, Parameters, RunningStatistics};

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = Key::new(seed).rng();
    (0..len).map(|_| rng.range(-1.0, 1.0)).collect()
}

/// A step over most kernels: the loss, and all gradients, as bits.
fn step() -> Vec<u32> {
    let device = Cpu::default();
    let parameters = Parameters::new(&device, numbers(1, 200_000)).unwrap();
    let mut at = 0;
    let mut part = |len: usize| {
        at += len;
        parameters.weight(at - len..at)
    };
    let running = RunningStatistics {
        buffer: FlatBuffer::new(&device, vec![1.0; 32]).unwrap(),
        mean: 0..16,
        variance: 16..32,
    };
    let walk = Convolution { padding: 1, ..Convolution::default() };
    let x = device.tensor_from_vec(numbers(2, 33 * 3 * 20 * 20), (33, 3, 20, 20));
    let layer = Conv2d { out_channels: 16, kernel: (3, 3), walk, activation: Activation::Identity };
    let y = conv2d(x.leaky_trace(), &layer, &part(16 * 27), Some(&part(16)), Wanted::ALL).unwrap();
    let norm = BatchNorm { activation: Activation::Relu, ..BatchNorm::default() };
    let none: Option<scant_nn::ops::Images<Cpu>> = None;
    let y = batch_norm(y, &norm, &part(16), &part(16), &running, NormMode::Train, none, Wanted::ALL).unwrap();
    let y = pool(y, &Pool { kind: PoolKind::Max, kernel: 2, stride: 2, padding: 0, ceil: false }).unwrap();
    let walk = Convolution { stride: 2, ..walk };
    let layer = ConvTranspose2d {
        out_channels: 8,
        kernel: (4, 4),
        walk,
        output_padding: 0,
        activation: Activation::Elu(1.0),
    };
    let y = conv_transpose2d(y, &layer, &part(16 * 8 * 16), Some(&part(8)), Wanted::ALL).unwrap();
    let layer = Conv2d { out_channels: 9, kernel: (3, 3), walk, activation: Activation::Sigmoid };
    let y = conv2d(y, &layer, &part(9 * 72), Some(&part(9)), Wanted::ALL).unwrap();
    let y: Rows<Cpu, _> = flatten(y).unwrap();
    let y = linear(y, 150, &part(900 * 150), Some(&part(150)), Activation::Tanh, Wanted::ALL).unwrap();
    let target = device.tensor_from_vec(numbers(3, 33 * 150), (33, 150));
    let loss = mse(y, target, Reduction::Values).unwrap();
    let mut numbers = vec![loss.array()];
    let gradients = loss.backward();
    numbers.extend(gradients.get(&x).as_vec());
    numbers.extend(parameters.gradients.to_vec());
    numbers.extend(running.buffer.to_vec());
    numbers.into_iter().map(f32::to_bits).collect()
}

#[test]
fn threads_change_no_bit() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(step)
    };
    let one = on(1);
    for threads in [2, 4] {
        assert!(on(threads) == one, "{threads} threads give other bits than one");
    }
}
