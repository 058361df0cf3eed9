//! The loss against numbers worked by hand, on a model of which everything is known.
//!
//! With logits (0, w·x) the probabilities depend on z = w·x alone, so that the worst direction is ±w / |w|, and a step of
//! length e moves z by e |w|. For |w| = 1 and z = 0 the divergence of (1/2, 1/2) from (s(e), 1 - s(e)) is
//! -1/2 ln(4 s(e) (1 - s(e))) = ln cosh(e / 2).

use scant_abi::{Clock, Component, Forward, Key, Loss, LossInput, LossValue, Model, Setup, Targets, Tensor};
use scant_nn::network::{Network, NetworkConfig};
use scant_vat::{Vat, VatConfig};
use serde_json::{Value, json};

const W: [f32; 3] = [0.6, 0.0, 0.8];

fn model(layers: Value) -> Network {
    let description = json!({"parts": [{"name": "head", "layers": layers}]});
    let config: NetworkConfig = serde_json::from_value(description).expect("a description");
    Network::new(&config, &Setup { image: [1, 1, 3], ..Setup::default() }).expect("a network")
}

/// Logits (0, w·x).
fn linear() -> Network {
    let mut model = model(json!(["flatten", {"linear": {"out": 2, "bias": false}}, {"output": "logits"}]));
    let parameters = model.parameters().expect("no pass is open");
    let values = parameters.values.cpu().expect("on the CPU");
    values[..3].fill(0.0);
    values[3..].copy_from_slice(&W);
    model
}

fn vat(config: Value) -> Vat {
    Vat::new(serde_json::from_value(config).expect("a configuration"), &Setup::default()).expect("a loss")
}

fn evaluate(vat: &mut Vat, model: &mut Network, pixels: &[f32]) -> LossValue {
    let images = Tensor::from_f32(pixels.to_vec(), &[pixels.len() / 3, 1, 1, 3]).expect("fits");
    let key = Key::new(5);
    let pass = model.forward(images.view(), &Forward::training(key)).expect("a pass");
    let input = LossInput {
        images: images.view(),
        pass: &pass,
        rows: 0..pixels.len() / 3,
        targets: Targets::default(),
        indices: &[0, 1],
        clock: Clock::default(),
        key,
    };
    let value = vat.evaluate(&input, model).expect("a value");
    model.discard(pass.id);
    value
}

fn part(value: &LossValue, name: &str) -> f32 {
    value.parts.iter().find(|(part, _)| part == name).expect("reported").1
}

#[test]
fn the_step_goes_in_the_worst_direction_and_is_eps_long() {
    for eps in [0.5f32, 2.0] {
        let (mut vat, mut model) = (vat(json!({"eps": eps, "xi": 0.1})), linear());
        let value = evaluate(&mut vat, &mut model, &[0.0; 6]);
        let expected = (eps / 2.0).cosh().ln();
        assert!((value.value - expected).abs() < 1e-4, "{} {expected}", value.value);
        assert_eq!((part(&value, "smoothness"), part(&value, "zero-gradients")), (value.value, 0.0));
        value.opened.iter().for_each(|pass| model.discard(*pass));
    }
}

#[test]
fn off_the_boundary_the_clean_predictions_are_what_is_kept() {
    // z = ln 3: p = 3/4. A step of 1 in either direction; the direction felt out decides which.
    let (mut vat, mut model) = (vat(json!({"eps": 1.0, "xi": 0.1})), linear());
    let value = evaluate(&mut vat, &mut model, &W.map(|w| w * 3f32.ln()));
    let divergence = |z: f32| {
        let q = 1.0 / (1.0 + (-z).exp());
        0.75 * (0.75 / q).ln() + 0.25 * (0.25 / (1.0 - q)).ln()
    };
    let [up, down] = [divergence(3f32.ln() + 1.0), divergence(3f32.ln() - 1.0)];
    assert!((value.value - up).abs().min((value.value - down).abs()) < 1e-4, "{} {up} {down}", value.value);
    // The gradient for the moved logits is q - p, the mean over the one row.
    let gradient = value.gradients[0].gradient.f32().expect("numbers");
    assert!((gradient[0] + gradient[1]).abs() < 1e-6 && gradient[1].abs() > 0.05, "{gradient:?}");
    assert_eq!(value.gradients[0].pass, value.opened[0]);
    value.opened.iter().for_each(|pass| model.discard(*pass));
}

