//! The trainer learns to reconstruct clean images, from noisy ones too.

use scant_abi::{
    Batch, Clock, Component, Forward, Key, Model, Setup, Tensor, TrainContext, Trainer, WeightedLoss,
};
use scant_autoencoder::{Autoencoder, AutoencoderConfig};
use scant_nn::network::Network;
use scant_nn::network::zoo::{Architecture, MlpAutoencoder};
use scant_nn::ops::Reduction;
use scant_nn::rehearsal::{NoSamples, SquaredError};
use serde_json::{Value, json};

fn setup() -> Setup {
    let losses = vec!["mse".to_owned()];
    Setup { image: [1, 8, 8], losses, batch: 32, epochs: 1, unlabelled: 64, ..Setup::default() }
}

fn model() -> Network {
    let config = MlpAutoencoder { hidden: vec![32], embedding: 3, ..MlpAutoencoder::default() };
    Network::new(&config.describe([1, 8, 8], 0).expect("described"), &setup()).expect("made")
}

fn trainer(config: Value) -> Autoencoder {
    let config: AutoencoderConfig = serde_json::from_value(config).expect("a configuration");
    Autoencoder::new(config, &setup()).expect("a trainer")
}

/// A bar in one of eight columns, and the same under heavy noise.
fn batch(step: u64) -> Batch {
    let mut rng = Key::new(3).fold(step).rng();
    let (mut clean, mut noisy) = (Vec::new(), Vec::new());
    for _ in 0..32 {
        let column = rng.below(8);
        for place in 0..64 {
            let pixel = f32::from(u8::from(place % 8 == column));
            clean.push(pixel);
            noisy.push(if rng.chance(0.3) { 0.0 } else { pixel });
        }
    }
    let images = |pixels| Tensor::from_f32(pixels, &[32, 1, 8, 8]).expect("fits");
    let views = vec![("clean".to_owned(), images(clean)), ("augmented".to_owned(), images(noisy))];
    Batch { indices: (0..32).collect(), labels: vec![-1; 32], views }
}

fn step(trainer: &mut Autoencoder, model: &mut Network, step: u64) -> f64 {
    let (mut loss, mut data) = (SquaredError(Reduction::Values), NoSamples);
    let mut losses = [WeightedLoss { name: "mse".to_owned(), weight: 2.0, loss: &mut loss }];
    let mut context = TrainContext {
        model,
        losses: &mut losses,
        data: &mut data,
        clock: Clock { epochs: 1, steps: 1000, step: step as usize, ..Clock::default() },
        key: Key::new(step),
    };
    let report = trainer.step(&[batch(step)], &mut context).expect("a step");
    assert_eq!(report.metrics[0].0, "loss");
    assert_eq!(report.metrics[0].1, 2.0 * report.metrics[1].1, "the weight counts");
    report.metrics[1].1
}

/// The mean squared error between what the model makes of `view` and the clean image.
fn error(model: &mut Network, view: &str) -> f64 {
    let batch = batch(1_000_000);
    error_of(model, batch.view(view).expect("there"), &batch)
}

/// The same of the clean image under normal noise of this deviation, which no training has seen.
fn error_under(model: &mut Network, deviation: f32) -> f64 {
    let batch = batch(1_000_000);
    let clean = batch.view("clean").expect("there");
    let mut rng = Key::new(17).rng();
    let noisy = clean.f32().expect("f32").iter().map(|pixel| pixel + deviation * rng.normal()).collect();
    error_of(model, &Tensor::from_f32(noisy, &clean.shape()).expect("fits"), &batch)
}

fn error_of(model: &mut Network, images: &Tensor, batch: &Batch) -> f64 {
    let pass = model.forward(images.view(), &Forward::evaluation()).expect("a pass");
    let made = pass.output("reconstruction").expect("there").f32().expect("f32");
    let clean = batch.view("clean").expect("there").f32().expect("f32");
    made.iter().zip(clean).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / made.len() as f64
}

/// The error of saying 1/8 everywhere, the best that is possible without looking.
const BLIND: f64 = 7.0 / 64.0;

#[test]
fn images_go_through_a_narrow_embedding() {
    let (mut trainer, mut model) = (trainer(json!({"optimizer": {"lr": 0.01}, "input": "clean"})), model());
    let first = step(&mut trainer, &mut model, 0);
    for i in 1..400 {
        step(&mut trainer, &mut model, i);
    }
    let last = error(&mut model, "clean");
    assert!(last < 0.3 * BLIND && last < first, "{first} {last}");
}

#[test]
fn noise_in_training_makes_noise_harmless() {
    let train = |input: &str| {
        let (mut trainer, mut model) = (trainer(json!({"optimizer": {"lr": 0.01}, "input": input})), model());
        for i in 0..400 {
            step(&mut trainer, &mut model, i);
        }
        error(&mut model, "augmented")
    };
    let (denoising, plain) = (train("augmented"), train("clean"));
    assert!(denoising < plain, "{denoising} against {plain} without");
}

