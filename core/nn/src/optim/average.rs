//! An exponential moving average of a model's parameters.

use scant_abi::{Error, Model, Result, State, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::part;

/// How a model is averaged over its steps: `0.999`, or `{ keep = 0.999, unbiased = true }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AverageConfig {
    /// The share of itself that the average keeps in each step; it starts as the model after the first step.
    Keep(#[schemars(range(min = 0), extend("exclusiveMaximum" = 1))] f64),
    /// The same, with a say in how it starts.
    With(AverageSettings),
}

/// The two sides of an average: how long it remembers, and what it starts from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AverageSettings {
    /// The share of itself that the average keeps in each step.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub keep: f64,
    /// Weigh the models seen as if there had been none before, so that short runs are not held back by their start.
    #[serde(default)]
    pub unbiased: bool,
}

/// Averaged parameters that follow a model and can change places with its own.
///
/// Running statistics are not averaged: they are averages already, and stay the model's.
pub struct WeightAverage {
    decay: f64,
    unbiased: bool,
    updates: u64,
    values: Vec<f32>,
}

impl WeightAverage {
    /// An average that keeps the share `decay` of itself in each update and starts at the first model it sees.
    pub fn new(decay: f64) -> Result<Self> {
        if !(0.0..1.0).contains(&decay) {
            return Err(Error::config(format!("the average's decay must be in [0, 1), not {decay}")));
        }
        Ok(Self { decay, unbiased: false, updates: 0, values: Vec::new() })
    }

    /// The average that a configuration describes.
    pub fn of(config: AverageConfig) -> Result<Self> {
        match config {
            AverageConfig::Keep(keep) => Self::new(keep),
            AverageConfig::With(AverageSettings { keep, unbiased }) => {
                Ok(Self { unbiased, ..Self::new(keep)? })
            }
        }
    }

    /// The share that the newest model gets in update number `n`, counted from 1.
    ///
    /// Unbiased, this is Adam's correction in recursive form: with r_n = (1 - d) / (1 - d^n) the model of i updates
    /// ago has the weight d^i / (1 + d + ... + d^(n - 1)), and the first model no more than its turn.
    fn share(&self, n: u64) -> f32 {
        let plain = 1.0 - self.decay;
        if !self.unbiased {
            return plain as f32;
        }
        let power = self.decay.powf(n as f64);
        (plain / (1.0 - power)) as f32
    }

    /// Moves the average towards the model's present parameters.
    pub fn update(&mut self, model: &mut dyn Model) -> Result<()> {
        let current = model.parameters()?.values.cpu()?;
        self.updates += 1;
        if self.values.is_empty() {
            self.values = current.to_vec();
            return Ok(());
        }
        self.fits(current.len())?;
        let rest = self.share(self.updates);
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
        let updates = Tensor::from_i64(vec![self.updates as i64], &[1])?;
        Ok(State::from([(format!("{prefix}.values"), values), (format!("{prefix}.updates"), updates)]))
    }

    /// Goes on where [`WeightAverage::state`] was taken.
    pub fn load_state(&mut self, prefix: &str, state: &State) -> Result<()> {
        self.values = part(state, &format!("{prefix}.values"))?.f32()?.to_vec();
        self.updates =
            part(state, &format!("{prefix}.updates"))?.i64()?.first().map_or(0, |&updates| updates as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unbiased_shares_weigh_every_model_by_its_age_alone() {
        let average = WeightAverage::of(AverageConfig::With(AverageSettings { keep: 0.5, unbiased: true }))
            .expect("an average");
        // Of the models 0, 6 and 14, weighed 1/7, 2/7 and 4/7: (0 + 12 + 56) / 7.
        let mut value = 0.0;
        for (n, model) in [(1, 0.0), (2, 6.0), (3, 14.0)] {
            value += average.share(n) * (model - value);
        }
        assert!((value - 68.0 / 7.0).abs() < 1e-5, "{value}");
        assert_eq!(WeightAverage::new(0.5).expect("an average").share(1), 0.5);
    }

    #[test]
    fn both_ways_of_writing_it_are_read() {
        let read = |text: &str| serde_json::from_str::<AverageConfig>(text).expect("an average");
        assert_eq!(read("0.9"), AverageConfig::Keep(0.9));
        let with = AverageConfig::With(AverageSettings { keep: 0.9, unbiased: true });
        assert_eq!(read(r#"{"keep": 0.9, "unbiased": true}"#), with);
        assert!(WeightAverage::of(AverageConfig::Keep(1.0)).is_err());
    }
}
