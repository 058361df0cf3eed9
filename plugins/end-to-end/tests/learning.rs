//! Classes that no label named are found, and lost again where nothing keeps them alive.

use scant_abi::{
    Batch, CLEAN, Clock, Component, EpochPlan, Error, Forward, Key, Model, OutputInfo, Result, Setup, Source,
    State, Tensor, TrainContext, Trainer, TrainingSet,
};
use scant_end_to_end::{DeepCluster, EndToEnd};
use scant_nn::cluster::{Contingency, normalized_mutual_information};
use scant_nn::network::{Network, NetworkConfig};
use serde_json::{Value, json};

const SAMPLES: usize = 240;
const CLASSES: usize = 4;
const BATCH: usize = 40;

/// One bright quarter of four, which is the class; every view but the clean one is noisy.
struct Quarters {
    epoch: u64,
}

impl Quarters {
    fn batch(&self, samples: &[usize], views: &[&str], key: Key) -> Result<Batch> {
        let images = |view: &str| {
            let mut rng = key.fold(self.epoch).named(view).rng();
            let mut pixel = |sample: usize, place: usize| {
                let bright = place / 32 == sample % 4 / 2 && place % 8 / 4 == sample % 2;
                f32::from(u8::from(bright)) + if view == CLEAN { 0.0 } else { 0.3 * rng.normal() }
            };
            let mut pixels = Vec::new();
            for sample in samples {
                pixels.extend((0..64).map(|place| pixel(*sample, place)));
            }
            Tensor::from_f32(pixels, &[samples.len(), 1, 8, 8])
        };
        Ok(Batch {
            indices: samples.iter().map(|sample| *sample as u64).collect(),
            labels: vec![-1; samples.len()],
            views: views.iter().map(|view| Ok(((*view).to_owned(), images(view)?))).collect::<Result<_>>()?,
        })
    }
}

impl TrainingSet for Quarters {
    fn len(&self, _: Source) -> usize {
        SAMPLES
    }

    fn read(&mut self, source: Source, view: &str, first: usize, count: usize) -> Result<Batch> {
        if source != Source::All {
            return Err(Error::config("labels are of no concern here"));
        }
        let samples: Vec<usize> = (first..(first + count).min(SAMPLES)).collect();
        self.batch(&samples, &[view], Key::new(1).fold(first as u64))
    }
}

fn setup() -> Setup {
    let output = |name: &str, features| OutputInfo { name: name.to_owned(), dims: vec![features] };
    let outputs = vec![output("embedding", 32), output("logits", CLASSES)];
    let (batch, unlabelled) = (BATCH, SAMPLES);
    Setup { image: [1, 8, 8], classes: CLASSES, outputs, batch, epochs: 20, unlabelled, ..Setup::default() }
}

fn model(seed: u64) -> Network {
    let description = json!({ "parts": [
        { "name": "encoder", "layers": ["flatten", { "linear": { "out": 32 } }, "relu", { "output": "embedding" }] },
        { "name": "head", "layers": [{ "linear": { "out": CLASSES } }, { "output": "logits" }] },
    ] });
    let description: NetworkConfig = serde_json::from_value(description).expect("a description");
    Network::new(&description, &Setup { seed, ..setup() }).expect("made")
}

fn trainer<T: Component>(config: Value) -> T {
    T::new(serde_json::from_value(config).expect("a configuration"), &setup()).expect("a trainer")
}

/// The order of an epoch: evenly over the plan's groups, or every sample once.
fn order(plan: &EpochPlan, key: Key) -> Vec<usize> {
    let mut rng = key.rng();
    let mut order: Vec<usize> = (0..SAMPLES).collect();
    if !plan.groups.is_empty() {
        let mut groups = plan.groups.clone();
        groups.sort_unstable();
        groups.dedup();
        let members = |group: u32| (0..SAMPLES).filter(move |sample| plan.groups[*sample] == group);
        let members: Vec<Vec<usize>> = groups.into_iter().map(|group| members(group).collect()).collect();
        let mut draw = |turn: usize| {
            let group = &members[turn % members.len()];
            group[rng.below(group.len())]
        };
        order = (0..SAMPLES).map(&mut draw).collect();
    }
    rng.shuffle(&mut order);
    order
}

/// Runs epochs `from..to`; the numbers that each of them reported.
fn run(trainer: &mut dyn Trainer, model: &mut Network, from: usize, to: usize) -> Vec<Vec<(String, f64)>> {
    let mut set = Quarters { epoch: 0 };
    let clock = |epoch, step| Clock { epoch, epochs: 20, step, steps: SAMPLES / BATCH, ..Clock::default() };
    let mut reported = Vec::new();
    if from == 0 {
        let (data, clock) = (&mut set, clock(0, 0));
        let mut context = TrainContext { model, losses: &mut [], data, clock, key: Key::new(2) };
        trainer.begin_stage(&mut context).expect("a start");
    }
    for epoch in from..to {
        set.epoch = epoch as u64 + 1;
        let key = Key::new(3).fold(epoch as u64);
        let data = &mut set;
        let mut context = TrainContext { model, losses: &mut [], data, clock: clock(epoch, 0), key };
        let plan = trainer.begin_epoch(&mut context).expect("a plan");
        let views: Vec<String> = trainer.streams()[0].views.iter().map(|view| view.name.clone()).collect();
        let views: Vec<&str> = views.iter().map(String::as_str).collect();
        for (step, samples) in order(&plan, key.named("order")).chunks(BATCH).enumerate() {
            let key = key.fold(step as u64);
            let batch = set.batch(samples, &views, key).expect("a batch");
            let data = &mut set;
            let mut context = TrainContext { model, losses: &mut [], data, clock: clock(epoch, step), key };
            trainer.step(&[batch], &mut context).expect("a step");
        }
        let data = &mut set;
        let mut context = TrainContext { model, losses: &mut [], data, clock: clock(epoch, 0), key };
        reported.push(trainer.end_epoch(&mut context).expect("an end").metrics);
    }
    reported
}

