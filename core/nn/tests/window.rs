//! Windowed features against the whole padded computation.

use scant_abi::{Key, Result};
use scant_nn::dfdx::prelude::*;
use scant_nn::kernels::convolution::Convolution;
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

fn whole<T: Tape<f32, Cpu>>(layers: &[FeatureLayer<Cpu>], mut x: Images<Cpu, T>) -> Result<Images<Cpu, T>> {
    for layer in layers {
        x = match layer {
            FeatureLayer::Conv { layer, weight, bias } => {
                conv2d(x, layer, weight, bias.as_ref(), Wanted::INPUT)?
            }
            FeatureLayer::Pool(layer) => pool(x, layer)?,
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

#[test]
fn an_image_outside_of_the_frame_is_refused() {
    let device = Cpu::default();
    let layers = vec![convolution(1, 3, 4, 3, 1, 1)];
    assert!(WindowedFeatures::new(&device, layers, (3, 8, 8), (60, 0), (64, 64)).is_err());
}
