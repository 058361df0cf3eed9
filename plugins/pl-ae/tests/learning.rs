//! An encoder learns to look past what was done to an image, by the pseudo-label alone.

use scant_abi::{
    Batch, Clock, Component, Error, Forward, Key, Loss, LossInput, LossValue, Model, Result, Setup, Source,
    Tensor, TrainContext, Trainer, TrainingSet, WeightedLoss,
};
use scant_nn::adapt::{loss_on, tensor};
use scant_nn::network::Network;
use scant_nn::network::zoo::{Architecture, Head, MlpAutoencoder};
use scant_nn::ops::{Reduction, mse};
use scant_pl_ae::{PlAe, PlAeConfig};
use serde_json::{Value, json};

const BATCH: usize = 32;

struct SquaredError;

impl Loss for SquaredError {
    fn reads(&self) -> Vec<String> {
        vec!["reconstruction".to_owned()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
        let target = tensor(input.targets.images()?)?;
        loss_on::<(usize, usize)>(input, "reconstruction", |x| mse(x, target, Reduction::Values))
    }
}

struct Nothing;

impl TrainingSet for Nothing {
    fn len(&self, _: Source) -> usize {
        0
    }

    fn read(&mut self, _: Source, _: &str, _: usize, _: usize) -> Result<Batch> {
        Err(Error::data("this trainer does not look at the set"))
    }
}

fn setup() -> Setup {
    Setup { image: [1, 8, 8], batch: BATCH, epochs: 1, unlabelled: 64, ..Setup::default() }
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
    let (mut trainer, mut model, mut data) = (trainer(config), model(), Nothing);
    for step in 0..800 {
        let mut loss = SquaredError;
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
    let (mut trainer, mut model, mut data) = (trainer(json!({})), model(), Nothing);
    let (clock, key) = (Clock::default(), Key::new(0));
    let mut context = TrainContext { model: &mut model, losses: &mut [], data: &mut data, clock, key };
    let error = trainer.begin_stage(&mut context).expect_err("refused").to_string();
    assert!(error.contains("write loss = [\"perceptual\"] or loss = [\"mse\"]"), "{error}");
}
