//! The supervised step on labels that no person gave.

use scant_abi::{
    Batch, Error, Forward, LossInput, Pass, Report, Result, Targets, Tensor, TrainContext, ViewRequest,
};
use scant_nn::train::{Objective, Optimizers, cross_entropy};

const VIEW: &str = "augmented";

/// `count` views of each image, each augmented anew.
pub(crate) fn views(count: usize) -> Vec<ViewRequest> {
    let name = |number: usize| if number == 0 { VIEW.to_owned() } else { format!("{VIEW}-{}", number + 1) };
    (0..count).map(|number| ViewRequest { name: name(number), ..ViewRequest::augmented() }).collect()
}

/// One step towards `labels` (one for each sample of the batch, the same for all of its views); the pass comes back
/// with one row for each view of each sample, view after view.
pub(crate) fn step(
    batch: &Batch,
    labels: &[i64],
    optimizers: &mut Optimizers,
    context: &mut TrainContext<'_>,
) -> Result<(Pass, Report)> {
    let images = stacked(batch)?;
    let views = batch.views.len();
    let options = Forward { outputs: &["logits"], ..Forward::training(context.key) };
    let pass = context.model.forward(images.view(), &options)?;
    let labels = labels.repeat(views);
    let input = LossInput {
        images: images.view(),
        pass: &pass,
        rows: 0..labels.len(),
        targets: Targets { labels: Some(&labels), ..Targets::default() },
        indices: &batch.indices.repeat(views),
        clock: context.clock,
        key: context.key,
    };
    let mut objective = Objective::default();
    objective.open(&pass);
    objective.add("cross-entropy", 1.0, cross_entropy(&input, "logits")?);
    let report = objective.backward(context.model)?;
    optimizers.step(context)?;
    Ok((pass, report))
}

fn stacked(batch: &Batch) -> Result<Tensor> {
    let Some((_, first)) = batch.views.first() else { return Err(Error::shape("a batch without a view")) };
    let mut dims = first.shape().to_vec();
    dims[0] *= batch.views.len();
    let mut values = Vec::with_capacity(first.shape().count() * batch.views.len());
    for (_, images) in &batch.views {
        values.extend_from_slice(images.f32()?);
    }
    Tensor::from_f32(values, &dims)
}
