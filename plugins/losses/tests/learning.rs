//! What a penalty on an embedding does to it, and what nothing else does.

use scant_abi::{AUGMENTED, Clock, Component, Forward, Key, Loss, Model, Setup, TrainContext, WeightedLoss};
use scant_losses::{L1, L2};
use scant_nn::network::Network;
use scant_nn::network::zoo::{Architecture, Head, MlpAutoencoder};
use scant_nn::ops::Reduction;
use scant_nn::rehearsal::{NoSamples, SquaredError, bars};
use scant_nn::train::{Learner, reconstruct};
use serde_json::json;

const WIDTH: usize = 8;

fn setup() -> Setup {
    Setup { image: [1, 8, 8], batch: 32, ..Setup::default() }
}

/// Trains an auto-encoder with this penalty of this weight on its embedding; returns all embeddings of a batch, and the
/// reconstruction's squared error.
fn trained<P: Component + Loss>(weight: f32) -> (Vec<f32>, f32) {
    let config =
        MlpAutoencoder { hidden: vec![32], embedding: WIDTH, head: Head::None, ..MlpAutoencoder::default() };
    let mut model: Network =
        Network::new(&config.describe([1, 8, 8], 0).expect("described"), &setup()).expect("made");
    let setup = Setup { outputs: model.outputs(), ..setup() };
    let mut penalty = P::new(P::Config::default(), &setup).expect("a loss");
    let optimizer = serde_json::from_value(json!({ "lr": 5e-3 })).expect("an optimiser");
    let mut learner = Learner::new(optimizer, None, &Setup::default()).expect("a learner");
    for step in 0..400 {
        let batch = bars(AUGMENTED, step).expect("bars");
        let images = batch.view(AUGMENTED).expect("there").view();
        let mut error = SquaredError(Reduction::Items);
        let mut losses = [
            WeightedLoss { name: "mse".to_owned(), weight: 1.0, loss: &mut error },
            WeightedLoss { name: P::NAME.to_owned(), weight, loss: &mut penalty },
        ];
        let (clock, key) = (Clock { epochs: 1, steps: 400, ..Clock::default() }, Key::new(step));
        let mut context =
            TrainContext { model: &mut model, losses: &mut losses, data: &mut NoSamples, clock, key };
        reconstruct(&batch, images, images, &mut learner, &mut context).expect("a step");
    }
    let batch = bars(AUGMENTED, 1_000_000).expect("bars");
    let images = batch.view(AUGMENTED).expect("there");
    let pass = model.forward(images.view(), &Forward::evaluation()).expect("a pass");
    let output = |name: &str| pass.output(name).expect("there").f32().expect("numbers").to_vec();
    let made = output("reconstruction");
    let error = made.iter().zip(images.f32().expect("numbers")).map(|(a, b)| (a - b) * (a - b));
    (output("embedding"), error.sum::<f32>() / made.len() as f32)
}

/// The error of saying 1/8 everywhere, the best that is possible without looking.
const BLIND: f32 = 7.0 / 64.0;

fn mean(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    values.iter().map(|value| of(*value)).sum::<f32>() / values.len() as f32
}

#[test]
fn l2_keeps_embeddings_small_and_without_it_they_are_not() {
    let ((with, error), (without, _)) = (trained::<L2>(0.02), trained::<L2>(0.0));
    let [with, without] = [with, without].map(|embeddings| mean(&embeddings, |value| value * value));
    assert!(with < 0.5 * without, "{with} with, {without} without");
    assert!(error < 0.5 * BLIND, "{error}: the embedding says nothing of the image");
}

#[test]
fn l1_empties_features_and_without_it_few_are_empty() {
    let ((with, error), (without, _)) = (trained::<L1>(0.02), trained::<L1>(0.0));
    // Next to nothing, beside what the embedding's features are on average.
    let empty = |embeddings: &[f32]| {
        let size = mean(embeddings, f32::abs);
        mean(embeddings, |value| f32::from(u8::from(value.abs() < 0.1 * size)))
    };
    let (sparse, dense) = (empty(&with), empty(&without));
    assert!(sparse > 2.0 * dense, "{sparse} of the features are empty with it, {dense} without");
    assert!(error < 0.5 * BLIND, "{error}: the embedding says nothing of the image");
}
