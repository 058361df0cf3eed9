//! How far training is.

use serde::{Deserialize, Serialize};

/// The place of a step in its stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The stage, from 0.
    pub stage: usize,
    /// The epoch of the stage, from 0.
    pub epoch: usize,
    /// How many epochs the stage has.
    pub epochs: usize,
    /// The step of the epoch, from 0.
    pub step: usize,
    /// How many steps the epoch has.
    pub steps: usize,
}

impl Clock {
    /// The epochs done, with the fraction of the present one.
    pub fn epochs_done(&self) -> f64 {
        self.epoch as f64 + self.step as f64 / self.steps.max(1) as f64
    }

    /// The fraction of the stage that is done, in [0, 1).
    pub fn progress(&self) -> f64 {
        self.epochs_done() / self.epochs.max(1) as f64
    }
}