#[test]
fn entropy_is_added_by_its_weight() {
    let (mut vat, mut model) = (vat(json!({"eps": 2.0, "xi": 0.1, "entropy": 0.5})), linear());
    let value = evaluate(&mut vat, &mut model, &[0.0; 3]);
    let expected = 1f32.cosh().ln() + 0.5 * 2f32.ln();
    assert!((value.value - expected).abs() < 1e-4, "{} {expected}", value.value);
    assert!((part(&value, "entropy") - 2f32.ln()).abs() < 1e-6);
    let weights: Vec<f32> = value.gradients.iter().map(|gradient| gradient.weight).collect();
    assert_eq!(weights, [1.0, 0.5]);
    value.opened.iter().for_each(|pass| model.discard(*pass));
}

#[test]
fn rows_without_a_direction_are_counted_and_stay_where_they_are() {
    // At z = 200 the probabilities are 0 and 1 to the last bit: there is nothing to feel.
    let (mut vat, mut model) = (vat(json!({})), linear());
    let far = W.map(|w| w * 200.0);
    let value = evaluate(&mut vat, &mut model, &[far.as_slice(), &[0.0; 3]].concat());
    assert_eq!(part(&value, "zero-gradients"), 0.5);
    assert!((value.value - 1f32.cosh().ln() / 2.0).abs() < 1e-4, "{}", value.value);
    value.opened.iter().for_each(|pass| model.discard(*pass));
}

#[test]
fn neither_parameters_gradients_nor_statistics_learn_from_the_search() {
    let layers = json!([
        {"conv": {"out": 4, "kernel": 1}}, {"batch-norm": {}}, "relu",
        "flatten", {"linear": {"out": 2}}, {"output": "logits"},
    ]);
    let mut model = model(layers);
    let pixels = [0.1, 0.9, 0.4, 0.8, 0.2, 0.5];
    let images = Tensor::from_f32(pixels.to_vec(), &[2, 1, 1, 3]).expect("fits");
    let pass = model.forward(images.view(), &Forward::training(Key::new(5))).expect("a pass");
    model.discard(pass.id);
    let statistics = |model: &Network| {
        let state = model.state().expect("a state").into_iter();
        state.map(|(name, tensor)| (name, tensor.into_f32().expect("f32"))).collect::<Vec<_>>()
    };
    let images = images.view();
    // A clean pass that learns nothing itself, so that all that could change is the search's doing.
    let before = statistics(&model);
    let pass = model.forward(images, &Forward::training(Key::new(5)).without_statistics()).expect("a pass");
    let input = LossInput {
        images,
        pass: &pass,
        rows: 0..2,
        targets: Targets::default(),
        indices: &[0, 1],
        clock: Clock::default(),
        key: Key::new(5),
    };
    let value = vat(json!({"iters": 3})).evaluate(&input, &mut model).expect("a value");
    value.opened.iter().for_each(|pass| model.discard(*pass));
    model.discard(pass.id);
    assert_eq!(before, statistics(&model));
    let gradients = model.parameters().expect("no pass is open").gradients.cpu().expect("on the CPU");
    assert!(gradients.iter().all(|gradient| *gradient == 0.0));
}

#[test]
fn senseless_numbers_are_refused() {
    for (config, said) in [
        (json!({"xi": 0.0}), "xi must be above 0"),
        (json!({"eps": -1.0}), "eps must be above 0"),
        (json!({"iters": 0}), "iters must be at least 1"),
        (json!({"entropy": -0.5}), "entropy must be 0 or more, not -0.5"),
    ] {
        let config = serde_json::from_value(config).expect("a configuration");
        let error = Vat::new(config, &Setup::default()).err().expect("refused").to_string();
        assert!(error.contains(said), "{error}");
    }
    let config = VatConfig { entropy: f32::NAN, ..VatConfig::default() };
    let error = Vat::new(config, &Setup::default()).err().expect("refused").to_string();
    assert_eq!(error, "entropy must be 0 or more, not NaN");
}
