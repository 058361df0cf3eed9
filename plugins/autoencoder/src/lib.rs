//! Learning to reconstruct images: plain, sparse and denoising auto-encoders.

use scant_abi::{
    Batch, CLEAN, Component, Error, Report, Result, Setup, Source, State, StreamRequest, TrainContext,
    Trainer, ViewRequest,
};
use scant_nn::optim::OptimizerConfig;
use scant_nn::train::{Optimizers, reconstruct};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const AUGMENTED: &str = "augmented";

/// What goes into the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// The image as the stage's `augment` changes it: a denoising auto-encoder.
    #[default]
    Augmented,
    /// The image as prepared.
    Clean,
}

/// How to learn to reconstruct.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoencoderConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// What goes into the model: augmented or clean; the target is always the clean image.
    pub input: Input,
}

/// Makes the stage's losses small on all images, labelled or not.
pub struct Autoencoder {
    input: Input,
    batch: usize,
    full_batches: bool,
    optimizers: Optimizers,
}

impl Component for Autoencoder {
    const NAME: &'static str = "autoencoder";
    const SUMMARY: &'static str = "Reconstructs clean images; the stage's losses say what that means.";
    type Config = AutoencoderConfig;

    fn new(config: AutoencoderConfig, setup: &Setup) -> Result<Self> {
        Ok(Self {
            input: config.input,
            batch: setup.batch,
            full_batches: setup.samples(Source::All) >= setup.batch,
            optimizers: Optimizers::new(config.optimizer)?,
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

    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        if context.losses.is_empty() {
            return Err(Error::config(
                "the autoencoder trainer makes the stage's losses small, and the stage lists none; \
                 write for example loss = [\"mse\"]",
            ));
        }
        Ok(())
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let batch = &batches[0];
        let clean = batch.view(CLEAN)?.view();
        let images = match self.input {
            Input::Augmented => batch.view(AUGMENTED)?.view(),
            Input::Clean => clean,
        };
        reconstruct(batch, images, clean, &mut self.optimizers, context)
    }

    fn state(&self) -> Result<State> {
        self.optimizers.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.optimizers.load_state(state)
    }
}

scant_abi::plugin! {
    trainer Autoencoder,
}
