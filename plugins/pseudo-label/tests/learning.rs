//! Two cues. The labelled samples show the first alone; of the others half show both, half the second alone. Only what the
//! model makes of those that show both, of which it is sure, can teach it the second.

use scant_abi::{Component, Key, Model, Setup, Source, StreamRequest, Trainer};
use scant_nn::network::Network;
use scant_nn::rehearsal::Rehearsal;
use scant_pseudo_label::PseudoLabel;
use serde_json::{Value, json};

/// Two pixels, the cues, each the class's sign where it shows.
fn cues() -> Rehearsal {
    let mut rng = Key::new(22).rng();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for place in 0..400 {
        let class = place % 2;
        let sign = if class == 0 { 1.0 } else { -1.0 };
        let (first, second) = match place {
            0..6 => (sign, 0.0),
            _ if place / 2 % 2 == 0 => (sign, sign),
            _ => (0.0, sign),
        };
        pixels.extend([first, second].map(|cue| cue + 0.05 * rng.normal()));
        labels.push(class);
    }
    Rehearsal::new([1, 1, 2], pixels, labels, 3)
}

fn model(cues: &Rehearsal) -> Network {
    let description = json!({"parts": [{"name": "encoder", "layers": [
        "flatten", {"linear": {"out": 2}}, {"output": "logits"},
    ]}]});
    cues.network(description).expect("a network")
}

fn trainer(cues: &Rehearsal, model: &Network, config: Value) -> PseudoLabel {
    let config = serde_json::from_value(config).expect("a configuration");
    PseudoLabel::new(config, &cues.setup(model.outputs(), 6)).expect("a trainer")
}

/// The accuracy on all samples where pseudo-labels count this much, and the numbers of the last epoch.
fn train(ulb_loss_ratio: f64) -> (f64, Vec<(String, f64)>) {
    let mut cues = cues();
    let mut model = model(&cues);
    let config = json!({
        "p_cutoff": 0.9, "warm_up": 1, "uratio": 8.0, "optimizer": {"use": "sgd", "lr": 0.5},
        "ulb_loss_ratio": ulb_loss_ratio, "balanced": true,
    });
    let mut trainer = trainer(&cues, &model, config);
    let report = cues.train(&mut trainer, &mut model, &mut [], (20, 20)).expect("trained");
    (cues.accuracy(&mut trainer, &mut model).expect("judged"), report)
}

#[test]
fn own_labels_teach_the_cue_that_no_given_label_shows() {
    let ((with, report), (without, _)) = (train(1.0), train(0.0));
    assert!(with >= 0.97, "{with} with, {without} without");
    assert!(without < 0.9, "{with} with, {without} without");
    let util = report.iter().find(|(name, _)| name == "util_ratio").expect("reported").1;
    assert!(util > 0.4, "those that show both cues have a label: {util}");
}

#[test]
fn warm_up_gives_no_labels_and_no_label_is_ever_seen() {
    let mut cues = cues();
    let mut model = model(&cues);
    let mut trainer = trainer(&cues, &model, json!({"warm_up": 2, "p_cutoff": 0.0}));
    let mut used = |epochs| {
        let report = cues.train(&mut trainer, &mut model, &mut [], (epochs, 2)).expect("trained");
        let ratio = report.iter().find(|(name, _)| name == "util_ratio").expect("reported").1;
        (ratio, report.iter().any(|(name, _)| name == "pseudo-label"))
    };
    assert_eq!(used(2), (0.0, false));
    assert_eq!(used(3), (1.0, true));
    let streams = trainer.streams();
    let sources: Vec<Source> = streams.iter().map(|stream: &StreamRequest| stream.source).collect();
    assert_eq!(sources, [Source::Unlabelled, Source::Labelled]);
}

#[test]
fn a_resumed_trainer_keeps_its_labels() {
    let mut cues = cues();
    let mut model = model(&cues);
    let config = json!({"p_cutoff": 0.0, "warm_up": 0});
    let mut first = trainer(&cues, &model, config.clone());
    cues.train(&mut first, &mut model, &mut [], (1, 2)).expect("trained");
    let state = first.state().expect("a state");
    assert_eq!(state["pseudo.classes"].shape().count(), 394);
    let mut second = trainer(&cues, &model, config);
    second.load_state(&state).expect("loaded");
    let again = second.state().expect("a state");
    for (name, tensor) in &state {
        assert_eq!(format!("{tensor:?}"), format!("{:?}", again[name]), "{name}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let cues = cues();
    for (config, says) in [
        (json!({"p_cutoff": 1.5}), "p_cutoff must lie in [0, 1], not 1.5"),
        (json!({"ulb_loss_ratio": -1.0}), "ulb_loss_ratio must be 0 or more, not -1"),
        (
            json!({"ulb_loss_ratio": {"linear": {"from": 0.0, "to": -3.0}}}),
            "ulb_loss_ratio must be 0 or more, not -3",
        ),
    ] {
        let config = serde_json::from_value(config).expect("a configuration");
        let error = PseudoLabel::new(config, &cues.setup(model(&cues).outputs(), 6)).err().expect("refused");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn the_averaged_model_is_judged_and_survives_a_checkpoint() {
    let mut cues = cues();
    let mut model = model(&cues);
    let config = json!({"ema_m": 0.99, "optimizer": {"use": "sgd", "lr": 0.5}});
    let mut first = trainer(&cues, &model, config.clone());
    cues.train(&mut first, &mut model, &mut [], (2, 5)).expect("trained");
    let weights = |model: &Network| format!("{:?}", model.state().expect("a state"));
    let trained = weights(&model);
    first.enter_evaluation(&mut model).expect("entered");
    let judged = weights(&model);
    assert_ne!(trained, judged);
    first.leave_evaluation(&mut model).expect("left");
    assert_eq!(trained, weights(&model));
    let mut second = trainer(&cues, &model, config);
    second.load_state(&first.state().expect("a state")).expect("loaded");
    second.enter_evaluation(&mut model).expect("entered");
    assert_eq!(judged, weights(&model));
}

#[test]
fn losses_that_would_not_count_are_refused() {
    let cues = cues();
    let setup = Setup { losses: vec!["extra".to_owned()], ..cues.setup(model(&cues).outputs(), 6) };
    let error = PseudoLabel::new(Default::default(), &setup).err().expect("refused").to_string();
    assert!(error.contains("remove 'extra' from the stage"), "{error}");
}
