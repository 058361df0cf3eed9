//! Two half moons and three labels of each: the boundary that the labels allow cuts through the moons, the smooth one
//! goes between them.

use scant_abi::{Component, Key, Loss, Model, OutputInfo, Setup};
use scant_nn::rehearsal::Rehearsal;
use scant_vat::{SemiSupervised, Vat};
use serde_json::json;

/// Pixels of an image: so many that a random direction hardly touches the first two, in which alone images differ.
const WIDTH: usize = 64;

/// Points of two interleaved half circles, as the first pixels of images that are black otherwise.
fn moons() -> Rehearsal {
    let mut rng = Key::new(20).rng();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for place in 0..600 {
        let class = place % 2;
        // Those that show their labels lie evenly, so that nothing hangs on where they happen to be.
        let share = if place < 6 { ((place / 2) as f32 + 0.5) / 3.0 } else { rng.uniform() };
        let (y, x) = (share * std::f32::consts::PI).sin_cos();
        let (x, y) = if class == 0 { (x, y) } else { (1.0 - x, 0.5 - y) };
        pixels.extend([x + 0.08 * rng.normal(), y + 0.08 * rng.normal()]);
        pixels.resize((place as usize + 1) * WIDTH, 0.0);
        labels.push(class);
    }
    Rehearsal::new([1, 1, WIDTH], pixels, labels, 3)
}

/// The place of a stage whose loss is VAT.
fn with_vat(setup: Setup) -> Setup {
    Setup { losses: vec!["vat".to_owned()], ..setup }
}

/// The accuracy on all points after training with VAT of this weight.
fn accuracy(weight: f32) -> f64 {
    let mut moons = moons();
    let mut model = moons
        .network(json!({"parts": [{"name": "encoder", "layers": [
            "flatten", {"linear": {"out": 32}}, "relu", {"linear": {"out": 32}}, "relu",
            {"linear": {"out": 2}}, {"output": "logits"},
        ]}]}))
        .expect("a network");
    let setup = with_vat(moons.setup(model.outputs(), 6));
    let config =
        json!({"uratio": 20.0, "optimizer": {"lr": 5e-3}, "ema_m": {"keep": 0.95, "unbiased": true}});
    let config = serde_json::from_value(config).expect("a configuration");
    let mut trainer = SemiSupervised::new(config, &setup).expect("a trainer");
    let vat = json!({"eps": 0.3, "xi": 1e-2, "entropy": 0.3});
    let vat = Vat::new(serde_json::from_value(vat).expect("a configuration"), &setup).expect("a loss");
    let mut losses: [(&str, f32, Box<dyn Loss>); 1] = [("vat", weight, Box::new(vat))];
    moons.train(&mut trainer, &mut model, &mut losses, (20, 40)).expect("trained");
    moons.accuracy(&mut trainer, &mut model).expect("judged")
}

// In so many pixels a random direction in place of the worst one finds it no more than labels alone do.
#[test]
fn smoothness_finds_the_gap_that_labels_alone_miss() {
    let (with, without) = (accuracy(1.0), accuracy(0.0));
    assert!(with >= 0.97, "{with} with, {without} without");
    assert!(without < 0.93, "{with} with, {without} without");
}

#[test]
fn warm_up_learns_from_labels_alone() {
    let mut moons = moons();
    let description = json!({"parts": [{"name": "head", "layers": [
        "flatten", {"linear": {"out": 2}}, {"output": "logits"},
    ]}]});
    let mut model = moons.network(description).expect("a network");
    let logits = OutputInfo { name: "logits".to_owned(), dims: vec![2] };
    let setup: Setup = with_vat(moons.setup(vec![logits], 6));
    let config = serde_json::from_value(json!({"warm_up": 2})).expect("a configuration");
    let mut trainer = SemiSupervised::new(config, &setup).expect("a trainer");
    let vat = Vat::new(Default::default(), &setup).expect("a loss");
    let mut losses: [(&str, f32, Box<dyn Loss>); 1] = [("vat", 1.0, Box::new(vat))];
    let mut reported = |epochs| {
        let means = moons.train(&mut trainer, &mut model, &mut losses, (epochs, 2)).expect("trained");
        means.into_iter().any(|(name, _)| name == "vat")
    };
    assert!(!reported(2));
    assert!(reported(3));
}

#[test]
fn a_step_of_no_length_changes_nothing_though_the_network_has_dropout() {
    // What is measured is the step: the passes that look again must meet the mask that the clean one met.
    let mut moons = moons();
    let mut model = moons
        .network(json!({"parts": [{"name": "encoder", "layers": [
            "flatten", {"linear": {"out": 32}}, "relu", {"dropout": 0.5},
            {"linear": {"out": 2}}, {"output": "logits"},
        ]}]}))
        .expect("a network");
    let setup = with_vat(moons.setup(model.outputs(), 6));
    let config = serde_json::from_value(json!({"uratio": 20.0})).expect("a configuration");
    let mut trainer = SemiSupervised::new(config, &setup).expect("a trainer");
    let vat = serde_json::from_value(json!({"eps": 1e-6})).expect("a configuration");
    let vat = Vat::new(vat, &setup).expect("a loss");
    let mut losses: [(&str, f32, Box<dyn Loss>); 1] = [("vat", 1.0, Box::new(vat))];
    let report = moons.train(&mut trainer, &mut model, &mut losses, (1, 3)).expect("trained");
    let smoothness = report.iter().find(|(name, _)| name == "vat/smoothness").expect("reported").1;
    assert!(smoothness.abs() < 1e-5, "{smoothness}");
}

#[test]
fn a_stage_without_a_loss_is_refused_since_nothing_would_be_learnt_from_the_unlabelled() {
    let moons = moons();
    let description = json!({"parts": [{"name": "head", "layers": [
        "flatten", {"linear": {"out": 2}}, {"output": "logits"},
    ]}]});
    let model = moons.network(description).expect("a network");
    let setup = moons.setup(model.outputs(), 6);
    let refused = SemiSupervised::new(Default::default(), &setup).err().expect("refused");
    let error = refused.to_string();
    assert!(error.contains("the stage lists none; write for example loss = [\"vat\"]"), "{error}");
}
