//! Clusters become the classes by the method's own target, and by nothing else.

use scant_abi::{
    Batch, CLEAN, Clock, Component, Error, Forward, Key, Model, OutputInfo, Pass, Report, Result, Setup,
    Source, State, Tensor, TrainContext, Trainer, TrainingSet, WeightedLoss,
};
use scant_dec::{Dec, DecConfig};
use scant_nn::cluster::{Contingency, clustering_accuracy};
use scant_nn::network::Network;
use scant_nn::network::zoo::{Architecture, Head, MlpAutoencoder};
use scant_nn::ops::Reduction;
use scant_nn::rehearsal::SquaredError;
use serde_json::{Value, json};

const SAMPLES: usize = 300;
const PIXELS: usize = 16;
const BATCH: usize = 60;

/// Noise in all of 16 pixels; two of them, other ones for each of three classes, are brighter.
struct Spots {
    pixels: Vec<f32>,
    classes: Vec<i64>,
}

impl Spots {
    fn new() -> Self {
        let mut rng = Key::new(11).rng();
        let classes: Vec<i64> = (0..SAMPLES).map(|sample| sample as i64 % 3).collect();
        let mut pixel = |place: usize, class: i64| {
            let bright = place / 2 == class as usize;
            rng.normal() * 0.5 + if bright { 1.0 } else { 0.0 }
        };
        let pixels = classes
            .iter()
            .flat_map(|class| (0..PIXELS).map(|place| pixel(place, *class)).collect::<Vec<_>>());
        Self { pixels: pixels.collect(), classes }
    }

    fn batch(&self, samples: &[usize], views: &[&str]) -> Result<Batch> {
        let pixels: Vec<f32> =
            samples.iter().flat_map(|sample| &self.pixels[sample * PIXELS..][..PIXELS]).copied().collect();
        let images = || Tensor::from_f32(pixels.clone(), &[samples.len(), 1, 4, 4]);
        Ok(Batch {
            indices: samples.iter().map(|sample| *sample as u64).collect(),
            labels: vec![-1; samples.len()],
            views: views.iter().map(|view| Ok(((*view).to_owned(), images()?))).collect::<Result<_>>()?,
        })
    }
}

impl TrainingSet for Spots {
    fn len(&self, _: Source) -> usize {
        SAMPLES
    }

    fn read(&mut self, _: Source, view: &str, first: usize, count: usize) -> Result<Batch> {
        if view != CLEAN {
            return Err(Error::config(format!("targets are made from clean images, not from '{view}'")));
        }
        let samples: Vec<usize> = (first..(first + count).min(SAMPLES)).collect();
        self.batch(&samples, &[view])
    }
}

fn setup() -> Setup {
    let outputs = vec![OutputInfo { name: "embedding".to_owned(), dims: vec![8] }];
    Setup {
        image: [1, 4, 4],
        classes: 3,
        outputs,
        batch: BATCH,
        epochs: 1,
        unlabelled: SAMPLES,
        ..Setup::default()
    }
}

fn model() -> Network {
    let config = MlpAutoencoder { hidden: Vec::new(), embedding: 8, head: Head::None, ..Default::default() };
    Network::new(&config.describe([1, 4, 4], 0).expect("described"), &setup()).expect("made")
}

fn trainer(config: Value) -> Result<Dec> {
    let config: DecConfig = serde_json::from_value(config).expect("a configuration");
    Dec::new(config, &setup())
}

/// A run of the trainer; `steps` counts those made so far.
struct Run {
    trainer: Dec,
    model: Network,
    spots: Spots,
    steps: usize,
}

impl Run {
    fn new(config: Value) -> Self {
        let mut run = Self {
            trainer: trainer(config).expect("a trainer"),
            model: model(),
            spots: Spots::new(),
            steps: 0,
        };
        run.trainer.begin_stage(&mut context(&mut run.model, &mut [], &mut run.spots, 0)).expect("a start");
        run
    }

