//! Classes that no label named are found, and lost again where nothing keeps them alive.

use scant_abi::{
    Batch, CLEAN, Clock, Component, EpochPlan, Error, Forward, Key, Model, OutputInfo, Result, Setup, Source,
    State, Tensor, TrainContext, Trainer, TrainingSet,
};
use scant_end_to_end::{DeepCluster, EndToEnd};
use scant_nn::cluster::{Contingency, normalized_mutual_information};
use scant_nn::network::{Network, NetworkConfig};
use scant_nn::rehearsal::Rehearsal;
use serde_json::{Value, json};

const SAMPLES: usize = 240;
const CLASSES: usize = 4;
const BATCH: usize = 40;

/// One bright quarter of four, which is the class; every view but the clean one is noisy, by this much.
#[derive(Clone, Copy)]
struct Quarters {
    epoch: u64,
    noise: f32,
    /// Whether an image's noise is the same in each view of each epoch: then nothing is augmented.
    still: bool,
}

const NOISY: Quarters = Quarters { epoch: 0, noise: 0.3, still: false };

impl Quarters {
    fn batch(&self, samples: &[usize], views: &[&str]) -> Result<Batch> {
        let images = |view: &str| {
            let mut pixels = Vec::new();
            for sample in samples {
                let key = Key::new(1).fold(*sample as u64);
                let mut rng = if self.still { key } else { key.fold(self.epoch).named(view) }.rng();
                pixels.extend((0..64).map(|place| {
                    let bright = place / 32 == sample % 4 / 2 && place % 8 / 4 == sample % 2;
                    let noise = if view == CLEAN { 0.0 } else { self.noise * rng.normal() };
                    f32::from(u8::from(bright)) + noise
                }));
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
        self.batch(&samples, &[view])
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
    run_on(NOISY, trainer, model, (from, to), &mut |_| {})
}

/// The same on these images; `spoil` may do something to the trainer when an epoch has begun.
fn run_on(
    mut set: Quarters,
    trainer: &mut dyn Trainer,
    model: &mut Network,
    (from, to): (usize, usize),
    spoil: &mut dyn FnMut(&mut dyn Trainer),
) -> Vec<Vec<(String, f64)>> {
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
        spoil(trainer);
        let views: Vec<String> = trainer.streams()[0].views.iter().map(|view| view.name.clone()).collect();
        let views: Vec<&str> = views.iter().map(String::as_str).collect();
        for (step, samples) in order(&plan, key.named("order")).chunks(BATCH).enumerate() {
            let key = key.fold(step as u64);
            let batch = set.batch(samples, &views).expect("a batch");
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

/// What the model says of each image as prepared.
fn said(model: &mut Network) -> Vec<i64> {
    let batch = NOISY.batch(&(0..SAMPLES).collect::<Vec<_>>(), &[CLEAN]).expect("all");
    let pass =
        model.forward(batch.view(CLEAN).expect("there").view(), &Forward::evaluation()).expect("a pass");
    let logits = pass.output("logits").expect("there").f32().expect("numbers");
    logits.chunks_exact(CLASSES).map(|row| scant_nn::train::largest(row) as i64).collect()
}

/// Normalised mutual information of predictions and quarters, and the number of classes that are predicted at all.
fn found(model: &mut Network) -> (f64, usize) {
    let said = said(model);
    let truth: Vec<i64> = (0..SAMPLES).map(|sample| sample as i64 % 4).collect();
    let table = Contingency::new(&truth, &said).expect("a table");
    (normalized_mutual_information(&table), table.clusters().len())
}

fn end_to_end(refill: bool, balanced: bool, augmentations: usize) -> EndToEnd {
    trainer(json!({
        "optimizer": { "lr": 0.01 },
        "refill": refill,
        "balanced": balanced,
        "augmentations": augmentations,
    }))
}

/// How many classes six runs lose, all in all: those that are predicted for no image.
fn lost(set: Quarters, refill: bool, balanced: bool) -> usize {
    let run = |seed| {
        let mut model = model(seed);
        run_on(set, &mut end_to_end(refill, balanced, 1), &mut model, (0, 20), &mut |_| {});
        CLASSES - found(&mut model).1
    };
    (0..6).map(run).sum()
}

#[test]
fn classes_are_found() {
    for seed in 0..3 {
        let mut model = model(seed);
        let reported = run(&mut end_to_end(true, true, 1), &mut model, 0, 20);
        let (nmi, classes) = found(&mut model);
        assert!(nmi > 0.999 && classes == CLASSES, "seed {seed}: {nmi}");
        let last: Vec<f64> = reported[19].iter().map(|(_, value)| *value).collect();
        assert!(last[0] > 0.9 && last[1] == 0.0, "{:?}", reported[19]);
    }
}

#[test]
fn refilling_alone_and_balance_alone_keep_classes_from_being_swallowed() {
    let (neither, refilled, balanced) =
        (lost(NOISY, false, false), lost(NOISY, true, false), lost(NOISY, false, true));
    assert!(refilled + 3 <= neither, "{refilled} classes lost with refilling, {neither} without");
    assert!(balanced + 3 <= neither, "{balanced} classes lost with balance, {neither} without");
}

#[test]
fn other_augmentations_find_what_is_common_and_the_same_ones_learn_the_noise() {
    let loud = Quarters { noise: 1.0, ..NOISY };
    let (other, same) = (lost(loud, true, true), lost(Quarters { still: true, ..loud }, true, true));
    assert!(other + 3 <= same, "{other} classes lost with other augmentations, {same} with the same ones");
}

#[test]
fn several_views_share_the_label_of_the_original() {
    let mut learnt = model(1);
    run(&mut end_to_end(true, true, 3), &mut learnt, 0, 12);
    let (nmi, classes) = found(&mut learnt);
    assert!(nmi > 0.999 && classes == CLASSES, "{nmi}");

    // Where nothing is learnt, the labels after an epoch are what the model says of the images as prepared, however loud the
    // views are.
    let mut trainer: EndToEnd = trainer(
        json!({ "optimizer": { "lr": 0.0 }, "augmentations": 2, "refill": false, "balanced": false }),
    );
    let names: Vec<String> = trainer.streams()[0].views.iter().map(|view| view.name.clone()).collect();
    assert_eq!(names, ["clean", "augmented", "augmented-2"]);
    let mut model = model(2);
    run_on(Quarters { noise: 3.0, ..NOISY }, &mut trainer, &mut model, (0, 1), &mut |_| {});
    assert_eq!(trainer.state().expect("a state")["labels.classes"].i64().expect("classes"), said(&mut model));
}

#[test]
fn all_views_count_the_same_in_what_is_learnt() {
    // Logits (0, x) for x = ln 3 as prepared, 0 and -ln 3 in the augmented views: the label is 1, which gets 3/4, 1/2 and 1/4.
    let grey = |image: &mut [f32], _| image.fill(0.0);
    let negative = |image: &mut [f32], _| image.iter_mut().for_each(|pixel| *pixel = -*pixel);
    let one = Rehearsal::new([1, 1, 1], vec![3f32.ln()], vec![1], 0);
    let mut one = one.with_view("augmented", grey).with_view("augmented-2", negative);
    let layers = json!(["flatten", { "linear": { "out": 2, "bias": false } }, { "output": "logits" }]);
    let mut model = one.network(json!({ "parts": [{ "name": "head", "layers": layers }] })).expect("made");
    let parameters = model.parameters().expect("no pass is open");
    parameters.values.cpu().expect("on the CPU").copy_from_slice(&[0.0, 1.0]);
    let config = json!({ "optimizer": { "use": "sgd", "lr": 1.0 }, "refill": false, "augmentations": 2 });
    let config = serde_json::from_value(config).expect("a configuration");
    let mut trainer = EndToEnd::new(config, &one.setup(model.outputs(), 1)).expect("a trainer");
    let report = one.train(&mut trainer, &mut model, &mut [], (1, 1)).expect("trained");
    // The mean of ln 4/3, ln 2 and ln 4.
    let (name, value) = &report[1];
    assert_eq!(name, "cross-entropy");
    assert!((value - (32f64 / 3.0).ln() / 3.0).abs() < 1e-6, "{value}");
    // Along the second weight the slope is the mean of (p - 1) x: of -1/4 ln 3, 0 and 3/4 ln 3.
    let slope = 3f32.ln() / 6.0;
    let learnt = model.parameters().expect("no pass is open").values.cpu().expect("on the CPU");
    assert!((learnt[0] - slope).abs() < 1e-6 && (learnt[1] - 1.0 + slope).abs() < 1e-6, "{learnt:?}");
}

#[test]
fn more_views_than_make_sense_are_refused_before_any_is_asked_for() {
    for augmentations in [0, 65, 3_000_000_000u64] {
        let config = serde_json::from_value(json!({ "augmentations": augmentations })).expect("a number");
        let error = EndToEnd::new(config, &setup()).err().expect("refused").to_string();
        let says = format!("augmentations must be from 1 to 64, not {augmentations}");
        assert!(error.starts_with(&says), "{error}");
    }
}

/// Gives each sample another's label.
fn mix_labels(trainer: &mut dyn Trainer) {
    let mut state = trainer.state().expect("a state");
    let mut classes = state["labels.classes"].i64().expect("classes").to_vec();
    Key::new(13).rng().shuffle(&mut classes);
    state.insert("labels.classes".to_owned(), Tensor::from_i64(classes, &[SAMPLES]).expect("as many"));
    trainer.load_state(&state).expect("loaded");
}

#[test]
fn k_means_labels_teach_a_classifier_and_labels_at_random_teach_it_nothing() {
    let deep_cluster = |seed: u64, spoil: &mut dyn FnMut(&mut dyn Trainer)| {
        let mut trainer: DeepCluster = trainer(json!({ "optimizer": { "lr": 0.01 }, "n_init": 5 }));
        let mut model = model(seed);
        let reported = run_on(NOISY, &mut trainer, &mut model, (0, 6), spoil);
        (found(&mut model), reported)
    };
    let mut lost = 0;
    for seed in 0..4 {
        let ((taught, _), reported) = deep_cluster(seed, &mut |_| {});
        assert!(taught > 0.95, "seed {seed}: {taught}");
        assert!(reported[0].is_empty(), "there is no epoch before the first");
        assert_eq!(reported[5][0].0, "nmi-with-last-epoch");
        lost += CLASSES - deep_cluster(seed, &mut mix_labels).0.1;
    }
    assert!(lost >= 3, "only {lost} classes of four runs were lost with labels at random");
}

#[test]
fn k_means_goes_by_the_direction_of_features_and_not_by_their_length() {
    // Two directions not far apart, and features of length 1 and of length 10 in each.
    let rays = [[1.0, 0.0], [0.8, 0.6], [10.0, 0.0], [8.0, 6.0]];
    let mut rays = Rehearsal::new([1, 1, 2], rays.repeat(4).concat(), [0, 1].repeat(8), 0);
    let description = json!({ "parts": [
        { "name": "encoder", "layers": ["flatten", { "output": "embedding" }] },
        { "name": "head", "layers": [{ "linear": { "out": 2 } }, { "output": "logits" }] },
    ] });
    let mut model = rays.network(description).expect("a network");
    let config = serde_json::from_value(json!({ "n_init": 5 })).expect("a configuration");
    let mut trainer = DeepCluster::new(config, &rays.setup(model.outputs(), 4)).expect("a trainer");
    rays.train(&mut trainer, &mut model, &mut [], (1, 1)).expect("trained");
    let state = trainer.state().expect("a state");
    let found = Contingency::new(&[0, 1].repeat(8), state["labels.classes"].i64().expect("classes"));
    let nmi = normalized_mutual_information(&found.expect("a table"));
    assert!(nmi > 0.999, "{nmi}");
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
