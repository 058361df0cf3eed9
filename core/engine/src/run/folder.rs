//! A run's folder, as it is read: by reports, comparisons, `resume` and `evaluate`.
//!
//! ```text
//! config.toml          the resolved configuration
//! run.json             what else the run began with: seeds, program, machine, the configuration's hash
//! splits.json          which samples are labelled, unlabelled, held out; their hashes
//! metrics.jsonl        one record on each line
//! checkpoints/         the latest states, and the best
//! stages/              the model with which each stage ended
//! predictions/         the class said for each sample, by evaluator and split
//! artefacts/           what evaluators found worth looking at
//! result.json          the selected numbers, once the run has finished
//! failure.json         why it stopped, if an error stopped it
//! events.out.tfevents  the same numbers for TensorBoard
//! ```

use std::path::{Path, PathBuf};

use scant_abi::{Artefact, Content, Error, Result};
use serde::{Deserialize, Serialize};

use super::files::{read, read_json};
use super::hash;
use super::records::Record;
use super::select::RunResult;
use super::settings::{ResolvedSeeds, Settings};
use super::splits::Splits;

/// What a run began with, besides its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The version of this program.
    pub version: String,
    /// The hash of `config.toml`: an edited configuration is not the run's any more.
    pub config_sha256: String,
    /// The seeds.
    pub seeds: ResolvedSeeds,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Channels, rows and columns of the prepared images.
    pub image: [usize; 3],
    /// Where files that the configuration names are looked for.
    pub folders: Vec<PathBuf>,
    /// Operating system, processor and threads.
    pub machine: String,
    /// The components and the plugins they come from.
    pub components: Vec<(String, String)>,
    /// A hash over a few images of both parts; absent in folders from before it was kept.
    #[serde(default)]
    pub images_sha256: Option<String>,
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// It has ended, and this came out.
    Finished(RunResult),
    /// An error stopped it.
    Failed(Failure),
    /// It was interrupted, or is still running.
    Unfinished,
}

/// Why a run stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The error with its causes.
    pub error: String,
}

/// The classes that an evaluator said for the rows of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// The stage, from 0.
    pub stage: usize,
    /// The evaluator.
    pub evaluator: String,
    /// The split.
    pub split: String,
    /// The true classes; -1 where there is none.
    pub labels: Vec<i64>,
    /// The said classes.
    pub predicted: Vec<i64>,
}

/// Something to look at, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredArtefact {
    /// The stage, from 0.
    pub stage: usize,
    /// The evaluator.
    pub evaluator: String,
    /// What there is to see; a picture's bytes stand in a file of their own.
    pub artefact: Artefact,
    /// The picture's file within the folder.
    pub file: Option<String>,
}

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    settings: Settings,
    info: RunInfo,
}

impl RunFolder {
    /// The run in `path`; an error if there is none, or if its configuration was edited.
    pub fn open(path: &Path) -> Result<Self> {
        let config = path.join(CONFIG);
        if !config.is_file() {
            return Err(no_run(path));
        }
        let bytes = read(&config)?;
        let info: RunInfo = read_json(&path.join(INFO))?;
        if hash::sha256(&bytes) != info.config_sha256 {
            return Err(Error::config(format!(
                "{} was edited after the run began: undo that, or start a new run from the edited file",
                config.display()
            )));
        }
        let text = String::from_utf8_lossy(&bytes);
        let settings = toml::from_str(&text).map_err(|error| {
            Error::config(format!("{} is not for this version of scant: {error}", config.display()))
        })?;
        Ok(Self { path: path.to_owned(), settings, info })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The resolved configuration.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the run began with, besides its configuration.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// The splits of its data.
    pub fn splits(&self) -> Result<Splits> {
        read_json(&self.path.join(SPLITS))
    }

    /// How far it has come.
    pub fn status(&self) -> Result<Status> {
        let (result, failure) = (self.path.join(RESULT), self.path.join(FAILURE));
        if result.is_file() {
            return read_json(&result).map(Status::Finished);
        }
        if failure.is_file() {
            return read_json(&failure).map(Status::Failed);
        }
        Ok(Status::Unfinished)
    }

    /// What was written down so far; a last line that is not whole is left out.
    pub fn records(&self) -> Result<Vec<Record>> {
        let path = self.path.join(METRICS);
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let bytes = read(&path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        parse_records(&bytes[..whole], &path)
    }

    /// The classes said at the end of each stage, by stage, evaluator and split.
    pub fn predictions(&self) -> Result<Vec<Predictions>> {
        read_folder(&self.path.join(PREDICTIONS))
    }

    /// What evaluators found worth looking at, pictures with their bytes.
    pub fn artefacts(&self) -> Result<Vec<StoredArtefact>> {
        let folder = self.path.join(ARTEFACTS);
        let mut stored: Vec<StoredArtefact> = read_folder(&folder)?;
        for artefact in &mut stored {
            if let (Some(file), Content::Picture { png }) = (&artefact.file, &mut artefact.artefact.content) {
                *png = read(&folder.join(file))?;
            }
        }
        Ok(stored)
    }
}

/// What is wrong with a folder that is no run's, and which runs lie below it: a suite's, or those of one of its methods.
fn no_run(path: &Path) -> Error {
    const NAMED: usize = 3;
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect()
    };
    let below = inside(path).into_iter().flat_map(|folder| [inside(&folder), vec![folder]].concat());
    let mut runs: Vec<PathBuf> = below.filter(|folder| folder.join(CONFIG).is_file()).collect();
    runs.sort_unstable();
    let named: Vec<String> = runs.iter().take(NAMED).map(|run| run.display().to_string()).collect();
    let hint = match runs.len() {
        0 => String::new(),
        1..=NAMED => format!("; the runs in it are {}: name one of them", named.join(", ")),
        n => format!("; the runs in it are {} and {} more: name one of them", named.join(", "), n - NAMED),
    };
    Error::config(format!("{} is no run's folder: it has no {CONFIG}{hint}", path.display()))
}

/// The records in the whole lines of `bytes`.
pub(crate) fn parse_records(bytes: &[u8], path: &Path) -> Result<Vec<Record>> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    lines
        .map(|(number, line)| {
            serde_json::from_slice(line)
                .map_err(|error| Error::data(format!("{}, line {}: {error}", path.display(), number + 1)))
        })
        .collect()
}

fn read_folder<T: serde::de::DeserializeOwned>(folder: &Path) -> Result<Vec<T>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort_unstable();
    paths.iter().map(|path| read_json(path)).collect()
}

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const INFO: &str = "run.json";
pub(crate) const SPLITS: &str = "splits.json";
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const CHECKPOINTS: &str = "checkpoints";
pub(crate) const STAGES: &str = "stages";
pub(crate) const PREDICTIONS: &str = "predictions";
pub(crate) const ARTEFACTS: &str = "artefacts";
pub(crate) const RESULT: &str = "result.json";
pub(crate) const FAILURE: &str = "failure.json";
pub(crate) const EVENTS: &str = "events.out.tfevents.scant";
pub(crate) const LOCK: &str = "lock";