    fn step(&mut self, losses: &mut [WeightedLoss<'_>]) -> Report {
        let mut rng = Key::new(5).fold(self.steps as u64).rng();
        let samples: Vec<usize> = (0..BATCH).map(|_| rng.below(SAMPLES)).collect();
        let batch = self.spots.batch(&samples, &["augmented", CLEAN]).expect("a batch");
        self.step_on(batch, losses)
    }

    fn step_on(&mut self, batch: Batch, losses: &mut [WeightedLoss<'_>]) -> Report {
        // The context borrows the losses for as long as it lives.
        let mut losses: Vec<WeightedLoss<'_>> = losses
            .iter_mut()
            .map(|w| WeightedLoss { name: w.name.clone(), weight: w.weight, loss: &mut *w.loss })
            .collect();
        let mut context = context(&mut self.model, &mut losses, &mut self.spots, self.steps);
        self.steps += 1;
        self.trainer.step(&[batch], &mut context).expect("a step")
    }

    fn pass(&mut self) -> Pass {
        let all: Vec<usize> = (0..SAMPLES).collect();
        let batch = self.spots.batch(&all, &[CLEAN]).expect("everything");
        self.model.forward(batch.view(CLEAN).expect("there").view(), &Forward::evaluation()).expect("a pass")
    }

    /// The share of samples whose cluster is that of their class, and the mean share of a sample's own cluster.
    fn found(&mut self) -> (f64, f32) {
        let pass = self.pass();
        let shares = self.trainer.annotate(&pass).expect("shares").remove(0).1;
        let shares = shares.f32().expect("numbers");
        let largest = |row: &[f32]| {
            row.iter().copied().enumerate().fold((0, 0.0), |a, b| if b.1 > a.1 { b } else { a })
        };
        let (clusters, sure): (Vec<i64>, Vec<f32>) =
            shares.chunks_exact(3).map(largest).map(|(cluster, share)| (cluster as i64, share)).unzip();
        let table = Contingency::new(&self.spots.classes, &clusters).expect("a table");
        (clustering_accuracy(&table), sure.iter().sum::<f32>() / SAMPLES as f32)
    }
}

fn context<'a>(
    model: &'a mut Network,
    losses: &'a mut [WeightedLoss<'a>],
    spots: &'a mut Spots,
    step: usize,
) -> TrainContext<'a> {
    let clock = Clock { epochs: 1, steps: 10_000, step, ..Clock::default() };
    TrainContext { model, losses, data: spots, clock, key: Key::new(step as u64) }
}

fn config(weight: f64) -> Value {
    json!({ "optimizer": { "lr": 5e-3 }, "weight": weight, "update_interval": 20, "tol": 0.0 })
}

#[test]
fn the_target_turns_clusters_into_classes_and_without_it_they_stay() {
    let gain = |weight: f64| {
        let mut run = Run::new(config(weight));
        let start = run.found();
        (0..300).for_each(|_| drop(run.step(&mut [])));
        let end = run.found();
        (end.0 - start.0, end.1 - start.1)
    };
    let (accuracy, confidence) = gain(1.0);
    assert!(accuracy > 0.08, "accuracy rose by {accuracy} alone");
    assert!(confidence > 0.2, "confidence rose by {confidence} alone");
    let (accuracy, confidence) = gain(0.0);
    assert!(accuracy.abs() < 0.01 && confidence.abs() < 0.01, "{accuracy} {confidence} without the target");
}

#[test]
fn a_reconstruction_beside_it_keeps_the_decoder_at_work() {
    // The error of the reconstruction at the end, with and without the loss that makes DEC the improved one.
    let error = |weight: f32| {
        let mut run = Run::new(config(1.0));
        let mut last = 0.0;
        for _ in 0..300 {
            let mut loss = SquaredError(Reduction::Items);
            let report = run.step(&mut [WeightedLoss { name: "mse".to_owned(), weight, loss: &mut loss }]);
            last =
                report.metrics.iter().find(|(name, _)| name == "mse").map_or(f64::NAN, |(_, value)| *value);
        }
        let images = run.spots.pixels.clone();
        let made = run.pass();
        let made = made.output("reconstruction").expect("there").f32().expect("numbers").to_vec();
        let sum: f32 = made.iter().zip(images).map(|(a, b)| (a - b) * (a - b)).sum();
        (sum / SAMPLES as f32, last)
    };
    let ((improved, reported), (plain, silent)) = (error(1.0), error(0.0));
    assert!(improved < 0.8 * plain, "{improved} {plain}");
    assert!(reported.is_finite() && silent.is_nan());
}

