//! The trainer: cross-entropy where labels are known, the stage's losses where they are not.

use scant_abi::{
    Batch, Component, Error, Forward, LossInput, Model, Pass, Report, Result, Setup, Source, State,
    StreamRequest, Targets, TrainContext, Trainer, ViewRequest,
};
use scant_nn::optim::{AverageConfig, OptimizerConfig};
use scant_nn::train::{Averaged, Objective, Optimizers, cross_entropy, unlabelled_batch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const VIEW: &str = "augmented";

/// How labelled and unlabelled samples are mixed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SemiSupervisedConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Unlabelled samples in a step for each labelled one; the stage's `batch` is the labelled ones'.
    pub uratio: f64,
    /// Epochs at the start in which the stage's losses rest and labels alone are learnt.
    pub warm_up: usize,
    /// The share of itself that the averaged model keeps in each step; it is judged instead of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_m: Option<AverageConfig>,
}

impl Default for SemiSupervisedConfig {
    fn default() -> Self {
        Self { optimizer: OptimizerConfig::default(), uratio: 1.0, warm_up: 0, ema_m: None }
    }
}

/// Adds losses that need no labels, on all samples, to cross-entropy on the labelled ones.
pub struct SemiSupervised {
    warm_up: usize,
    labelled: usize,
    unlabelled: usize,
    optimizers: Optimizers,
    average: Averaged,
}

impl Component for SemiSupervised {
    const NAME: &'static str = "semi-supervised";
    const SUMMARY: &'static str =
        "Cross-entropy on labelled samples, the stage's losses on all: VAT, entropy.";
    type Config = SemiSupervisedConfig;

    fn new(config: SemiSupervisedConfig, setup: &Setup) -> Result<Self> {
        setup.output("logits")?;
        Ok(Self {
            warm_up: config.warm_up,
            labelled: setup.batch,
            unlabelled: unlabelled_batch(setup.batch, config.uratio)?,
            optimizers: Optimizers::new(config.optimizer)?,
            average: Averaged::new(config.ema_m)?,
        })
    }
}

impl Trainer for SemiSupervised {
    // All samples come first, so that an epoch is a walk over them and not over a handful of labels.
    fn streams(&self) -> Vec<StreamRequest> {
        let views = vec![ViewRequest::augmented()];
        vec![
            StreamRequest {
                source: Source::All,
                batch: self.unlabelled,
                views: views.clone(),
                full_batches: true,
            },
            StreamRequest { source: Source::Labelled, batch: self.labelled, views, full_batches: true },
        ]
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [all, labelled] = batches else {
            return Err(Error::shape("the semi-supervised trainer needs its two streams"));
        };
        let mut objective = Objective::default();
        let pass = forward(labelled, "labelled", &mut objective, context)?;
        let targets = Targets { labels: Some(&labelled.labels), ..Targets::default() };
        let input = input(labelled, &pass, targets, context)?;
        objective.add("cross-entropy", 1.0, cross_entropy(&input, "logits")?);
        if context.clock.epoch >= self.warm_up && context.losses.iter().any(|loss| loss.weight != 0.0) {
            let pass = forward(all, "all", &mut objective, context)?;
            let input = self::input(all, &pass, Targets::default(), context)?;
            objective.add_all(context.losses, &input, context.model)?;
        }
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

fn forward(
    batch: &Batch,
    name: &str,
    objective: &mut Objective,
    context: &mut TrainContext<'_>,
) -> Result<Pass> {
    let pass =
        context.model.forward(batch.view(VIEW)?.view(), &Forward::training(context.key.named(name)))?;
    objective.open(&pass);
    Ok(pass)
}

fn input<'a>(
    batch: &'a Batch,
    pass: &'a Pass,
    targets: Targets<'a>,
    context: &TrainContext<'_>,
) -> Result<LossInput<'a>> {
    Ok(LossInput {
        images: batch.view(VIEW)?.view(),
        pass,
        rows: 0..batch.len(),
        targets,
        indices: &batch.indices,
        clock: context.clock,
        key: context.key.named("losses"),
    })
}
