//! An encoder learns to look past what was done to an image, by the pseudo-label alone.

use std::path::Path;

use scant_abi::{
    Batch, Clock, Component, Forward, Key, Loss, Model, OutputInfo, Setup, State, Tensor, TrainContext,
    Trainer, WeightedLoss,
};
use scant_nn::network::Network;
use scant_nn::network::zoo::{Architecture, Head, MlpAutoencoder};
use scant_nn::ops::Reduction;
use scant_nn::rehearsal::{NoSamples, SquaredError};
use scant_nn::weights;
use scant_pl_ae::{Perceptual, PlAe, PlAeConfig};
use serde_json::{Value, json};

const BATCH: usize = 32;

fn setup() -> Setup {
    let losses = vec!["mse".to_owned()];
    Setup { image: [1, 8, 8], losses, batch: BATCH, epochs: 1, unlabelled: 64, ..Setup::default() }
}

fn model() -> Network {
    let config =
        MlpAutoencoder { hidden: vec![64], embedding: 6, head: Head::None, ..MlpAutoencoder::default() };
    Network::new(&config.describe([1, 8, 8], 0).expect("described"), &setup()).expect("made")
}

/// One of four marks of 3x3 pixels in the upper left corner; the transformation is a shift by up to five pixels.
fn batch(key: Key) -> Batch {
    const MARKS: [[u8; 9]; 4] = [
        [1, 1, 1, 0, 1, 0, 0, 1, 0],
        [1, 0, 1, 0, 1, 0, 1, 0, 1],
        [0, 1, 0, 1, 1, 1, 0, 1, 0],
        [1, 1, 1, 1, 0, 1, 1, 1, 1],
    ];
    let mut rng = key.rng();
    let (mut clean, mut moved) = (vec![0.0; BATCH * 64], vec![0.0; BATCH * 64]);
    for sample in 0..BATCH {
        let (down, right) = (rng.below(6), rng.below(6));
        for (place, pixel) in MARKS[sample % 4].into_iter().enumerate() {
            let (row, column) = (place / 3, place % 3);
            clean[sample * 64 + row * 8 + column] = f32::from(pixel);
            moved[sample * 64 + (row + down) * 8 + column + right] = f32::from(pixel);
        }
    }
    let images = |pixels| Tensor::from_f32(pixels, &[BATCH, 1, 8, 8]).expect("fits");
    let views = vec![("clean".to_owned(), images(clean)), ("augmented".to_owned(), images(moved))];
    Batch { indices: (0..BATCH as u64).collect(), labels: vec![-1; BATCH], views }
}

fn trainer(config: Value) -> PlAe {
    let config: PlAeConfig = serde_json::from_value(config).expect("a configuration");
    PlAe::new(config, &setup()).expect("a trainer")
}

/// After training: how far two shifted versions of a mark are apart in the embedding, against versions of other marks.
fn spread(config: Value) -> f32 {
    let (mut trainer, mut model, mut data) = (trainer(config), model(), NoSamples);
    for step in 0..800 {
        let mut loss = SquaredError(Reduction::Values);
        let mut losses = [WeightedLoss { name: "mse".to_owned(), weight: 1.0, loss: &mut loss }];
        let mut context = TrainContext {
            model: &mut model,
            losses: &mut losses,
            data: &mut data,
            clock: Clock { epochs: 1, steps: 800, step, ..Clock::default() },
            key: Key::new(step as u64),
        };
        trainer.step(&[batch(Key::new(1).fold(step as u64))], &mut context).expect("a step");
    }
    let mut embeddings = |key: u64| {
        let batch = batch(Key::new(2).fold(key));
        let images = batch.view("augmented").expect("there").view();
        let pass = model.forward(images, &Forward::evaluation()).expect("a pass");
        pass.output("embedding").expect("there").f32().expect("numbers").to_vec()
    };
    let (first, second) = (embeddings(0), embeddings(1));
    let apart = |shift: usize| {
        let other = |row: usize| &second[(row + shift) % BATCH * 6..][..6];
        let rows = first.chunks_exact(6).enumerate();
        rows.map(|(row, z)| z.iter().zip(other(row)).map(|(a, b)| (a - b).powi(2)).sum::<f32>()).sum::<f32>()
    };
    // A row four further down holds the same mark, one further down another.
    apart(4) / apart(1)
}

#[test]
fn the_clean_image_as_target_makes_embeddings_bear_shifts_and_without_it_they_do_not() {
    let optimizer = json!({ "lr": 3e-3 });
    let pl = spread(json!({ "optimizer": optimizer }));
    let sda = spread(json!({ "optimizer": optimizer, "target": "input" }));
    let plain = spread(json!({ "optimizer": optimizer, "input": "clean" }));
    assert!(pl < 0.4, "PL-AE: {pl}");
    assert!(sda > 0.7, "SDA-AE, whose target moves: {sda}");
    assert!(plain > 0.7, "an auto-encoder of clean images: {plain}");
}

