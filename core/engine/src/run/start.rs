//! Beginning a run, and going on with one.

use std::path::{Path, PathBuf};
use std::time::Instant;

use scant_abi::{Error, Findings, Part, PastMetric, Result};

use super::checkpoint::{Checkpoint, Checkpoints};
use super::components::{Workshop, dataset, preparation};
use super::data::Data;
use super::drive::{Driver, Options, Outcome};
use super::ended::{judge_ended, refuse_unfinished};
use super::evaluate::{splits, unseen};
use super::files;
use super::folder::{CHECKPOINTS, RunFolder, RunInfo, Status};
use super::memory;
use super::records::Record;
use super::settings::{EvaluateSettings, Settings, evaluator_labels};
use super::splits::Splits;
use super::stage::Stage;
use super::watch::{Event, Watcher};
use super::writer::Writer;
use crate::Registry;

/// Runs `settings` from the beginning, in the new folder `out`.
///
/// Files that the configuration names are looked for in `folders`.
pub fn run(
    registry: &Registry,
    settings: &Settings,
    folders: &[PathBuf],
    out: &Path,
    options: &Options,
    watcher: &mut dyn Watcher,
) -> Result<Outcome> {
    let folders = &first_in(&options.folders, folders);
    let mut data = open_data(registry, settings, folders)?;
    refuse_unseen(settings, &data)?;
    data.measure()?;
    // What was measured belongs to the resolved configuration, so that it is the same on resume.
    let mut settings = settings.clone();
    settings.data.prepare = data.preparation.written();
    let settings = &settings;
    let workshop = workshop(registry, settings, folders, &data)?;
    // Everything that can be wrong with a stage is found before the folder is made.
    for index in 0..settings.stage.len() {
        Stage::new(&workshop, &data, index)?;
    }
    Writer::create(out, settings, info(&workshop, &data)?, &data.splits)?;
    drive(&workshop, &data, out, options, watcher)
}

/// Goes on with the run in `path` from its last checkpoint that is whole.
pub fn resume(
    registry: &Registry,
    path: &Path,
    options: &Options,
    watcher: &mut dyn Watcher,
) -> Result<Outcome> {
    let folder = RunFolder::open(path)?;
    if let Status::Finished(result) = folder.status()? {
        watcher.tell(&Event::Note(&format!("{} has already finished", path.display())));
        return Ok(Outcome::Finished(result));
    }
    let (settings, folders) = (folder.settings(), &first_in(&options.folders, &folder.info().folders));
    let data = open_data(registry, settings, folders)?;
    refuse_others(&folder, &data)?;
    let workshop = workshop(registry, settings, folders, &data)?;
    // Every record is written after a checkpoint: with records and without checkpoints, somebody removed these.
    let begun = !folder.records()?.is_empty();
    if Checkpoints::new(path.join(CHECKPOINTS), 1).names()?.is_empty() {
        if begun {
            return Err(Error::data(format!(
                "the checkpoints in {} are gone: a run that has begun cannot go on without them",
                path.join(CHECKPOINTS).display()
            )));
        }
        watcher.tell(&Event::Note("the run had stopped before its first checkpoint: it begins"));
    }
    drive(&workshop, &data, path, options, watcher)
}

/// Shows the model of a finished run to its evaluators again, or to `others` where there are any.
///
/// Nothing in the run's folder changes. Data are looked for in `folders` first. An evaluator that fails takes nothing
/// from the others.
pub fn evaluate(
    registry: &Registry,
    path: &Path,
    others: Vec<EvaluateSettings>,
    folders: &[PathBuf],
) -> Result<Vec<(String, Result<Findings>)>> {
    let folder = RunFolder::open(path)?;
    refuse_unfinished(&folder)?;
    let mut settings = folder.settings().clone();
    let asked_for = !others.is_empty();
    if asked_for {
        settings.evaluate = others;
    }
    let folders = &first_in(folders, &folder.info().folders);
    let data = open_data(registry, &settings, folders)?;
    refuse_others(&folder, &data)?;
    let workshop = workshop(registry, &settings, folders, &data)?;
    let last = settings.stage.len().saturating_sub(1);
    let mut stage = Stage::new(&workshop, &data, last)?;
    let history: Vec<PastMetric> = folder.records()?.iter().flat_map(Record::past).collect();
    let name = stage.settings.name();
    // The run's own evaluators of earlier stages have nothing to see; one that was asked for now has been misled.
    if let Some(block) = settings.evaluate.iter().find(|block| asked_for && !is_here(block, name)) {
        return Err(Error::config(format!(
            "{}: only the model of the last stage, '{name}', can be judged again, not that of '{}'",
            block.name,
            block.stage.as_deref().unwrap_or_default()
        )));
    }
    let here = |(_, block): &(String, &EvaluateSettings)| is_here(block, name);
    let labels = evaluator_labels(&settings.evaluate).into_iter();
    let blocks: Vec<_> = labels.zip(&settings.evaluate).filter(here).collect();
    let judged = judge_ended(&folder, &workshop, &data, &mut stage, &blocks, &history)?;
    Ok(judged.into_iter().map(|judgement| (judgement.evaluator, judgement.findings)).collect())
}

