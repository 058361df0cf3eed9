//! Several stages: parts carried over, frozen, taken from another run.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::{finish, registry};
use scant_engine::run::{Event, Nobody, Options, Outcome, Settings, Watcher, resume, run};

const STAGES: &str = r#"
name = "toy"
[data]
dataset = "blobs"
labels = { per_class = 20 }
prepare = ["normalise"]
[model]
use = "two-layers"
width = 6
[[stage]]
name = "pretrain"
trainer = "sgd"
epochs = 2
batch = 16
loss = ["cross-entropy"]
[[stage]]
name = "tune"
trainer = { use = "sgd", grouped = true }
epochs = 2
batch = 20
optimizer = { lr = 1.0 }
augment = { one_of = ["jitter", { use = "jitter", by = 0.2 }] }
loss = [{ use = "cross-entropy", weight = { linear = { from = 1, to = 0.5 } } }]
freeze = ["encoder"]
[[stage]]
name = "again"
trainer = "sgd"
epochs = 2
batch = 16
loss = ["cross-entropy"]
model = { use = "two-layers", width = 6 }
take = { encoder = "pretrain" }
[[evaluate]]
use = "accuracy"
[[evaluate]]
use = "accuracy"
stage = "pretrain"
"#;

fn stages() -> Settings {
    toml::from_str(STAGES).expect("a configuration")
}

fn tensor(run: &Path, stage: &str, name: &str) -> Vec<u8> {
    let bytes = std::fs::read(run.join("stages").join(format!("{stage}.safetensors"))).expect("read");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("whole");
    file.tensor(name).expect("there").data().to_vec()
}

#[test]
fn parts_are_carried_over_and_frozen_parts_stay() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    let result = finish(&stages(), &out, &Options::default()).expect("finished");
    let encoder = |stage| tensor(&out, stage, "encoder.weight");
    assert_eq!(encoder("pretrain").len(), 6 * 16 * 4);
    assert_ne!(tensor(&out, "pretrain", "head.weight"), tensor(&out, "tune", "head.weight"));
    let stages: Vec<(usize, &str)> = result
        .metrics
        .iter()
        .filter(|m| m.split == "test")
        .map(|m| (m.stage, m.evaluator.as_str()))
        .collect();
    assert_eq!(stages, [(0, "accuracy-2"), (2, "accuracy")]);
}

#[test]
fn a_stage_without_epochs_passes_on_what_it_took() {
    let place = tempfile::tempdir().expect("a folder");
    let first = place.path().join("first");
    finish(&stages(), &first, &Options::default()).expect("finished");
    let mut settings = stages();
    settings.stage.remove(2);
    settings.stage[0].epochs = 0;
    settings.stage[1].epochs = 0;
    settings.stage[0].take =
        serde_json::from_value(serde_json::json!({"encoder": format!("{}#pretrain", first.display())}))
            .expect("take");
    settings.evaluate.truncate(1);
    let second = place.path().join("second");
    finish(&settings, &second, &Options::default()).expect("finished");
    for stage in ["pretrain", "tune"] {
        assert_eq!(tensor(&second, stage, "encoder.weight"), tensor(&first, "pretrain", "encoder.weight"));
        assert_ne!(tensor(&second, stage, "head.weight"), tensor(&first, "pretrain", "head.weight"));
    }
    settings.stage[0].take =
        serde_json::from_value(serde_json::json!({"decoder": first.display().to_string()})).expect("take");
    let error = finish(&settings, &place.path().join("third"), &Options::default()).expect_err("refused");
    assert!(error.to_string().contains("there is no part 'decoder'"), "{error}");
}

struct StopAt(usize, Arc<AtomicBool>);

impl Watcher for StopAt {
    fn tell(&mut self, event: &Event<'_>) {
        if let Event::Step { .. } = event {
            self.0 -= 1;
            self.1.store(self.0 == 0, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

#[test]
fn every_stage_can_be_interrupted_anywhere() {
    let place = tempfile::tempdir().expect("a folder");
    let whole = finish(&stages(), &place.path().join("whole"), &Options::default()).expect("finished");
    // 60 labelled samples: 2 x 4, 2 x 3 and 2 x 4 steps.
    for steps in 1..22 {
        let out = place.path().join(steps.to_string());
        let stop = Arc::new(AtomicBool::new(false));
        let options = Options { stop: Arc::clone(&stop), ..Options::default() };
        let folders = [PathBuf::from(".")];
        let mut watcher = StopAt(steps, stop);
        let outcome = run(&registry(), &stages(), &folders, &out, &options, &mut watcher).expect("stopped");
        assert_eq!(outcome, Outcome::Interrupted, "after {steps} steps");
        let resumed = resume(&registry(), &out, &Options::default(), &mut Nobody).expect("resumed");
        let Outcome::Finished(resumed) = resumed else { panic!("finished") };
        assert_eq!(
            (resumed.digest, resumed.metrics),
            (whole.digest.clone(), whole.metrics.clone()),
            "{steps}"
        );
    }
}
