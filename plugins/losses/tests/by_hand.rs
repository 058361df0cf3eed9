//! Every loss against numbers worked by hand.

use scant_abi::{
    Clock, Component, Key, Loss, LossInput, LossValue, OutputInfo, Pass, PassId, Setup, Targets, Tensor,
};
use scant_losses::{Bce, CrossEntropy, GaussianKl, L1, L2, Mse};
use scant_nn::network::{Network, NetworkConfig};
use serde_json::{Value, json};

fn tensor(values: &[f32], dims: &[usize]) -> Tensor {
    Tensor::from_f32(values.to_vec(), dims).expect("fits")
}

fn loss<C: Component>(config: Value) -> C {
    let names = ["reconstruction", "reconstruction_logits", "logits", "mean", "log_variance", "embedding"];
    let outputs = names.map(|name| OutputInfo { name: name.to_owned(), dims: vec![2] }).to_vec();
    let config = serde_json::from_value(config).expect("a configuration");
    C::new(config, &Setup { image: [1, 1, 2], outputs, ..Setup::default() }).expect("a loss")
}

/// The value on outputs of two rows, and the gradient of each.
fn evaluate(loss: &mut dyn Loss, outputs: &[(&str, &[f32])], targets: Targets<'_>) -> LossValue {
    let outputs =
        outputs.iter().map(|(name, v)| ((*name).to_owned(), tensor(v, &[2, v.len() / 2]))).collect();
    let pass = Pass { id: PassId(0), outputs };
    let images = tensor(&[0.0; 2], &[2, 1, 1, 1]);
    let text = r#"{"parts": [{"name": "encoder", "layers": [{"output": "embedding"}]}]}"#;
    let none: NetworkConfig = serde_json::from_str(text).expect("a description");
    let mut model: Network =
        Network::new(&none, &Setup { image: [1, 1, 1], ..Setup::default() }).expect("a network");
    let input = LossInput {
        images: images.view(),
        pass: &pass,
        rows: 0..2,
        targets,
        indices: &[0, 1],
        clock: Clock::default(),
        key: Key::new(0),
    };
    loss.evaluate(&input, &mut model).expect("a value")
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-6, "{found:?} against {expected:?}");
    }
}

fn gradient(value: &LossValue, index: usize) -> &[f32] {
    value.gradients[index].gradient.f32().expect("f32")
}

#[test]
fn squared_error() {
    let target = tensor(&[0.0, 2.0, 5.0, 4.0], &[2, 2, 1, 1]);
    let targets = Targets { images: Some(target.view()), ..Targets::default() };
    let x: (&str, &[f32]) = ("reconstruction", &[1.0, 2.0, 3.0, 4.0]);
    // Squares 1, 0, 4, 0.
    let values = evaluate(&mut loss::<Mse>(json!({})), &[x], targets);
    close(&[values.value], &[5.0 / 4.0]);
    close(gradient(&values, 0), &[0.5, 0.0, -1.0, 0.0]);
    let images = evaluate(&mut loss::<Mse>(json!({"mean": "images"})), &[x], targets);
    close(&[images.value], &[5.0 / 2.0]);
    close(gradient(&images, 0), &[1.0, 0.0, -2.0, 0.0]);
}

#[test]
fn binary_cross_entropy() {
    let target = tensor(&[0.5, 1.0], &[2, 1, 1, 1]);
    let targets = Targets { images: Some(target.view()), ..Targets::default() };
    // At 0 the sigmoid is 1/2, the entropy ln 2 whatever the target, and the slope 1/2 minus the target.
    let value = evaluate(&mut loss::<Bce>(json!({})), &[("reconstruction_logits", &[0.0, 0.0])], targets);
    close(&[value.value], &[2f32.ln()]);
    close(gradient(&value, 0), &[0.0, -0.25]);
}

