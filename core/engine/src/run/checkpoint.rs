//! A run's state on disk: one safetensors file and a manifest that vouches for it.
//!
//! The manifest is written last and names the other file's hash, so a checkpoint is there whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use scant_abi::{Context, EpochPlan, Error, ErrorKind, Result, State, Tensor};
use serde::{Deserialize, Serialize};

use super::files::{io_error, read, read_json, write_json, write_whole};
use super::{hash, tensors};

/// The place from which a run goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The stage, from 0.
    pub(crate) stage: usize,
    /// The epoch of the stage, from 0; the number of epochs where all are done.
    pub(crate) epoch: usize,
    /// The step of the epoch, from 0.
    pub(crate) step: usize,
    /// How the present epoch is drawn; absent before it has begun.
    pub(crate) plan: Option<EpochPlan>,
    /// The sums of what the epoch's steps have reported, and the number of reports.
    pub(crate) sums: Vec<(String, f64, u64)>,
    /// The time that the present epoch has taken so far, in every process, and of it what the trainer's steps took.
    #[serde(default)]
    pub(crate) seconds: [f64; 2],
    /// Why the trainer ended the stage, if it has.
    pub(crate) stopped: Option<String>,
    /// The best epoch so far by the validation split.
    pub(crate) best: Option<Best>,
    /// The length of `metrics.jsonl`.
    pub(crate) metrics_bytes: u64,
    /// The length of TensorBoard's file.
    pub(crate) events_bytes: u64,
}

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// The epoch of the last stage.
    pub(crate) epoch: usize,
    /// The number by which it is the best.
    pub(crate) value: f64,
    /// Its checkpoint.
    pub(crate) checkpoint: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    cursor: Cursor,
    bytes: u64,
    sha256: String,
}

const FORMAT: u32 = 1;

/// Everything in a run that changes: the states of its components, and the place.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    /// The place.
    pub(crate) cursor: Cursor,
    /// The model's state.
    pub(crate) model: State,
    /// The trainer's state.
    pub(crate) trainer: State,
    /// The losses' states, in order.
    pub(crate) losses: Vec<State>,
}

impl Checkpoint {
    fn parts(&self) -> impl Iterator<Item = (String, &State)> {
        let losses = self.losses.iter().enumerate().map(|(i, state)| (format!("loss.{i}/"), state));
        [("model/".to_owned(), &self.model), ("trainer/".to_owned(), &self.trainer)].into_iter().chain(losses)
    }

    fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.parts().flat_map(|(prefix, state)| {
            state.iter().map(move |(name, tensor)| (format!("{prefix}{name}"), tensor))
        })
    }

    /// The first tensor that holds NaN or infinity, if any does: such a state is no good state to go on from.
    pub(crate) fn not_finite(&self) -> Option<String> {
        self.tensors()
            .find(|(_, tensor)| tensor.f32().is_ok_and(|values| values.iter().any(|v| !v.is_finite())))
            .map(|(name, _)| name)
    }
}

/// The checkpoints of a run.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

impl Checkpoints {
    /// Those in `folder`, of which the last `keep` are to be left.
    pub(crate) fn new(folder: PathBuf, keep: usize) -> Self {
        Self { folder, keep: keep.max(1) }
    }

    /// The name of the checkpoint at this place; names sort by it.
    pub(crate) fn name(cursor: &Cursor) -> String {
        format!("s{:03}-e{:06}-t{:08}", cursor.stage, cursor.epoch, cursor.step)
    }

    /// Keeps `checkpoint`, and removes those that are no longer wanted.
    pub(crate) fn save(&self, checkpoint: &Checkpoint) -> Result<()> {
        let name = Self::name(&checkpoint.cursor);
        let bytes = tensors::to_bytes(checkpoint.tensors())?;
        write_whole(&self.path(&name, "safetensors"), &bytes)?;
        let manifest = Manifest {
            format: FORMAT,
            cursor: checkpoint.cursor.clone(),
            bytes: bytes.len() as u64,
            sha256: hash::sha256(&bytes),
        };
        write_json(&self.path(&name, "json"), &manifest)?;
        self.prune(&checkpoint.cursor)
    }

