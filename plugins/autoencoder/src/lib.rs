//! Learning to reconstruct images: plain, sparse and denoising auto-encoders.

use scant_abi::{
    Batch, CLEAN, Component, Report, Result, Setup, Source, State, StreamRequest, TrainContext, Trainer,
    ViewRequest,
};
use scant_nn::optim::OptimizerConfig;
use scant_nn::train::{Input, Learner, reconstruct, require_losses};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to learn to reconstruct.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoencoderConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// What goes into the model: augmented (with noise: a denoising auto-encoder) or clean; the target is always clean.
    pub input: Input,
}

/// Makes the stage's losses small on all images, labelled or not.
pub struct Autoencoder {
    input: Input,
    batch: usize,
    full_batches: bool,
    learner: Learner,
}

impl Component for Autoencoder {
    const NAME: &'static str = "autoencoder";
    const SUMMARY: &'static str = "Reconstructs clean images; the stage's losses say what that means.";
    type Config = AutoencoderConfig;

    fn new(config: AutoencoderConfig, setup: &Setup) -> Result<Self> {
        require_losses(Self::NAME, "loss = [\"mse\"]", setup)?;
        Ok(Self {
            input: config.input,
            batch: setup.batch,
            full_batches: setup.samples(Source::All) >= setup.batch,
            learner: Learner::new(config.optimizer, None, setup)?,
        })
    }
}

impl Trainer for Autoencoder {
    fn streams(&self) -> Vec<StreamRequest> {
        let mut views = vec![ViewRequest::clean()];
        if self.input == Input::Augmented {
            views.push(ViewRequest::augmented());
        }
        vec![StreamRequest { source: Source::All, batch: self.batch, views, full_batches: self.full_batches }]
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let batch = &batches[0];
        let images = batch.view(self.input.view())?.view();
        reconstruct(batch, images, batch.view(CLEAN)?.view(), &mut self.learner, context)
    }

    fn state(&self) -> Result<State> {
        self.learner.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.learner.load_state(state)
    }
}

scant_abi::plugin! {
    trainer Autoencoder,
}
