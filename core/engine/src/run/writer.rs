//! A run's folder, as it is written: by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use scant_abi::{Content, Error, ErrorKind, Findings, Result, State};

use super::checkpoint::{Checkpoint, Checkpoints, save_stage};
use super::files::{io_error, read, write_json, write_whole};
use super::folder::{
    ARTEFACTS, CHECKPOINTS, CONFIG, EVENTS, FAILURE, Failure, INFO, LOCK, METRICS, PREDICTIONS, Predictions,
    RESULT, RunInfo, SPLITS, STAGES, StoredArtefact, parse_records,
};
use super::hash;
use super::records::Record;
use super::select::RunResult;
use super::settings::Settings;
use super::splits::Splits;
use super::tensorboard::Events;

/// The one writer of a run's folder; the lock goes with it, however the process ends.
pub(crate) struct Writer {
    path: PathBuf,
    metrics: File,
    metrics_bytes: u64,
    events: Events,
    pub(crate) checkpoints: Checkpoints,
    _lock: File,
}

impl Writer {
    /// Makes the folder of a new run; one that is there already is never touched.
    pub(crate) fn create(path: &Path, settings: &Settings, mut info: RunInfo, splits: &Splits) -> Result<()> {
        if is_used(path) {
            return Err(already_there(path));
        }
        let config = resolved_text(settings)?;
        info.config_sha256 = hash::sha256(config.as_bytes());
        // All of it is made aside and appears at once, so that no kill can leave half a beginning.
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let aside = parent.join(format!(".{name}.{}", std::process::id()));
        let made = (|| {
            for folder in [CHECKPOINTS, STAGES, PREDICTIONS, ARTEFACTS] {
                let folder = aside.join(folder);
                fs::create_dir_all(&folder).map_err(|e| io_error("make the folder", &folder, &e))?;
            }
            write_whole(&aside.join(CONFIG), config.as_bytes())?;
            write_json(&aside.join(INFO), &info)?;
            write_json(&aside.join(SPLITS), splits)?;
            write_whole(&aside.join(METRICS), b"")?;
            fs::rename(&aside, path).map_err(|e| io_error("make the folder", path, &e))
        })();
        if made.is_err() {
            let _ = fs::remove_dir_all(&aside);
            // Another process may have come first.
            if is_used(path) {
                return Err(already_there(path));
            }
        }
        made
    }

    /// Takes the folder over; refused while another process has it.
    pub(crate) fn open(path: &Path, keep: usize) -> Result<Self> {
        let lock = lock(path)?;
        let metrics_path = path.join(METRICS);
        let metrics = OpenOptions::new()
            .append(true)
            .open(&metrics_path)
            .map_err(|e| io_error("open", &metrics_path, &e))?;
        Ok(Self {
            path: path.to_owned(),
            metrics,
            metrics_bytes: 0,
            events: Events::open(&path.join(EVENTS))?,
            checkpoints: Checkpoints::new(path.join(CHECKPOINTS), keep),
            _lock: lock,
        })
    }

    /// Goes back to where a checkpoint was taken, and gives the records up to there.
    pub(crate) fn rewind(&mut self, metrics_bytes: u64, events_bytes: u64) -> Result<Vec<Record>> {
        let path = self.path.join(METRICS);
        let bytes = read(&path)?;
        let Some(kept) = bytes.get(..metrics_bytes as usize) else {
            return Err(Error::data(format!(
                "{} is shorter ({}) than when the checkpoint was taken ({metrics_bytes})",
                path.display(),
                bytes.len()
            )));
        };
        self.metrics.set_len(metrics_bytes).map_err(|e| io_error("shorten", &path, &e))?;
        self.metrics_bytes = metrics_bytes;
        self.events.rewind(events_bytes)?;
        for name in [RESULT, FAILURE] {
            let _ = fs::remove_file(self.path.join(name));
        }
        let records = parse_records(kept, &path)?;
        for record in &records {
            self.events.step(record);
        }
        Ok(records)
    }

    /// Adds a line to the metrics.
    pub(crate) fn record(&mut self, record: &Record) -> Result<()> {
        let path = self.path.join(METRICS);
        let mut line = serde_json::to_vec(record)
            .map_err(|e| Error::caused_by(ErrorKind::Io, "cannot write a record", &e))?;
        line.push(b'\n');
        self.metrics.write_all(&line).map_err(|e| io_error("write", &path, &e))?;
        self.metrics_bytes += line.len() as u64;
        self.events.record(record)
    }