/// Normalised mutual information of predictions and quarters, and the number of classes that are predicted at all.
fn found(model: &mut Network) -> (f64, usize) {
    let batch =
        Quarters { epoch: 0 }.batch(&(0..SAMPLES).collect::<Vec<_>>(), &[CLEAN], Key::new(0)).expect("all");
    let pass =
        model.forward(batch.view(CLEAN).expect("there").view(), &Forward::evaluation()).expect("a pass");
    let logits = pass.output("logits").expect("there").f32().expect("numbers");
    let said: Vec<i64> =
        scant_nn::train::predictions(logits, CLASSES).into_iter().map(|(class, _)| class as i64).collect();
    let truth: Vec<i64> = (0..SAMPLES).map(|sample| sample as i64 % 4).collect();
    let table = Contingency::new(&truth, &said).expect("a table");
    (normalized_mutual_information(&table), table.clusters().len())
}

fn end_to_end(keeps_alive: bool, augmentations: usize) -> EndToEnd {
    trainer(json!({
        "optimizer": { "lr": 0.01 },
        "refill": keeps_alive,
        "balanced": keeps_alive,
        "augmentations": augmentations,
    }))
}

#[test]
fn classes_are_found_and_without_refilling_and_balance_they_are_swallowed() {
    let mut lost = 0;
    for seed in 0..3 {
        let (mut with, mut without) = (model(seed), model(seed));
        let reported = run(&mut end_to_end(true, 1), &mut with, 0, 20);
        run(&mut end_to_end(false, 1), &mut without, 0, 20);
        let (nmi, classes) = found(&mut with);
        assert!(nmi > 0.999 && classes == CLASSES, "seed {seed}: {nmi}");
        let last: Vec<f64> = reported[19].iter().map(|(_, value)| *value).collect();
        assert!(last[0] > 0.9 && last[1] == 0.0, "{:?}", reported[19]);
        lost += CLASSES - found(&mut without).1;
    }
    assert!(lost >= 3, "only {lost} classes of three runs were swallowed");
}

#[test]
fn several_views_share_the_label_of_the_first() {
    let mut model = model(0);
    run(&mut end_to_end(true, 3), &mut model, 0, 12);
    let (nmi, classes) = found(&mut model);
    assert!(nmi > 0.999 && classes == CLASSES, "{nmi}");
}

#[test]
fn k_means_labels_teach_a_classifier_and_without_learning_nothing_is_taught() {
    let deep_cluster = |lr: f64| {
        let mut trainer: DeepCluster = trainer(json!({ "optimizer": { "lr": lr }, "n_init": 5 }));
        let mut model = model(0);
        let reported = run(&mut trainer, &mut model, 0, 6);
        (found(&mut model).0, reported)
    };
    let (taught, reported) = deep_cluster(0.01);
    assert!(taught > 0.95, "{taught}");
    assert!(reported[0].is_empty(), "there is no epoch before the first");
    assert_eq!(reported[5][0].0, "nmi-with-last-epoch");
    let (untaught, _) = deep_cluster(0.0);
    assert!(untaught < 0.9, "{untaught} with a classifier as it was drawn");
}

#[test]
fn resumed_trainers_go_on_bit_for_bit() {
    fn check<T: Component + Trainer>(config: Value) {
        let weights = |model: &Network| {
            let state = model.state().expect("a state");
            state.into_iter().map(|(name, t)| (name, t.into_f32().expect("f32"))).collect::<Vec<_>>()
        };
        let (mut whole, mut straight): (T, _) = (trainer(config.clone()), model(4));
        run(&mut whole, &mut straight, 0, 2);
        let kept: (State, State) = (whole.state().expect("a state"), straight.state().expect("a state"));
        run(&mut whole, &mut straight, 2, 4);
        let (mut resumed, mut again): (T, _) = (trainer(config), model(4));
        resumed.load_state(&kept.0).expect("loaded");
        again.load_state(&kept.1).expect("loaded");
        run(&mut resumed, &mut again, 2, 4);
        assert_eq!(weights(&straight), weights(&again), "{}", T::NAME);
    }
    check::<EndToEnd>(json!({ "optimizer": { "lr": 0.01 } }));
    check::<DeepCluster>(json!({ "optimizer": { "lr": 0.01 } }));
}
