//! The loop over stages and epochs, from nothing or from a checkpoint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use scant_abi::{Context, Error, ErrorKind, Findings, PastMetric, Result};

use super::checkpoint::{Best, Checkpoint, Checkpoints, Cursor};
use super::components::Workshop;
use super::data::Data;
use super::digest;
use super::epoch::{EpochEnd, place};
use super::evaluate::{Judgement, judge};
use super::memory;
use super::records::{EvaluationRecord, MetricRecord, Record};
use super::select::{RunResult, has_oracle, select, yardstick};
use super::settings::{EvaluateSettings, Selection, evaluator_labels};
use super::stage::Stage;
use super::watch::{Event, Watcher};
use super::writer::Writer;

/// How a run is carried out; none of it changes what comes out.
#[derive(Clone, Debug)]
pub struct Options {
    /// The threads that make batches.
    pub threads: usize,
    /// The batches kept ready ahead of the step; 0 makes each when it is needed.
    pub prefetch: usize,
    /// Set from outside to stop after the present step.
    pub stop: Arc<AtomicBool>,
    /// Where data are looked for first, before the folders that the run itself names.
    pub folders: Vec<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { threads, prefetch: 4 * threads, stop: Arc::default(), folders: Vec::new() }
    }
}

/// How a call of `run` or `resume` ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The run has come to its end.
    Finished(RunResult),
    /// The run was asked to stop, and can be resumed.
    Interrupted,
}

/// Where in a stage a checkpoint is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// Before or after an epoch.
    Between,
    /// Within one.
    Within,
}

/// A run at work.
pub(crate) struct Driver<'a> {
    pub(crate) workshop: &'a Workshop<'a>,
    pub(crate) data: &'a Data,
    pub(crate) path: PathBuf,
    pub(crate) writer: Writer,
    pub(crate) options: &'a Options,
    pub(crate) watcher: &'a mut dyn Watcher,
    pub(crate) records: Vec<Record>,
    pub(crate) history: Vec<PastMetric>,
    pub(crate) train_seconds: f64,
    /// Up to when the cursor has counted the time.
    pub(crate) counted: Instant,
    /// What evaluators at the ends of stages failed with.
    pub(crate) unjudged: Vec<String>,
    /// The rule by which numbers stand for the run; the last epoch where the rule that was asked for finds none.
    pub(crate) selection: Selection,
    /// The last checkpoint of this process, so that none is written twice.
    pub(crate) saved: Option<String>,
}

