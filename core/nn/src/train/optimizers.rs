//! The optimisers of a stage: one for the model, one for each loss with parameters of its own.

use std::ops::Range;

use scant_abi::{Result, Setup, State, TrainContext};

use crate::optim::{Optimizer, OptimizerConfig};

/// Follows the gradients of a model and of its losses, all by the same rule.
pub struct Optimizers {
    config: OptimizerConfig,
    model: Optimizer,
    losses: Vec<Optimizer>,
}

impl Optimizers {
    /// Optimisers that have made no step yet.
    pub fn new(config: OptimizerConfig, setup: &Setup) -> Result<Self> {
        for part in &config.decay_parts {
            setup.check_part(part).map_err(|error| error.context("optimizer.decay_parts"))?;
        }
        Ok(Self { model: Optimizer::new(config.clone())?, losses: Vec::new(), config })
    }

    /// One step of everything that has gradients, which are zero afterwards; returns the norm of the model's.
    pub fn step(&mut self, context: &mut TrainContext<'_>) -> Result<f64> {
        if self.model.lacks_layout() {
            self.model.lay_out(&context.model.layout())?;
        }
        let norm = self.model.step(&context.clock, context.model.parameters()?)?;
        while self.losses.len() < context.losses.len() {
            self.losses.push(Optimizer::new(self.config.clone())?);
        }
        for (optimizer, weighted) in self.losses.iter_mut().zip(context.losses.iter_mut()) {
            if weighted.loss.parameters()?.is_none() {
                continue;
            }
            if optimizer.lacks_layout() {
                optimizer.lay_out(&weighted.loss.layout())?;
            }
            if let Some(parameters) = weighted.loss.parameters()? {
                optimizer.step(&context.clock, parameters)?;
            }
        }
        Ok(norm)
    }

    /// Forgets in which direction these parameters of the model were moving: they have been drawn anew.
    pub fn forget(&mut self, range: Range<usize>) {
        self.model.forget(range);
    }

    /// Everything that must be kept.
    pub fn state(&self) -> Result<State> {
        let mut state = self.model.state("optimizer")?;
        for (index, optimizer) in self.losses.iter().enumerate() {
            state.extend(optimizer.state(&loss_prefix(index))?);
        }
        Ok(state)
    }

    /// Goes on where [`Optimizers::state`] was taken.
    pub fn load_state(&mut self, state: &State) -> Result<()> {
        self.model.load_state("optimizer", state)?;
        self.losses.clear();
        loop {
            let prefix = loss_prefix(self.losses.len());
            if !state.keys().any(|name| name.starts_with(&format!("{prefix}."))) {
                return Ok(());
            }
            let mut optimizer = Optimizer::new(self.config.clone())?;
            optimizer.load_state(&prefix, state)?;
            self.losses.push(optimizer);
        }
    }
}

fn loss_prefix(index: usize) -> String {
    format!("optimizer-of-loss-{index}")
}
