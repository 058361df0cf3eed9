//! From folders to summaries.

use std::path::{Path, PathBuf};

use scant_abi::Result;
use serde_json::json;

use super::splits::IMAGES;
use super::{Budget, DataFacts, Outcome, Predictions, RunSummary, Score, repeats};
use crate::run::{
    Ending, Record, RunFolder, SUITE, SelectedMetric, Settings, Splits, Status, Suite, Trial, select,
};

impl RunSummary {
    /// The summary of the run in `folder`.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let settings = folder.settings();
        let records = folder.records()?;
        let sofar = || select(settings.select, &records);
        let (outcome, selected, peak_bytes, digest) = match folder.status()? {
            Status::Finished(result) => {
                (Outcome::Finished, result.metrics, result.peak_bytes, Some(result.digest))
            }
            Status::Failed(failure) => (Outcome::Failed(failure.error), sofar(), None, None),
            Status::Unfinished => (Outcome::Unfinished, sofar(), None, None),
        };
        let predictions = folder.predictions()?;
        let last = predictions.iter().map(|said| said.stage).max();
        // A run that stopped early may have drawn none yet.
        let known_splits = match folder.splits() {
            Ok(drawn) => splits(&drawn, folder.info().images_sha256.clone(), &predictions),
            Err(error) if outcome == Outcome::Finished => return Err(error),
            Err(_) => DataFacts::default(),
        };
        let blank = Self::without_folder(settings, folder.path(), outcome);
        Ok(Self {
            digest,
            data: DataFacts {
                hashes: known_splits.hashes,
                samples: known_splits.samples,
                ..blank.data.clone()
            },
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
            budget: Budget { peak_bytes, ..budget(&records) },
            ..blank
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

fn splits(splits: &Splits, images: Option<String>, predictions: &[crate::run::Predictions]) -> DataFacts {
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
    let mut hashes = splits.hashes.clone();
    // Folders from before it was kept have none.
    hashes.extend(images.map(|hash| (IMAGES.to_owned(), hash)));
    DataFacts { hashes, samples, ..DataFacts::default() }
}

/// The cost, added up over epochs and evaluations.
fn budget(records: &[Record]) -> Budget {
    let mut budget = Budget::default();
    for record in records {
        match record {
            Record::Epoch(epoch) => {
                budget.epochs += 1;
                budget.images += epoch.images;
                budget.seconds += epoch.seconds;
            }
            Record::Evaluation(evaluation) => budget.seconds += evaluation.seconds,
            Record::Stop { .. } => {}
        }
    }
    budget
}

/// A run that is to be compared.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its summary.
    pub summary: RunSummary,
    /// Its folder, where it came far enough to have one.
    pub folder: Option<RunFolder>,
}

/// The runs in `paths`: each a run's folder, a folder of several runs, or the folder of one method among these.
pub fn candidates(paths: &[PathBuf]) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for path in paths {
        let (suite, part) = match (Suite::open(path), part_of_suite(path)) {
            (Err(_), Some(part)) => part,
            (suite, _) => (suite?, PathBuf::new()),
        };
        for trial in suite.trials().iter().filter(|trial| trial.folder.starts_with(&part)) {
            found.push(candidate(&suite, trial)?);
        }
    }
    Ok(found)
}

/// The several runs of which `path` holds a method's, and the part of their folders' names that all of these share.
fn part_of_suite(path: &Path) -> Option<(Suite, PathBuf)> {
    // As `.` and `..` have no name of their own.
    let path = path.canonicalize().ok().filter(|path| path.is_dir() && !path.join(SUITE).exists())?;
    let (parent, part) = (path.parent()?, PathBuf::from(path.file_name()?));
    if !parent.join(SUITE).is_file() {
        return None;
    }
    let suite = Suite::open(parent).ok()?;
    suite.trials().iter().any(|trial| trial.folder.starts_with(&part)).then_some((suite, part))
}

fn candidate(suite: &Suite, trial: &Trial) -> Result<Candidate> {
    let path = suite.folder(trial);
    if let Ok(folder) = RunFolder::open(&path) {
        return Ok(Candidate { summary: RunSummary::read(&folder)?, folder: Some(folder) });
    }
    let outcome = match suite.ending(trial)? {
        Ending::Failed(error) => Outcome::Failed(error),
        _ => Outcome::Unfinished,
    };
    Ok(Candidate { summary: RunSummary::without_folder(&trial.settings, &path, outcome), folder: None })
}

impl RunSummary {
    /// The summary of a run that came to nothing.
    fn without_folder(settings: &Settings, path: &Path, outcome: Outcome) -> Self {
        Self {
            folder: path.display().to_string(),
            method: settings.label().to_owned(),
            seed: settings.seed,
            outcome,
            configuration: repeats::configuration(settings),
            digest: None,
            data: DataFacts {
                dataset: settings.data.dataset.name().to_owned(),
                labels: json!(settings.data.labels),
                ..DataFacts::default()
            },
            selection: settings.select,
            scores: Vec::new(),
            predictions: Vec::new(),
            budget: Budget::default(),
        }
    }
}