#[test]
fn noise_inside_the_network_makes_noise_harmless_too() {
    // As in source 003's denoising auto-encoder: nothing is done to the images, dropout is all the noise there is.
    let train = |dropout: f32| {
        let description = json!({ "parts": [
            { "name": "encoder", "layers": [
                "flatten", { "linear": { "out": 64 } }, "relu", { "dropout": dropout },
                { "linear": { "out": 8 } }, { "output": "embedding" },
            ] },
            { "name": "decoder", "layers": [
                { "linear": { "out": 32 } }, "relu", { "linear": { "out": 64 } }, "sigmoid",
                { "reshape": [1, 8, 8] }, { "output": "reconstruction" },
            ] },
        ] });
        let description = serde_json::from_value(description).expect("a description");
        let mut model = Network::new(&description, &setup()).expect("made");
        let mut trainer = trainer(json!({"optimizer": {"lr": 0.01}, "input": "clean"}));
        for i in 0..400 {
            step(&mut trainer, &mut model, i);
        }
        (error_under(&mut model, 0.7), error_under(&mut model, 0.0))
    };
    let ((with, clean), (without, _)) = (train(0.3), train(0.0));
    assert!(with < 0.8 * without, "{with} against {without} without");
    assert!(clean < BLIND, "{clean}");
}

/// Trains on clean bars with this L1 penalty; returns the mean size of the weights, and the error.
fn with_penalty(l1: f64) -> (f64, f64) {
    let config = json!({"optimizer": {"lr": 0.005, "l1": l1}, "input": "clean"});
    let (mut trainer, mut model) = (trainer(config), model());
    for i in 0..400 {
        step(&mut trainer, &mut model, i);
    }
    let weights: Vec<_> = model.layout().into_iter().filter(|info| info.decays).collect();
    let values = model.parameters().expect("no pass is open").values.cpu().expect("on the CPU");
    let sizes = weights.iter().flat_map(|info| &values[info.range()]).map(|value| f64::from(value.abs()));
    let count = weights.iter().map(|info| info.range().len()).sum::<usize>();
    let mean = sizes.sum::<f64>() / count as f64;
    (mean, error(&mut model, "clean"))
}

#[test]
fn the_sparse_penalty_empties_weights_that_reconstruction_can_spare() {
    let ((sparse, error), (plain, _)) = (with_penalty(1e-4), with_penalty(0.0));
    assert!(sparse < 0.5 * plain, "{sparse} against {plain} without");
    assert!(error < 0.5 * BLIND, "{error}");
}

/// How often a noisy bar's embedding is nearest to the mean embedding of its own column.
fn separation(model: &mut Network) -> f64 {
    let mut embed = |step| {
        let batch = batch(step);
        let pass = model.forward(batch.view("augmented").expect("there").view(), &Forward::evaluation());
        let pass = pass.expect("a pass");
        let embedding = pass.output("embedding").expect("there").f32().expect("f32").to_vec();
        let clean = batch.view("clean").expect("there").f32().expect("f32").to_vec();
        let column = |image: &[f32]| image[..8].iter().position(|pixel| *pixel > 0.0).expect("a bar");
        let columns = clean.chunks_exact(64).map(column);
        columns.zip(embedding.chunks_exact(3).map(<[f32]>::to_vec)).collect::<Vec<_>>()
    };
    let mut means = [([0f32; 3], 0f32); 8];
    for (column, point) in (0..8).flat_map(|i| embed(2_000_000 + i)) {
        means[column].0.iter_mut().zip(&point).for_each(|(sum, value)| *sum += value);
        means[column].1 += 1.0;
    }
    let distance = |point: &[f32], (sum, count): &([f32; 3], f32)| {
        point.iter().zip(sum).map(|(value, sum)| (value - sum / count).powi(2)).sum::<f32>()
    };
    let seen: Vec<_> = (8..16).flat_map(|i| embed(2_000_000 + i)).collect();
    let right = seen.iter().filter(|(column, point)| {
        let own = distance(point, &means[*column]);
        means.iter().all(|mean| own <= distance(point, mean))
    });
    right.count() as f64 / seen.len() as f64
}

#[test]
fn what_is_learnt_tells_bars_apart_better_than_random_weights_do() {
    let (mut trainer, mut model) = (trainer(json!({"optimizer": {"lr": 0.01}})), model());
    let random = separation(&mut model);
    for i in 0..400 {
        step(&mut trainer, &mut model, i);
    }
    let learnt = separation(&mut model);
    assert!(learnt >= 0.95 && random < 0.9, "{learnt} learnt, {random} random");
}

#[test]
fn the_noisy_view_is_asked_for_only_where_it_is_used() {
    let views =
        |config| trainer(config).streams()[0].views.iter().map(|view| view.name.clone()).collect::<Vec<_>>();
    assert_eq!(views(json!({})), ["clean", "augmented"]);
    assert_eq!(views(json!({"input": "clean"})), ["clean"]);
}

#[test]
fn a_stage_without_losses_is_refused_before_it_starts() {
    let setup = Setup { losses: Vec::new(), ..setup() };
    let refused = Autoencoder::new(AutoencoderConfig::default(), &setup).err().expect("refused");
    let error = refused.to_string();
    assert!(error.ends_with("write for example loss = [\"mse\"]"), "{error}");
}
