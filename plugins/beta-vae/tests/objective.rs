//! The objective's numbers, worked by hand, and what training with it does to an embedding.

use scant_abi::{
    CLEAN, Clock, Component, Forward, Key, Loss, LossInput, LossValue, Model, OutputInfo, Pass, PassId,
    Result, Setup, Targets, Tensor, TrainContext, WeightedLoss,
};
use scant_beta_vae::{BetaVae, BetaVaeConfig};
use scant_nn::network::{Network, NetworkConfig};
use scant_nn::rehearsal::{NoSamples, bars};
use scant_nn::train::{Learner, reconstruct};
use serde_json::{Value, json};

fn setup() -> Setup {
    let names = ["mean", "log_variance", "reconstruction", "reconstruction_logits"];
    let outputs = names.map(|name| OutputInfo { name: name.to_owned(), dims: vec![2] }).to_vec();
    Setup { image: [1, 8, 8], outputs, batch: 32, epochs: 1, unlabelled: 64, ..Setup::default() }
}

fn loss(config: Value) -> Result<BetaVae> {
    let config: BetaVaeConfig = serde_json::from_value(config).expect("a configuration");
    BetaVae::new(config, &setup())
}

fn model() -> Network {
    let description = json!({ "parts": [
        { "name": "encoder", "layers": [
            "flatten", { "linear": { "out": 32 } }, "relu", { "output": "features" },
            { "linear": { "out": 2, "name": "mean" } }, { "output": "mean" },
            { "from": "features" },
            { "linear": { "out": 2, "name": "log_variance" } }, { "output": "log_variance" },
        ] },
        { "name": "decoder", "layers": [
            { "sample": { "mean": "mean", "log_variance": "log_variance" } },
            { "linear": { "out": 32 } }, "relu", { "linear": { "out": 64 } }, { "reshape": [1, 8, 8] },
            { "output": "reconstruction_logits" }, "sigmoid", { "output": "reconstruction" },
        ] },
    ] });
    let description: NetworkConfig = serde_json::from_value(description).expect("a description");
    Network::new(&description, &setup()).expect("made")
}

/// One image of two pixels, 1 and 0; its distribution has mean (1, 0) and variance (1, 4).
fn evaluate(config: Value, clock: Clock) -> LossValue {
    let row = |values: [f32; 2]| Tensor::from_f32(values.to_vec(), &[1, 2]).expect("a row");
    let outputs = [
        ("mean", row([1.0, 0.0])),
        ("log_variance", row([0.0, 4f32.ln()])),
        ("reconstruction", row([0.5, 0.25])),
        ("reconstruction_logits", row([0.0, 0.0])),
    ];
    let pass =
        Pass { id: PassId(1), outputs: Vec::from(outputs.map(|(name, values)| (name.to_owned(), values))) };
    let image = row([1.0, 0.0]);
    let input = LossInput {
        images: image.view(),
        pass: &pass,
        rows: 0..1,
        targets: Targets { images: Some(image.view()), ..Targets::default() },
        indices: &[0],
        clock,
        key: Key::new(0),
    };
    loss(config).expect("a loss").evaluate(&input, &mut model()).expect("a value")
}

fn part(value: &LossValue, name: &str) -> f32 {
    value.parts.iter().find(|(part, _)| part == name).expect("reported").1
}

/// -1/2 (1 + 0 - 1 - 1) = 1/2 of the first feature, -1/2 (1 + ln 4 - 0 - 4) of the second.
const KL: f32 = 0.5 + 1.5 - std::f32::consts::LN_2;

#[test]
fn the_value_and_its_gradients_are_those_worked_by_hand() {
    let value = evaluate(json!({ "beta": 2.0 }), Clock::default());
    // Two pixels, each said to be one or the other with probability 1/2.
    let expected = 2.0 * std::f32::consts::LN_2 + 2.0 * KL;
    assert!((value.value - expected).abs() < 1e-5, "{} {expected}", value.value);
    let gradient = |name: &str| {
        let gradient = value.gradients.iter().find(|gradient| gradient.output == name).expect("there");
        let values = gradient.gradient.f32().expect("numbers");
        values.iter().map(|value| value * gradient.weight).collect::<Vec<_>>()
    };
    // Of -log s(0) and -log (1 - s(0)): s - target. Of the divergence: m, and (exp v - 1) / 2, each twice.
    assert_eq!(gradient("reconstruction_logits"), [-0.5, 0.5]);
    assert_eq!(gradient("mean"), [2.0, 0.0]);
    let of_log_variance = gradient("log_variance");
    assert!((of_log_variance[0]).abs() < 1e-6 && (of_log_variance[1] - 3.0).abs() < 1e-5);
}

