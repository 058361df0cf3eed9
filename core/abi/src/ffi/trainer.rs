//! Trainers between libraries.

use std::ops::DerefMut;

use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RBox, RVec};

use super::context::{self, AbiBatchView, AbiTrainContext};
use super::guard::{Guarded, Who};
use super::model::{self, AbiPassView, ImportedModel, ModelRef};
use super::values::{
    AbiNamed, AbiNamedView, AbiReport, AbiResult, Packed, enter, give_named, lend_named, pack, take_named,
    unpack, view_state,
};
use crate::{
    Batch, EpochPlan, Model, Pass, Report, Result, State, StreamRequest, Tensor, TrainContext, Trainer,
};

#[abi_stable::sabi_trait]
pub(super) trait AbiTrainer {
    fn streams(&self) -> AbiResult<Packed>;
    fn begin_stage(&mut self, context: AbiTrainContext<'_>) -> AbiResult<()>;
    fn begin_epoch(&mut self, context: AbiTrainContext<'_>) -> AbiResult<Packed>;
    fn step(&mut self, batches: RVec<AbiBatchView<'_>>, context: AbiTrainContext<'_>)
    -> AbiResult<AbiReport>;
    fn end_epoch(&mut self, context: AbiTrainContext<'_>) -> AbiResult<AbiReport>;
    fn enter_evaluation(&mut self, model: ModelRef<'_>) -> AbiResult<()>;
    fn leave_evaluation(&mut self, model: ModelRef<'_>) -> AbiResult<()>;
    fn annotate(&mut self, pass: AbiPassView<'_>) -> AbiResult<RVec<AbiNamed>>;
    fn state(&self) -> AbiResult<RVec<AbiNamed>>;
    fn load_state(&mut self, state: RVec<AbiNamedView<'_>>) -> AbiResult<()>;
}

/// A trainer that the other library owns.
pub(super) type TrainerBox = AbiTrainer_TO<'static, RBox<()>>;

pub(super) fn export(trainer: Box<dyn Trainer>, who: Who) -> TrainerBox {
    AbiTrainer_TO::from_value(Guarded::new(trainer, who), TD_Opaque)
}

impl<P> AbiTrainer for Guarded<P>
where
    P: DerefMut<Target: Trainer>,
{
    fn streams(&self) -> AbiResult<Packed> {
        self.read("streams", |trainer| pack(&trainer.streams()))
    }

    fn begin_stage(&mut self, context: AbiTrainContext<'_>) -> AbiResult<()> {
        self.change("begin_stage", |trainer| context.enter(|context| trainer.begin_stage(context)))
    }

    fn begin_epoch(&mut self, context: AbiTrainContext<'_>) -> AbiResult<Packed> {
        self.change("begin_epoch", |trainer| pack(&context.enter(|context| trainer.begin_epoch(context))?))
    }

    fn step(
        &mut self,
        batches: RVec<AbiBatchView<'_>>,
        context: AbiTrainContext<'_>,
    ) -> AbiResult<AbiReport> {
        self.change("step", |trainer| {
            let batches: Vec<Batch> =
                // SAFETY: the batches end with this call.
                batches.iter().map(|batch| unsafe { batch.lend() }).collect::<Result<_>>()?;
            context.enter(|context| trainer.step(&batches, context)).map(AbiReport::from)
        })
    }

    fn end_epoch(&mut self, context: AbiTrainContext<'_>) -> AbiResult<AbiReport> {
        self.change("end_epoch", |trainer| {
            context.enter(|context| trainer.end_epoch(context)).map(AbiReport::from)
        })
    }

    fn enter_evaluation(&mut self, model: ModelRef<'_>) -> AbiResult<()> {
        self.change("enter_evaluation", |trainer| trainer.enter_evaluation(&mut ImportedModel::borrow(model)))
    }

    fn leave_evaluation(&mut self, model: ModelRef<'_>) -> AbiResult<()> {
        self.change("leave_evaluation", |trainer| trainer.leave_evaluation(&mut ImportedModel::borrow(model)))
    }

    fn annotate(&mut self, pass: AbiPassView<'_>) -> AbiResult<RVec<AbiNamed>> {
        // SAFETY: the pass ends with this call.
        self.change("annotate", |trainer| Ok(give_named(trainer.annotate(&unsafe { pass.lend() }?)?)))
    }

    fn state(&self) -> AbiResult<RVec<AbiNamed>> {
        self.read("state", |trainer| Ok(give_named(trainer.state()?)))
    }

    fn load_state(&mut self, state: RVec<AbiNamedView<'_>>) -> AbiResult<()> {
        // SAFETY: the tensors end with this call.
        self.change("load_state", |trainer| trainer.load_state(&unsafe { lend_named(&state) }?))
    }
}

/// A trainer of another library.
struct Imported {
    trainer: TrainerBox,
    streams: Vec<StreamRequest>,
}

pub(super) fn import(trainer: TrainerBox) -> Result<Box<dyn Trainer>> {
    let streams = unpack(&enter(trainer.streams())?)?;
    Ok(Box::new(Imported { trainer, streams }))
}

impl Trainer for Imported {
    fn streams(&self) -> Vec<StreamRequest> {
        self.streams.clone()
    }

    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        enter(context::lend(context, |context| self.trainer.begin_stage(context)))
    }

    fn begin_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<EpochPlan> {
        unpack(&enter(context::lend(context, |context| self.trainer.begin_epoch(context)))?)
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let batches = batches.iter().map(AbiBatchView::of).collect();
        enter(context::lend(context, |context| self.trainer.step(batches, context))).map(Report::from)
    }

    fn end_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<Report> {
        enter(context::lend(context, |context| self.trainer.end_epoch(context))).map(Report::from)
    }

    fn enter_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        let enter_evaluation = |model: ModelRef<'_>| self.trainer.enter_evaluation(model);
        enter(model::lend(model, "the model lent to a trainer", enter_evaluation))
    }

    fn leave_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        let leave_evaluation = |model: ModelRef<'_>| self.trainer.leave_evaluation(model);
        enter(model::lend(model, "the model lent to a trainer", leave_evaluation))
    }

    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        take_named(enter(self.trainer.annotate(AbiPassView::of(pass)))?)
    }

    fn state(&self) -> Result<State> {
        take_named(enter(self.trainer.state())?)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        enter(self.trainer.load_state(view_state(state)))
    }
}
