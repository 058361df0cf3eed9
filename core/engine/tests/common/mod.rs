//! Small components written only against the contract, and runs of them.
#![allow(dead_code, unreachable_pub, reason = "each test is a crate of its own and uses its part")]

pub mod components;
pub mod model;

use std::path::{Path, PathBuf};

use scant_abi::{Entry, Result};
use scant_engine::run::{Nobody, Options, Outcome, RunResult, Settings, run};
use scant_engine::{Origin, Registry};

/// The registry with the toy components.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    let origin = Origin { plugin: "toy".into(), version: "0.1.0".into(), library: None };
    let entries = vec![
        Entry::dataset::<components::Blobs>(),
        Entry::augmentation::<components::Jitter>(),
        Entry::model::<model::TwoLayers>(),
        Entry::loss::<components::CrossEntropy>(),
        Entry::trainer::<components::Sgd>(),
        Entry::evaluator::<components::Accuracy>(),
    ];
    registry.add(entries, origin).expect("names are unique");
    registry
}

/// A run of one stage, to which `more` is added.
pub fn settings(more: &str) -> Settings {
    let text = format!(
        r#"
        name = "toy"
        {more}
        [data]
        dataset = "blobs"
        labels = {{ per_class = 20 }}
        validation = {{ per_class = 10 }}
        [model]
        use = "two-layers"
        [[stage]]
        name = "train"
        trainer = "sgd"
        epochs = 4
        batch = 16
        augment = "jitter"
        loss = ["cross-entropy"]
        [[evaluate]]
        use = "accuracy"
        every = 1
        "#
    );
    toml::from_str(&text).expect("a configuration")
}

/// Runs from the beginning to the end.
pub fn finish(settings: &Settings, out: &Path, options: &Options) -> Result<RunResult> {
    match run(&registry(), settings, &[PathBuf::from(".")], out, options, &mut Nobody)? {
        Outcome::Finished(result) => Ok(result),
        Outcome::Interrupted => panic!("nobody interrupted it"),
    }
}
