//! The trainer learns from labels, and from nothing else.

use scant_abi::{
    Batch, Clock, Component, Key, Model, OutputInfo, Setup, State, Tensor, TrainContext, Trainer,
};
use scant_nn::network::Network;
use scant_nn::network::zoo::{Architecture, SmallCnn};
use scant_nn::rehearsal::NoSamples;
use scant_supervised::{Supervised, SupervisedConfig};
use serde_json::{Value, json};

fn setup() -> Setup {
    let output = |name: &str, features| OutputInfo { name: name.to_owned(), dims: vec![features] };
    let outputs = vec![output("embedding", 8), output("logits", 2)];
    Setup { image: [1, 8, 8], classes: 2, outputs, batch: 16, epochs: 1, labelled: 64, ..Setup::default() }
}

fn model() -> Network {
    let config = SmallCnn { channels: vec![4], hidden: 8, ..SmallCnn::default() };
    Network::new(&config.describe([1, 8, 8], 2).expect("described"), &setup()).expect("made")
}

fn trainer(config: Value) -> Supervised {
    let config: SupervisedConfig = serde_json::from_value(config).expect("a configuration");
    Supervised::new(config, &setup()).expect("a trainer")
}

/// Noise, brighter on the left in class 0 and on the right in class 1.
fn batch(step: u64, labelled: bool) -> Batch {
    let mut rng = Key::new(77).fold(step).rng();
    let classes: Vec<i64> = (0..16).map(|i| i % 2).collect();
    let mut pixels = Vec::new();
    for class in &classes {
        for place in 0..64 {
            let bright = (place % 8 >= 4) == (*class == 1);
            pixels.push(rng.uniform() + if bright { 0.4 } else { 0.0 });
        }
    }
    let images = Tensor::from_f32(pixels, &[16, 1, 8, 8]).expect("fits");
    Batch {
        indices: (0..16).collect(),
        labels: if labelled { classes } else { vec![-1; 16] },
        views: vec![("augmented".to_owned(), images)],
    }
}

fn step(trainer: &mut Supervised, model: &mut Network, step: u64, labelled: bool) -> Vec<(String, f64)> {
    let mut data = NoSamples;
    let mut context = TrainContext {
        model,
        losses: &mut [],
        data: &mut data,
        clock: Clock { epochs: 1, steps: 100, step: step as usize, ..Clock::default() },
        key: Key::new(step),
    };
    trainer.step(&[batch(step, labelled)], &mut context).expect("a step").metrics
}

fn accuracy(metrics: &[(String, f64)]) -> f64 {
    metrics.iter().find(|(name, _)| name == "top-1").expect("reported").1
}

fn weights(model: &Network) -> Vec<(String, Vec<f32>)> {
    let state = model.state().expect("a state");
    state.into_iter().map(|(name, tensor)| (name, tensor.into_f32().expect("f32"))).collect()
}

#[test]
fn labels_teach_the_classes() {
    let (mut trainer, mut model) = (trainer(json!({"optimizer": {"lr": 0.01}})), model());
    let metrics = (0..60).map(|i| step(&mut trainer, &mut model, i, true)).last().expect("steps");
    assert!(accuracy(&metrics) >= 0.9, "{metrics:?}");
}

#[test]
fn without_labels_nothing_is_learnt() {
    let (mut trainer, mut model) = (trainer(json!({"optimizer": {"lr": 0.01}})), model());
    let before = weights(&model);
    step(&mut trainer, &mut model, 0, false);
    assert_eq!(before, weights(&model));
}

#[test]
fn a_frozen_encoder_stays_and_its_classifier_learns() {
    let (mut trainer, mut model) = (trainer(json!({"optimizer": {"lr": 0.02}})), model());
    model.freeze(&["encoder".to_owned()]).expect("frozen");
    let before = weights(&model);
    let first = step(&mut trainer, &mut model, 0, true);
    let last = (1..80).map(|i| step(&mut trainer, &mut model, i, true)).last().expect("steps");
    for ((name, before), (_, after)) in before.iter().zip(weights(&model)) {
        assert_eq!(*before == after, name.starts_with("encoder."), "{name}");
    }
    assert!(last[0].1 < first[0].1, "{first:?} {last:?}");
}

#[test]
fn a_resumed_trainer_goes_on_bit_for_bit() {
    let config = json!({"optimizer": {"lr": 0.01}, "ema_m": 0.9});
    let (mut whole, mut model) = (trainer(config.clone()), model());
    let mut kept: Option<(State, State)> = None;
    for i in 0..6 {
        if i == 3 {
            kept = Some((whole.state().expect("a state"), model.state().expect("a state")));
        }
        step(&mut whole, &mut model, i, true);
    }
    let (of_trainer, of_model) = kept.expect("half way");
    let (mut resumed, mut again) = (trainer(config), self::model());
    resumed.load_state(&of_trainer).expect("loaded");
    again.load_state(&of_model).expect("loaded");
    (3..6).for_each(|i| drop(step(&mut resumed, &mut again, i, true)));
    assert_eq!(weights(&model), weights(&again));
    whole.enter_evaluation(&mut model).expect("averaged");
    resumed.enter_evaluation(&mut again).expect("averaged");
    assert_eq!(weights(&model), weights(&again));
}

#[test]
fn the_averaged_copy_is_judged_and_what_is_trained_comes_back() {
    let (mut trainer, mut model) = (trainer(json!({"optimizer": {"lr": 0.05}, "ema_m": 0.99})), model());
    (0..10).for_each(|i| drop(step(&mut trainer, &mut model, i, true)));
    let trained = weights(&model);
    trainer.enter_evaluation(&mut model).expect("entered");
    assert_ne!(trained, weights(&model));
    trainer.leave_evaluation(&mut model).expect("left");
    assert_eq!(trained, weights(&model));
}