#[test]
fn what_goes_in_is_augmented_and_what_is_reconstructed_is_clean() {
    let mut run = Run::new(config(1.0));
    let mut batch = run.spots.batch(&[0, 1], &["augmented", CLEAN]).expect("a batch");
    batch.views[0].1 = Tensor::from_f32(vec![0.0; 2 * PIXELS], &[2, 1, 4, 4]).expect("dark images");
    let made = run.model.forward(batch.views[0].1.view(), &Forward::evaluation()).expect("a pass");
    let made = made.output("reconstruction").expect("there").f32().expect("numbers");
    let expected = made.iter().zip(&run.spots.pixels).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / 2.0;
    let mut loss = SquaredError(Reduction::Items);
    let mut losses = [WeightedLoss { name: "mse".to_owned(), weight: 1.0, loss: &mut loss }];
    let metrics = run.step_on(batch, &mut losses).metrics;
    let mse = metrics.iter().find(|(name, _)| name == "mse").expect("reported").1 as f32;
    assert!((mse - expected).abs() < 1e-4, "{mse} {expected}");
}

#[test]
fn targets_stand_still_between_two_renewals() {
    let mut run = Run::new(config(1.0));
    let mut targets = Vec::new();
    for _ in 0..21 {
        run.step(&mut []);
        let state = run.trainer.state().expect("a state");
        targets.push(state["targets.values"].f32().expect("numbers").to_vec());
    }
    assert!(targets[..20].iter().all(|target| *target == targets[0]));
    assert_ne!(targets[20], targets[0]);
}

#[test]
fn a_tolerance_above_what_changes_ends_the_stage() {
    let mut run = Run::new(json!({ "update_interval": 2, "tol": 1.0 }));
    let stops: Vec<Option<String>> = (0..3).map(|_| run.step(&mut []).stop).collect();
    assert_eq!(stops[..2], [None, None]);
    let reason = stops[2].as_deref().expect("stopped");
    assert!(reason.ends_with("tol is 100.00 %"), "{reason}");
}

#[test]
fn a_resumed_trainer_goes_on_bit_for_bit() {
    let mut whole = Run::new(config(1.0));
    let mut kept: Option<(State, State)> = None;
    for step in 0..50 {
        if step == 25 {
            kept = Some((whole.trainer.state().expect("a state"), whole.model.state().expect("a state")));
        }
        whole.step(&mut []);
    }
    let (of_trainer, of_model) = kept.expect("half way");
    let mut resumed = Run {
        trainer: trainer(config(1.0)).expect("a trainer"),
        model: model(),
        spots: Spots::new(),
        steps: 25,
    };
    resumed.trainer.load_state(&of_trainer).expect("loaded");
    resumed.model.load_state(&of_model).expect("loaded");
    (25..50).for_each(|_| drop(resumed.step(&mut [])));
    assert_eq!(whole.found(), resumed.found());
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    for (config, says) in [
        (json!({ "clusters": 1 }), "clusters must be at least 2, not 1"),
        (json!({ "clusters": 301 }), "clusters must be at most the number of training samples, 300, not 301"),
        (json!({ "tol": -3.0 }), "tol must lie in [0, 1], not -3"),
        (json!({ "weight": -1.0 }), "weight must be 0 or more, not -1"),
        (json!({ "update_interval": 0 }), "update_interval and n_init must be at least 1"),
        (json!({ "alpha": 0.0 }), "alpha must be above 0, not 0"),
        (json!({ "on": "features" }), "the model has no output 'features'; it has embedding"),
    ] {
        let error = trainer(config).err().expect("refused").to_string();
        assert!(error.contains(says), "{error}");
    }
}
