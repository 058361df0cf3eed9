//! What a trainer carries from one step to the next.

use std::ops::Range;

use scant_abi::{Model, Report, Result, Setup, State, TrainContext};

use super::{Averaged, Objective, Optimizers};
use crate::optim::{AverageConfig, OptimizerConfig};

/// The optimisers of a stage, and the averaged model that follows them where one is asked for.
///
/// Most trainers hand their own `enter_evaluation`, `leave_evaluation`, `state` and `load_state` on to it.
pub struct Learner {
    optimizers: Optimizers,
    average: Averaged,
}

impl Learner {
    /// A learner that has made no step yet.
    pub fn new(optimizer: OptimizerConfig, average: Option<AverageConfig>, setup: &Setup) -> Result<Self> {
        Ok(Self { optimizers: Optimizers::new(optimizer, setup)?, average: Averaged::new(average)? })
    }

    /// Makes `objective` smaller: backward through its passes, a step of the optimisers, which the average follows.
    pub fn follow(&mut self, objective: Objective, context: &mut TrainContext<'_>) -> Result<Report> {
        let report = objective.backward(context.model)?;
        self.optimizers.step(context)?;
        self.average.follow(context.model)?;
        Ok(report)
    }

    /// Forgets in which direction these parameters of the model were moving: they have been drawn anew.
    pub fn forget(&mut self, range: Range<usize>) {
        self.optimizers.forget(range);
    }

    /// Puts the average in the model's place, to be judged and kept.
    pub fn enter_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.average.swap(model)
    }

    /// Puts the model back.
    pub fn leave_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.average.swap(model)
    }

    /// Everything that must be kept.
    pub fn state(&self) -> Result<State> {
        let mut state = self.optimizers.state()?;
        state.extend(self.average.state()?);
        Ok(state)
    }

    /// Goes on where [`Learner::state`] was taken; other names in `state` are left alone.
    pub fn load_state(&mut self, state: &State) -> Result<()> {
        self.average.load_state(state)?;
        self.optimizers.load_state(state)
    }
}