    /// Keeps a checkpoint, whose cursor learns how long the files of records are.
    pub(crate) fn checkpoint(&mut self, checkpoint: &mut Checkpoint) -> Result<()> {
        let path = self.path.join(METRICS);
        self.metrics.sync_data().map_err(|e| io_error("sync", &path, &e))?;
        checkpoint.cursor.metrics_bytes = self.metrics_bytes;
        checkpoint.cursor.events_bytes = self.events.flush()?;
        self.checkpoints.save(checkpoint)
    }

    /// Keeps the model with which a stage ended.
    pub(crate) fn stage(&self, name: &str, model: &State) -> Result<()> {
        save_stage(&stage_path(&self.path, name), model)
    }

    /// Shows the pictures of an evaluator in TensorBoard.
    pub(crate) fn pictures(&mut self, stage: usize, evaluator: &str, findings: &Findings) -> Result<()> {
        for artefact in &findings.artefacts {
            if let Content::Picture { png } = &artefact.content {
                self.events.picture(stage, &format!("{evaluator}/{}", artefact.name), png)?;
            }
        }
        Ok(())
    }

    /// Keeps what an evaluator found at the end of a stage.
    pub(crate) fn findings(
        &mut self,
        stage: usize,
        evaluator: &str,
        findings: Findings,
        labels: impl Fn(&str) -> Vec<i64>,
    ) -> Result<()> {
        self.pictures(stage, evaluator, &findings)?;
        for (split, predicted) in findings.predictions {
            let path = self.path.join(PREDICTIONS).join(format!("{stage}-{evaluator}-{split}.json"));
            let labels = labels(&split);
            let evaluator = evaluator.to_owned();
            write_json(&path, &Predictions { stage, evaluator, split, labels, predicted })?;
        }
        let folder = self.path.join(ARTEFACTS);
        for mut artefact in findings.artefacts {
            let name = format!("{stage}-{evaluator}-{}", artefact.name);
            let mut file = None;
            if let Content::Picture { png } = &mut artefact.content {
                let bytes = std::mem::take(png);
                let picture = format!("{name}.png");
                write_whole(&folder.join(&picture), &bytes)?;
                file = Some(picture);
            }
            let stored = StoredArtefact { stage, evaluator: evaluator.to_owned(), artefact, file };
            write_json(&folder.join(format!("{name}.json")), &stored)?;
        }
        Ok(())
    }

    /// Says what came out of the run.
    pub(crate) fn finish(&mut self, result: &RunResult) -> Result<()> {
        self.events.flush()?;
        self.metrics.sync_data().map_err(|e| io_error("sync", &self.path.join(METRICS), &e))?;
        write_json(&self.path.join(RESULT), result)
    }

    /// Says why the run stopped.
    pub(crate) fn fail(&mut self, error: &Error) -> Result<()> {
        self.events.flush()?;
        write_json(&self.path.join(FAILURE), &Failure { error: error.to_string() })
    }
}

/// Keeps other processes out of the folder `path` until the file is closed, however that happens.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let lock_path = path.join(LOCK);
    let lock = File::create(&lock_path).map_err(|e| io_error("open", &lock_path, &e))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(taken(path)),
        Err(TryLockError::Error(e)) => Err(io_error("lock", &lock_path, &e)),
    }
}

/// Whether there is something at `path` that a run could overwrite; an empty folder is as good as none.
pub(crate) fn is_used(path: &Path) -> bool {
    path.exists() && !fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// The refusal to write where something is.
pub(crate) fn already_there(path: &Path) -> Error {
    let text = format!(
        "{} is already there: `scant resume` it, or choose another folder with --out",
        path.display()
    );
    Error::new(ErrorKind::Io, text)
}

/// Whether another process has the folder `path`.
pub(crate) fn is_busy(path: &Path) -> bool {
    let lock = File::open(path.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

pub(crate) fn taken(path: &Path) -> Error {
    let text = format!("another process is at work on {}: wait for it, or stop it", path.display());
    Error::new(ErrorKind::Io, text)
}

/// The file with the model with which the stage `name` ended.
pub(crate) fn stage_path(run: &Path, name: &str) -> PathBuf {
    run.join(STAGES).join(format!("{name}.safetensors"))
}

/// The resolved configuration as it stands in the folder.
pub fn resolved_text(settings: &Settings) -> Result<String> {
    toml::to_string_pretty(settings)
        .map_err(|error| Error::caused_by(ErrorKind::Config, "cannot write the configuration", &error))
}
