//! Losses between libraries.

use std::ops::DerefMut;

use abi_stable::StableAbi;
use abi_stable::pointer_trait::{AsMutPtr, AsPtr, GetPointerKind};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::sabi_types::RMut;
use abi_stable::std_types::{RBox, ROption, RSlice, RString, RVec};

use super::guard::{Guarded, Who};
use super::model::{self, AbiParameters, AbiPassView, ImportedModel, ModelRef, or_nothing};
use super::tensor::{AbiTensor, AbiView};
use super::values::{
    AbiClock, AbiNamed, AbiNamedView, AbiResult, Packed, enter, give_named, lend_named, pack, take_named,
    unpack, view_state,
};
use crate::{
    Key, Loss, LossInput, LossValue, Model, OutputGradient, ParameterInfo, Parameters, Pass, PassId, Result,
    State, Targets, Tensor,
};

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiLossInput<'a> {
    images: AbiView<'a>,
    pass: AbiPassView<'a>,
    first_row: usize,
    end_row: usize,
    labels: ROption<RSlice<'a, i64>>,
    soft: ROption<AbiView<'a>>,
    target_images: ROption<AbiView<'a>>,
    weights: ROption<RSlice<'a, f32>>,
    indices: RSlice<'a, u64>,
    clock: AbiClock,
    key: u64,
}

impl<'a> AbiLossInput<'a> {
    fn of(input: &LossInput<'a>) -> Self {
        let Targets { labels, soft, images, weights } = input.targets;
        Self {
            images: AbiView::of(input.images),
            pass: AbiPassView::of(input.pass),
            first_row: input.rows.start,
            end_row: input.rows.end,
            labels: labels.map(RSlice::from).into(),
            soft: soft.map(AbiView::of).into(),
            target_images: images.map(AbiView::of).into(),
            weights: weights.map(RSlice::from).into(),
            indices: input.indices.into(),
            clock: input.clock.into(),
            key: input.key.bits(),
        }
    }

    fn lend<T>(&self, call: impl FnOnce(&LossInput<'_>) -> Result<T>) -> Result<T> {
        // SAFETY: all tensors are locals of this function, which runs while the numbers are lent.
        let lend = |view: &AbiView<'_>| unsafe { view.lend() };
        let optional = |view: &ROption<AbiView<'_>>| view.as_ref().map(lend).into_option().transpose();
        let images = lend(&self.images)?;
        let soft = optional(&self.soft)?;
        let target_images = optional(&self.target_images)?;
        // SAFETY: as above.
        let pass = unsafe { self.pass.lend() }?;
        call(&LossInput {
            images: images.view(),
            pass: &pass,
            rows: self.first_row..self.end_row,
            targets: Targets {
                labels: self.labels.as_ref().into_option().map(RSlice::as_slice),
                soft: soft.as_ref().map(Tensor::view),
                images: target_images.as_ref().map(Tensor::view),
                weights: self.weights.as_ref().into_option().map(RSlice::as_slice),
            },
            indices: self.indices.as_slice(),
            clock: self.clock.into(),
            key: Key::new(self.key),
        })
    }
}

#[repr(C)]
#[derive(StableAbi)]
struct AbiGradient {
    pass: u64,
    output: RString,
    first_row: usize,
    weight: f32,
    gradient: AbiTensor,
}

#[repr(C)]
#[derive(StableAbi)]
struct AbiPartValue {
    name: RString,
    value: f32,
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiLossValue {
    value: f32,
    parts: RVec<AbiPartValue>,
    gradients: RVec<AbiGradient>,
    opened: RVec<u64>,
}

impl AbiLossValue {
    fn give(value: LossValue) -> Self {
        let gradient = |g: OutputGradient| AbiGradient {
            pass: g.pass.0,
            output: g.output.into(),
            first_row: g.first_row,
            weight: g.weight,
            gradient: AbiTensor::give(g.gradient),
        };
        let part = |(name, value): (String, f32)| AbiPartValue { name: name.into(), value };
        Self {
            value: value.value,
            parts: value.parts.into_iter().map(part).collect(),
            gradients: value.gradients.into_iter().map(gradient).collect(),
            opened: value.opened.into_iter().map(|pass| pass.0).collect(),
        }
    }

