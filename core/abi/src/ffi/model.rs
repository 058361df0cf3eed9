//! Models between libraries.

use std::ops::DerefMut;

use abi_stable::StableAbi;
use abi_stable::pointer_trait::{AsMutPtr, AsPtr};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::sabi_types::RMut;
use abi_stable::std_types::{RBox, ROption, RSlice, RStr, RString, RVec};

use super::guard::{Guarded, Who};
use super::tensor::{AbiFlat, AbiTensor, AbiView};
use super::values::{
    AbiNamed, AbiNamedView, AbiResult, Packed, enter, give_named, lend_named, pack, take_named, unpack,
    view_named, view_state,
};
use crate::{
    Forward, Key, Model, OutputGradient, OutputInfo, ParameterInfo, Parameters, Pass, PassId, Result, State,
    Tensor, TensorView, Wants,
};

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiForward<'a> {
    train: bool,
    update_statistics: bool,
    record: bool,
    input_gradient: bool,
    key: u64,
    outputs: RSlice<'a, RStr<'a>>,
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiPass {
    id: u64,
    outputs: RVec<AbiNamed>,
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiPassView<'a> {
    id: u64,
    outputs: RVec<AbiNamedView<'a>>,
}

impl<'a> AbiPassView<'a> {
    pub(super) fn of(pass: &'a Pass) -> Self {
        Self { id: pass.id.0, outputs: view_named(&pass.outputs) }
    }

    /// # Safety
    ///
    /// As [`AbiView::lend`], for every output.
    pub(super) unsafe fn lend(&self) -> Result<Pass> {
        // SAFETY: promised by the caller.
        Ok(Pass { id: PassId(self.id), outputs: unsafe { lend_named(&self.outputs) }? })
    }
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiGradientView<'a> {
    pass: u64,
    output: RStr<'a>,
    first_row: usize,
    weight: f32,
    gradient: AbiView<'a>,
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiParameters<'a> {
    values: AbiFlat<'a>,
    gradients: AbiFlat<'a>,
}

impl<'a> AbiParameters<'a> {
    pub(super) fn of(parameters: Parameters<'a>) -> Self {
        Self { values: AbiFlat::of(parameters.values), gradients: AbiFlat::of(parameters.gradients) }
    }

    pub(super) fn enter(self) -> Parameters<'a> {
        Parameters { values: self.values.enter(), gradients: self.gradients.enter() }
    }
}

