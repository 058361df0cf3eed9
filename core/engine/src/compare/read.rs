//! From a run's folder to its summary.

use scant_abi::Result;
use serde_json::json;

use super::{Budget, DataFacts, Outcome, Predictions, RunSummary, Score};
use crate::run::{Record, RunFolder, SelectedMetric, Splits, Status, select};

impl RunSummary {
    /// The summary of the run in `folder`.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let settings = folder.settings();
        let records = folder.records()?;
        let (outcome, selected) = match folder.status()? {
            Status::Finished(result) => (Outcome::Finished, result.metrics),
            Status::Failed(failure) => (Outcome::Failed(failure.error), select(settings.select, &records)),
            Status::Unfinished => (Outcome::Unfinished, select(settings.select, &records)),
        };
        let predictions = folder.predictions()?;
        let last = predictions.iter().map(|said| said.stage).max();
        // A run that stopped early may have drawn none yet.
        let known_splits = match folder.splits() {
            Ok(drawn) => splits(&drawn, &predictions),
            Err(error) if outcome == Outcome::Finished => return Err(error),
            Err(_) => DataFacts::default(),
        };
        Ok(Self {
            folder: folder.path().display().to_string(),
            method: settings.label().to_owned(),
            seed: settings.seed,
            outcome,
            data: DataFacts {
                dataset: settings.data.dataset.name().to_owned(),
                labels: json!(settings.data.labels),
                ..known_splits
            },
            selection: settings.select,
            scores: scores(&selected),
            predictions: predictions
                .into_iter()
                .filter(|said| Some(said.stage) == last)
                .map(|said| Predictions {
                    by: said.evaluator,
                    split: said.split,
                    said: said.predicted,
                    truth: said.labels,
                })
                .collect(),
            budget: budget(&records),
        })
    }
}

/// The last stage's word on each metric.
fn scores(selected: &[SelectedMetric]) -> Vec<Score> {
    let same = |a: &SelectedMetric, b: &SelectedMetric| {
        a.evaluator == b.evaluator && a.name == b.name && a.split == b.split
    };
    selected
        .iter()
        .filter(|metric| !selected.iter().any(|later| same(metric, later) && later.stage > metric.stage))
        .map(|metric| Score {
            by: metric.evaluator.clone(),
            name: metric.name.clone(),
            split: metric.split.clone(),
            value: metric.value.0,
            higher_is_better: metric.higher_is_better,
        })
        .collect()
}

fn splits(splits: &Splits, predictions: &[crate::run::Predictions]) -> DataFacts {
    let mut samples = std::collections::BTreeMap::from(
        [
            ("labelled", &splits.labelled),
            ("unlabelled", &splits.unlabelled),
            ("validation", &splits.validation),
        ]
        .map(|(name, places)| (name.to_owned(), places.len())),
    );
    samples.extend(
        predictions
            .iter()
            .find(|said| said.split == "test")
            .map(|said| ("test".to_owned(), said.labels.len())),
    );
    DataFacts { hashes: splits.hashes.clone(), samples, ..DataFacts::default() }
}

/// The cost, added up over epochs and evaluations.
fn budget(records: &[Record]) -> Budget {
    let mut budget = Budget::default();
    for record in records {
        match record {
            Record::Epoch(epoch) => {
                budget.epochs += 1;
                budget.images += (epoch.images_per_second * epoch.seconds).round() as u64;
                budget.seconds += epoch.seconds;
            }
            Record::Evaluation(evaluation) => budget.seconds += evaluation.seconds,
            Record::Stop { .. } => {}
        }
    }
    budget
}
