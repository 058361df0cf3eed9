//! The network's own predictions of the last epoch are its labels in this one.

use scant_abi::{
    AUGMENTED, Batch, CLEAN, Component, EpochPlan, Error, Report, Result, Setup, Source, State,
    StreamRequest, TrainContext, Trainer, ViewRequest,
};
use scant_nn::optim::OptimizerConfig;
use scant_nn::train::{Learner, largest, look, refuse_losses};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::step::{step, views};

/// More views would only be a larger batch.
const MOST_AUGMENTATIONS: usize = 64;

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
    /// Augmented views of each image in a step. With 1 each epoch's view says the label of the next one's; with more (the K of
    /// source 001) the image as prepared says it, and learns it together with all of them.
    #[schemars(range(min = 1, max = MOST_AUGMENTATIONS))]
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
    learner: Learner,
}

impl Component for EndToEnd {
    const NAME: &'static str = "end-to-end-clustering";
    const SUMMARY: &'static str =
        "Learns its own predictions of the last epoch, seen under other augmentations.";
    type Config = EndToEndConfig;

    fn new(config: EndToEndConfig, setup: &Setup) -> Result<Self> {
        if !(1..=MOST_AUGMENTATIONS).contains(&config.augmentations) {
            return Err(Error::config(format!(
                "augmentations must be from 1 to {MOST_AUGMENTATIONS}, not {}: each is an image more for each of the batch",
                config.augmentations
            )));
        }
        refuse_losses(Self::NAME, setup)?;
        let classes: usize = setup.output("logits")?.iter().product();
        Ok(Self {
            learner: Learner::new(config.optimizer.clone(), None, setup)?,
            classes,
            batch: setup.batch,
            labels: Labels::default(),
            before: Labels::default(),
            config,
        })
    }
}

impl EndToEnd {
    /// The views of a step; the first of them says the label.
    fn views(&self) -> Vec<ViewRequest> {
        let augmented = views(self.config.augmentations);
        match self.config.augmentations {
            1 => augmented,
            _ => [vec![ViewRequest::clean()], augmented].concat(),
        }
    }

    fn classes(&self, logits: &[f32]) -> Vec<i64> {
        logits.chunks_exact(self.classes.max(1)).map(|row| largest(row) as i64).collect()
    }
}

impl Trainer for EndToEnd {
    fn streams(&self) -> Vec<StreamRequest> {
        vec![StreamRequest {
            source: Source::All,
            batch: self.batch,
            views: self.views(),
            full_batches: true,
        }]
    }

    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        let view = if self.config.augmentations == 1 { AUGMENTED } else { CLEAN };
        let seen = look(context.data, context.model, Source::All, view, &["logits"])?;
        self.labels = Labels::new(seen.indices, self.classes(&seen.outputs[0]));
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
        let (said, report) = step(batch, &labels, &mut self.learner, context)?;
        self.labels.set(&batch.indices, &self.classes(said.f32()?))?;
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
        let mut state = self.learner.state()?;
        state.extend(self.labels.state("labels")?);
        state.extend(self.before.state("labels-before")?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.labels = Labels::from_state("labels", state)?;
        self.before = Labels::from_state("labels-before", state)?;
        self.learner.load_state(state)
    }
}
