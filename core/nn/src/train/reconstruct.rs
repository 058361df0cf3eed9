//! The step of every auto-encoder.

use scant_abi::{Batch, Forward, LossInput, Report, Result, Targets, TensorView, TrainContext};

use super::{Objective, Optimizers};

/// Sends `images` through the model, holds what comes out against `target` by the stage's losses, and follows their
/// gradients. Outputs that no loss reads are not computed.
pub fn reconstruct(
    batch: &Batch,
    images: TensorView<'_>,
    target: TensorView<'_>,
    optimizers: &mut Optimizers,
    context: &mut TrainContext<'_>,
) -> Result<Report> {
    let names: Vec<String> = context.losses.iter().flat_map(|weighted| weighted.loss.reads()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let options = Forward { outputs: &names, ..Forward::training(context.key) };
    let pass = context.model.forward(images, &options)?;
    let mut objective = Objective::default();
    objective.open(&pass);
    let input = LossInput {
        images,
        pass: &pass,
        rows: 0..batch.len(),
        targets: Targets { images: Some(target), ..Targets::default() },
        indices: &batch.indices,
        clock: context.clock,
        key: context.key,
    };
    objective.add_all(context.losses, &input, context.model)?;
    let report = objective.backward(context.model)?;
    optimizers.step(context)?;
    Ok(report)
}
