//! What a trainer works with, lent across the boundary for one call: batches, model, losses, training set.

use std::ops::DerefMut;

use abi_stable::StableAbi;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::sabi_types::RMut;
use abi_stable::std_types::{RSlice, RStr, RVec};

use super::guard::{Guarded, Who};
use super::loss::{self, ImportedLoss, LossRef};
use super::model::{self, ImportedModel, ModelRef, or_nothing};
use super::values::{
    AbiClock, AbiNamed, AbiNamedView, AbiResult, AbiSource, enter, give_named, lend_named, take_named,
    view_named,
};
use crate::{Batch, Key, Result, Source, TrainContext, TrainingSet, WeightedLoss};

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiBatchView<'a> {
    indices: RSlice<'a, u64>,
    labels: RSlice<'a, i64>,
    views: RVec<AbiNamedView<'a>>,
}

impl<'a> AbiBatchView<'a> {
    pub(super) fn of(batch: &'a Batch) -> Self {
        Self {
            indices: batch.indices.as_slice().into(),
            labels: batch.labels.as_slice().into(),
            views: view_named(&batch.views),
        }
    }

    /// # Safety
    ///
    /// The batch must be gone when `'a` ends; the caller lends it out by reference only.
    pub(super) unsafe fn lend(&self) -> Result<Batch> {
        // SAFETY: promised by the caller.
        let views = unsafe { lend_named(&self.views) }?;
        Ok(Batch { indices: self.indices.to_vec(), labels: self.labels.to_vec(), views })
    }
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiBatch {
    indices: RVec<u64>,
    labels: RVec<i64>,
    views: RVec<AbiNamed>,
}

#[abi_stable::sabi_trait]
pub(super) trait AbiTrainingSet {
    fn len(&self, source: AbiSource) -> AbiResult<usize>;
    fn read(&mut self, source: AbiSource, view: RStr<'_>, first: usize, count: usize) -> AbiResult<AbiBatch>;
}

type TrainingSetRef<'a> = AbiTrainingSet_TO<'a, RMut<'a, ()>>;

impl<P> AbiTrainingSet for Guarded<P>
where
    P: DerefMut<Target: TrainingSet>,
{
    fn len(&self, source: AbiSource) -> AbiResult<usize> {
        self.read("len", |set| Ok(set.len(source.into())))
    }

    fn read(&mut self, source: AbiSource, view: RStr<'_>, first: usize, count: usize) -> AbiResult<AbiBatch> {
        self.change("read", |set| {
            let batch = set.read(source.into(), &view, first, count)?;
            let Batch { indices, labels, views } = batch;
            Ok(AbiBatch { indices: indices.into(), labels: labels.into(), views: give_named(views) })
        })
    }
}

struct ImportedTrainingSet<'a>(TrainingSetRef<'a>);

impl TrainingSet for ImportedTrainingSet<'_> {
    fn len(&self, source: Source) -> usize {
        or_nothing(enter(self.0.len(source.into())))
    }

    fn read(&mut self, source: Source, view: &str, first: usize, count: usize) -> Result<Batch> {
        let batch = enter(self.0.read(source.into(), view.into(), first, count))?;
        Ok(Batch {
            indices: batch.indices.into_vec(),
            labels: batch.labels.into_vec(),
            views: take_named(batch.views)?,
        })
    }
}

#[repr(C)]
#[derive(StableAbi)]
struct AbiWeightedLoss<'a> {
    name: RStr<'a>,
    weight: f32,
    loss: LossRef<'a>,
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiTrainContext<'a> {
    model: ModelRef<'a>,
    losses: RVec<AbiWeightedLoss<'a>>,
    data: TrainingSetRef<'a>,
    clock: AbiClock,
    key: u64,
}

/// Lends a trainer's context to another library while `call` runs.
pub(super) fn lend<T>(context: &mut TrainContext<'_>, call: impl FnOnce(AbiTrainContext<'_>) -> T) -> T {
    let mut model = Guarded::new(&mut *context.model, Who::Lent("the model lent to a trainer"));
    let mut data = Guarded::new(&mut *context.data, Who::Lent("the training set"));
    let mut losses: Vec<_> = context
        .losses
        .iter_mut()
        .map(|one| {
            let loss = Guarded::new(&mut *one.loss, Who::Lent("a loss lent to a trainer"));
            (one.name.as_str(), one.weight, loss)
        })
        .collect();
    let losses = losses.iter_mut().map(|(name, weight, loss)| AbiWeightedLoss {
        name: (*name).into(),
        weight: *weight,
        loss: loss::lent(loss),
    });
    call(AbiTrainContext {
        model: model::lent(&mut model),
        losses: losses.collect(),
        data: AbiTrainingSet_TO::from_ptr(RMut::new(&mut data), TD_Opaque),
        clock: context.clock.into(),
        key: context.key.bits(),
    })
}

impl AbiTrainContext<'_> {
    /// Runs `call` with this context in its native form.
    pub(super) fn enter<T>(self, call: impl FnOnce(&mut TrainContext<'_>) -> T) -> T {
        let mut model = ImportedModel::borrow(self.model);
        let mut imported: Vec<(RStr<'_>, f32, ImportedLoss<'_, _>)> = self
            .losses
            .into_iter()
            .map(|one| (one.name, one.weight, ImportedLoss::borrow(one.loss)))
            .collect();
        let mut losses: Vec<WeightedLoss<'_>> = imported
            .iter_mut()
            .map(|(name, weight, loss)| WeightedLoss {
                name: name.as_str().to_owned(),
                weight: *weight,
                loss,
            })
            .collect();
        call(&mut TrainContext {
            model: &mut model,
            losses: &mut losses,
            data: &mut ImportedTrainingSet(self.data),
            clock: self.clock.into(),
            key: Key::new(self.key),
        })
    }
}
