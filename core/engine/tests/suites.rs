//! Several methods and seeds in one folder.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::{registry, settings};
use scant_engine::compare::candidates;
use scant_engine::run::{Ending, Event, Method, Nobody, Options, RunFolder, Suite, Summary, Watcher};
use serde_json::json;

fn methods() -> Vec<Method> {
    let method = |name: &str, trainer| {
        let mut settings = settings("");
        settings.label = Some(name.into());
        settings.stage[0].trainer = serde_json::from_value(trainer).expect("a trainer");
        Method { name: Some(name.into()), settings }
    };
    vec![method("plain", json!("sgd")), method("broken", json!({"use": "sgd", "nan_at": 7}))]
}

struct StopInThird(usize, Arc<AtomicBool>);

impl Watcher for StopInThird {
    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Trial { number: 1, .. } => self.0 = 1,
            Event::Step { .. } if self.0 > 0 => {
                self.0 += 1;
                self.1.store(self.0 > 4, std::sync::atomic::Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

#[test]
fn failed_runs_are_shown_and_never_averaged() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("suite");
    let suite = Suite::plan(methods(), &[0, 1, 2], vec![], &path).expect("planned");
    let stop = Arc::new(AtomicBool::new(false));
    let options = Options { stop: Arc::clone(&stop), ..Options::default() };
    assert!(!suite.run(&registry(), &options, &mut StopInThird(0, stop)).expect("stopped"));

    let suite = Suite::open(&path).expect("a suite");
    assert!(suite.run(&registry(), &Options::default(), &mut Nobody).expect("all were tried"));
    let endings: Vec<bool> = suite
        .trials()
        .iter()
        .map(|trial| matches!(suite.ending(trial).expect("an ending"), Ending::Finished(_)))
        .collect();
    assert_eq!(endings, [true, true, true, false, false, false]);

    let summary = Summary::of(&suite, "test").expect("a summary");
    assert_eq!(summary.columns, ["accuracy/top-1"]);
    let plain = summary.rows[0].cells[0].expect("numbers");
    assert_eq!((plain.count, summary.rows[0].failed), (3, 0));
    assert_eq!((summary.rows[1].cells[0], summary.rows[1].failed), (None, 3));

    // The folder of one method holds no file of its own that says so; its runs are compared all the same.
    let of = |path: &Path| {
        let found = candidates(&[path.to_owned()]).expect("runs");
        found.into_iter().map(|one| (one.summary.method, one.summary.seed)).collect::<Vec<_>>()
    };
    assert_eq!(of(&path).len(), 6);
    assert_eq!(of(&path.join("plain")), [0, 1, 2].map(|seed| ("plain".to_owned(), seed)));
    assert_eq!(of(&path.join("broken")).len(), 3);
    assert_eq!(of(&path.join("plain/seed-1")), [("plain".to_owned(), 1)]);
    let error = RunFolder::open(&path.join("plain")).expect_err("refused").to_string();
    assert!(error.contains("no run's folder: it has no config.toml; the runs in it are "), "{error}");
    assert!(error.contains("plain/seed-0, ") && error.ends_with("plain/seed-2: name one of them"), "{error}");
    let error = RunFolder::open(&path).expect_err("refused").to_string();
    assert!(error.contains("broken/seed-0") && error.ends_with(" and 3 more: name one of them"), "{error}");
    let error = candidates(&[path.join("none")]).expect_err("refused").to_string();
    assert!(error.contains("none"), "{error}");

    let values: Vec<f64> = suite.trials()[..3]
        .iter()
        .map(|trial| match suite.ending(trial).expect("an ending") {
            Ending::Finished(result) => {
                result.metrics.iter().find(|metric| metric.split == "test").expect("on test").value.0
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let mean = values.iter().sum::<f64>() / 3.0;
    let sample = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    assert!((plain.mean - mean).abs() < 1e-12 && (plain.deviation.expect("three") - sample).abs() < 1e-12);
    assert!(summary.to_string().contains("3 failed"), "{summary}");
}

#[test]
fn the_split_follows_its_seed_whatever_the_method() {
    let place = tempfile::tempdir().expect("a folder");
    let mut methods = methods();
    methods[1].settings.stage[0].trainer =
        serde_json::from_value(json!({"use": "sgd", "grouped": true})).expect("ok");
    methods[1].settings.model =
        serde_json::from_value(json!({"use": "two-layers", "width": 3})).expect("a model");
    let path = place.path().join("suite");
    let suite = Suite::plan(methods, &[4, 5], vec![], &path).expect("planned");
    assert!(suite.run(&registry(), &Options::default(), &mut Nobody).expect("run"));
    let hashes: Vec<_> = suite
        .trials()
        .iter()
        .map(|trial| RunFolder::open(&suite.folder(trial)).expect("a run").splits().expect("splits").hashes)
        .collect();
    assert_eq!(hashes[0], hashes[2]);
    assert_eq!(hashes[1], hashes[3]);
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn a_run_that_another_process_has_in_hand_is_no_failed_one() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("suite");
    // An empty folder is there to be filled.
    std::fs::create_dir(&path).expect("made");
    let suite = Suite::plan(methods(), &[0, 1, 2], vec![], &path).expect("planned");
    let stop = Arc::new(AtomicBool::new(false));
    let options = Options { stop: Arc::clone(&stop), ..Options::default() };
    assert!(!suite.run(&registry(), &options, &mut StopInThird(0, stop)).expect("stopped"));
    let folder = suite.folder(&suite.trials()[1]);
    let lock = std::fs::File::create(folder.join("lock")).expect("opened");
    lock.lock().expect("locked");
    let error = suite.run(&registry(), &Options::default(), &mut Nobody).expect_err("refused").to_string();
    assert!(error.contains("another process is at work on") && error.contains("seed-1"), "{error}");
    assert_eq!(suite.ending(&suite.trials()[2]).expect("an ending"), Ending::Unfinished);
    assert!(
        Suite::plan(methods(), &[0], vec![], &path)
            .expect_err("refused")
            .to_string()
            .contains("already there")
    );
}
