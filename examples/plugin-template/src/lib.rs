//! Mean teacher (Tarvainen and Valpola, 2017), as an example of a method in a crate of its own.
//!
//! A teacher, the moving average of the student's weights, says what it sees in one version of an unlabelled image.
//! The student must say the same of another version, and learns from the few labels besides.

use scant_abi::{
    Batch, Component, Error, Forward, LossInput, LossValue, Model, Report, Result, Schedule, Setup, Source,
    State, StreamRequest, Targets, TrainContext, Trainer, ViewRequest, plugin,
};
use scant_nn::adapt::{loss_on, tensor};
use scant_nn::dfdx::prelude::Axis;
use scant_nn::ops::{Reduction, Rows, mse};
use scant_nn::optim::{OptimizerConfig, WeightAverage};
use scant_nn::train::{Objective, Optimizers, cross_entropy, refuse_losses};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a configuration may say. The comments and defaults here are what `scant describe mean-teacher` shows, and a
/// key that is not here is an error that names the nearest one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// The share of itself that the teacher keeps in each step.
    pub decay: f64,
    /// How much agreement with the teacher counts; a number or a schedule.
    pub consistency: Schedule,
}

impl Default for Config {
    fn default() -> Self {
        Self { optimizer: OptimizerConfig::default(), decay: 0.99, consistency: 1.0.into() }
    }
}

/// The trainer. It holds what must survive from step to step, and nothing else: the model belongs to the engine.
pub struct MeanTeacher {
    batch: usize,
    consistency: Schedule,
    optimizers: Optimizers,
    teacher: WeightAverage,
}

impl Component for MeanTeacher {
    // The name by which a configuration calls it: `trainer = "mean-teacher"`.
    const NAME: &'static str = "mean-teacher";
    const SUMMARY: &'static str = "Agreement with an average of the model's own past weights.";
    type Config = Config;

    // Made before any data is read: numbers that make no sense are refused here, so that `scant check` finds them.
    fn new(config: Config, setup: &Setup) -> Result<Self> {
        config.consistency.check("consistency")?;
        setup.output("logits")?;
        // What this trainer would not look at is refused before anything runs.
        refuse_losses(Self::NAME, setup)?;
        Ok(Self {
            batch: setup.batch,
            consistency: config.consistency,
            optimizers: Optimizers::new(config.optimizer, setup)?,
            teacher: WeightAverage::new(config.decay)?,
        })
    }
}

impl Trainer for MeanTeacher {
    // Two streams of batches in each step. The first decides how long an epoch is. `augmented` is what the stage's
    // `augment` says; each view of a sample is drawn anew, and the same on every machine.
    fn streams(&self) -> Vec<StreamRequest> {
        let stream = |source, views| StreamRequest { source, batch: self.batch, views, full_batches: true };
        let again = ViewRequest { name: "again".to_owned(), ..ViewRequest::augmented() };
        vec![
            stream(Source::Unlabelled, vec![ViewRequest::augmented(), again]),
            stream(Source::Labelled, vec![ViewRequest::augmented()]),
        ]
    }

    // Once, before the first step: the teacher begins as a copy of the student.
    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        self.teacher.update(context.model)
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [unlabelled, labelled] = batches else {
            return Err(Error::shape("mean-teacher needs its two streams"));
        };
        // What the teacher says of one version: the averaged weights change places with the student's for this pass.
        self.teacher.swap(context.model)?;
        let seen = context.model.forward(unlabelled.view("again")?.view(), &Forward::evaluation());
        self.teacher.swap(context.model)?;
        let wanted: Rows<_> = tensor(seen?.output("logits")?)?;
        let wanted = wanted.softmax::<Axis<1>>();

        // What the student says of the other version. An objective collects what is to be made small.
        let mut objective = Objective::default();
        let weight = self.consistency.at(&context.clock) as f32;
        let agreement = on_pass(unlabelled, "unlabelled", &mut objective, context, |input| {
            // A closure on dfdx tensors becomes a loss; its gradient needs no thought.
            loss_on(input, "logits", |said| mse(said.softmax::<Axis<1>>(), wanted, Reduction::Items))
        })?;
        objective.add("consistency", weight, agreement);
        let labels =
            on_pass(labelled, "labelled", &mut objective, context, |input| cross_entropy(input, "logits"))?;
        objective.add("cross-entropy", 1.0, labels);

        // One backward for each pass, then one step of the optimiser, then the teacher follows.
        let report = objective.backward(context.model)?;
        self.optimizers.step(context)?;
        self.teacher.update(context.model)?;
        Ok(report)
    }

    // The teacher is what is judged and kept.
    fn enter_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.teacher.swap(model)
    }

    fn leave_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.teacher.swap(model)
    }

    // Everything that a checkpoint must keep, so that a run that was killed ends where it would have ended.
    fn state(&self) -> Result<State> {
        let mut state = self.optimizers.state()?;
        state.extend(self.teacher.state("teacher")?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.teacher.load_state("teacher", state)?;
        self.optimizers.load_state(state)
    }
}

/// Sends a batch through the model, and gives `loss` what came out. The pass stays open until `backward`.
fn on_pass(
    batch: &Batch,
    name: &str,
    objective: &mut Objective,
    context: &mut TrainContext<'_>,
    loss: impl FnOnce(&LossInput<'_>) -> Result<LossValue>,
) -> Result<LossValue> {
    let images = batch.view("augmented")?.view();
    // Everything random has a key, so that the same step gives the same numbers again.
    let pass = context.model.forward(images, &Forward::training(context.key.named(name)))?;
    objective.open(&pass);
    loss(&LossInput {
        images,
        pass: &pass,
        rows: 0..batch.len(),
        targets: Targets { labels: Some(&batch.labels), ..Targets::default() },
        indices: &batch.indices,
        clock: context.clock,
        key: context.key,
    })
}

// The crate's components, once: linked in or loaded, this list is what a host sees.
plugin! { trainer MeanTeacher }

#[cfg(test)]
mod tests {
    use scant_abi::{Kind, OutputInfo};

    use super::*;

    fn setup() -> Setup {
        let logits = OutputInfo { name: "logits".to_owned(), dims: vec![10] };
        Setup { outputs: vec![logits], batch: 16, classes: 10, ..Setup::default() }
    }

    #[test]
    fn it_is_listed_with_its_defaults() {
        let [entry] = (PLUGIN.components)().try_into().ok().expect("one component");
        assert_eq!(
            (entry.description.name.as_str(), entry.description.kind),
            ("mean-teacher", Kind::Trainer)
        );
        assert_eq!(entry.description.defaults["decay"], 0.99);
    }

    #[test]
    fn senseless_numbers_are_refused() {
        let config = Config { decay: 1.5, ..Config::default() };
        assert!(MeanTeacher::new(config, &setup()).is_err());
        assert!(MeanTeacher::new(Config::default(), &Setup::default()).is_err());
    }

    #[test]
    fn its_state_is_whole() {
        let trainer = MeanTeacher::new(Config::default(), &setup()).expect("made");
        let mut other = MeanTeacher::new(Config::default(), &setup()).expect("made");
        other.load_state(&trainer.state().expect("a state")).expect("loaded");
    }
}
