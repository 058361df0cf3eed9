//! The averaged copy of a model that is judged and kept in its place.

use scant_abi::{Model, Result, State};

use crate::optim::{AverageConfig, WeightAverage};

const PREFIX: &str = "average";

/// A trainer's averaged model, or none: every call does nothing where the configuration asks for no average.
pub struct Averaged(Option<WeightAverage>);

impl Averaged {
    /// The average that the configuration asks for.
    pub fn new(config: Option<AverageConfig>) -> Result<Self> {
        Ok(Self(config.map(WeightAverage::of).transpose()?))
    }

    /// Follows the model; to be called after each step of the optimiser.
    pub fn follow(&mut self, model: &mut dyn Model) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |average| average.update(model))
    }

    /// Exchanges the model and its average: the whole of a trainer's `enter_evaluation`, and of its `leave_evaluation`.
    pub fn swap(&mut self, model: &mut dyn Model) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |average| average.swap(model))
    }

    /// What must be kept, to be added to the trainer's state.
    pub fn state(&self) -> Result<State> {
        self.0.as_ref().map_or(Ok(State::new()), |average| average.state(PREFIX))
    }

    /// Goes on where [`Averaged::state`] was taken.
    pub fn load_state(&mut self, state: &State) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |average| average.load_state(PREFIX, state))
    }
}
