//! The model with which a run ended, judged again.

use scant_abi::{Context, Error, PastMetric, Result};

use super::checkpoint::{Checkpoint, Checkpoints, load_stage};
use super::components::Workshop;
use super::data::Data;
use super::evaluate::{Judgement, judge, judge_model};
use super::folder::{CHECKPOINTS, RunFolder, Status};
use super::settings::{EvaluateSettings, Selection, Settings};
use super::stage::Stage;
use super::writer::stage_path;

/// Refuses a run that has not come to its end: the model it would show is not the one that it promises.
pub(crate) fn refuse_unfinished(folder: &RunFolder) -> Result<()> {
    let path = folder.path().display();
    match folder.status()? {
        Status::Finished(_) => Ok(()),
        Status::Failed(failure) => Err(Error::config(format!(
            "{path} has failed, so there is no model to judge ({}): `scant resume {path}` tries again from its last \
             checkpoint, other settings need a run of their own",
            failure.error
        ))),
        Status::Unfinished => Err(Error::config(format!(
            "{path} has not come to its end, so there is no model to judge yet: `scant resume {path}` first"
        ))),
    }
}

/// What the evaluators of `blocks` find in the model with which the finished run in `folder` ended.
pub(crate) fn judge_ended(
    folder: &RunFolder,
    workshop: &Workshop<'_>,
    data: &Data,
    stage: &mut Stage<'_>,
    blocks: &[(String, &EvaluateSettings)],
    history: &[PastMetric],
) -> Result<Vec<Judgement>> {
    let lost = match last_checkpoint(folder, stage) {
        Ok(checkpoint) => {
            stage.restore(&checkpoint)?;
            return judge(workshop, data, stage, blocks, history);
        }
        Err(lost) => lost,
    };
    // The stage's own file holds the model as evaluators saw it, and neither the trainer's state nor the losses'.
    let file = stage_path(folder.path(), stage.settings.name());
    let nothing_else = || format!("the state with which the run ended is lost ({lost})");
    stage.model.load_state(&load_stage(&file).context(nothing_else)?).context(nothing_else)?;
    let judged = judge_model(workshop, data, stage, blocks, history).context(nothing_else)?;
    log::warn!("{lost}: the model was read from {} instead", file.display());
    Ok(judged)
}

/// The state that the run ended with; never an earlier one.
fn last_checkpoint(folder: &RunFolder, stage: &Stage<'_>) -> Result<Checkpoint> {
    let settings: &Settings = folder.settings();
    let place = folder.path().join(CHECKPOINTS);
    let checkpoints = Checkpoints::new(place.clone(), settings.checkpoint.keep);
    let none = || Error::data(format!("{} does not hold the run's last checkpoint", place.display()));
    let last = checkpoints.load(checkpoints.names()?.last().ok_or_else(none)?)?;
    let cursor = &last.cursor;
    let ended = cursor.epoch >= stage.settings.epochs || cursor.stopped.is_some();
    if cursor.stage != stage.index || !ended {
        return Err(none());
    }
    match cursor.best.as_ref().filter(|_| settings.select == Selection::BestOnValidation) {
        Some(best) => checkpoints.load(&best.checkpoint),
        None => Ok(last),
    }
}
