//! A stage at work: its model, losses and trainer, and the samples they see.

use std::path::Path;
use std::sync::Arc;

use scant_abi::{
    Clock, Context, Error, Key, Loss, Model, OutputInfo, Result, State, StreamRequest, TrainContext, Trainer,
    WeightedLoss,
};

use super::checkpoint::{Checkpoint, Cursor, load_stage};
use super::components::{StageLoss, Workshop};
use super::data::{Data, Look, Samples};
use super::folder::RunFolder;
use super::order;
use super::settings::{StageSettings, Take};
use super::writer::stage_path;
use crate::schema::Problem;

/// A stage at work.
pub(crate) struct Stage<'a> {
    pub(crate) index: usize,
    pub(crate) settings: &'a StageSettings,
    pub(crate) model: Box<dyn Model>,
    pub(crate) outputs: Vec<OutputInfo>,
    pub(crate) losses: Vec<StageLoss>,
    pub(crate) trainer: Box<dyn Trainer>,
    pub(crate) streams: Vec<StreamRequest>,
    pub(crate) samples: Arc<Samples<'a>>,
    pub(crate) steps: usize,
    /// The root of what is random within steps.
    pub(crate) key: Key,
    /// The root of the order of samples.
    pub(crate) order_key: Key,
}

impl<'a> Stage<'a> {
    /// Whether no parameter of the model may change.
    pub(crate) fn is_frozen_whole(&self) -> bool {
        let layout = self.model.layout();
        let is_frozen = |part: &str| self.settings.freeze.iter().any(|frozen| frozen == part);
        !layout.is_empty() && layout.iter().all(|parameter| is_frozen(parameter.part()))
    }

    /// Stage `index`, its components as they begin their lives.
    pub(crate) fn new(workshop: &Workshop<'a>, data: &'a Data, index: usize) -> Result<Self> {
        let settings = &workshop.settings.stage[index];
        let seeds = workshop.settings.seeds();
        let mut model = workshop.model(index)?;
        let outputs = model.outputs();
        let losses = workshop.losses(index, &outputs).into_iter().collect::<Result<_>>()?;
        let trainer = workshop.trainer(index, Some(&*model))?;
        let streams = trainer.streams();
        let first = streams
            .first()
            .ok_or_else(|| Error::config(format!("stage[{index}].trainer asks for no samples at all")))?;
        let (views, problems) = workshop.views(index, &streams);
        if !problems.is_empty() {
            return Err(joined(&problems));
        }
        let samples = Arc::new(Samples::new(data, views, augmentation_key(workshop, index)));
        if let Some(empty) = streams.iter().find(|stream| samples.count(stream.source) == 0) {
            return Err(Error::config(format!(
                "stage[{index}]: the trainer '{}' wants {} samples, and `data.labels` leaves none",
                settings.trainer.name(),
                source_name(empty.source)
            )));
        }
        let steps = order::steps(first, samples.count(first.source), settings.steps_per_epoch);
        model.freeze(&settings.freeze).context(|| format!("stage[{index}].freeze"))?;
        Ok(Self {
            index,
            settings,
            model,
            outputs,
            losses,
            trainer,
            streams,
            samples,
            steps,
            key: Key::new(seeds.order).named("step").fold(index as u64),
            order_key: Key::new(seeds.order).named("order").fold(index as u64),
        })
    }

    /// The place of a step.
    pub(crate) fn clock(&self, epoch: usize, step: usize) -> Clock {
        Clock { stage: self.index, epoch, epochs: self.settings.epochs, step, steps: self.steps }
    }

    /// Calls the trainer with everything that belongs to this time.
    pub(crate) fn train<T>(
        &mut self,
        clock: Clock,
        key: Key,
        call: impl FnOnce(&mut dyn Trainer, &mut TrainContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let losses = self.losses.iter_mut();
        let mut losses: Vec<WeightedLoss<'_>> = losses
            .map(|loss| {
                let weight = loss.weight.at(&clock) as f32;
                loss.loss.weigh(weight);
                WeightedLoss { name: loss.name.clone(), weight, loss: &mut loss.loss }
            })
            .collect();
        let mut look = Look { samples: &self.samples, epoch: clock.epoch };
        let mut context =
            TrainContext { model: self.model.as_mut(), losses: &mut losses, data: &mut look, clock, key };
        call(self.trainer.as_mut(), &mut context)
    }

    /// Everything that changes, at `cursor`.
    pub(crate) fn checkpoint(&self, cursor: &Cursor) -> Result<Checkpoint> {
        Ok(Checkpoint {
            cursor: cursor.clone(),
            model: self.model.state()?,
            trainer: self.trainer.state()?,
            losses: self.losses.iter().map(|loss| loss.loss.state()).collect::<Result<_>>()?,
        })
    }

    /// Goes on where `checkpoint` was taken.
    pub(crate) fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.model.load_state(&checkpoint.model).context(|| "cannot restore the model".to_owned())?;
        self.trainer.load_state(&checkpoint.trainer).context(|| "cannot restore the trainer".to_owned())?;
        let nothing = State::new();
        for (number, loss) in self.losses.iter_mut().enumerate() {
            let state = checkpoint.losses.get(number).unwrap_or(&nothing);
            loss.loss.load_state(state).context(|| format!("cannot restore the loss '{}'", loss.name))?;
        }
        Ok(())
    }

