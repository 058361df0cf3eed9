//! A run from its configuration to its result, through toy components.

mod common;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use scant_abi::Content;

use common::{finish, registry, settings};
use scant_engine::run::settings::Selection;
use scant_engine::run::{
    Event, Nobody, Options, Outcome, Record, RunFolder, Settings, Status, Watcher, digest, evaluate, resume,
    run,
};

fn changed(mut settings: Settings, change: impl FnOnce(&mut Settings)) -> Settings {
    change(&mut settings);
    settings
}

/// Asks the run to stop after so many steps.
struct StopAfter {
    steps: usize,
    stop: Arc<AtomicBool>,
}

impl Watcher for StopAfter {
    fn tell(&mut self, event: &Event<'_>) {
        if let Event::Step { .. } = event {
            self.steps = self.steps.saturating_sub(1);
            self.stop.store(self.steps == 0, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

#[test]
fn a_run_learns_and_leaves_a_folder_that_can_be_read() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    let settings = settings("");
    let result = finish(&settings, &out, &Options::default()).expect("finished");
    let top = result.metrics.iter().find(|m| m.name == "top-1" && m.split == "test").expect("a metric");
    assert!(top.value.0 > 0.8, "{top:?}");

    let folder = RunFolder::open(&out).expect("a run");
    assert_eq!(folder.settings(), &settings);
    assert_eq!(folder.status().expect("a status"), Status::Finished(result.clone()));
    assert_eq!(digest(&out).expect("a digest"), result.digest);
    let records = folder.records().expect("records");
    let epochs = records.iter().filter(|record| matches!(record, Record::Epoch(_))).count();
    assert_eq!(epochs, 4);
    let splits = folder.splits().expect("splits");
    assert_eq!((splits.labelled.len(), splits.validation.len(), splits.unlabelled.len()), (60, 30, 150));
    let predictions = folder.predictions().expect("predictions");
    let test = predictions.iter().find(|p| p.split == "test").expect("predictions on test");
    let right = test.labels.iter().zip(&test.predicted).filter(|(a, b)| a == b).count();
    assert_eq!(right as f64 / 90.0, top.value.0);
    let judged = evaluate(&registry(), &out, Vec::new(), &[]).expect("judged");
    let again =
        judged[0].1.as_ref().expect("findings").metrics.iter().find(|m| m.split == "test").expect("a metric");
    assert_eq!(again.value, top.value.0);
    let artefacts = folder.artefacts().expect("artefacts");
    let names: Vec<&str> = artefacts.iter().map(|stored| stored.artefact.name.as_str()).collect();
    assert_eq!(names, ["confusion", "pixels"]);
    let Content::Picture { png } = &artefacts[1].artefact.content else { panic!("a picture") };
    assert_eq!(png, include_bytes!("fixtures/two-pixels.png"));
}

#[test]
fn threads_and_prefetching_change_no_bit() {
    let place = tempfile::tempdir().expect("a folder");
    let settings = changed(settings(""), |settings| {
        settings.stage[0].trainer =
            serde_json::from_value(serde_json::json!({"use": "sgd", "unlabelled": true})).expect("a trainer");
    });
    let digests: Vec<String> = [(1, 0), (1, 1), (1, 8), (2, 3), (5, 16)]
        .into_iter()
        .map(|(threads, prefetch)| {
            let options = Options { threads, prefetch, ..Options::default() };
            let out = place.path().join(format!("{threads}-{prefetch}"));
            finish(&settings, &out, &options).expect("finished").digest
        })
        .collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    let records = RunFolder::open(&place.path().join("2-3")).expect("a run").records().expect("records");
    for record in &records {
        let Record::Epoch(epoch) = record else { continue };
        // 60 labelled samples in one view; 4 steps of twice as many unlabelled ones, in two views each.
        assert_eq!(epoch.images, 60 + 4 * 32 * 2);
    }
}

#[test]
fn where_no_epoch_can_be_called_the_best_the_last_one_stands() {
    let place = tempfile::tempdir().expect("a folder");
    // No evaluator looks at the split by which the rule compares epochs.
    for (rule, splits) in [("best-on-validation", ["test"]), ("oracle", ["validation"])] {
        let blind = changed(settings(&format!("select = '{rule}'")), |settings| {
            settings.evaluate[0].splits = splits.map(str::to_owned).to_vec();
        });
        let result = finish(&blind, &place.path().join(rule), &Options::default()).expect("finished");
        assert_eq!(result.selection, Selection::Last, "{rule}");
        assert!(
            !result.metrics.is_empty() && result.metrics.iter().all(|metric| metric.epoch == 3),
            "{rule}"
        );
    }
}

/// What a run warns of.
#[derive(Default)]
struct Warnings(Vec<String>);

impl Watcher for Warnings {
    fn tell(&mut self, event: &Event<'_>) {
        if let Event::Warning(text) = event {
            self.0.push((*text).to_owned());
        }
    }
}

#[test]
fn a_stage_that_freezes_the_whole_model_is_warned_of() {
    let place = tempfile::tempdir().expect("a folder");
    for (freeze, warnings) in [(&["encoder"][..], 0), (&["encoder", "head"], 1)] {
        let frozen = changed(settings(""), |settings| {
            settings.stage[0].freeze = freeze.iter().map(|part| (*part).to_owned()).collect();
        });
        let (out, mut watcher) = (place.path().join(freeze.len().to_string()), Warnings::default());
        run(&registry(), &frozen, &[], &out, &Options::default(), &mut watcher).expect("finished");
        assert_eq!(watcher.0.len(), warnings, "{:?}", watcher.0);
        assert!(watcher.0.iter().all(|text| text.contains("freezes every part of the model")));
    }
}

#[test]
fn a_loss_s_weight_is_written_down_as_the_last_step_saw_it() {
    let place = tempfile::tempdir().expect("a folder");
    let falling = changed(settings(""), |settings| {
        let loss = serde_json::json!({"use": "cross-entropy", "weight": {"step": {"from": 1.0, "factor": 0.5, "every": 1}}});
        settings.stage[0].loss = vec![serde_json::from_value(loss).expect("a loss")];
    });
    finish(&falling, place.path(), &Options::default()).expect("finished");
    let records = RunFolder::open(place.path()).expect("a run").records().expect("records");
    let weights: Vec<f64> = records
        .iter()
        .filter_map(|record| if let Record::Epoch(epoch) = record { Some(epoch) } else { None })
        .map(|epoch| epoch.weights["cross-entropy"].0)
        .collect();
    assert_eq!(weights, [1.0, 0.5, 0.25, 0.125]);
}

#[test]
fn an_interrupted_run_ends_where_the_uninterrupted_one_ends() {
    let place = tempfile::tempdir().expect("a folder");
    let variants = [
        ("plain", serde_json::json!({"use": "sgd"})),
        ("streams", serde_json::json!({"use": "sgd", "unlabelled": true, "grouped": true})),
        ("stops", serde_json::json!({"use": "sgd", "stop_after": 3})),
    ];
    for (name, trainer) in variants {
        let settings = changed(settings("select = 'best-on-validation'"), |settings| {
            settings.stage[0].trainer = serde_json::from_value(trainer).expect("a trainer");
        });
        let whole = finish(&settings, &place.path().join(name), &Options::default()).expect("finished");
        for steps in [1, 3, 4, 5, 9, 11] {
            let out = place.path().join(format!("{name}-{steps}"));
            let stop = Arc::new(AtomicBool::new(false));
            let options = Options { stop: Arc::clone(&stop), ..Options::default() };
            let mut watcher = StopAfter { steps, stop };
            let outcome = run(&registry(), &settings, &[], &out, &options, &mut watcher).expect("stopped");
            assert_eq!(outcome, Outcome::Interrupted, "{name} {steps}");
            let outcome = resume(&registry(), &out, &Options::default(), &mut Nobody).expect("resumed");
            let Outcome::Finished(resumed) = outcome else { panic!("finished") };
            assert_eq!(resumed.digest, whole.digest, "{name} after {steps} steps");
            assert_eq!(resumed.metrics, whole.metrics, "{name} after {steps} steps");
        }
    }
}

#[test]
fn whichever_checkpoint_is_the_last_a_stage_that_stops_within_an_epoch_ends_the_same() {
    let place = tempfile::tempdir().expect("a folder");
    let settings = changed(settings(""), |settings| {
        settings.stage[0].trainer =
            serde_json::from_value(serde_json::json!({"use": "sgd", "stop_at": 6})).expect("a trainer");
        (settings.checkpoint.steps, settings.checkpoint.keep) = (1, 100);
    });
    let whole = finish(&settings, &place.path().join("whole"), &Options::default()).expect("finished");
    let names = |out: &std::path::Path| {
        let entries = fs::read_dir(out.join("checkpoints")).expect("checkpoints");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.retain(|name| name.to_string_lossy().ends_with(".json"));
        names.sort();
        names
    };
    let all = names(&place.path().join("whole")).len();
    assert!(all >= 6, "{all}");
    for last in 0..all {
        let out = place.path().join(last.to_string());
        finish(&settings, &out, &Options::default()).expect("finished");
        for name in &names(&out)[last + 1..] {
            fs::remove_file(out.join("checkpoints").join(name)).expect("removed");
        }
        fs::remove_file(out.join("result.json")).expect("removed");
        let outcome = resume(&registry(), &out, &Options::default(), &mut Nobody).expect("resumed");
        let Outcome::Finished(resumed) = outcome else { panic!("finished") };
        assert_eq!(resumed.digest, whole.digest, "from checkpoint {last} on");
    }
}

#[test]
fn the_time_before_an_interruption_counts() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    let settings = changed(settings(""), |settings| {
        settings.stage[0].trainer =
            serde_json::from_value(serde_json::json!({"use": "sgd", "sleep": 20})).expect("a trainer");
        settings.stage[0].epochs = 1;
    });
    let stop = Arc::new(AtomicBool::new(false));
    let options = Options { stop: Arc::clone(&stop), ..Options::default() };
    let mut watcher = StopAfter { steps: 3, stop };
    let outcome = run(&registry(), &settings, &[], &out, &options, &mut watcher).expect("stopped");
    assert_eq!(outcome, Outcome::Interrupted);
    resume(&registry(), &out, &Options::default(), &mut Nobody).expect("resumed");
    let records = RunFolder::open(&out).expect("a run").records().expect("records");
    let Some(Record::Epoch(epoch)) = records.into_iter().next() else { panic!("an epoch") };
    // Each of the four steps sleeps for 20 ms.
    assert!(epoch.seconds >= 0.08 && epoch.step_seconds >= 0.08, "{epoch:?}");
}

#[test]
fn a_sample_that_comes_again_in_an_epoch_is_augmented_anew() {
    let place = tempfile::tempdir().expect("a folder");
    // A step shows each of the 32 unlabelled samples once, so that two differ in nothing but the augmentation.
    let means = |steps: usize| {
        let settings = changed(settings(""), |settings| {
            let trainer = serde_json::json!({"use": "sgd", "unlabelled": true});
            settings.stage[0].trainer = serde_json::from_value(trainer).expect("a trainer");
            settings.data = serde_json::from_value(
                serde_json::json!({"dataset": "blobs", "limit": 38, "labels": {"per_class": 2}}),
            )
            .expect("data");
            (settings.stage[0].epochs, settings.stage[0].steps_per_epoch) = (1, Some(steps));
        });
        let out = place.path().join(steps.to_string());
        finish(&settings, &out, &Options::default()).expect("finished");
        let records = RunFolder::open(&out).expect("a run").records().expect("records");
        let Some(Record::Epoch(epoch)) = records.into_iter().next() else { panic!("an epoch") };
        ["clean", "weak"].map(|view| epoch.metrics[view].0)
    };
    let ([clean_once, weak_once], [clean, weak]) = (means(1), means(2));
    assert!((clean - clean_once).abs() < 1e-3, "{clean} {clean_once}");
    assert!((weak - weak_once).abs() > 0.1, "{weak} {weak_once}");
}

#[test]
fn nan_stops_the_run_names_the_part_and_leaves_a_checkpoint() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    let settings = changed(settings(""), |settings| {
        settings.stage[0].trainer =
            serde_json::from_value(serde_json::json!({"use": "sgd", "nan_at": 10})).expect("a trainer");
    });
    let error = finish(&settings, &out, &Options::default()).expect_err("stopped").to_string();
    assert!(error.contains("stage 'train', epoch 3, step 2: 'sharpness' became NaN"), "{error}");
    let folder = RunFolder::open(&out).expect("a run");
    let Status::Failed(failure) = folder.status().expect("a status") else { panic!("failed") };
    assert_eq!(failure.error, error);
    let kept: Vec<String> = fs::read_dir(out.join("checkpoints"))
        .expect("checkpoints")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(kept.contains(&"s000-e000002-t00000000.json".to_owned()), "{kept:?}");
}

#[test]
fn a_loss_that_is_not_finite_is_named_with_its_part_before_anyone_sees_it() {
    let place = tempfile::tempdir().expect("a folder");
    for (number, (loss, said)) in [
        (serde_json::json!({"use": "cross-entropy", "nan_at": 6}), "the loss 'cross-entropy' became NaN"),
        (
            serde_json::json!({"use": "cross-entropy", "nan_at": 6, "part": true}),
            "'sharpness' of the loss 'cross-entropy' became NaN",
        ),
        (
            serde_json::json!({"use": "cross-entropy", "weight": {"step": {"from": 1, "factor": 1e39, "every": 1}}}),
            "the weight of the loss 'cross-entropy' became inf",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let settings = changed(settings(""), |settings| {
            settings.stage[0].loss = vec![serde_json::from_value(loss).expect("a loss")];
        });
        let out = place.path().join(number.to_string());
        let error = finish(&settings, &out, &Options::default()).expect_err("stopped").to_string();
        let step = if said.contains("weight") { 1 } else { 2 };
        assert_eq!(error, format!("stage 'train', epoch 2, step {step}: {said}; a smaller learning rate may help"));
    }
}
