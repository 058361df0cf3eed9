//! A closure on dfdx tensors becomes a value with gradients.

use dfdx::prelude::*;
use scant_abi::{LossInput, LossValue, Result, TensorView};

use super::{Backend, Layout, export, tensor};
use crate::ops::{ImageDevice, Scalar};

/// A tensor that carries the tape of what is computed from it.
pub type Traced<S> = Tensor<S, f32, Backend, OwnedTape<f32, Backend>>;

/// The value of `function` at `x`, and its gradient there.
pub fn differentiate<S: Layout>(
    x: TensorView<'_>,
    function: impl FnOnce(Traced<S>) -> Result<Scalar<Backend, OwnedTape<f32, Backend>>>,
) -> Result<(f32, scant_abi::Tensor)> {
    let source = tensor::<S>(x)?;
    let value = function(source.leaky_trace())?;
    let number = value.array();
    let gradients = value.try_backward().map_err(Backend::failed)?;
    Ok((number, export(&gradients.get(&source))?.reshape(&x.shape())?))
}

/// The value of `function` at `x` and `y`, and its gradients there.
pub fn differentiate_two<S: Layout, R: Layout>(
    x: TensorView<'_>,
    y: TensorView<'_>,
    function: impl FnOnce(Traced<S>, Traced<R>) -> Result<Scalar<Backend, OwnedTape<f32, Backend>>>,
) -> Result<(f32, [scant_abi::Tensor; 2])> {
    let (first, second) = (tensor::<S>(x)?, tensor::<R>(y)?);
    let value = function(first.leaky_trace(), second.leaky_trace())?;
    let number = value.array();
    let gradients = value.try_backward().map_err(Backend::failed)?;
    Ok((
        number,
        [
            export(&gradients.get(&first))?.reshape(&x.shape())?,
            export(&gradients.get(&second))?.reshape(&y.shape())?,
        ],
    ))
}

/// A loss that is a function of one output: the whole of [`Loss::evaluate`](scant_abi::Loss::evaluate) for most.
///
/// ```
/// use scant_abi::{LossInput, LossValue, Result};
/// use scant_nn::adapt::{loss_on, tensor};
/// use scant_nn::ops::{Reduction, mse};
///
/// fn evaluate(input: &LossInput<'_>) -> Result<LossValue> {
///     let target = tensor(input.targets.images()?)?;
///     loss_on::<(usize, usize)>(input, "reconstruction", |x| mse(x, target, Reduction::Values))
/// }
/// ```
pub fn loss_on<S: Layout>(
    input: &LossInput<'_>,
    output: &str,
    function: impl FnOnce(Traced<S>) -> Result<Scalar<Backend, OwnedTape<f32, Backend>>>,
) -> Result<LossValue> {
    let (value, gradient) = differentiate(input.output(output)?, function)?;
    Ok(LossValue { value, gradients: vec![input.gradient(output, gradient)], ..LossValue::default() })
}
