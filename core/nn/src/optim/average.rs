//! An exponential moving average of a model's parameters.

use scant_abi::{Error, Model, Result, State, Tensor};

/// Averaged parameters that follow a model and can change places with its own.
///
/// Running statistics are not averaged: they are averages already, and stay the model's.
pub struct WeightAverage {
    decay: f32,
    values: Vec<f32>,
}

impl WeightAverage {
    /// An average that keeps the share `decay` of itself in each update and starts at the first model it sees.
    pub fn new(decay: f64) -> Result<Self> {
        if !(0.0..1.0).contains(&decay) {
            return Err(Error::config(format!("the average's decay must be in [0, 1), not {decay}")));
        }
        Ok(Self { decay: decay as f32, values: Vec::new() })
    }

    /// Moves the average towards the model's present parameters.
    pub fn update(&mut self, model: &mut dyn Model) -> Result<()> {
        let current = model.parameters()?.values.cpu()?;
        if self.values.is_empty() {
            self.values = current.to_vec();
            return Ok(());
        }
        self.fits(current.len())?;
        let rest = 1.0 - self.decay;
        for (average, value) in self.values.iter_mut().zip(current) {
            *average += rest * (*value - *average);
        }
        Ok(())
    }

    /// Exchanges the model's parameters and the average; calling it twice restores both. Nothing before the first update.
    pub fn swap(&mut self, model: &mut dyn Model) -> Result<()> {
        if self.values.is_empty() {
            return Ok(());
        }
        let current = model.parameters()?.values.cpu()?;
        self.fits(current.len())?;
        current.swap_with_slice(&mut self.values);
        Ok(())
    }

    fn fits(&self, len: usize) -> Result<()> {
        if self.values.len() == len {
            return Ok(());
        }
        Err(Error::shape(format!("the average has {} parameters, the model {len}", self.values.len())))
    }

    /// The average, under a name that starts with `prefix`.
    pub fn state(&self, prefix: &str) -> Result<State> {
        let values = Tensor::from_f32(self.values.clone(), &[self.values.len()])?;
        Ok(State::from([(format!("{prefix}.values"), values)]))
    }

    /// Goes on where [`WeightAverage::state`] was taken.
    pub fn load_state(&mut self, prefix: &str, state: &State) -> Result<()> {
        let name = format!("{prefix}.values");
        let values = state.get(&name).ok_or_else(|| Error::data(format!("the state lacks '{name}'")))?;
        self.values = values.f32()?.to_vec();
        Ok(())
    }
}