    /// The state that is to be judged and kept: what the trainer puts in for evaluation.
    pub(crate) fn kept_state(&mut self) -> Result<State> {
        self.trainer.enter_evaluation(self.model.as_mut())?;
        let state = self.model.state();
        self.trainer.leave_evaluation(self.model.as_mut())?;
        state
    }

    /// Gives the model its first parameters: those that `take` names, or the stage before's where it goes on with the same model.
    pub(crate) fn take_over(&mut self, run: &Path, workshop: &Workshop<'_>) -> Result<()> {
        let stages = &workshop.settings.stage;
        let new_model = self.index == 0 || self.settings.model.is_some();
        let taken = match &self.settings.take {
            _ if !new_model && self.settings.take.is_none() => {
                load_stage(&stage_path(run, stages[self.index - 1].name()))?
            }
            None => return Ok(()),
            Some(take) => {
                let mut taken = State::new();
                if !new_model {
                    taken = load_stage(&stage_path(run, stages[self.index - 1].name()))?;
                }
                for (part, from) in sources(take) {
                    let source = find_source(from, self.index, workshop)?;
                    let path = match source {
                        Source::Stage(name) => stage_path(run, name),
                        Source::Run(path) => path,
                    };
                    let mut state = load_stage(&path)?;
                    state.retain(|name, _| part.is_none_or(|part| part_of(name) == part));
                    if state.is_empty() {
                        return Err(Error::config(format!(
                            "stage[{}].take: there is no part '{}' in {from}",
                            self.index,
                            part.unwrap_or_default()
                        )));
                    }
                    taken.extend(state);
                }
                taken
            }
        };
        self.model.load_state(&taken).context(|| format!("stage[{}].take", self.index))
    }
}

/// The root of the augmentations of stage `index`.
pub(crate) fn augmentation_key(workshop: &Workshop<'_>, index: usize) -> Key {
    Key::new(workshop.settings.seeds().augmentation).named("augmentation").fold(index as u64)
}

/// The part of a model to which the tensor `name` belongs.
pub(crate) fn part_of(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// The parts that are taken, all of them where none is named, and from where.
pub(crate) fn sources(take: &Take) -> Vec<(Option<&str>, &str)> {
    match take {
        Take::All(from) => vec![(None, from.as_str())],
        Take::Parts(parts) => parts.iter().map(|(part, from)| (Some(part.as_str()), from.as_str())).collect(),
    }
}

/// Where parameters are taken from.
pub(crate) enum Source<'a> {
    /// An earlier stage of the same run.
    Stage(&'a str),
    /// A file in another run's folder.
    Run(std::path::PathBuf),
}

/// What `from` means in stage `index`: an earlier stage, or another run's last stage, or `folder#stage`.
pub(crate) fn find_source<'a>(from: &'a str, index: usize, workshop: &Workshop<'_>) -> Result<Source<'a>> {
    let stages = &workshop.settings.stage;
    if stages[..index].iter().any(|stage| stage.name() == from) {
        return Ok(Source::Stage(from));
    }
    let (folder, stage) = from.split_once('#').map_or((from, None), |(folder, stage)| (folder, Some(stage)));
    let places = std::iter::once(Path::new("").to_owned()).chain(workshop.folders.iter().cloned());
    let folder = places.map(|place| place.join(folder)).find(|folder| folder.is_dir()).ok_or_else(|| {
        let earlier: Vec<&str> = stages[..index].iter().map(StageSettings::name).collect();
        let earlier =
            if earlier.is_empty() { "of which there is none".to_owned() } else { earlier.join(", ") };
        Error::config(format!(
            "stage[{index}].take: '{from}' is neither an earlier stage ({earlier}) nor a run's folder"
        ))
    })?;
    let run = RunFolder::open(&folder)?;
    let last = run.settings().stage.last().map(StageSettings::name).unwrap_or_default();
    let path = stage_path(run.path(), stage.unwrap_or(last));
    match path.is_file() {
        true => Ok(Source::Run(path)),
        false => Err(Error::config(format!(
            "stage[{index}].take: the run in {} has not finished a stage '{}'",
            folder.display(),
            stage.unwrap_or(last)
        ))),
    }
}

/// A kind of samples in words.
pub(crate) fn source_name(source: scant_abi::Source) -> &'static str {
    match source {
        scant_abi::Source::Labelled => "labelled",
        scant_abi::Source::Unlabelled => "unlabelled",
        scant_abi::Source::All => "any",
    }
}

/// Several problems as one error.
pub(crate) fn joined(problems: &[Problem]) -> Error {
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Error::config(all.join("; "))
}
