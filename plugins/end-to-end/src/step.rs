//! The supervised step on labels that no person gave.

use scant_abi::{AUGMENTED, Batch, Error, Report, Result, Targets, Tensor, TrainContext, ViewRequest};
use scant_nn::train::{Learner, Objective, Recorded, cross_entropy};

/// `count` views of each image, each augmented anew.
pub(crate) fn views(count: usize) -> Vec<ViewRequest> {
    let name = |number: usize| {
        if number == 0 { AUGMENTED.to_owned() } else { format!("{AUGMENTED}-{}", number + 1) }
    };
    (0..count).map(|number| ViewRequest { name: name(number), ..ViewRequest::augmented() }).collect()
}

/// One step towards `labels` (one for each sample of the batch, the same for all of its views); what the model says of
/// each sample's first view comes back.
pub(crate) fn step(
    batch: &Batch,
    labels: &[i64],
    learner: &mut Learner,
    context: &mut TrainContext<'_>,
) -> Result<(Tensor, Report)> {
    let (images, views) = (stacked(batch)?, batch.views.len());
    let (labels, indices) = (labels.repeat(views), batch.indices.repeat(views));
    let mut objective = Objective::default();
    let recorded = objective.record(images.view(), &indices, &["logits"], context.key, context)?;
    let input = recorded.input(Targets { labels: Some(&labels), ..Targets::default() });
    objective.add("cross-entropy", 1.0, cross_entropy(&input, "logits")?);
    let said = of_first_view(&recorded, batch.len())?;
    Ok((said, learner.follow(objective, context)?))
}

fn of_first_view(recorded: &Recorded<'_>, samples: usize) -> Result<Tensor> {
    let logits = recorded.pass.output("logits")?.rows(0..samples)?;
    Tensor::from_f32(logits.f32()?.to_vec(), &logits.shape())
}

/// One row for each view of each sample, view after view.
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
