//! The step of every auto-encoder.

use scant_abi::{AUGMENTED, Batch, CLEAN, Report, Result, Targets, TensorView, TrainContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Learner, Objective, outputs_read};

/// What goes into an auto-encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// The image as the stage's `augment` changes it, anew in each epoch.
    #[default]
    Augmented,
    /// The image as prepared.
    Clean,
}

impl Input {
    /// The view that it is.
    pub fn view(self) -> &'static str {
        match self {
            Self::Augmented => AUGMENTED,
            Self::Clean => CLEAN,
        }
    }
}

/// Sends `images` through the model, holds what comes out against `target` by the stage's losses, and follows their
/// gradients. Outputs that no loss reads are not computed.
pub fn reconstruct(
    batch: &Batch,
    images: TensorView<'_>,
    target: TensorView<'_>,
    learner: &mut Learner,
    context: &mut TrainContext<'_>,
) -> Result<Report> {
    let mut objective = Objective::default();
    let outputs = outputs_read(&[], context.losses);
    let recorded = objective.record(images, &batch.indices, &outputs, context.key, context)?;
    let input = recorded.input(Targets { images: Some(target), ..Targets::default() });
    objective.add_all(context.losses, &input, context.model)?;
    learner.follow(objective, context)
}