impl Driver<'_> {
    /// Goes through the stages, from `checkpoint` on where there is one.
    pub(crate) fn drive(&mut self, checkpoint: Option<Checkpoint>) -> Result<Outcome> {
        let stages = self.workshop.settings.stage.len();
        let cursor = checkpoint.as_ref().map(|checkpoint| checkpoint.cursor.clone()).unwrap_or_default();
        self.records = self.writer.rewind(cursor.metrics_bytes, cursor.events_bytes)?;
        self.history = self.records.iter().flat_map(Record::past).collect();
        self.train_seconds = self.records.iter().map(Record::train_seconds).sum();
        self.saved = checkpoint.is_some().then(|| Checkpoints::name(&cursor));
        let mut cursor = cursor;
        let mut checkpoint = checkpoint;
        loop {
            let mut stage = Stage::new(self.workshop, self.data, cursor.stage)?;
            match checkpoint.take() {
                Some(checkpoint) => stage.restore(&checkpoint)?,
                None => {
                    stage.take_over(&self.path, self.workshop)?;
                    let key = stage.key.named("begin");
                    let clock = stage.clock(0, 0);
                    stage
                        .train(clock, key, |trainer, context| trainer.begin_stage(context))
                        .context(|| format!("stage '{}' cannot begin", stage.settings.name()))?;
                    self.checkpoint(&stage, &mut cursor, Position::Between)?;
                }
            }
            self.watcher.tell(&Event::Stage {
                index: stage.index,
                of: stages,
                name: stage.settings.name(),
                epochs: stage.settings.epochs,
                steps: stage.steps,
                done: cursor.epoch,
            });
            if stage.settings.epochs > 0 && stage.is_frozen_whole() {
                let text = format!(
                    "stage '{}' freezes every part of the model: what the trainer and the losses own is all that can learn",
                    stage.settings.name()
                );
                self.watcher.tell(&Event::Warning(&text));
            }
            if let EpochEnd::Interrupted = self.epochs(&mut stage, &mut cursor)? {
                self.checkpoint(&stage, &mut cursor, Position::Within)?;
                self.watcher.tell(&Event::Interrupted { folder: &self.path });
                return Ok(Outcome::Interrupted);
            }
            self.end_stage(&mut stage, &cursor)?;
            self.watcher.tell(&Event::StageEnd);
            if cursor.stage + 1 == stages {
                return self.finish(&mut stage);
            }
            cursor = Cursor { stage: cursor.stage + 1, ..Cursor::default() };
        }
    }

    fn epochs(&mut self, stage: &mut Stage<'_>, cursor: &mut Cursor) -> Result<EpochEnd> {
        // A stop that was asked for within an epoch takes effect at its end.
        while cursor.epoch < stage.settings.epochs && (cursor.stopped.is_none() || cursor.step > 0) {
            if let EpochEnd::Interrupted = self.epoch(stage, cursor)? {
                return Ok(EpochEnd::Interrupted);
            }
            let improved = self.evaluate_epoch(stage, cursor)?;
            if let Some(reason) = &cursor.stopped {
                let (stage, epoch) = (cursor.stage, cursor.epoch - 1);
                let text = format!("the stage ends after epoch {}: {reason}", cursor.epoch);
                self.watcher.tell(&Event::Note(&text));
                self.record(Record::Stop { stage, epoch, reason: reason.clone() })?;
            }
            let every = self.workshop.settings.checkpoint.epochs.max(1);
            let last = cursor.epoch == stage.settings.epochs || cursor.stopped.is_some();
            if improved || last || cursor.epoch.is_multiple_of(every) {
                self.checkpoint(stage, cursor, Position::Between)?;
            }
        }
        Ok(EpochEnd::Done)
    }

    /// Runs the evaluators that are due after this epoch; says whether it is the best so far by the validation split.
    fn evaluate_epoch(&mut self, stage: &mut Stage<'_>, cursor: &mut Cursor) -> Result<bool> {
        let due =
            |block: &EvaluateSettings| block.every.is_some_and(|n| cursor.epoch.is_multiple_of(n.max(1)));
        let epoch = cursor.epoch - 1;
        let over = cursor.epoch == stage.settings.epochs || cursor.stopped.is_some();
        let mut found: Vec<(EvaluationRecord, Findings)> = Vec::new();
        // At the end of the stage all are asked again: what fails now and then takes no training with it.
        let judged = self.judge(stage, due)?.into_iter().filter(|one| !over || one.findings.is_ok());
        for judgement in judged {
            let findings = judgement.findings.as_ref().map_err(Clone::clone)?;
            let record = record_of(&judgement, findings, stage.index, epoch, false);
            found.push((record, judgement.findings?));
        }
        let value = yardstick(found.iter().map(|(record, _)| record), "validation");
        for (record, findings) in found {
            self.watcher.tell(&Event::Evaluation(&record));
            let evaluator = record.evaluator.clone();
            self.record(Record::Evaluation(record))?;
            self.writer.pictures(stage.index, &evaluator, &findings)?;
        }
        match value {
            Some(value) if cursor.best.as_ref().is_none_or(|best| value > best.value) => {
                let checkpoint = Checkpoints::name(cursor);
                cursor.best = Some(Best { epoch, value, checkpoint });
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Judges and keeps the model with which the stage ended: the last one, or the best where that is the rule.
    fn end_stage(&mut self, stage: &mut Stage<'_>, cursor: &Cursor) -> Result<()> {
        let mut epoch = cursor.epoch.saturating_sub(1);
        if stage.index + 1 == self.workshop.settings.stage.len() {
            match (self.workshop.settings.select, &cursor.best) {
                (Selection::BestOnValidation, Some(best)) => {
                    let checkpoint = self.writer.checkpoints.load(&best.checkpoint);
                    stage.restore(&checkpoint.context(|| "the best checkpoint is lost".to_owned())?)?;
                    epoch = best.epoch;
                }
                (Selection::BestOnValidation, None) => self.select_the_last("validation"),
                (Selection::Oracle, _) if !has_oracle(&self.records) => self.select_the_last("test"),
                _ => {}
            }
        }
        let found = self.judge(stage, |_| true)?;
        for judgement in found {
            // The training is done and good: what could not be judged can be judged later.
            let findings = match &judgement.findings {
                Ok(findings) => findings,
                Err(error) => {
                    let note = format!("{error}; the model is kept, and `scant evaluate` can judge it again");
                    self.watcher.tell(&Event::Warning(&note));
                    self.unjudged.push(error.to_string());
                    continue;
                }
            };
            let record = record_of(&judgement, findings, stage.index, epoch, true);
            self.watcher.tell(&Event::Evaluation(&record));
            self.record(Record::Evaluation(record))?;
            let splits: BTreeMap<&str, Vec<i64>> = super::evaluate::splits(self.data)
                .into_iter()
                .map(|(name, part, places, _)| {
                    (name, places.iter().map(|place| self.data.labels(part)[*place]).collect())
                })
                .collect();
            let labels = |split: &str| splits.get(split).cloned().unwrap_or_default();
            self.writer.findings(stage.index, &judgement.evaluator, judgement.findings?, labels)?;
        }
        self.writer.stage(stage.settings.name(), &stage.kept_state()?)
    }

    /// The training is done and good: where no epoch can be called the best, it is not lost for that.
    fn select_the_last(&mut self, split: &str) {
        let text = format!(
            "select: no evaluator gave a number on the split '{split}' that can be better or worse, so that no epoch is \
             the best: the last one stands"
        );
        self.watcher.tell(&Event::Warning(&text));
        self.selection = Selection::Last;
    }

    fn finish(&mut self, stage: &mut Stage<'_>) -> Result<Outcome> {
        let settings = self.workshop.settings;
        let result = RunResult {
            label: settings.label().to_owned(),
            selection: self.selection,
            seeds: settings.seeds(),
            metrics: select(self.selection, &self.records),
            parameters: stage.model.layout().iter().map(|parameter| parameter.range().len()).sum(),
            train_seconds: self.train_seconds,
            peak_bytes: memory::peak_bytes(),
            digest: digest::of(&self.records, &stage.kept_state()?)?,
            unjudged: std::mem::take(&mut self.unjudged),
        };
        self.writer.finish(&result)?;
        Ok(Outcome::Finished(result))
    }

    /// What the evaluators of this stage found, those that are `due`.
    fn judge(
        &self,
        stage: &mut Stage<'_>,
        due: impl Fn(&EvaluateSettings) -> bool,
    ) -> Result<Vec<Judgement>> {
        let settings = self.workshop.settings;
        let last = settings.stage.last().map(|stage| stage.name());
        let here = |(_, block): &(String, &EvaluateSettings)| {
            block.stage.as_deref().or(last) == Some(stage.settings.name()) && due(block)
        };
        let labels = evaluator_labels(&settings.evaluate).into_iter();
        let blocks: Vec<_> = labels.zip(&settings.evaluate).filter(here).collect();
        judge(self.workshop, self.data, stage, &blocks, &self.history)
    }

    pub(crate) fn record(&mut self, record: Record) -> Result<()> {
        self.writer.record(&record)?;
        self.history.extend(record.past());
        self.records.push(record);
        Ok(())
    }

    pub(crate) fn checkpoint(
        &mut self,
        stage: &Stage<'_>,
        cursor: &mut Cursor,
        position: Position,
    ) -> Result<()> {
        let name = Checkpoints::name(cursor);
        // A stop right after a checkpoint: the one that is there leads to the same end.
        if position == Position::Within && self.saved.as_ref() == Some(&name) {
            return Ok(());
        }
        let mut checkpoint = stage.checkpoint(cursor)?;
        if let Some(tensor) = checkpoint.not_finite() {
            return Err(Error::new(
                ErrorKind::Numeric,
                format!(
                    "{}, after {} steps: '{tensor}' holds NaN or infinity; the checkpoint before is kept. A smaller \
                     learning rate may help, in a run of its own",
                    place(stage, cursor.epoch, None),
                    cursor.step
                ),
            ));
        }
        self.writer.checkpoint(&mut checkpoint)?;
        self.watcher.tell(&Event::Checkpoint { name: &name });
        self.saved = Some(name);
        Ok(())
    }
}

fn record_of(
    judgement: &Judgement,
    findings: &Findings,
    stage: usize,
    epoch: usize,
    end: bool,
) -> EvaluationRecord {
    EvaluationRecord {
        stage,
        epoch,
        end,
        evaluator: judgement.evaluator.clone(),
        metrics: findings.metrics.iter().map(MetricRecord::from).collect(),
        seconds: judgement.seconds,
    }
}

/// The folder of a run that is not told where to go.
pub fn default_folder(name: &str) -> PathBuf {
    Path::new("runs").join(name)
}