#[test]
fn squared_errors_are_summed_over_the_pixels() {
    let value = evaluate(json!({ "beta": 0.0, "reconstruction": "mse" }), Clock::default());
    assert_eq!(value.value, 0.25 + 0.0625);
    assert!((part(&value, "kl") - KL).abs() < 1e-6, "watched even where it does not count");
}

#[test]
fn beta_cycles_by_default_as_in_figure_4_4_of_the_thesis() {
    // Four periods of forty epochs: three quarters of each rise from 0 to 1.5, one quarter stays there.
    let beta = |epoch| {
        let value = evaluate(json!({}), Clock { epoch, epochs: 160, steps: 1, ..Clock::default() });
        assert!((value.value - part(&value, "reconstruction") - part(&value, "beta") * KL).abs() < 1e-5);
        part(&value, "beta")
    };
    assert_eq!([0, 15, 30, 39, 40, 55, 159].map(beta), [0.0, 0.75, 1.5, 1.5, 0.0, 0.75, 1.5]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let error = loss(json!({ "beta": -1.0 })).err().expect("refused").to_string();
    assert_eq!(error, "beta must be 0 or more, not -1");
    let setup = Setup { outputs: Vec::new(), ..setup() };
    let error = BetaVae::new(BetaVaeConfig::default(), &setup).err().expect("refused").to_string();
    assert!(error.contains("reconstruction_logits"), "{error}");
}

/// After training with this β: the mean square of what a feature is drawn as, and the reconstruction's squared error.
fn trained(beta: f64) -> (f32, f32) {
    let (mut model, mut data) = (model(), NoSamples);
    let mut loss = loss(json!({ "beta": beta })).expect("a loss");
    let optimizer = serde_json::from_value(json!({ "lr": 0.01 })).expect("an optimiser");
    let mut learner = Learner::new(optimizer, None, &Setup::default()).expect("a learner");
    for step in 0..600 {
        let batch = bars(CLEAN, step).expect("bars");
        let images = batch.view(CLEAN).expect("there").view();
        let mut losses = [WeightedLoss { name: "beta-vae".to_owned(), weight: 1.0, loss: &mut loss }];
        let mut context = TrainContext {
            model: &mut model,
            losses: &mut losses,
            data: &mut data,
            clock: Clock { epochs: 1, steps: 600, step: step as usize, ..Clock::default() },
            key: Key::new(step),
        };
        reconstruct(&batch, images, images, &mut learner, &mut context).expect("a step");
    }
    let batch = bars(CLEAN, 1_000_000).expect("bars");
    let images = batch.view(CLEAN).expect("there");
    let pass = model.forward(images.view(), &Forward::evaluation()).expect("a pass");
    let output = |name: &str| pass.output(name).expect("there").f32().expect("numbers").to_vec();
    let drawn: Vec<f32> =
        output("mean").iter().zip(output("log_variance")).map(|(m, v)| m * m + v.exp()).collect();
    let made = output("reconstruction");
    let error = made.iter().zip(images.f32().expect("numbers")).map(|(a, b)| (a - b) * (a - b));
    (drawn.iter().sum::<f32>() / drawn.len() as f32, error.sum::<f32>() / made.len() as f32)
}

#[test]
fn beta_brings_the_embedding_to_a_standard_normal_and_without_it_nothing_does() {
    let ((with, error), (without, _)) = (trained(1.0), trained(0.0));
    // The error of saying 1/8 everywhere, the best that is possible without looking.
    let blind = 7.0 / 64.0;
    assert!((0.6..2.5).contains(&with), "{with} is far from 1");
    assert!(without > 10.0, "{without} is near 1 without the divergence");
    assert!(error < 0.25 * blind, "{error}: the embedding says nothing of the image");
}
