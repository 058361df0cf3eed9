//! The toy components, which panic or err where their configuration says.

#[path = "../../../core/engine/tests/common/components.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the file is shared, and this wraps it")]
mod components;
#[path = "../../../core/engine/tests/common/model.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the file is shared, and this wraps it")]
mod model;
mod others;
mod trained;

use scant_abi::{Component, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where it goes wrong.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// The method that panics, or what is returned wrongly.
    at: String,
}

/// A toy that panics in the method `at`.
struct Panicky<C> {
    toy: C,
    at: String,
}

impl<C: Component> Panicky<C> {
    fn make(config: Config, setup: &Setup) -> Result<Self> {
        let toy = C::new(C::Config::default(), setup)?;
        let this = Self { toy, at: config.at };
        this.pass("new");
        Ok(this)
    }
}

impl<C> Panicky<C> {
    fn pass(&self, method: &str) {
        assert!(self.at != method, "on purpose");
    }
}

impl<C> Drop for Panicky<C> {
    fn drop(&mut self) {
        self.pass("drop");
    }
}

macro_rules! components {
    ($($name:literal $toy:ty),* $(,)?) => {
        $(impl Component for Panicky<$toy> {
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = "Panics where it is told to.";
            type Config = Config;

            fn new(config: Config, setup: &Setup) -> Result<Self> {
                Self::make(config, setup)
            }
        })*
    };
}

components! {
    "panicky-dataset" components::Blobs,
    "panicky-augmentation" components::Jitter,
    "panicky-model" model::TwoLayers,
    "panicky-loss" components::CrossEntropy,
    "panicky-trainer" components::Sgd,
    "panicky-evaluator" components::Accuracy,
}

scant_abi::plugin! {
    dataset Panicky<components::Blobs>,
    augmentation Panicky<components::Jitter>,
    model Panicky<model::TwoLayers>,
    loss Panicky<components::CrossEntropy>,
    trainer Panicky<components::Sgd>,
    evaluator Panicky<components::Accuracy>,
}
scant_abi::export!(crate);
