//! Learning from labels: the baseline of every other method, fine-tuning, a classifier on a frozen encoder.

use scant_abi::{
    AUGMENTED, Batch, Component, Model, Report, Result, Setup, Source, State, StreamRequest, Targets,
    TrainContext, Trainer, ViewRequest,
};
use scant_nn::optim::{AverageConfig, OptimizerConfig};
use scant_nn::train::{Learner, Objective, cross_entropy, outputs_read, predictions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const LOGITS: &str = "logits";

/// How to learn from labels.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SupervisedConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// The share of itself that the averaged copy keeps in each step; that copy is judged and kept. None where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_m: Option<AverageConfig>,
}

/// Cross-entropy of `logits` on labelled samples, and whatever losses the stage adds.
pub struct Supervised {
    batch: usize,
    full_batches: bool,
    classes: usize,
    learner: Learner,
}

impl Component for Supervised {
    const NAME: &'static str = "supervised";
    const SUMMARY: &'static str =
        "Cross-entropy on labelled samples: baseline, fine-tuning, classifier on a frozen encoder.";
    type Config = SupervisedConfig;

    fn new(config: SupervisedConfig, setup: &Setup) -> Result<Self> {
        setup.output(LOGITS)?;
        Ok(Self {
            batch: setup.batch,
            full_batches: setup.samples(Source::Labelled) >= setup.batch,
            classes: setup.classes,
            learner: Learner::new(config.optimizer, config.ema_m, setup)?,
        })
    }
}

impl Trainer for Supervised {
    fn streams(&self) -> Vec<StreamRequest> {
        vec![StreamRequest {
            source: Source::Labelled,
            batch: self.batch,
            views: vec![ViewRequest::augmented()],
            full_batches: self.full_batches,
        }]
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let batch = &batches[0];
        let mut objective = Objective::default();
        let outputs = outputs_read(&[LOGITS], context.losses);
        let images = batch.view(AUGMENTED)?.view();
        let recorded = objective.record(images, &batch.indices, &outputs, context.key, context)?;
        let input = recorded.input(Targets { labels: Some(&batch.labels), ..Targets::default() });
        objective.add("cross-entropy", 1.0, cross_entropy(&input, LOGITS)?);
        objective.add_all(context.losses, &input, context.model)?;
        let found = predictions(input.output(LOGITS)?.f32()?, self.classes);
        let right =
            found.iter().zip(&batch.labels).filter(|((class, _), label)| *class as i64 == **label).count();
        objective.note("top-1", right as f64 / batch.len().max(1) as f64);
        self.learner.follow(objective, context)
    }

    fn enter_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.learner.enter_evaluation(model)
    }

    fn leave_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.learner.leave_evaluation(model)
    }

    fn state(&self) -> Result<State> {
        self.learner.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.learner.load_state(state)
    }
}

scant_abi::plugin! {
    trainer Supervised,
}
