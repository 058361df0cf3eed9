//! The perceptual distance against numbers worked by hand.

use std::path::Path;

use scant_abi::{
    Clock, Component, Key, Loss, LossInput, LossValue, OutputInfo, Pass, PassId, Result, Setup, State,
    Targets, Tensor,
};
use scant_nn::network::Network;
use scant_nn::network::zoo::{Architecture, MlpAutoencoder};
use scant_nn::weights;
use scant_pl_ae::{Perceptual, PerceptualConfig};
use serde_json::{Value, json};

const SIDE: usize = 64;
const PIXELS: usize = 3 * SIDE * SIDE;

fn setup(folder: &Path) -> Setup {
    let outputs = vec![OutputInfo { name: "reconstruction".to_owned(), dims: vec![3, SIDE, SIDE] }];
    Setup { image: [3, SIDE, SIDE], outputs, folders: vec![folder.to_owned()], ..Setup::default() }
}

fn perceptual(config: Value, setup: &Setup) -> Result<Perceptual> {
    let config: PerceptualConfig = serde_json::from_value(config).expect("a configuration");
    Perceptual::new(config, setup)
}

fn evaluate(loss: &mut Perceptual, made: &[f32], target: &[f32]) -> LossValue {
    let image = |pixels: &[f32]| Tensor::from_f32(pixels.to_vec(), &[1, 3, SIDE, SIDE]).expect("an image");
    let pass = Pass { id: PassId(1), outputs: vec![("reconstruction".to_owned(), image(made))] };
    let target = image(target);
    let input = LossInput {
        images: target.view(),
        pass: &pass,
        rows: 0..1,
        targets: Targets { images: Some(target.view()), ..Targets::default() },
        indices: &[0],
        clock: Clock::default(),
        key: Key::new(0),
    };
    // Never asked: the loss has a network of its own.
    let config = MlpAutoencoder { hidden: Vec::new(), embedding: 1, ..MlpAutoencoder::default() };
    let setup = Setup { image: [1, 1, 1], ..Setup::default() };
    let mut model: Network =
        Network::new(&config.describe([1, 1, 1], 0).expect("described"), &setup).expect("made");
    loss.evaluate(&input, &mut model).expect("a value")
}

/// AlexNet's first convolution (11x11, step 4, two zeros around) with one filter that shows every fourth red pixel.
fn one_filter(folder: &Path) {
    let mut weight = vec![0.0; 64 * 3 * 11 * 11];
    weight[2 * 11 + 2] = 1.0;
    let tensor = |values: Vec<f32>, dims: &[usize]| Tensor::from_f32(values, dims).expect("fits");
    let state = State::from([
        ("features.0.weight".to_owned(), tensor(weight, &[64, 3, 11, 11])),
        ("features.0.bias".to_owned(), tensor(vec![0.0; 64], &[64])),
    ]);
    weights::write(&folder.join("alexnet.safetensors"), &state).expect("written");
}

fn noise(seed: u64) -> Vec<f32> {
    let mut rng = Key::new(seed).rng();
    (0..PIXELS).map(|_| rng.uniform()).collect()
}

#[test]
fn features_of_a_known_filter_give_the_distance_worked_by_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    one_filter(folder.path());
    let config = json!({ "through": "alexnet", "at": "conv1", "weights": "alexnet.safetensors" });
    let mut loss = perceptual(config, &setup(folder.path())).expect("a loss");
    let (made, target) = (noise(1), noise(2));
    let found = evaluate(&mut loss, &made, &target);
    // 15 x 15 features of one filter see the pixels in rows and columns 0, 4, ..., 56; the other 63 filters see nothing.
    let seen: Vec<usize> = (0..15).flat_map(|row| (0..15).map(move |col| 4 * row * SIDE + 4 * col)).collect();
    let features = (64 * 15 * 15) as f32;
    let value: f32 = seen.iter().map(|at| (made[*at] - target[*at]).powi(2)).sum::<f32>() / features;
    assert!((found.value - value).abs() < 1e-5 * value, "{} {value}", found.value);
    let gradient = found.gradients[0].gradient.f32().expect("numbers");
    for (at, gradient) in gradient.iter().enumerate() {
        let expected = if seen.contains(&at) { 2.0 * (made[at] - target[at]) / features } else { 0.0 };
        assert!((gradient - expected).abs() < 1e-9, "pixel {at}: {gradient} {expected}");
    }
    assert_eq!(evaluate(&mut loss, &target, &target).value, 0.0);

    let config =
        json!({ "through": "alexnet", "at": "conv1", "weights": "alexnet.safetensors", "sigmoid": true });
    let mut loss = perceptual(config, &setup(folder.path())).expect("a loss");
    let squashed = |x: f32| 1.0 / (1.0 + (-x).exp());
    let distance = |at: &usize| (squashed(made[*at]) - squashed(target[*at])).powi(2);
    let value: f32 = seen.iter().map(distance).sum::<f32>() / features;
    let found = evaluate(&mut loss, &made, &target).value;
    assert!((found - value).abs() < 1e-5 * value, "{found} {value}");
}

#[test]
fn gradients_through_deeper_layers_are_those_of_differences() {
    let folder = tempfile::tempdir().expect("a folder");
    for config in [json!({ "at": "fire2" }), json!({ "through": "alexnet", "at": "conv2" })] {
        let mut loss = perceptual(config.clone(), &setup(folder.path())).expect("a loss");
        let (made, target) = (noise(1), noise(2));
        let found = evaluate(&mut loss, &made, &target);
        let gradient = found.gradients[0].gradient.f32().expect("numbers").to_vec();
        // Towards the target, where the value changes most.
        let direction: Vec<f32> = target.iter().zip(&made).map(|(target, made)| target - made).collect();
        let step = 1e-3;
        let mut along = |sign: f32| {
            let moved: Vec<f32> = made.iter().zip(&direction).map(|(x, d)| x + sign * step * d).collect();
            f64::from(evaluate(&mut loss, &moved, &target).value)
        };
        let slope = (along(1.0) - along(-1.0)) / f64::from(2.0 * step);
        let product: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
        assert!(
            (slope - product).abs() < 0.02 * product.abs().max(slope.abs()),
            "{config}: {slope} {product}"
        );
    }
}

#[test]
fn what_cannot_be_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = setup(folder.path());
    let refused = |config: Value| perceptual(config, &setup).err().expect("refused").to_string();
    assert!(refused(json!({ "at": "conv9" })).contains("has no output 'conv9'"));
    assert_eq!(refused(json!({ "frame": 32 })), "frame: 32 is smaller than images of 64x64");
    assert!(refused(json!({ "weights": "none.pth" })).contains("there is no file 'none.pth'"));
    one_filter(folder.path());
    let too_deep = json!({ "through": "alexnet", "at": "conv2", "weights": "alexnet.safetensors" });
    assert!(refused(too_deep).contains("the file has no tensor for"));
    let outputs = vec![OutputInfo { name: "reconstruction".to_owned(), dims: vec![1, SIDE, SIDE] }];
    let grey = Setup { outputs, ..setup.clone() };
    let error = perceptual(json!({}), &grey).err().expect("refused").to_string();
    assert!(error.contains("put \"rgb\" into data.prepare"), "{error}");
}
