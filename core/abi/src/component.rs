//! Components: what a plugin offers, under which name, with which configuration.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Augmentation, Dataset, Device, Error, Evaluator, Key, Loss, Model, OutputInfo, Result, Source, Trainer,
};

/// The kinds of component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Where images and labels come from.
    Dataset,
    /// Images in, other images of the same thing out.
    Augmentation,
    /// Named outputs forward, gradients backward.
    Model,
    /// A value, and its gradients with respect to outputs.
    Loss,
    /// What happens in one step.
    Trainer,
    /// Outputs and true labels in, numbers and pictures out.
    Evaluator,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Dataset, Self::Augmentation, Self::Model, Self::Loss, Self::Trainer, Self::Evaluator];

    /// Its name in configurations and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Augmentation => "augmentation",
            Self::Model => "model",
            Self::Loss => "loss",
            Self::Trainer => "trainer",
            Self::Evaluator => "evaluator",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The place in a run for which a component is made; what does not concern its kind is left at its default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Setup {
    /// The seed of initial values, and of data that is drawn.
    pub seed: u64,
    /// Where tensors are to lie.
    pub device: Device,
    /// The folders in which files named by a configuration are looked for, first match wins.
    pub folders: Vec<PathBuf>,
    /// Channels, rows and columns of the prepared images.
    pub image: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// The outputs of the stage's model.
    pub outputs: Vec<OutputInfo>,
    /// The parts of the stage's model; not known where empty.
    pub parts: Vec<String>,
    /// The losses of the stage, by their components' names.
    pub losses: Vec<String>,
    /// The stage's batch size.
    pub batch: usize,
    /// The stage's epochs.
    pub epochs: usize,
    /// The samples whose labels may be seen, and those whose may not.
    pub labelled: usize,
    /// The samples whose labels may not be seen.
    pub unlabelled: usize,
    /// The splits that an evaluator is shown; not known where empty.
    pub splits: Vec<String>,
}

impl Setup {
    /// The root of everything random in this component's initial state.
    pub fn key(&self) -> Key {
        Key::new(self.seed)
    }

    /// The extents of the output called `name`, or an error that lists the outputs there are.
    pub fn output(&self, name: &str) -> Result<&[usize]> {
        self.outputs.iter().find(|o| o.name == name).map(|o| o.dims.as_slice()).ok_or_else(|| {
            let known: Vec<&str> = self.outputs.iter().map(|o| o.name.as_str()).collect();
            Error::config(format!("the model has no output '{name}'; it has {}", known.join(", ")))
        })
    }

    /// Refuses a part that the stage's model does not have, as far as its parts are known.
    pub fn check_part(&self, name: &str) -> Result<()> {
        match self.parts.is_empty() || self.parts.iter().any(|part| part == name) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "the model has no part '{name}'; it has {}",
                self.parts.join(", ")
            ))),
        }
    }

    /// The number of samples of `source`.
    pub fn samples(&self, source: Source) -> usize {
        match source {
            Source::Labelled => self.labelled,
            Source::Unlabelled => self.unlabelled,
            Source::All => self.labelled + self.unlabelled,
        }
    }

    /// The file that a configuration calls `name`, looked for in [`Setup::folders`].
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
            let places: Vec<String> = self.folders.iter().map(|f| f.display().to_string()).collect();
            Error::data(format!("there is no file '{name}' in {}", places.join(", ")))
        })
    }
}

/// What every component is, whatever its kind: a name, a configuration, a constructor.
pub trait Component: Sized + 'static {
    /// The name in configurations: lower case, words joined by hyphens.
    const NAME: &'static str;
    /// One line for `scant list`.
    const SUMMARY: &'static str;
    /// The outputs it has (a model) or adds (a trainer, a loss), each with its meaning.
    const OUTPUTS: &'static [(&'static str, &'static str)] = &[];
    /// The configuration; its doc comments are the parameters' descriptions, its `Default` their defaults.
    type Config: DeserializeOwned + Serialize + Default + JsonSchema;

    /// The component for this place in a run; refuses numbers that make no sense.
    fn new(config: Self::Config, setup: &Setup) -> Result<Self>;
}

/// What is known of a component without making one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The name in configurations.
    pub name: String,
    /// The kind.
    pub kind: Kind,
    /// One line.
    pub summary: String,
    /// Outputs that it has or adds, each with its meaning.
    pub outputs: Vec<(String, String)>,
    /// The configuration's JSON Schema.
    pub schema: Value,
    /// The configuration with every default filled in.
    pub defaults: Value,
}

/// Makes components of one kind from a configuration.
pub type Make<T> = Arc<dyn Fn(Value, &Setup) -> Result<Box<T>> + Send + Sync>;

/// Makes a component of its kind.
#[derive(Clone)]
pub enum Maker {
    /// A data set.
    Dataset(Make<dyn Dataset>),
    /// An augmentation.
    Augmentation(Make<dyn Augmentation>),
    /// A model.
    Model(Make<dyn Model>),
    /// A loss.
    Loss(Make<dyn Loss>),
    /// A trainer.
    Trainer(Make<dyn Trainer>),
    /// An evaluator.
    Evaluator(Make<dyn Evaluator>),
}

/// A component as it stands in a plugin's list.
#[derive(Clone)]
pub struct Entry {
    /// What it is.
    pub description: Description,
    /// How it is made.
    pub maker: Maker,
}

fn describe<C: Component>(kind: Kind) -> Description {
    let defaults = serde_json::to_value(C::Config::default()).unwrap_or(Value::Null);
    Description {
        name: C::NAME.to_owned(),
        kind,
        summary: C::SUMMARY.to_owned(),
        outputs: C::OUTPUTS
            .iter()
            .map(|(name, meaning)| ((*name).to_owned(), (*meaning).to_owned()))
            .collect(),
        schema: schemars::schema_for!(C::Config).to_value(),
        defaults,
    }
}

fn build<C: Component>(config: Value, setup: &Setup) -> Result<C> {
    let config = if config.is_null() { Value::Object(Default::default()) } else { config };
    let config =
        serde_json::from_value(config).map_err(|error| Error::config(format!("{}: {error}", C::NAME)))?;
    C::new(config, setup).map_err(|error| error.context(format!("cannot make '{}'", C::NAME)))
}

macro_rules! entries {
    ($($function:ident $kind:ident $doc:literal),*) => {
        impl Entry {
            $(
                #[doc = $doc]
                pub fn $function<C: Component + $kind>() -> Self {
                    let make: Make<dyn $kind> =
                        Arc::new(|config, setup| Ok(Box::new(build::<C>(config, setup)?)));
                    Self { description: describe::<C>(Kind::$kind), maker: Maker::$kind(make) }
                }
            )*
        }
    };
}

entries!(
    dataset Dataset "The entry of a data set.",
    augmentation Augmentation "The entry of an augmentation.",
    model Model "The entry of a model.",
    loss Loss "The entry of a loss.",
    trainer Trainer "The entry of a trainer.",
    evaluator Evaluator "The entry of an evaluator."
);
