//! Bars that stand or lie, two labels of each: the strong view hides half a picture, the weak one says what it was.

use scant_abi::{Component, Key, Model};
use scant_fixmatch_attention::FixMatchAttention;
use scant_nn::rehearsal::Rehearsal;
use serde_json::{Value, json};

const SIDE: usize = 8;

/// One bar on noise, anywhere: standing in class 0, lying in class 1; this many of each show their label.
fn bars(weak: fn(&mut [f32], Key), labelled: usize) -> Rehearsal {
    let mut rng = Key::new(4).rng();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for place in 0..400 {
        let (class, at) = (place % 2, rng.below(SIDE));
        for pixel in 0..SIDE * SIDE {
            let along = if class == 0 { pixel % SIDE } else { pixel / SIDE };
            let bar = if along == at { 0.6 } else { 0.0 };
            pixels.push(bar + 0.15 * rng.normal());
        }
        labels.push(class as i64);
    }
    Rehearsal::new([1, SIDE, SIDE], pixels, labels, labelled)
        .with_view("weak", weak)
        .with_view("strong", hidden)
}

/// Moved by up to two pixels each way, round the edges.
fn rolled(image: &mut [f32], key: Key) {
    let mut rng = key.rng();
    let by = rng.below(5) * SIDE + rng.below(5);
    image.rotate_right(by);
}

/// Moved, or, seven times in ten, empty.
fn rolled_or_empty(image: &mut [f32], key: Key) {
    rolled(image, key);
    if key.named("empty").rng().chance(0.7) {
        image.fill(0.0);
    }
}

/// Moved, other contrast, a quarter of the picture grey.
fn hidden(image: &mut [f32], key: Key) {
    rolled(image, key);
    let mut rng = key.named("hide").rng();
    let contrast = rng.range(0.5, 1.5);
    let (top, left) = (rng.below(5), rng.below(5));
    for (place, pixel) in image.iter_mut().enumerate() {
        let (row, column) = (place / SIDE, place % SIDE);
        let covered = (top..top + 4).contains(&row) && (left..left + 4).contains(&column);
        *pixel = if covered { 0.0 } else { *pixel * contrast };
    }
}

fn description() -> Value {
    json!({"parts": [{"name": "encoder", "layers": [
        {"conv": {"out": 8, "kernel": 3, "padding": 1}}, "relu", {"max-pool": {"kernel": 2}},
        {"conv": {"out": 16, "kernel": 3, "padding": 1}}, "relu", {"output": "features"},
        {"conv": {"out": 2, "kernel": 1}}, {"batch-norm": {}}, "relu", "sum-channels", {"output": "attention"},
        {"from": "features"}, {"multiply": "attention"},
        {"adaptive-average-pool": 2}, "flatten", {"linear": {"out": 2}}, {"output": "logits"},
    ]}]})
}

/// The accuracy on all bars, and the numbers of the last epoch.
fn train(config: Value) -> (f64, Vec<(String, f64)>) {
    train_on(bars(rolled, 2), config)
}

fn train_on(mut bars: Rehearsal, config: Value) -> (f64, Vec<(String, f64)>) {
    let mut model = bars.network(description()).expect("a network");
    let mut settings = json!({"uratio": 16.0, "optimizer": {"lr": 5e-3}, "ema_m": 0.9, "p_cutoff": 0.9});
    let given = config.as_object().expect("a table").clone();
    settings.as_object_mut().expect("a table").extend(given);
    let settings = serde_json::from_value(settings).expect("a configuration");
    let mut trainer = FixMatchAttention::new(settings, &bars.setup(model.outputs(), 4)).expect("a trainer");
    let report = bars.train(&mut trainer, &mut model, &mut [], (8, 40)).expect("trained");
    (bars.accuracy(&mut trainer, &mut model).expect("judged"), report)
}

fn number(report: &[(String, f64)], name: &str) -> f64 {
    report.iter().find(|(known, _)| known == name).expect("reported").1
}

#[test]
fn the_strong_view_learns_from_what_the_weak_one_says() {
    let (with, report) = train(json!({"attention": 0.0}));
    let (without, _) = train(json!({"attention": 0.0, "ulb_loss_ratio": 0.0}));
    assert!(with >= 0.95, "{with} with, {without} without");
    assert!(without < 0.9, "{with} with, {without} without");
    assert!(number(&report, "util_ratio") > 0.8, "{report:?}");
}

#[test]
fn what_an_unsure_model_says_is_better_not_believed() {
    // Empty views look alike, so that all get one class, which is the wrong one for every second picture.
    let accuracy =
        |cutoff: f64| train_on(bars(rolled_or_empty, 10), json!({"attention": 0.0, "p_cutoff": cutoff})).0;
    let (sure, all) = (accuracy(0.9), accuracy(0.0));
    assert!(sure >= 0.95, "{sure} where the sure are believed, {all} where all are");
    assert!(all < 0.7, "{sure} where the sure are believed, {all} where all are");
}

#[test]
fn the_attention_distance_brings_the_maps_of_both_views_together() {
    let (accuracy, with) = train(json!({"attention": 1.0}));
    // So little that the distance is reported and pulls nothing.
    let (_, without) = train(json!({"attention": 1e-9}));
    let [with, without] = [with, without].map(|report| number(&report, "attention"));
    assert!(accuracy >= 0.95, "{accuracy}");
    assert!(with < 0.5 * without, "{with} with, {without} without");
}

#[test]
fn attention_needs_a_model_that_has_it() {
    let bars = bars(rolled, 2);
    let outputs = vec![scant_abi::OutputInfo { name: "logits".to_owned(), dims: vec![2] }];
    let setup = bars.setup(outputs, 4);
    let error = FixMatchAttention::new(Default::default(), &setup).err().expect("refused").to_string();
    assert!(error.contains("attention = 0 is plain FixMatch"), "{error}");
    let plain = serde_json::from_value(json!({"attention": 0.0})).expect("a configuration");
    assert!(FixMatchAttention::new(plain, &setup).is_ok());
}
