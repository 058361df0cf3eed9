//! What a configuration says of stages, and of the components that stand in it.

use std::collections::BTreeMap;

use scant_abi::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A component with its parameters: `"name"`, or `{ use = "name", ... }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Use {
    /// With its defaults.
    Name(String),
    /// With parameters.
    With(Map<String, Value>),
}

impl Use {
    /// The component's name; empty where a table has no `use`.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::With(table) => table.get("use").and_then(Value::as_str).unwrap_or_default(),
        }
    }

    /// Its own parameters: the table without `use` and without the `engine`'s keys.
    pub fn parameters(&self, engine: &[&str]) -> Map<String, Value> {
        match self {
            Self::Name(_) => Map::new(),
            Self::With(table) => table
                .iter()
                .filter(|(key, _)| *key != "use" && !engine.contains(&key.as_str()))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        }
    }

    /// The engine's key `key` in the table.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Name(_) => None,
            Self::With(table) => table.get(key),
        }
    }
}

/// A stage: one trainer, its losses and augmentations, over some epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageSettings {
    /// Its name; the trainer's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What happens in a step.
    pub trainer: Use,
    /// How many epochs.
    pub epochs: usize,
    /// The batch size.
    pub batch: usize,
    /// Steps of an epoch; as many as show each sample of the first stream once where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps_per_epoch: Option<usize>,
    /// The optimiser, handed to the trainer as its parameter `optimizer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Value>,
    /// The augmentation of the view `augmented`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<Value>,
    /// The augmentation of other views, by the view's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub views: BTreeMap<String, Value>,
    /// The losses; each may carry a `weight`, a number or a schedule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loss: Vec<Use>,
    /// A new model for this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Use>,
    /// Parts of the model that start from another stage's, or another run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take: Option<Take>,
    /// Parts of the model that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
}

impl StageSettings {
    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.trainer.name())
    }
}

/// Where the model's first parameters come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Take {
    /// All of them from one place: an earlier stage's name, a run's folder, or `folder#stage`.
    All(String),
    /// Part by part.
    Parts(BTreeMap<String, String>),
}

/// An evaluator with the engine's keys; all others are its own parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = true))]
pub struct EvaluateSettings {
    /// The evaluator.
    #[serde(rename = "use")]
    pub name: String,
    /// The name under which its numbers stand; the evaluator's, numbered from its second use on, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Evaluate after every so many epochs too; only at the end where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// The stage it belongs to; the last one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The splits it is shown; all where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<String>,
    /// Its own parameters.
    #[serde(flatten)]
    #[schemars(skip)]
    pub parameters: Map<String, Value>,
}

/// The keys of a loss's table that belong to the engine.
pub(crate) const LOSS_KEYS: [&str; 1] = ["weight"];

/// The keys of an evaluator's table that belong to the engine.
pub(crate) const EVALUATE_KEYS: [&str; 4] = ["label", "every", "stage", "splits"];

/// The names under which the numbers of these evaluators stand.
pub(crate) fn evaluator_labels(blocks: &[EvaluateSettings]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for block in blocks {
        let wanted = block.label.as_ref().unwrap_or(&block.name);
        let numbered = (1..).map(|n| if n == 1 { wanted.clone() } else { format!("{wanted}-{n}") });
        labels.extend(numbered.take(blocks.len() + 1).find(|label| !labels.contains(label)));
    }
    labels
}

/// The weight of a loss.
pub(crate) fn loss_weight(loss: &Use) -> Result<Schedule, serde_json::Error> {
    loss.get("weight").cloned().map_or(Ok(Schedule::Constant(1.0)), serde_json::from_value)
}