    /// The names of all checkpoints, the latest last.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.folder).map_err(|e| io_error("read", &self.folder, &e))?;
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| io_error("read", &self.folder, &e))?.path();
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(stem) = path.file_stem()
            {
                names.push(stem.to_string_lossy().into_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The checkpoint called `name`, if every byte of it is as it was written.
    pub(crate) fn load(&self, name: &str) -> Result<Checkpoint> {
        let manifest: Manifest = read_json(&self.path(name, "json"))?;
        if manifest.format != FORMAT {
            return Err(Error::data(format!(
                "checkpoint {name} has format {}, this program reads {FORMAT}",
                manifest.format
            )));
        }
        let path = self.path(name, "safetensors");
        let bytes = read(&path)?;
        if bytes.len() as u64 != manifest.bytes || hash::sha256(&bytes) != manifest.sha256 {
            return Err(Error::data(format!("{} is not what was written", path.display())));
        }
        let mut checkpoint = Checkpoint {
            cursor: manifest.cursor,
            model: State::new(),
            trainer: State::new(),
            losses: Vec::new(),
        };
        for (name, tensor) in tensors::from_bytes(&bytes)? {
            let (part, rest) = name.split_once('/').unwrap_or(("", &name));
            let state = match (part, part.strip_prefix("loss.").and_then(|n| n.parse::<usize>().ok())) {
                ("model", _) => &mut checkpoint.model,
                ("trainer", _) => &mut checkpoint.trainer,
                (_, Some(index)) => {
                    while checkpoint.losses.len() <= index {
                        checkpoint.losses.push(State::new());
                    }
                    &mut checkpoint.losses[index]
                }
                _ => return Err(Error::data(format!("{}: '{name}' belongs to nothing", path.display()))),
            };
            state.insert(rest.to_owned(), tensor);
        }
        Ok(checkpoint)
    }

    /// The latest checkpoint that is whole; `skipped` hears of each one that is not.
    ///
    /// `None` where none has been written yet; an error where there are some and none is whole.
    pub(crate) fn latest(&self, mut skipped: impl FnMut(&Error)) -> Result<Option<Checkpoint>> {
        let names = self.names()?;
        for name in names.iter().rev() {
            match self.load(name) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) => skipped(&error),
            }
        }
        match names.is_empty() {
            true => Ok(None),
            false => Err(Error::new(
                ErrorKind::Data,
                format!("none of the {} checkpoints in {} is whole", names.len(), self.folder.display()),
            )),
        }
    }

    /// Removes all checkpoints later than `cursor`: they are not whole, and would stand before those to come.
    pub(crate) fn forget_after(&self, cursor: &Cursor) -> Result<()> {
        let last = Self::name(cursor);
        self.names()?.iter().filter(|name| **name > last).try_for_each(|name| self.remove(name))
    }

    fn prune(&self, cursor: &Cursor) -> Result<()> {
        let names = self.names()?;
        let best = cursor.best.as_ref().map(|best| best.checkpoint.as_str());
        let old = &names[..names.len().saturating_sub(self.keep)];
        old.iter().filter(|name| Some(name.as_str()) != best).try_for_each(|name| self.remove(name))
    }

    /// The manifest goes first: what it does not vouch for is not looked at.
    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name, "json");
        fs::remove_file(&path).map_err(|e| io_error("remove", &path, &e))?;
        let path = self.path(name, "safetensors");
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io_error("remove", &path, &e)),
            _ => Ok(()),
        }
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }
}

/// Writes the state with which a stage ended.
pub(crate) fn save_stage(path: &Path, model: &State) -> Result<()> {
    let bytes = tensors::to_bytes(model.iter().map(|(name, tensor)| (name.clone(), tensor)))?;
    write_whole(path, &bytes)?;
    write_json(&path.with_extension("json"), &StageManifest { sha256: hash::sha256(&bytes) })
}

/// Reads the state with which a stage ended.
pub(crate) fn load_stage(path: &Path) -> Result<State> {
    let manifest: StageManifest = read_json(&path.with_extension("json"))?;
    let bytes = read(path)?;
    if hash::sha256(&bytes) != manifest.sha256 {
        return Err(Error::data(format!("{} is not what was written", path.display())));
    }
    tensors::from_bytes(&bytes).context(|| format!("cannot read {}", path.display()))
}

#[derive(Serialize, Deserialize)]
struct StageManifest {
    sha256: String,
}