fn is_here(block: &EvaluateSettings, stage: &str) -> bool {
    block.stage.as_deref().is_none_or(|name| name == stage)
}

/// `first`, and after these the rest of `folders`.
fn first_in(first: &[PathBuf], folders: &[PathBuf]) -> Vec<PathBuf> {
    let rest = folders.iter().filter(|folder| !first.contains(folder));
    first.iter().chain(rest).cloned().collect()
}

/// Refuses to go on with data other than the run began with.
fn refuse_others(folder: &RunFolder, data: &Data) -> Result<()> {
    data.splits.same_as(&folder.splits()?)?;
    match &folder.info().images_sha256 {
        Some(recorded) if *recorded != data.images_hash()? => Err(Error::data(
            "the data is not what the run began with (images differ): restore it, or start a new run",
        )),
        _ => Ok(()),
    }
}

/// Refuses evaluators that could only fail once everything has been trained.
fn refuse_unseen(settings: &Settings, data: &Data) -> Result<()> {
    let there: Vec<&str> = splits(data).iter().map(|(name, ..)| *name).collect();
    match unseen(&settings.evaluate, &there).into_iter().next() {
        Some((path, message)) => Err(Error::config(format!("{path}: {message}"))),
        None => Ok(()),
    }
}

fn drive(
    workshop: &Workshop<'_>,
    data: &Data,
    path: &Path,
    options: &Options,
    watcher: &mut dyn Watcher,
) -> Result<Outcome> {
    memory::forget_peak();
    let writer = Writer::open(path, workshop.settings.checkpoint.keep)?;
    let mut driver = Driver {
        workshop,
        data,
        path: path.to_owned(),
        writer,
        options,
        watcher,
        records: Vec::new(),
        history: Vec::new(),
        train_seconds: 0.0,
        counted: Instant::now(),
        unjudged: Vec::new(),
        selection: workshop.settings.select,
        saved: None,
    };
    let checkpoint = driver.latest()?;
    let outcome = driver.drive(checkpoint);
    if let Err(error) = &outcome
        && let Err(unwritten) = driver.writer.fail(error)
    {
        log::warn!("the failure could not be written down: {unwritten}");
    }
    outcome
}

pub(crate) fn open_data(registry: &Registry, settings: &Settings, folders: &[PathBuf]) -> Result<Data> {
    let preparation = preparation(&settings.data.prepare)?;
    let mut dataset = dataset(registry, settings, folders)?;
    dataset.open()?;
    let info = dataset.info()?;
    let dims = preparation.dims(info.image)?;
    let labels = [dataset.labels(Part::Train)?, dataset.labels(Part::Test)?];
    let index_file = |name: &str| {
        let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        let path = found.ok_or_else(|| Error::data(format!("data.labels: there is no file '{name}'")))?;
        Ok(String::from_utf8_lossy(&files::read(&path)?).into_owned())
    };
    let splits = Splits::draw(&settings.data, &labels[0], &labels[1], settings.seeds().split, index_file)?;
    Ok(Data { dataset, info, preparation, dims, splits, labels })
}

pub(crate) fn workshop<'a>(
    registry: &'a Registry,
    settings: &'a Settings,
    folders: &[PathBuf],
    data: &Data,
) -> Result<Workshop<'a>> {
    Ok(Workshop {
        registry,
        settings,
        folders: folders.to_vec(),
        image: data.dims,
        raw_image: data.preparation.dims_before(data.info.image)?,
        classes: data.info.classes.len(),
        labelled: data.splits.labelled.len(),
        unlabelled: data.splits.unlabelled.len(),
    })
}

fn info(workshop: &Workshop<'_>, data: &Data) -> Result<RunInfo> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let components = workshop
        .registry
        .iter()
        .map(|component| (component.description().name.clone(), component.origin.to_string()))
        .collect();
    Ok(RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config_sha256: String::new(),
        seeds: workshop.settings.seeds(),
        classes: data.info.classes.clone(),
        image: data.dims,
        folders: workshop.folders.iter().map(|f| std::path::absolute(f).unwrap_or(f.clone())).collect(),
        machine: format!("{}, {}, {threads} threads", std::env::consts::OS, std::env::consts::ARCH),
        components,
        images_sha256: Some(data.images_hash()?),
    })
}

impl Driver<'_> {
    /// The latest checkpoint that is whole; says what had to be passed over.
    fn latest(&mut self) -> Result<Option<Checkpoint>> {
        let watcher = &mut self.watcher;
        let mut skipped = 0;
        let latest = self.writer.checkpoints.latest(|error| {
            skipped += 1;
            watcher.tell(&Event::Warning(&format!("a checkpoint is passed over: {error}")));
        })?;
        if let Some(checkpoint) = &latest
            && skipped > 0
        {
            self.writer.checkpoints.forget_after(&checkpoint.cursor)?;
        }
        Ok(latest)
    }
}