    fn take(self) -> Result<LossValue> {
        let gradient = |g: AbiGradient| {
            Ok(OutputGradient {
                pass: PassId(g.pass),
                output: g.output.into_string(),
                first_row: g.first_row,
                weight: g.weight,
                gradient: g.gradient.take()?,
            })
        };
        Ok(LossValue {
            value: self.value,
            parts: self.parts.into_iter().map(|part| (part.name.into_string(), part.value)).collect(),
            gradients: self.gradients.into_iter().map(gradient).collect::<Result<_>>()?,
            opened: self.opened.into_iter().map(PassId).collect(),
        })
    }
}

#[abi_stable::sabi_trait]
pub(super) trait AbiLoss {
    fn reads(&self) -> AbiResult<RVec<RString>>;
    fn evaluate(&mut self, input: AbiLossInput<'_>, model: ModelRef<'_>) -> AbiResult<AbiLossValue>;
    fn parameters(&mut self) -> AbiResult<ROption<AbiParameters<'_>>>;
    fn layout(&self) -> AbiResult<Packed>;
    fn annotate(&mut self, pass: AbiPassView<'_>) -> AbiResult<RVec<AbiNamed>>;
    fn state(&self) -> AbiResult<RVec<AbiNamed>>;
    fn load_state(&mut self, state: RVec<AbiNamedView<'_>>) -> AbiResult<()>;
}

/// A loss that the other library owns.
pub(super) type LossBox = AbiLoss_TO<'static, RBox<()>>;
/// A loss that is lent to the other library for one call.
pub(super) type LossRef<'a> = AbiLoss_TO<'a, RMut<'a, ()>>;

pub(super) fn export(loss: Box<dyn Loss>, who: Who) -> LossBox {
    AbiLoss_TO::from_value(Guarded::new(loss, who), TD_Opaque)
}

/// A loss in the form in which it can be lent while the guard lives.
pub(super) fn lent<'a>(guarded: &'a mut Guarded<&mut (dyn Loss + '_)>) -> LossRef<'a> {
    AbiLoss_TO::from_ptr(RMut::new(guarded), TD_Opaque)
}

impl<P> AbiLoss for Guarded<P>
where
    P: DerefMut<Target: Loss>,
{
    fn reads(&self) -> AbiResult<RVec<RString>> {
        self.read("reads", |loss| Ok(loss.reads().into_iter().map(RString::from).collect()))
    }

    fn evaluate(&mut self, input: AbiLossInput<'_>, model: ModelRef<'_>) -> AbiResult<AbiLossValue> {
        self.change("evaluate", |loss| {
            let mut model = ImportedModel::borrow(model);
            input.lend(|input| loss.evaluate(input, &mut model)).map(AbiLossValue::give)
        })
    }

    fn parameters(&mut self) -> AbiResult<ROption<AbiParameters<'_>>> {
        self.change("parameters", |loss| Ok(loss.parameters()?.map(AbiParameters::of).into()))
    }

    fn layout(&self) -> AbiResult<Packed> {
        self.read("layout", |loss| pack(&loss.layout()))
    }

    fn annotate(&mut self, pass: AbiPassView<'_>) -> AbiResult<RVec<AbiNamed>> {
        // SAFETY: the pass ends with this call.
        self.change("annotate", |loss| Ok(give_named(loss.annotate(&unsafe { pass.lend() }?)?)))
    }

    fn state(&self) -> AbiResult<RVec<AbiNamed>> {
        self.read("state", |loss| Ok(give_named(loss.state()?)))
    }

    fn load_state(&mut self, state: RVec<AbiNamedView<'_>>) -> AbiResult<()> {
        // SAFETY: the tensors end with this call.
        self.change("load_state", |loss| loss.load_state(&unsafe { lend_named(&state) }?))
    }
}

fn strings(strings: RVec<RString>) -> Vec<String> {
    strings.into_iter().map(RString::into_string).collect()
}

/// A loss of another library, as if it were one of this.
pub(super) struct ImportedLoss<'a, P: GetPointerKind<PtrTarget = ()>> {
    loss: AbiLoss_TO<'a, P>,
    fixed: Option<(Vec<String>, Vec<ParameterInfo>)>,
}

pub(super) fn import(loss: LossBox) -> Result<Box<dyn Loss>> {
    let fixed = (strings(enter(loss.reads())?), unpack(&enter(loss.layout())?)?);
    Ok(Box::new(ImportedLoss { loss, fixed: Some(fixed) }))
}

impl<'a> ImportedLoss<'a, RMut<'a, ()>> {
    pub(super) fn borrow(loss: LossRef<'a>) -> Self {
        Self { loss, fixed: None }
    }
}

impl<P> Loss for ImportedLoss<'_, P>
where
    P: AsPtr<PtrTarget = ()> + AsMutPtr<PtrTarget = ()>,
{
    fn reads(&self) -> Vec<String> {
        match &self.fixed {
            Some((reads, _)) => reads.clone(),
            None => or_nothing(enter(self.loss.reads()).map(strings)),
        }
    }

    fn evaluate(&mut self, input: &LossInput<'_>, model: &mut dyn Model) -> Result<LossValue> {
        let evaluate = |model: ModelRef<'_>| self.loss.evaluate(AbiLossInput::of(input), model);
        enter(model::lend(model, "the model lent to a loss", evaluate))?.take()
    }

    fn parameters(&mut self) -> Result<Option<Parameters<'_>>> {
        Ok(enter(self.loss.parameters())?.into_option().map(AbiParameters::enter))
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        match &self.fixed {
            Some((_, layout)) => layout.clone(),
            None => or_nothing(enter(self.loss.layout()).and_then(|packed| unpack(&packed))),
        }
    }

    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        take_named(enter(self.loss.annotate(AbiPassView::of(pass)))?)
    }

    fn state(&self) -> Result<State> {
        take_named(enter(self.loss.state())?)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        enter(self.loss.load_state(view_state(state)))
    }
}
