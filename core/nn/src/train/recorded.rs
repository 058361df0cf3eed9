//! A recorded pass, and what losses must know of it.

use scant_abi::{
    Clock, Forward, Key, LossInput, Pass, Result, Targets, TensorView, TrainContext, WeightedLoss,
};

use super::Objective;

/// A training pass that is open, over images of which the first are at these places of the training set.
pub struct Recorded<'a> {
    /// What came out.
    pub pass: Pass,
    images: TensorView<'a>,
    indices: &'a [u64],
    clock: Clock,
    key: Key,
}

impl Recorded<'_> {
    /// What a loss is evaluated on: the rows whose places are known, held against `targets`.
    ///
    /// Its key is the pass's own, so that a loss that looks again (VAT) meets the same dropout.
    pub fn input<'s>(&'s self, targets: Targets<'s>) -> LossInput<'s> {
        LossInput {
            images: self.images,
            pass: &self.pass,
            rows: 0..self.indices.len(),
            targets,
            indices: self.indices,
            clock: self.clock,
            key: self.key,
        }
    }
}

impl Objective {
    /// Sends `images` through the model as in training, computes `outputs` alone (all where that is empty), and takes
    /// charge of the pass. The first images are the samples at `indices`; what follows them is the trainer's own.
    pub fn record<'a, S: AsRef<str>>(
        &mut self,
        images: TensorView<'a>,
        indices: &'a [u64],
        outputs: &[S],
        key: Key,
        context: &mut TrainContext<'_>,
    ) -> Result<Recorded<'a>> {
        let outputs: Vec<&str> = outputs.iter().map(AsRef::as_ref).collect();
        let options = Forward { outputs: &outputs, ..Forward::training(key) };
        let pass = context.model.forward(images, &options)?;
        self.open(&pass);
        Ok(Recorded { pass, images, indices, clock: context.clock, key })
    }
}

/// The outputs that a step has to compute: those that the trainer reads itself, and those that its losses read.
pub fn outputs_read(own: &[&str], losses: &[WeightedLoss<'_>]) -> Vec<String> {
    let of_losses = losses.iter().flat_map(|weighted| weighted.loss.reads());
    own.iter().map(|name| (*name).to_owned()).chain(of_losses).collect()
}
