//! The trainer.

use scant_abi::{
    AUGMENTED, Batch, CLEAN, Component, EpochPlan, Error, LossValue, Model, Report, Result, Schedule, Setup,
    Source, State, StreamRequest, Targets, TrainContext, Trainer, ViewRequest,
};
use scant_nn::optim::{AverageConfig, OptimizerConfig};
use scant_nn::train::{
    Learner, Objective, check_probability, check_weights, cross_entropy, look, refuse_losses,
    unlabelled_batch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PseudoLabels;

/// When a prediction becomes a label, and what it counts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PseudoLabelConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// The probability from which on a prediction becomes a label (tau).
    #[schemars(range(min = 0, max = 1))]
    pub p_cutoff: f32,
    /// Epochs at the start that learn from the given labels alone.
    pub warm_up: usize,
    /// Unlabelled samples in a step for each labelled one; the stage's `batch` is the labelled ones'.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub uratio: f64,
    /// How much the model's own labels count beside the given ones; a number or a schedule.
    #[schemars(extend("minimum" = 0))]
    pub ulb_loss_ratio: Schedule,
    /// Draw the model's own classes equally often, against confirmation bias.
    pub balanced: bool,
    /// The share of itself that the averaged model keeps in each step; it is judged instead of the last one, which says the
    /// labels. None where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_m: Option<AverageConfig>,
}

impl Default for PseudoLabelConfig {
    fn default() -> Self {
        Self {
            optimizer: OptimizerConfig::default(),
            p_cutoff: 0.95,
            warm_up: 1,
            uratio: 1.0,
            ulb_loss_ratio: Schedule::Constant(1.0),
            balanced: false,
            ema_m: None,
        }
    }
}

/// Learns from given labels and from its own confident predictions, which are renewed before each epoch.
pub struct PseudoLabel {
    config: PseudoLabelConfig,
    classes: usize,
    labelled: usize,
    unlabelled: usize,
    learner: Learner,
    labels: PseudoLabels,
}

impl Component for PseudoLabel {
    const NAME: &'static str = "pseudo-label";
    const SUMMARY: &'static str = "Confident predictions become the next epoch's labels.";
    type Config = PseudoLabelConfig;

    fn new(config: PseudoLabelConfig, setup: &Setup) -> Result<Self> {
        check_probability("p_cutoff", config.p_cutoff)?;
        check_weights("ulb_loss_ratio", &config.ulb_loss_ratio)?;
        refuse_losses(Self::NAME, setup)?;
        setup.output("logits")?;
        Ok(Self {
            classes: setup.classes,
            labelled: setup.batch,
            unlabelled: unlabelled_batch(setup.batch, config.uratio)?,
            learner: Learner::new(config.optimizer.clone(), config.ema_m, setup)?,
            labels: PseudoLabels::default(),
            config,
        })
    }
}

impl Trainer for PseudoLabel {
    // Unlabelled samples come first, so that an epoch is a walk over them and not over a handful of labels.
    fn streams(&self) -> Vec<StreamRequest> {
        let stream = |source, batch| StreamRequest {
            source,
            batch,
            views: vec![ViewRequest::augmented()],
            full_batches: true,
        };
        vec![stream(Source::Unlabelled, self.unlabelled), stream(Source::Labelled, self.labelled)]
    }

    fn begin_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<EpochPlan> {
        if context.clock.epoch < self.config.warm_up {
            return Ok(EpochPlan::default());
        }
        let seen = look(context.data, context.model, Source::Unlabelled, CLEAN, &["logits"])?;
        let (labels, plan) =
            PseudoLabels::choose(&seen, self.classes, self.config.p_cutoff, self.config.balanced);
        self.labels = labels;
        Ok(plan)
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [unlabelled, labelled] = batches else {
            return Err(Error::shape("the pseudo-label trainer needs its two streams"));
        };
        let mut objective = Objective::default();
        let value = classify(labelled, &labelled.labels, "labelled", &mut objective, context)?;
        objective.add("cross-entropy", 1.0, value);
        let own = self.labels.of(&unlabelled.indices);
        let weight = self.config.ulb_loss_ratio.at(&context.clock) as f32;
        if weight != 0.0 && own.iter().any(|&label| label >= 0) {
            let value = classify(unlabelled, &own, "unlabelled", &mut objective, context)?;
            objective.add("pseudo-label", weight, value);
        }
        self.learner.follow(objective, context)
    }

    fn end_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<Report> {
        let all = context.data.len(Source::Unlabelled).max(1) as f64;
        let metrics = vec![("util_ratio".to_owned(), self.labels.len() as f64 / all)];
        Ok(Report { metrics, stop: None })
    }

    fn enter_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.learner.enter_evaluation(model)
    }

    fn leave_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.learner.leave_evaluation(model)
    }

    fn state(&self) -> Result<State> {
        let mut state = self.learner.state()?;
        state.extend(self.labels.state()?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.labels = PseudoLabels::from_state(state)?;
        self.learner.load_state(state)
    }
}

fn classify(
    batch: &Batch,
    labels: &[i64],
    name: &str,
    objective: &mut Objective,
    context: &mut TrainContext<'_>,
) -> Result<LossValue> {
    let images = batch.view(AUGMENTED)?.view();
    let recorded = objective.record(images, &batch.indices, &["logits"], context.key.named(name), context)?;
    let input = recorded.input(Targets { labels: Some(labels), ..Targets::default() });
    cross_entropy(&input, "logits")
}
