//! Runs for tests.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Budget, DataFacts, Outcome, RunSummary, Score};
use crate::run::settings::Selection;

/// A finished run of `method` with these metrics on the test split.
pub(crate) fn run(method: &str, seed: u64, metrics: &[(&str, f64)]) -> RunSummary {
    let metric = |(name, value): &(&str, f64)| Score {
        by: "classification".to_owned(),
        name: (*name).to_owned(),
        split: "test".to_owned(),
        value: *value,
        higher_is_better: (*name != "slope").then_some(*name != "error"),
    };
    RunSummary {
        folder: format!("runs/{method}-{seed}"),
        method: method.to_owned(),
        seed,
        outcome: Outcome::Finished,
        configuration: serde_json::Value::Null,
        digest: None,
        data: DataFacts {
            dataset: "mnist".to_owned(),
            labels: json!({ "per_class": 25 }),
            hashes: BTreeMap::from([("test-labels".to_owned(), "0f".to_owned())]),
            samples: BTreeMap::new(),
        },
        selection: Selection::Last,
        scores: metrics.iter().map(metric).collect(),
        predictions: Vec::new(),
        budget: Budget { epochs: 10, images: 600_000, seconds: 61.5, peak_bytes: Some(300 << 20) },
    }
}

/// The same run, ended by an error.
pub(crate) fn failed(mut run: RunSummary, error: &str) -> RunSummary {
    run.outcome = Outcome::Failed(error.to_owned());
    run
}
