//! Trainers: what happens in one step. The engine drives; a trainer only says what it wants and does its step.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Clock, Error, Key, Loss, Model, Pass, Result, State, Tensor};

/// Which samples of the training split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Those whose labels may be seen.
    Labelled,
    /// Those whose labels may not be seen.
    Unlabelled,
    /// All; labels are shown where they may be seen.
    All,
}

/// One way in which each image of a stream is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewRequest {
    /// `clean` is the image as prepared; any other name stands for an augmentation drawn anew each time.
    pub name: String,
    /// The augmentation used where the configuration gives none for this name, as it would stand there.
    pub default: Option<Value>,
}

impl ViewRequest {
    /// The image as prepared.
    pub fn clean() -> Self {
        Self { name: CLEAN.to_owned(), default: None }
    }

    /// The view that a stage's `augment` describes; as prepared where it has none.
    pub fn augmented() -> Self {
        Self { name: AUGMENTED.to_owned(), default: Some(Value::Array(Vec::new())) }
    }

    /// The view `name`, by `default` augmented with this component.
    pub fn by_default(name: &str, default: &str) -> Self {
        Self { name: name.to_owned(), default: Some(Value::String(default.to_owned())) }
    }
}

/// The name of the view without augmentation.
pub const CLEAN: &str = "clean";

/// The name of the view that a stage's `augment` describes.
pub const AUGMENTED: &str = "augmented";

/// A stream of batches that a trainer wants in every step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamRequest {
    /// Which samples.
    pub source: Source,
    /// How many in each batch.
    pub batch: usize,
    /// In which ways.
    pub views: Vec<ViewRequest>,
    /// Leave out a last batch that is not full (batch statistics of a few samples are worthless).
    pub full_batches: bool,
}

/// Samples of one stream.
#[derive(Debug)]
pub struct Batch {
    /// Their places in the training set.
    pub indices: Vec<u64>,
    /// Their labels; -1 where a label may not be seen.
    pub labels: Vec<i64>,
    /// Their images, (samples, channels, rows, columns), once for each view.
    pub views: Vec<(String, Tensor)>,
}

impl Batch {
    /// The images of the view called `name`.
    pub fn view(&self, name: &str) -> Result<&Tensor> {
        self.views
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, images)| images)
            .ok_or_else(|| Error::config(format!("the trainer did not ask for the view '{name}'")))
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// A look at the training set outside the streams: to renew pseudo-labels, targets, centroids.
pub trait TrainingSet {
    /// The number of samples.
    fn len(&self, source: Source) -> usize;

    /// The samples from the `first` on, at most `count`, in the set's own order, in one view.
    ///
    /// Views other than `clean` are drawn with the key of the present epoch.
    fn read(&mut self, source: Source, view: &str, first: usize, count: usize) -> Result<Batch>;
}

/// A loss of the stage with its weight at this step.
///
/// Borrowed, not owned: the engine keeps the losses, which may live in other libraries than the trainer.
pub struct WeightedLoss<'a> {
    /// The name under which its value is reported.
    pub name: String,
    /// How much it counts; the engine follows its schedule.
    pub weight: f32,
    /// The loss.
    pub loss: &'a mut dyn Loss,
}

/// What a trainer works with.
pub struct TrainContext<'a> {
    /// The model being trained.
    pub model: &'a mut dyn Model,
    /// The losses that the stage lists.
    pub losses: &'a mut [WeightedLoss<'a>],
    /// The training set.
    pub data: &'a mut dyn TrainingSet,
    /// How far training is.
    pub clock: Clock,
    /// The randomness of this step or epoch.
    pub key: Key,
}

/// How the engine is to draw the coming epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochPlan {
    /// A group for each sample of the first stream's source, in the set's order: batches are then drawn evenly
    /// over the groups (balanced pseudo-classes), and never from [`EpochPlan::LEFT_OUT`]. Empty: every sample once.
    pub groups: Vec<u32>,
}

impl EpochPlan {
    /// The group of samples that the epoch does without.
    pub const LEFT_OUT: u32 = u32::MAX;
}

/// What a step or an epoch gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Numbers by name; `loss` is the one that was made small.
    pub metrics: Vec<(String, f64)>,
    /// Why training should end here, if it should (DEC's tolerance).
    pub stop: Option<String>,
}

/// What is done with the batches of a step.
pub trait Trainer {
    /// The streams wanted in every step; the first one's samples make an epoch.
    fn streams(&self) -> Vec<StreamRequest>;

    /// Called once, before the first epoch, never again on resume: the place for a teacher or first centroids.
    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Called before each epoch: the place for new pseudo-labels.
    fn begin_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<EpochPlan> {
        let _ = context;
        Ok(EpochPlan::default())
    }

    /// One step: one batch of each stream, in the order in which they were asked for.
    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report>;

    /// Called after each epoch.
    fn end_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<Report> {
        let _ = context;
        Ok(Report::default())
    }

    /// Puts into `model` what is to be judged and kept (averaged weights), until `leave_evaluation`.
    fn enter_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        let _ = model;
        Ok(())
    }

    /// Puts back what is trained.
    fn leave_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        let _ = model;
        Ok(())
    }

    /// Outputs that the trainer adds to the model's for evaluation (`assignment`), one row for each of the pass.
    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        let _ = pass;
        Ok(Vec::new())
    }

    /// Everything that must be kept: the optimiser's moments, averaged weights, pseudo-labels.
    fn state(&self) -> Result<State>;

    /// Goes on where `state` was taken.
    fn load_state(&mut self, state: &State) -> Result<()>;
}
