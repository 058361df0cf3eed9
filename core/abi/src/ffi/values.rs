//! Errors, names, states and other plain values on their way between libraries.

use abi_stable::StableAbi;
use abi_stable::std_types::{RResult, RStr, RString, RVec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tensor::{AbiTensor, AbiView};
use crate::{Clock, Error, ErrorKind, Part, Report, Result, Source, State, Tensor};

/// The result of every call between libraries.
pub type AbiResult<T> = RResult<T, AbiError>;

#[repr(u8)]
#[derive(StableAbi, Clone, Copy)]
enum AbiErrorKind {
    Config,
    Data,
    Shape,
    Numeric,
    Io,
    Unsupported,
    Plugin,
    Panic,
}

/// An error with its causes as text.
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiError {
    kind: AbiErrorKind,
    message: RString,
    causes: RVec<RString>,
}

macro_rules! same_variants {
    ($abi:ident $native:ident: $($variant:ident)*) => {
        impl From<$native> for $abi {
            fn from(value: $native) -> Self {
                match value { $($native::$variant => Self::$variant),* }
            }
        }
        impl From<$abi> for $native {
            fn from(value: $abi) -> Self {
                match value { $($abi::$variant => Self::$variant),* }
            }
        }
    };
}

same_variants!(AbiErrorKind ErrorKind: Config Data Shape Numeric Io Unsupported Plugin Panic);

impl From<Error> for AbiError {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind().into(),
            message: error.message().into(),
            causes: error.causes().iter().map(|cause| cause.as_str().into()).collect(),
        }
    }
}

impl From<AbiError> for Error {
    fn from(error: AbiError) -> Self {
        let causes = error.causes.into_iter().map(RString::into_string).collect();
        Self::from_parts(error.kind.into(), error.message.into_string(), causes)
    }
}

/// A result as it came from another library.
pub(super) fn enter<T>(result: AbiResult<T>) -> Result<T> {
    result.into_result().map_err(Error::from)
}

/// A result on its way to another library.
pub(super) fn leave<T>(result: Result<T>) -> AbiResult<T> {
    result.map_err(AbiError::from).into()
}

#[repr(u8)]
#[derive(StableAbi, Clone, Copy)]
pub(super) enum AbiSource {
    Labelled,
    Unlabelled,
    All,
}

same_variants!(AbiSource Source: Labelled Unlabelled All);

#[repr(u8)]
#[derive(StableAbi, Clone, Copy)]
pub(super) enum AbiPart {
    Train,
    Test,
}

same_variants!(AbiPart Part: Train Test);

#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub(super) struct AbiClock {
    stage: usize,
    epoch: usize,
    epochs: usize,
    step: usize,
    steps: usize,
}

impl From<Clock> for AbiClock {
    fn from(clock: Clock) -> Self {
        let Clock { stage, epoch, epochs, step, steps } = clock;
        Self { stage, epoch, epochs, step, steps }
    }
}

impl From<AbiClock> for Clock {
    fn from(clock: AbiClock) -> Self {
        let AbiClock { stage, epoch, epochs, step, steps } = clock;
        Self { stage, epoch, epochs, step, steps }
    }
}

/// What is cold and has no tensors crosses as MessagePack, which unlike JSON knows NaN.
pub(super) type Packed = RVec<u8>;

pub(super) fn pack<T: Serialize>(value: &T) -> Result<Packed> {
    rmp_serde::to_vec_named(value).map(RVec::from).map_err(|error| {
        Error::caused_by(ErrorKind::Plugin, "cannot hand a value to another library", &error)
    })
}

pub(super) fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T> {
    rmp_serde::from_slice(packed).map_err(|error| {
        Error::caused_by(ErrorKind::Plugin, "cannot understand a value from another library", &error)
    })
}

/// A tensor with its name, owned.
#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiNamed {
    name: RString,
    tensor: AbiTensor,
}

/// A tensor with its name, borrowed.
#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiNamedView<'a> {
    name: RStr<'a>,
    view: AbiView<'a>,
}

pub(super) fn give_named(tensors: impl IntoIterator<Item = (String, Tensor)>) -> RVec<AbiNamed> {
    tensors
        .into_iter()
        .map(|(name, tensor)| AbiNamed { name: name.into(), tensor: AbiTensor::give(tensor) })
        .collect()
}

pub(super) fn take_named<C: FromIterator<(String, Tensor)>>(tensors: RVec<AbiNamed>) -> Result<C> {
    tensors.into_iter().map(|named| Ok((named.name.into_string(), named.tensor.take()?))).collect()
}

pub(super) fn view_named(tensors: &[(String, Tensor)]) -> RVec<AbiNamedView<'_>> {
    tensors.iter().map(|(name, tensor)| view_one(name, tensor)).collect()
}

pub(super) fn view_state(state: &State) -> RVec<AbiNamedView<'_>> {
    state.iter().map(|(name, tensor)| view_one(name, tensor)).collect()
}

fn view_one<'a>(name: &'a str, tensor: &'a Tensor) -> AbiNamedView<'a> {
    AbiNamedView { name: name.into(), view: AbiView::of(tensor.view()) }
}

/// # Safety
///
/// As [`AbiView::lend`], for every tensor.
pub(super) unsafe fn lend_named<C: FromIterator<(String, Tensor)>>(views: &[AbiNamedView<'_>]) -> Result<C> {
    views
        .iter()
        // SAFETY: promised by the caller.
        .map(|named| Ok((named.name.as_str().to_owned(), unsafe { named.view.lend() }?)))
        .collect()
}

/// A number with its name.
#[repr(C)]
#[derive(StableAbi)]
struct AbiNumber {
    name: RString,
    value: f64,
}

/// A [`Report`].
#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiReport {
    metrics: RVec<AbiNumber>,
    stop: RString,
    stops: bool,
}

impl From<Report> for AbiReport {
    fn from(report: Report) -> Self {
        let metrics =
            report.metrics.into_iter().map(|(name, value)| AbiNumber { name: name.into(), value }).collect();
        Self { metrics, stops: report.stop.is_some(), stop: report.stop.unwrap_or_default().into() }
    }
}

impl From<AbiReport> for Report {
    fn from(report: AbiReport) -> Self {
        let metrics =
            report.metrics.into_iter().map(|number| (number.name.into_string(), number.value)).collect();
        Self { metrics, stop: report.stops.then(|| report.stop.into_string()) }
    }
}
