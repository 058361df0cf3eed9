//! Windowed features against the whole padded computation.

use scant_abi::{Key, Model, Result};
use scant_nn::dfdx::prelude::*;
use scant_nn::kernels::convolution::Convolution;
use scant_nn::network::zoo::{Architecture, SqueezeNet};
use scant_nn::network::{Layer, Network, NetworkConfig, Part};
use scant_nn::ops::{
    self, Activation, Conv2d, Images, Pool, PoolKind, Reduction, Scalar, Wanted, conv2d, mse, pad, pool,
};
use scant_nn::parameters::Parameters;
use scant_nn::window::{FeatureLayer, WindowedFeatures};

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = Key::new(seed).rng();
    (0..len).map(|_| rng.range(-1.0, 1.0)).collect()
}

fn convolution(
    seed: u64,
    inputs: usize,
    out_channels: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> FeatureLayer<Cpu> {
    let device = Cpu::default();
    let len = out_channels * inputs * kernel * kernel;
    FeatureLayer::Conv {
        layer: Conv2d {
            out_channels,
            kernel: (kernel, kernel),
            walk: Convolution { stride, padding, ..Convolution::default() },
            activation: Activation::Relu,
        },
        weight: Parameters::new(&device, numbers(seed, len)).unwrap().weight(0..len),
        bias: Some(
            Parameters::new(&device, numbers(seed + 1, out_channels)).unwrap().weight(0..out_channels),
        ),
    }
}

/// A 1x1 convolution that brings `count` channels to the place `first` among `total`.
fn spread(count: usize, first: usize, total: usize) -> (Conv2d, scant_nn::parameters::Weight<Cpu>) {
    let mut matrix = vec![0.0; total * count];
    (0..count).for_each(|c| matrix[(first + c) * count + c] = 1.0);
    let layer = Conv2d {
        out_channels: total,
        kernel: (1, 1),
        walk: Convolution::default(),
        activation: Activation::Identity,
    };
    (layer, Parameters::new(&Cpu::default(), matrix).unwrap().weight(0..total * count))
}

fn whole<T: Tape<f32, Cpu>>(layers: &[FeatureLayer<Cpu>], mut x: Images<Cpu, T>) -> Result<Images<Cpu, T>> {
    for layer in layers {
        x = match layer {
            FeatureLayer::Conv { layer, weight, bias } => {
                conv2d(x, layer, weight, bias.as_ref(), Wanted::INPUT)?
            }
            FeatureLayer::Pool(layer) => pool(x, layer)?,
            FeatureLayer::Concat(branches) => {
                // By dfdx's own operations: each branch placed among zeros by a product, all summed.
                let (x, mut tape) = x.split_tape();
                let mut parts = Vec::new();
                for branch in branches {
                    let (part, open) = whole(branch, x.clone().put_tape(tape))?.split_tape();
                    parts.push(part);
                    tape = open;
                }
                let total: usize = parts.iter().map(|part| part.shape().1).sum();
                let (mut first, mut sum) = (0, None);
                for part in parts {
                    let spread = spread(part.shape().1, first, total);
                    first += part.shape().1;
                    let one = conv2d(part.put_tape(tape), &spread.0, &spread.1, None, Wanted::INPUT)?;
                    let one = match sum {
                        Some(sum) => one + sum,
                        None => one,
                    };
                    let (one, open) = one.split_tape();
                    (tape, sum) = (open, Some(one));
                }
                sum.expect("at least one branch").put_tape(tape)
            }
        };
    }
    Ok(x)
}

type Loss = Scalar<Cpu, OwnedTape<f32, Cpu>>;

/// The loss between two images and its gradient, by windows and by the whole frame.
fn compare(layers: Vec<FeatureLayer<Cpu>>, offset: (usize, usize), frame: (usize, usize)) {
    let device = Cpu::default();
    let (n, c, h, w) = (2, 3, 12, 10);
    let images = |seed| device.tensor_from_vec(numbers(seed, n * c * h * w), (n, c, h, w));
    let (x, target) = (images(10), images(11));
    let borders = (offset.0, frame.0 - h - offset.0, offset.1, frame.1 - w - offset.1);
    let windowed = WindowedFeatures::new(&device, layers.clone(), (c, h, w), offset, frame).unwrap();

    let loss: Loss = mse(
        windowed.features(x.leaky_trace()).unwrap(),
        windowed.features(target.clone()).unwrap(),
        Reduction::Sum,
    )
    .unwrap();
    let wanted: Loss = mse(
        whole(&layers, pad(x.leaky_trace(), borders).unwrap()).unwrap(),
        whole(&layers, pad(target.clone(), borders).unwrap()).unwrap(),
        Reduction::Sum,
    )
    .unwrap();
    let (value, right) = (loss.array(), wanted.array());
    assert!((value - right).abs() <= 1e-5 * right, "{value}, not {right}");
    let (found, right) = (loss.backward().get(&x).as_vec(), wanted.backward().get(&x).as_vec());
    let scale = right.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (f, r) in found.iter().zip(&right) {
        assert!((f - r).abs() <= 1e-5 * scale, "gradient {f}, not {r}");
    }

    // The window's features are those of the whole frame, and the rest of the frame is the same for every image.
    let features = windowed.features(x.clone()).unwrap();
    let (rows, columns) = windowed.window();
    let frame = whole(&layers, pad(x, borders).unwrap()).unwrap();
    assert_eq!(windowed.frame(), (frame.shape().1, frame.shape().2, frame.shape().3));
    let part = ops::crop(frame, (rows.start, columns.start), (rows.len(), columns.len())).unwrap();
    for (f, r) in features.as_vec().iter().zip(part.as_vec()) {
        assert!((f - r).abs() <= 1e-5 * (1.0 + r.abs()), "feature {f}, not {r}");
    }
}

#[test]
fn the_window_gives_the_loss_of_the_whole_frame() {
    let pool = |kernel, stride, padding, ceil| {
        FeatureLayer::Pool(Pool { kind: PoolKind::Max, kernel, stride, padding, ceil })
    };
    let layers = || vec![convolution(1, 3, 4, 11, 4, 2), pool(3, 2, 0, false), convolution(3, 4, 5, 5, 1, 2)];
    compare(layers(), (40, 38), (96, 96));
    // Near a border the frame's own padding is part of what is read.
    compare(layers(), (0, 50), (64, 60));
    compare(
        vec![convolution(5, 3, 4, 3, 2, 1), pool(3, 2, 1, true), convolution(7, 4, 3, 3, 1, 1)],
        (3, 20),
        (33, 41),
    );
}

/// SqueezeNet's beginning, with few channels: convolution, pooling, two fire modules.
#[test]
fn branches_are_completed_to_one_window() {
    let fire = |seed: u64, inputs: usize| {
        [
            convolution(seed, inputs, 3, 1, 1, 0),
            FeatureLayer::Concat(vec![
                vec![convolution(seed + 2, 3, 4, 1, 1, 0)],
                vec![convolution(seed + 4, 3, 4, 3, 1, 1)],
            ]),
        ]
    };
    let pool = FeatureLayer::Pool(Pool { kind: PoolKind::Max, kernel: 3, stride: 2, padding: 0, ceil: true });
    let layers: Vec<_> =
        [convolution(1, 3, 5, 7, 2, 0), pool].into_iter().chain(fire(20, 5)).chain(fire(30, 8)).collect();
    compare(layers.clone(), (30, 32), (72, 70));
    compare(layers, (0, 50), (40, 60));
}

#[test]
fn a_described_part_becomes_its_layers() -> Result<()> {
    let device = Cpu::default();
    let description = SqueezeNet::default().describe([3, 64, 64], 0)?;
    let mut layers = description.parts[0].layers.clone();
    let end = layers.iter().position(|l| matches!(l, Layer::Output(name) if name == "fire3")).unwrap();
    layers.truncate(end + 1);
    let part = NetworkConfig {
        parts: vec![Part { name: "encoder".into(), from: None, layers }],
        init: description.init,
    };
    let mut network = Network::with_device(&part, [3, 64, 64], device.clone(), Key::new(4))?;
    let layers = FeatureLayer::of_part(&device, "encoder", &part.parts[0].layers, &network.state()?)?;
    let small = numbers(5, 2 * 3 * 20 * 20);
    let images = device.tensor_from_vec(small, (2, 3, 20, 20));
    let framed = pad(images.clone(), (22, 22, 22, 22))?.as_vec();
    let framed = scant_abi::TensorView::of_f32(&framed, &[2, 3, 64, 64])?;
    let options = scant_abi::Forward { outputs: &["fire3"], ..scant_abi::Forward::evaluation() };
    let pass = network.forward(framed, &options)?;
    let wanted = pass.output("fire3")?;
    let features = WindowedFeatures::new(&device, layers, (3, 20, 20), (22, 22), (64, 64))?;
    let (rows, columns) = features.window();
    let (channels, height, width) = features.frame();
    assert_eq!(*wanted.shape(), [2, channels, height, width]);
    let (found, wanted) = (features.features(images)?.as_vec(), wanted.f32()?);
    let mut found = found.iter();
    for plane in wanted.chunks_exact(height * width) {
        for row in rows.clone() {
            for column in columns.clone() {
                let (f, w) = (found.next().unwrap(), plane[row * width + column]);
                assert!((f - w).abs() <= 1e-5 * (1.0 + w.abs()), "feature {f}, not {w}");
            }
        }
    }
    Ok(())
}

#[test]
fn an_image_outside_of_the_frame_is_refused() {
    let device = Cpu::default();
    let layers = vec![convolution(1, 3, 4, 3, 1, 1)];
    assert!(WindowedFeatures::new(&device, layers, (3, 8, 8), (60, 0), (64, 64)).is_err());
}