#[test]
fn cross_entropy_of_labels_and_of_distributions() {
    // Probabilities 1/4 and 3/4 in the first row, 1/2 each in the second.
    let logits: (&str, &[f32]) = ("logits", &[0.0, 3f32.ln(), 1.0, 1.0]);
    let labels = Targets { labels: Some(&[1, -1]), ..Targets::default() };
    let value = evaluate(&mut loss::<CrossEntropy>(json!({})), &[logits], labels);
    close(&[value.value], &[(4f32 / 3.0).ln()]);
    close(gradient(&value, 0), &[0.25, -0.25, 0.0, 0.0]);
    let target = tensor(&[1.0, 0.0, 0.5, 0.5], &[2, 2]);
    let soft = Targets { soft: Some(target.view()), ..Targets::default() };
    let value = evaluate(&mut loss::<CrossEntropy>(json!({})), &[logits], soft);
    close(&[value.value], &[(4f32.ln() + 2f32.ln()) / 2.0]);
    close(gradient(&value, 0), &[-0.375, 0.375, 0.0, 0.0]);
}

#[test]
fn divergence_from_the_standard_normal_distribution() {
    // -1/2 (1 + v - m² - exp v): 1/2 for m = 1, v = 0, and (e - 2) / 2 for m = 0, v = 1.
    let e = std::f32::consts::E;
    let outputs: [(&str, &[f32]); 2] = [("mean", &[1.0, 0.0]), ("log_variance", &[0.0, 1.0])];
    let value = evaluate(&mut loss::<GaussianKl>(json!({})), &outputs, Targets::default());
    close(&[value.value], &[(0.5 + (e - 2.0) / 2.0) / 2.0]);
    close(gradient(&value, 0), &[0.5, 0.0]);
    close(gradient(&value, 1), &[0.0, (e - 1.0) / 4.0]);
}

#[test]
fn sparsity() {
    let x: (&str, &[f32]) = ("embedding", &[1.0, -2.0, 0.5, 0.0]);
    let l1 = evaluate(&mut loss::<L1>(json!({})), &[x], Targets::default());
    close(&[l1.value], &[1.75]);
    close(&gradient(&l1, 0)[..3], &[0.5, -0.5, 0.5]);
    let l2 = evaluate(&mut loss::<L2>(json!({})), &[x], Targets::default());
    close(&[l2.value], &[5.25 / 2.0]);
    close(gradient(&l2, 0), &[1.0, -2.0, 0.5, 0.0]);
}

#[test]
fn an_output_that_the_model_lacks_is_named_at_once() {
    let config = serde_json::from_value(json!({"output": "reconstuction"})).expect("a configuration");
    let outputs = vec![OutputInfo { name: "reconstruction".to_owned(), dims: vec![2] }];
    let setup = Setup { image: [1, 2, 2], outputs, ..Setup::default() };
    let error = Mse::new(config, &setup).err().expect("refused").to_string();
    assert_eq!(error, "the model has no output 'reconstuction'; it has reconstruction");
    let error = Mse::new(Default::default(), &setup).err().expect("refused").to_string();
    assert_eq!(error, "the output 'reconstruction' has 2 values and an image 4: it is no reconstruction");
}

#[test]
fn missing_targets_are_an_error() {
    let mut mse: Mse = loss(json!({}));
    let pass = Pass { id: PassId(0), outputs: vec![("reconstruction".to_owned(), tensor(&[0.0], &[1, 1]))] };
    let images = tensor(&[0.0], &[1, 1, 1, 1]);
    let input = LossInput {
        images: images.view(),
        pass: &pass,
        rows: 0..1,
        targets: Targets::default(),
        indices: &[0],
        clock: Clock::default(),
        key: Key::new(0),
    };
    let text = r#"{"parts": [{"name": "encoder", "layers": [{"output": "embedding"}]}]}"#;
    let none: NetworkConfig = serde_json::from_str(text).expect("a description");
    let mut model: Network =
        Network::new(&none, &Setup { image: [1, 1, 1], ..Setup::default() }).expect("a network");
    let error = mse.evaluate(&input, &mut model).expect_err("refused").to_string();
    assert_eq!(error, "this loss needs target images, which the stage's trainer does not give");
}
