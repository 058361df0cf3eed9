//! Evaluators between libraries.

use std::ops::DerefMut;

use abi_stable::StableAbi;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RBox, RSlice, RStr};

use super::guard::{Guarded, Who};
use super::values::{AbiNamedView, AbiResult, Packed, enter, lend_named, pack, unpack, view_named};
use crate::{Evaluation, Evaluator, Findings, Key, Reading, Result, Split};

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiSplit<'a> {
    name: RStr<'a>,
    labels: RSlice<'a, i64>,
    labelled: RSlice<'a, bool>,
    outputs: abi_stable::std_types::RVec<AbiNamedView<'a>>,
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiEvaluation<'a> {
    splits: abi_stable::std_types::RVec<AbiSplit<'a>>,
    /// Classes and history.
    rest: Packed,
    key: u64,
}

impl<'a> AbiEvaluation<'a> {
    fn of(evaluation: &'a Evaluation) -> Result<Self> {
        let splits = evaluation.splits.iter().map(|split| AbiSplit {
            name: split.name.as_str().into(),
            labels: split.labels.as_slice().into(),
            labelled: split.labelled.as_slice().into(),
            outputs: view_named(&split.outputs),
        });
        let rest = pack(&(&evaluation.classes, &evaluation.history))?;
        Ok(Self { splits: splits.collect(), rest, key: evaluation.key.bits() })
    }

    /// # Safety
    ///
    /// The evaluation must be gone when `'a` ends; the caller lends it out by reference only.
    unsafe fn lend(&self) -> Result<Evaluation> {
        let splits = self.splits.iter().map(|split| {
            Ok(Split {
                name: split.name.as_str().to_owned(),
                labels: split.labels.to_vec(),
                labelled: split.labelled.to_vec(),
                // SAFETY: promised by the caller.
                outputs: unsafe { lend_named(&split.outputs) }?,
            })
        });
        let splits = splits.collect::<Result<_>>()?;
        let (classes, history) = unpack(&self.rest)?;
        Ok(Evaluation { splits, classes, history, key: Key::new(self.key) })
    }
}

#[abi_stable::sabi_trait]
pub(super) trait AbiEvaluator {
    fn reads(&self) -> AbiResult<Packed>;
    fn evaluate(&mut self, evaluation: AbiEvaluation<'_>) -> AbiResult<Packed>;
}

/// An evaluator that the other library owns.
pub(super) type EvaluatorBox = AbiEvaluator_TO<'static, RBox<()>>;

pub(super) fn export(evaluator: Box<dyn Evaluator>, who: Who) -> EvaluatorBox {
    AbiEvaluator_TO::from_value(Guarded::new(evaluator, who), TD_Opaque)
}

impl<P> AbiEvaluator for Guarded<P>
where
    P: DerefMut<Target: Evaluator>,
{
    fn reads(&self) -> AbiResult<Packed> {
        self.read("reads", |evaluator| pack(&evaluator.reads()))
    }

    fn evaluate(&mut self, evaluation: AbiEvaluation<'_>) -> AbiResult<Packed> {
        self.change("evaluate", |evaluator| {
            // SAFETY: the evaluation ends with this call.
            pack(&evaluator.evaluate(&unsafe { evaluation.lend() }?)?)
        })
    }
}

/// An evaluator of another library.
struct Imported {
    evaluator: EvaluatorBox,
    reads: Vec<Reading>,
}

pub(super) fn import(evaluator: EvaluatorBox) -> Result<Box<dyn Evaluator>> {
    let reads = unpack(&enter(evaluator.reads())?)?;
    Ok(Box::new(Imported { evaluator, reads }))
}

impl Evaluator for Imported {
    fn reads(&self) -> Vec<Reading> {
        self.reads.clone()
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        unpack(&enter(self.evaluator.evaluate(AbiEvaluation::of(evaluation)?))?)
    }
}
