//! The trainer: cross-entropy where labels are known, the stage's losses where they are not.

use scant_abi::{
    AUGMENTED, Batch, Component, Error, Model, Report, Result, Setup, Source, State, StreamRequest, Targets,
    TrainContext, Trainer, ViewRequest,
};
use scant_nn::optim::{AverageConfig, OptimizerConfig};
use scant_nn::train::{Learner, Objective, cross_entropy, require_losses, unlabelled_batch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How labelled and unlabelled samples are mixed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SemiSupervisedConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Unlabelled samples in a step for each labelled one; the stage's `batch` is the labelled ones'.
    #[schemars(extend("exclusiveMinimum" = 0))]
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
    learner: Learner,
}

impl Component for SemiSupervised {
    const NAME: &'static str = "semi-supervised";
    const SUMMARY: &'static str =
        "Cross-entropy on labelled samples, the stage's losses on all: VAT, entropy.";
    type Config = SemiSupervisedConfig;

    fn new(config: SemiSupervisedConfig, setup: &Setup) -> Result<Self> {
        setup.output("logits")?;
        require_losses(Self::NAME, "loss = [\"vat\"]; labels alone are learnt by 'supervised'", setup)?;
        Ok(Self {
            warm_up: config.warm_up,
            labelled: setup.batch,
            unlabelled: unlabelled_batch(setup.batch, config.uratio)?,
            learner: Learner::new(config.optimizer, config.ema_m, setup)?,
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
        let everything: [&str; 0] = [];
        let recorded = objective.record(
            labelled.view(AUGMENTED)?.view(),
            &labelled.indices,
            &everything,
            context.key.named("labelled"),
            context,
        )?;
        let targets = Targets { labels: Some(&labelled.labels), ..Targets::default() };
        objective.add("cross-entropy", 1.0, cross_entropy(&recorded.input(targets), "logits")?);
        if context.clock.epoch >= self.warm_up && context.losses.iter().any(|loss| loss.weight != 0.0) {
            let recorded = objective.record(
                all.view(AUGMENTED)?.view(),
                &all.indices,
                &everything,
                context.key.named("losses"),
                context,
            )?;
            objective.add_all(context.losses, &recorded.input(Targets::default()), context.model)?;
        }
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
