//! The trainer.

use scant_abi::{
    Batch, Component, Error, Forward, Model, Report, Result, Schedule, Setup, Source, State, StreamRequest,
    Targets, Tensor, TrainContext, Trainer, ViewRequest,
};
use scant_nn::optim::{AverageConfig, OptimizerConfig};
use scant_nn::train::{
    Learner, Objective, check_probability, check_weights, cross_entropy, refuse_losses, unlabelled_batch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consistency::Believed;

const WEAK: &str = "weak";
const STRONG: &str = "strong";

/// What is believed, and what it counts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixMatchAttentionConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// The probability from which on the weak view's class is believed (tau).
    #[schemars(range(min = 0, max = 1))]
    pub p_cutoff: f32,
    /// Unlabelled samples in a step for each labelled one; the stage's `batch` is the labelled ones'.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub uratio: f64,
    /// How much the pseudo-labels count; a number or a schedule.
    #[schemars(extend("minimum" = 0))]
    pub ulb_loss_ratio: Schedule,
    /// How much the distance of the attention maps counts; 0 is plain FixMatch and needs no output `attention`.
    #[schemars(extend("minimum" = 0))]
    pub attention: Schedule,
    /// The share of itself that the averaged model keeps in each step; the averaged model is the one that is judged.
    pub ema_m: AverageConfig,
}

impl Default for FixMatchAttentionConfig {
    fn default() -> Self {
        Self {
            optimizer: OptimizerConfig::default(),
            p_cutoff: 0.95,
            uratio: 7.0,
            ulb_loss_ratio: Schedule::Constant(1.0),
            attention: Schedule::Constant(0.5),
            ema_m: AverageConfig::Keep(0.999),
        }
    }
}

/// The weak view's confident class is the strong view's label, and the weak view's attention its attention.
pub struct FixMatchAttention {
    config: FixMatchAttentionConfig,
    labelled: usize,
    unlabelled: usize,
    learner: Learner,
}

impl Component for FixMatchAttention {
    const NAME: &'static str = "fixmatch-attention";
    const SUMMARY: &'static str = "FixMatch, with a distance between the attention maps of weak and strong views (weight 0: plain FixMatch).";
    type Config = FixMatchAttentionConfig;

    fn new(config: FixMatchAttentionConfig, setup: &Setup) -> Result<Self> {
        check_probability("p_cutoff", config.p_cutoff)?;
        check_weights("ulb_loss_ratio", &config.ulb_loss_ratio)?;
        refuse_losses(Self::NAME, setup)?;
        check_weights("attention", &config.attention)?;
        setup.output("logits")?;
        if config.attention != Schedule::Constant(0.0) {
            setup.output("attention").map_err(|error| {
                error.context(
                    "the attention distance needs a model with attention; attention = 0 is plain FixMatch",
                )
            })?;
        }
        Ok(Self {
            labelled: setup.batch,
            unlabelled: unlabelled_batch(setup.batch, config.uratio)?,
            learner: Learner::new(config.optimizer.clone(), Some(config.ema_m), setup)?,
            config,
        })
    }
}

impl Trainer for FixMatchAttention {
    // All samples come first, so that an epoch is a walk over them and not over a handful of labels.
    fn streams(&self) -> Vec<StreamRequest> {
        let weak = ViewRequest::by_default(WEAK, "fixmatch-weak");
        let strong = ViewRequest::by_default(STRONG, "fixmatch-strong");
        let stream = |source, batch, views| StreamRequest { source, batch, views, full_batches: true };
        vec![
            stream(Source::All, self.unlabelled, vec![weak.clone(), strong]),
            stream(Source::Labelled, self.labelled, vec![weak]),
        ]
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [all, labelled] = batches else {
            return Err(Error::shape("the fixmatch-attention trainer needs its two streams"));
        };
        let attention = self.config.attention.at(&context.clock) as f32;
        let with_attention: &[&str] = if attention == 0.0 { &["logits"] } else { &["logits", "attention"] };

        // The weak views only say what to believe: no gradient goes through them.
        let only_looking =
            Forward { outputs: with_attention, record: false, ..Forward::training(context.key) };
        let weak = context.model.forward(all.view(WEAK)?.view(), &only_looking)?;
        let believed = Believed::new(weak.output("logits")?, self.config.p_cutoff)?;

        let images = joined(labelled.view(WEAK)?, all.view(STRONG)?)?;
        let mut objective = Objective::default();
        let recorded =
            objective.record(images.view(), &labelled.indices, with_attention, context.key, context)?;
        let input = recorded.input(Targets { labels: Some(&labelled.labels), ..Targets::default() });
        objective.add("cross-entropy", 1.0, cross_entropy(&input, "logits")?);
        let ratio = self.config.ulb_loss_ratio.at(&context.clock) as f32;
        objective.add("pseudo-label", ratio, believed.pseudo_label(&recorded.pass, labelled.len())?);
        if attention != 0.0 {
            objective.add("attention", attention, believed.attention(&weak, &recorded.pass, labelled.len())?);
        }
        objective.note("util_ratio", believed.share());
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

fn joined(first: &Tensor, second: &Tensor) -> Result<Tensor> {
    let mut dims = first.shape().to_vec();
    dims[0] += second.shape().rows();
    Tensor::from_f32([first.f32()?, second.f32()?].concat(), &dims)
}