/// Images of 32x32 that are a little brighter on the left or on the right, which is the class, under a finer pattern of the
/// double strength that has nothing to do with it.
fn halves(key: Key) -> (Batch, Vec<bool>) {
    let mut rng = key.rng();
    let (mut pixels, mut classes) = (Vec::new(), Vec::new());
    for _ in 0..BATCH {
        let (left, dark) = (rng.chance(0.5), rng.chance(0.5));
        for place in 0..3 * 32 * 32 {
            let (row, column) = (place / 32 % 32, place % 32);
            let broad = if (column < 16) == left { 0.1 } else { -0.1 };
            let fine = if ((row + column) % 2 == 0) == dark { 0.2 } else { -0.2 };
            pixels.push(0.5 + broad + fine);
        }
        classes.push(left);
    }
    let images = Tensor::from_f32(pixels, &[BATCH, 3, 32, 32]).expect("fits");
    let views = vec![("clean".to_owned(), images)];
    (Batch { indices: (0..BATCH as u64).collect(), labels: vec![-1; BATCH], views }, classes)
}

/// The perceptual loss through AlexNet's first convolution, whose only filter that is not zero adds up neighbourhoods.
fn by_neighbourhoods(folder: &Path) -> Perceptual {
    let mut weight = vec![0.0; 64 * 3 * 11 * 11];
    weight[..3 * 11 * 11].fill(1.0 / 11.0);
    let tensor = |values: Vec<f32>, dims: &[usize]| Tensor::from_f32(values, dims).expect("fits");
    let state = State::from([
        ("features.0.weight".to_owned(), tensor(weight, &[64, 3, 11, 11])),
        ("features.0.bias".to_owned(), tensor(vec![0.0; 64], &[64])),
    ]);
    weights::write(&folder.join("sums.safetensors"), &state).expect("written");
    let outputs = vec![OutputInfo { name: "reconstruction".to_owned(), dims: vec![3, 32, 32] }];
    let setup = Setup { image: [3, 32, 32], outputs, folders: vec![folder.to_owned()], ..Setup::default() };
    let config = json!({ "through": "alexnet", "at": "conv1", "weights": "sums.safetensors" });
    Perceptual::new(serde_json::from_value(config).expect("a configuration"), &setup).expect("a loss")
}

/// How often the single number of an embedding, learnt by this loss, tells the class.
fn told_by(loss: &mut dyn Loss) -> f64 {
    let setup = Setup { image: [3, 32, 32], ..setup() };
    let config =
        MlpAutoencoder { hidden: Vec::new(), embedding: 1, head: Head::None, ..MlpAutoencoder::default() };
    let mut model: Network =
        Network::new(&config.describe([3, 32, 32], 0).expect("described"), &setup).expect("made");
    let config = json!({ "optimizer": { "lr": 3e-3 }, "input": "clean" });
    let mut trainer = trainer(config);
    for step in 0..100 {
        let mut losses = [WeightedLoss { name: "loss".to_owned(), weight: 1.0, loss: &mut *loss }];
        let (clock, key) = (Clock { epochs: 1, steps: 100, step, ..Clock::default() }, Key::new(step as u64));
        let mut context =
            TrainContext { model: &mut model, losses: &mut losses, data: &mut NoSamples, clock, key };
        trainer.step(&[halves(Key::new(1).fold(step as u64)).0], &mut context).expect("a step");
    }
    let (mut right, mut all) = (0, 0);
    for key in 0..4 {
        let (batch, classes) = halves(Key::new(2).fold(key));
        let pass = model.forward(batch.view("clean").expect("there").view(), &Forward::evaluation());
        let pass = pass.expect("a pass");
        let z = pass.output("embedding").expect("there").f32().expect("numbers");
        let middle = z.iter().sum::<f32>() / z.len() as f32;
        right += z.iter().zip(&classes).filter(|(z, left)| (**z > middle) == **left).count();
        all += z.len();
    }
    // Which of the two is the larger number is open.
    let share = right as f64 / all as f64;
    share.max(1.0 - share)
}

#[test]
fn the_perceptual_loss_learns_what_its_network_sees_and_a_squared_error_what_pixels_say_most_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let perceptual = told_by(&mut by_neighbourhoods(folder.path()));
    let squared = told_by(&mut SquaredError(Reduction::Values));
    assert!(perceptual > 0.95, "{perceptual} by neighbourhoods, {squared} by pixels");
    assert!(squared < 0.75, "{perceptual} by neighbourhoods, {squared} by pixels");
}

#[test]
fn views_are_asked_for_only_where_they_are_used() {
    let views = |config| {
        let streams = trainer(config).streams();
        streams[0].views.iter().map(|view| view.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(views(json!({})), ["augmented", "clean"]);
    assert_eq!(views(json!({ "target": "input" })), ["augmented"]);
    assert_eq!(views(json!({ "input": "clean" })), ["clean"]);
}

#[test]
fn a_stage_without_losses_is_refused_before_it_starts() {
    let setup = Setup { losses: Vec::new(), ..setup() };
    let refused = PlAe::new(PlAeConfig::default(), &setup).err().expect("refused");
    let error = refused.to_string();
    assert!(error.contains("write for example loss = [\"perceptual\"] or loss = [\"mse\"]"), "{error}");
}
