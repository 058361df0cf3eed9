//! One hash over what a run computed: equal digests, equal runs.

use std::path::Path;

use scant_abi::{Error, Result, State};
use sha2::{Digest, Sha256};

use super::checkpoint::load_stage;
use super::folder::RunFolder;
use super::hash;
use super::records::Record;
use super::settings::StageSettings;
use super::tensors;
use super::writer::stage_path;

/// The digest of the finished run in `path`.
pub fn digest(path: &Path) -> Result<String> {
    let run = RunFolder::open(path)?;
    let last = run.settings().stage.last().map(StageSettings::name).unwrap_or_default();
    let model = stage_path(path, last);
    if !model.is_file() {
        return Err(Error::data(format!("{} has not finished: it has no digest yet", path.display())));
    }
    of(&run.records()?, &load_stage(&model)?)
}

/// The hash over these records, times left out, and these parameters.
pub(crate) fn of(records: &[Record], model: &State) -> Result<String> {
    let mut hasher = Sha256::new();
    for record in records {
        let line = serde_json::to_vec(&record.clone().without_times())
            .map_err(|e| Error::data(format!("a record cannot be written: {e}")))?;
        hasher.update(&line);
        hasher.update(b"\n");
    }
    hasher.update(tensors::to_bytes(model.iter().map(|(name, tensor)| (name.clone(), tensor)))?);
    Ok(hash::hex(&hasher.finalize()))
}
