//! One trainer for the four auto-encoders of source 000: what goes in, and what must come out.

use scant_abi::{
    Batch, CLEAN, Component, Error, Report, Result, Setup, Source, State, StreamRequest, TrainContext,
    Trainer, ViewRequest,
};
use scant_nn::optim::OptimizerConfig;
use scant_nn::train::{Input, Learner, reconstruct, require_losses};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What must come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The image as prepared (B-AE, P-AE, PL-AE).
    #[default]
    Clean,
    /// What went in (SDA-AE).
    Input,
}

/// The two choices that tell B-AE, P-AE, SDA-AE and PL-AE apart; the third is the loss, `mse` or `perceptual`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlAeConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// What goes in: clean or augmented.
    pub input: Input,
    /// What must come out: the clean image, or the input.
    pub target: Target,
}

/// The pseudo-labelling auto-encoder; by its choices also B-AE, P-AE and SDA-AE.
pub struct PlAe {
    input: Input,
    target: Target,
    batch: usize,
    learner: Learner,
}

impl Component for PlAe {
    const NAME: &'static str = "pl-ae";
    const SUMMARY: &'static str =
        "Reconstructs the clean image from an augmented one: PL-AE, SDA-AE, P-AE, B-AE.";
    type Config = PlAeConfig;

    fn new(config: PlAeConfig, setup: &Setup) -> Result<Self> {
        require_losses(Self::NAME, "loss = [\"perceptual\"] or loss = [\"mse\"]", setup)?;
        Ok(Self {
            input: config.input,
            target: config.target,
            batch: setup.batch,
            learner: Learner::new(config.optimizer, None, setup)?,
        })
    }
}

impl Trainer for PlAe {
    fn streams(&self) -> Vec<StreamRequest> {
        let views = match (self.input, self.target) {
            (Input::Clean, _) => vec![ViewRequest::clean()],
            (Input::Augmented, Target::Input) => vec![ViewRequest::augmented()],
            (Input::Augmented, Target::Clean) => vec![ViewRequest::augmented(), ViewRequest::clean()],
        };
        vec![StreamRequest { source: Source::All, batch: self.batch, views, full_batches: false }]
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [batch] = batches else {
            return Err(Error::shape("the pl-ae trainer needs its one stream"));
        };
        let images = batch.view(self.input.view())?.view();
        let target = match self.target {
            Target::Clean => batch.view(CLEAN)?.view(),
            Target::Input => images,
        };
        reconstruct(batch, images, target, &mut self.learner, context)
    }

    fn state(&self) -> Result<State> {
        self.learner.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.learner.load_state(state)
    }
}
