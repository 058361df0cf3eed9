//! What a configuration says, as types: the keys that belong to the engine. A component's own keys are its affair.

use scant_abi::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use super::stage_settings::{EVALUATE_KEYS, LOSS_KEYS, evaluator_labels, loss_weight};
pub use super::stage_settings::{EvaluateSettings, StageSettings, Take, Use};

/// One run: stages over one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The run's name: its folder's, and the method's in tables where it has no `label`.
    pub name: String,
    /// What tables call the method; the name where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The seed of everything random that has none of its own under `seeds`.
    #[serde(default)]
    pub seed: u64,
    /// Seeds of their own for what is random.
    #[serde(default)]
    pub seeds: Seeds,
    /// Where tensors lie: `"cpu"` or `{ cuda = 0 }`.
    #[serde(default)]
    #[schemars(with = "DeviceText")]
    pub device: Device,
    /// Libraries, or folders of them, whose components are used beside those that are there anyway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<String>,
    /// The data.
    pub data: DataSettings,
    /// The model of the first stage, and of all that bring none of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Use>,
    /// The stages in order.
    pub stage: Vec<StageSettings>,
    /// The evaluators.
    #[serde(default)]
    pub evaluate: Vec<EvaluateSettings>,
    /// Which epoch's numbers stand for the run.
    #[serde(default)]
    pub select: Selection,
    /// When the run's state is kept.
    #[serde(default)]
    pub checkpoint: CheckpointSettings,
}

impl Settings {
    /// What tables call the method.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// The resolved seeds.
    pub fn seeds(&self) -> ResolvedSeeds {
        ResolvedSeeds {
            split: self.seeds.split.unwrap_or(self.seed),
            initial: self.seeds.initial.unwrap_or(self.seed),
            order: self.seeds.order.unwrap_or(self.seed),
            augmentation: self.seeds.augmentation.unwrap_or(self.seed),
        }
    }
}

/// How the contract's `Device` is written.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "stands for scant_abi::Device in the schema")]
enum DeviceText {
    /// The host's memory.
    Cpu,
    /// The CUDA device with this number.
    Cuda(u32),
}

/// Seeds of their own for what is random.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seeds {
    /// Which samples are labelled, and which are held out for validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<u64>,
    /// Initial parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<u64>,
    /// The order of samples, and what is random within a step (dropout, sampling).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
    /// Augmentations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<u64>,
}

/// The seed of each thing that is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedSeeds {
    /// Which samples are labelled.
    pub split: u64,
    /// Initial parameters.
    pub initial: u64,
    /// The order of samples.
    pub order: u64,
    /// Augmentations.
    pub augmentation: u64,
}

/// The data, and which part of it may be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// The data set.
    pub dataset: Use,
    /// The samples whose labels training may see.
    #[serde(default)]
    pub labels: Labels,
    /// What is held out of the training part to choose epochs by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Amount>,
    /// Use no more than this many training samples, evenly over the classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// What is done to every image once, before any augmentation: `"resize:32"`, `"rgb"`, ...
    #[serde(default)]
    pub prepare: Vec<String>,
}

/// The samples whose labels training may see.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// Every label.
    #[default]
    All,
    /// No label.
    None,
    /// So many of each class.
    PerClass(usize),
    /// So many in all, as evenly over the classes as can be.
    Count(usize),
    /// This fraction of each class.
    Fraction(f64),
    /// Those whose places in the training part stand in this file, one on each line.
    IndexFile(String),
}

/// A part of a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// So many of each class.
    PerClass(usize),
    /// So many in all, as evenly over the classes as can be.
    Count(usize),
    /// This fraction of each class.
    Fraction(f64),
}

/// Which epoch's numbers stand for the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// Those of the last epoch.
    #[default]
    Last,
    /// The median over the last 20 evaluated epochs of a number's stage.
    #[serde(rename = "median-of-last-20")]
    MedianOfLast20,
    /// Those of the epoch that was best on the validation split.
    BestOnValidation,
    /// Those of the epoch that was best on the test split: no honest result, and marked so everywhere.
    Oracle,
}

impl Selection {
    /// Its name in configurations and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::MedianOfLast20 => "median-of-last-20",
            Self::BestOnValidation => "best-on-validation",
            Self::Oracle => "oracle",
        }
    }
}

/// When the run's state is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointSettings {
    /// After every so many epochs; the end of a stage is always kept.
    pub epochs: usize,
    /// After every so many steps of an epoch too; never within an epoch where 0.
    pub steps: usize,
    /// How many of the latest are left on disk.
    pub keep: usize,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self { epochs: 1, steps: 0, keep: 2 }
    }
}
