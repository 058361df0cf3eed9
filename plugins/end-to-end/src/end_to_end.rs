//! The network's own predictions of the last epoch are its labels in this one.

use scant_abi::{
    Batch, Component, EpochPlan, Error, Report, Result, Setup, Source, State, StreamRequest, TrainContext,
    Trainer,
};
use scant_nn::optim::OptimizerConfig;
use scant_nn::train::{Optimizers, look, predictions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::step::{step, views};

/// How classes are kept alive and apart.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EndToEndConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Draw batches evenly over the classes that the network sees; without it two classes soon swallow the rest.
    pub balanced: bool,
    /// Give an empty class half of the largest one.
    pub refill: bool,
    /// Views of each image in a step, all with the label of the first (the K augmentations of source 001).
    pub augmentations: usize,
}

impl Default for EndToEndConfig {
    fn default() -> Self {
        Self { optimizer: OptimizerConfig::default(), balanced: true, refill: true, augmentations: 1 }
    }
}

/// Clusters without a clustering algorithm: a classifier that must agree with itself under other augmentations.
pub struct EndToEnd {
    config: EndToEndConfig,
    classes: usize,
    batch: usize,
    labels: Labels,
    before: Labels,
    optimizers: Optimizers,
}

impl Component for EndToEnd {
    const NAME: &'static str = "end-to-end-clustering";
    const SUMMARY: &'static str =
        "Learns its own predictions of the last epoch, seen under other augmentations.";
    type Config = EndToEndConfig;

    fn new(config: EndToEndConfig, setup: &Setup) -> Result<Self> {
        if config.augmentations == 0 {
            return Err(Error::config("augmentations must be at least 1: the network sees augmented images"));
        }
        let classes: usize = setup.output("logits")?.iter().product();
        Ok(Self {
            optimizers: Optimizers::new(config.optimizer.clone())?,
            classes,
            batch: setup.batch,
            labels: Labels::default(),
            before: Labels::default(),
            config,
        })
    }
}

impl Trainer for EndToEnd {
    fn streams(&self) -> Vec<StreamRequest> {
        vec![StreamRequest {
            source: Source::All,
            batch: self.batch,
            views: views(self.config.augmentations),
            full_batches: true,
        }]
    }

    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        let seen = look(context.data, context.model, Source::All, "augmented", &["logits"])?;
        let classes =
            predictions(&seen.outputs[0], self.classes).iter().map(|(class, _)| *class as i64).collect();
        self.labels = Labels::new(seen.indices, classes);
        Ok(())
    }

    fn begin_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<EpochPlan> {
        if self.config.refill {
            self.labels.refill(self.classes, context.key.named("refill"));
        }
        self.before = self.labels.clone();
        Ok(self.before.plan(self.config.balanced))
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [batch] = batches else {
            return Err(Error::shape("the end-to-end-clustering trainer needs its one stream"));
        };
        let labels = self.before.of(&batch.indices)?;
        let (pass, report) = step(batch, &labels, &mut self.optimizers, context)?;
        let first_view = pass.output("logits")?.rows(0..batch.len())?;
        let said = predictions(first_view.f32()?, self.classes);
        self.labels.set(&batch.indices, said.into_iter().map(|(class, _)| class))?;
        Ok(report)
    }

    fn end_epoch(&mut self, _: &mut TrainContext<'_>) -> Result<Report> {
        let sizes = self.labels.sizes(self.classes);
        let empty = sizes.iter().filter(|size| **size == 0).count();
        let metrics = vec![
            ("nmi-with-last-epoch".to_owned(), self.labels.agreement(&self.before)?),
            ("empty-classes".to_owned(), empty as f64),
        ];
        Ok(Report { metrics, stop: None })
    }

    fn state(&self) -> Result<State> {
        let mut state = self.optimizers.state()?;
        state.extend(self.labels.state("labels")?);
        state.extend(self.before.state("labels-before")?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.labels = Labels::from_state("labels", state)?;
        self.before = Labels::from_state("labels-before", state)?;
        self.optimizers.load_state(state)
    }
}