#[abi_stable::sabi_trait]
pub(super) trait AbiModel {
    fn outputs(&self) -> AbiResult<Packed>;
    fn forward(&mut self, input: AbiView<'_>, options: AbiForward<'_>) -> AbiResult<AbiPass>;
    fn backward(
        &mut self,
        pass: u64,
        gradients: RVec<AbiGradientView<'_>>,
        parameters: bool,
        input: bool,
    ) -> AbiResult<ROption<AbiTensor>>;
    fn discard(&mut self, pass: u64);
    fn parameters(&mut self) -> AbiResult<AbiParameters<'_>>;
    fn layout(&self) -> AbiResult<Packed>;
    fn freeze(&mut self, parts: RVec<RString>) -> AbiResult<()>;
    fn state(&self) -> AbiResult<RVec<AbiNamed>>;
    fn load_state(&mut self, state: RVec<AbiNamedView<'_>>) -> AbiResult<()>;
    fn duplicate(&self) -> AbiResult<ModelBox>;
}

/// A model that the other library owns.
pub(super) type ModelBox = AbiModel_TO<'static, RBox<()>>;
/// A model that is lent to the other library for one call.
pub(super) type ModelRef<'a> = AbiModel_TO<'a, RMut<'a, ()>>;

pub(super) fn export(model: Box<dyn Model>, who: Who) -> ModelBox {
    AbiModel_TO::from_value(Guarded::new(model, who), TD_Opaque)
}

impl<P> AbiModel for Guarded<P>
where
    P: DerefMut<Target: Model>,
{
    fn outputs(&self) -> AbiResult<Packed> {
        self.read("outputs", |model| pack(&model.outputs()))
    }

    fn forward(&mut self, input: AbiView<'_>, options: AbiForward<'_>) -> AbiResult<AbiPass> {
        self.change("forward", |model| {
            // SAFETY: the tensor ends with this call.
            let input = unsafe { input.lend() }?;
            let outputs: Vec<&str> = options.outputs.iter().map(RStr::as_str).collect();
            let options = Forward {
                train: options.train,
                update_statistics: options.update_statistics,
                record: options.record,
                input_gradient: options.input_gradient,
                key: Key::new(options.key),
                outputs: &outputs,
            };
            let pass = model.forward(input.view(), &options)?;
            Ok(AbiPass { id: pass.id.0, outputs: give_named(pass.outputs) })
        })
    }

    fn backward(
        &mut self,
        pass: u64,
        gradients: RVec<AbiGradientView<'_>>,
        parameters: bool,
        input: bool,
    ) -> AbiResult<ROption<AbiTensor>> {
        self.change("backward", |model| {
            let gradients = gradients
                .iter()
                .map(|view| {
                    Ok(OutputGradient {
                        pass: PassId(view.pass),
                        output: view.output.as_str().to_owned(),
                        first_row: view.first_row,
                        weight: view.weight,
                        // SAFETY: the tensor ends with this call.
                        gradient: unsafe { view.gradient.lend() }?,
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            let gradient = model.backward(PassId(pass), &gradients, Wants { parameters, input })?;
            Ok(gradient.map(AbiTensor::give).into())
        })
    }

    fn discard(&mut self, pass: u64) {
        // A panic here is told by the next call.
        let _ = self.change("discard", |model| {
            model.discard(PassId(pass));
            Ok(())
        });
    }

    fn parameters(&mut self) -> AbiResult<AbiParameters<'_>> {
        self.change("parameters", |model| model.parameters().map(AbiParameters::of))
    }

    fn layout(&self) -> AbiResult<Packed> {
        self.read("layout", |model| pack(&model.layout()))
    }

    fn freeze(&mut self, parts: RVec<RString>) -> AbiResult<()> {
        self.change("freeze", |model| {
            let parts: Vec<String> = parts.into_iter().map(RString::into_string).collect();
            model.freeze(&parts)
        })
    }

    fn state(&self) -> AbiResult<RVec<AbiNamed>> {
        self.read("state", |model| Ok(give_named(model.state()?)))
    }

    fn load_state(&mut self, state: RVec<AbiNamedView<'_>>) -> AbiResult<()> {
        // SAFETY: the tensors end with this call.
        self.change("load_state", |model| model.load_state(&unsafe { lend_named(&state) }?))
    }

    fn duplicate(&self) -> AbiResult<ModelBox> {
        let who = self.who().clone();
        self.read("duplicate", |model| Ok(export(model.duplicate()?, who)))
    }
}

/// Lends `model` to another library while `call` runs.
pub(super) fn lend<T>(model: &mut dyn Model, what: &'static str, call: impl FnOnce(ModelRef<'_>) -> T) -> T {
    call(lent(&mut Guarded::new(model, Who::Lent(what))))
}

/// A model in the form in which it can be lent while the guard lives.
pub(super) fn lent<'a>(guarded: &'a mut Guarded<&mut (dyn Model + '_)>) -> ModelRef<'a> {
    AbiModel_TO::from_ptr(RMut::new(guarded), TD_Opaque)
}

/// A model of another library, as if it were one of this.
pub(super) struct ImportedModel<'a, P>
where
    P: abi_stable::pointer_trait::GetPointerKind<PtrTarget = ()>,
{
    model: AbiModel_TO<'a, P>,
    fixed: Option<(Vec<OutputInfo>, Vec<ParameterInfo>)>,
}

impl ImportedModel<'static, RBox<()>> {
    pub(super) fn own(model: ModelBox) -> Result<Self> {
        // What is fixed from construction on is asked for here, where a failure can be told.
        let fixed = (unpack(&enter(model.outputs())?)?, unpack(&enter(model.layout())?)?);
        Ok(Self { model, fixed: Some(fixed) })
    }
}

impl<'a> ImportedModel<'a, RMut<'a, ()>> {
    pub(super) fn borrow(model: ModelRef<'a>) -> Self {
        Self { model, fixed: None }
    }
}

impl<P> Model for ImportedModel<'_, P>
where
    P: AsPtr<PtrTarget = ()> + AsMutPtr<PtrTarget = ()>,
{
    fn outputs(&self) -> Vec<OutputInfo> {
        match &self.fixed {
            Some((outputs, _)) => outputs.clone(),
            None => or_nothing(enter(self.model.outputs()).and_then(|packed| unpack(&packed))),
        }
    }

    fn forward(&mut self, input: TensorView<'_>, options: &Forward<'_>) -> Result<Pass> {
        let outputs: Vec<RStr<'_>> = options.outputs.iter().map(|name| RStr::from(*name)).collect();
        let options = AbiForward {
            train: options.train,
            update_statistics: options.update_statistics,
            record: options.record,
            input_gradient: options.input_gradient,
            key: options.key.bits(),
            outputs: outputs.as_slice().into(),
        };
        let pass = enter(self.model.forward(AbiView::of(input), options))?;
        Ok(Pass { id: PassId(pass.id), outputs: take_named(pass.outputs)? })
    }

    fn backward(
        &mut self,
        pass: PassId,
        gradients: &[OutputGradient],
        wants: Wants,
    ) -> Result<Option<Tensor>> {
        let gradients = gradients.iter().map(|gradient| AbiGradientView {
            pass: gradient.pass.0,
            output: gradient.output.as_str().into(),
            first_row: gradient.first_row,
            weight: gradient.weight,
            gradient: AbiView::of(gradient.gradient.view()),
        });
        let given = self.model.backward(pass.0, gradients.collect(), wants.parameters, wants.input);
        enter(given)?.into_option().map(AbiTensor::take).transpose()
    }

    fn discard(&mut self, pass: PassId) {
        self.model.discard(pass.0);
    }

    fn parameters(&mut self) -> Result<Parameters<'_>> {
        enter(self.model.parameters()).map(AbiParameters::enter)
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        match &self.fixed {
            Some((_, layout)) => layout.clone(),
            None => or_nothing(enter(self.model.layout()).and_then(|packed| unpack(&packed))),
        }
    }

    fn freeze(&mut self, parts: &[String]) -> Result<()> {
        enter(self.model.freeze(parts.iter().map(|part| part.as_str().into()).collect()))
    }

    fn state(&self) -> Result<State> {
        take_named(enter(self.model.state())?)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        enter(self.model.load_state(view_state(state)))
    }

    fn duplicate(&self) -> Result<Box<dyn Model>> {
        Ok(Box::new(ImportedModel::own(enter(self.model.duplicate())?)?))
    }
}

/// For the few methods that cannot fail: what failed across the boundary is told in the log.
pub(super) fn or_nothing<T: Default>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| {
        log::error!("{error}");
        T::default()
    })
}
