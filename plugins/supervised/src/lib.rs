//! Learning from labels: the baseline of every other method, fine-tuning, a classifier on a frozen encoder.

use scant_abi::{
    Batch, Component, Forward, LossInput, Model, Report, Result, Setup, Source, State, StreamRequest,
    Targets, TrainContext, Trainer, ViewRequest,
};
use scant_nn::optim::{AverageConfig, OptimizerConfig};
use scant_nn::train::{Averaged, Objective, Optimizers, cross_entropy, predictions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const VIEW: &str = "augmented";
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
    optimizers: Optimizers,
    average: Averaged,
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
            optimizers: Optimizers::new(config.optimizer)?,
            average: Averaged::new(config.ema_m)?,
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
        let images = batch.view(VIEW)?.view();
        let mut names = vec![LOGITS.to_owned()];
        names.extend(context.losses.iter().flat_map(|weighted| weighted.loss.reads()));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let options = Forward { outputs: &names, ..Forward::training(context.key) };
        let pass = context.model.forward(images, &options)?;
        let mut objective = Objective::default();
        objective.open(&pass);
        let input = LossInput {
            images,
            pass: &pass,
            rows: 0..batch.len(),
            targets: Targets { labels: Some(&batch.labels), ..Targets::default() },
            indices: &batch.indices,
            clock: context.clock,
            key: context.key,
        };
        objective.add("cross-entropy", 1.0, cross_entropy(&input, LOGITS)?);
        objective.add_all(context.losses, &input, context.model)?;
        let found = predictions(pass.output(LOGITS)?.f32()?, self.classes);
        let right =
            found.iter().zip(&batch.labels).filter(|((class, _), label)| *class as i64 == **label).count();
        objective.note("top-1", right as f64 / batch.len().max(1) as f64);
        let report = objective.backward(context.model)?;
        self.optimizers.step(context)?;
        self.average.follow(context.model)?;
        Ok(report)
    }

    fn enter_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.average.swap(model)
    }

    fn leave_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.average.swap(model)
    }

    fn state(&self) -> Result<State> {
        let mut state = self.optimizers.state()?;
        state.extend(self.average.state()?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.average.load_state(state)?;
        self.optimizers.load_state(state)
    }
}

scant_abi::plugin! {
    trainer Supervised,
}
