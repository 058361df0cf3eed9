//! Operations that keep the number of values.

use super::split;
use crate::kernels::simd::vectorised;
use crate::kernels::{Activation, buffer, rearrange, threads};
use crate::ops::tape::{Sink, record, slice, tensor};
use dfdx::prelude::*;
use scant_abi::{Key, Result};

pub(super) fn activate<S: Shape, T: Tape<f32, Cpu>>(
    x: Tensor<S, f32, Cpu, T>,
    activation: Activation,
) -> Result<Tensor<S, f32, Cpu, T>> {
    let (x, tape) = split(x)?;
    let mut values = buffer::unwritten(slice(&x).len());
    let input = slice(&x);
    threads::pieces(&mut values, threads::PIECE, |i, values| {
        values.copy_from_slice(&input[i * threads::PIECE..][..values.len()]);
        activation.apply(values);
    });
    let y = tensor(x.device(), values, *x.shape())?;
    if !T::OWNS_TAPE {
        return Ok(y.put_tape(tape));
    }
    let (sink, kept) = (Sink::new(&x), y.clone());
    Ok(record(y, tape, move |gradients, mut dy| {
        activation.pull_back_threaded(slice(&kept), &mut dy);
        sink.pour(gradients, dy)
    }))
}

pub(super) fn add<S: Shape, T: Tape<f32, Cpu> + Merge<R>, R: Tape<f32, Cpu>>(
    x: Tensor<S, f32, Cpu, T>,
    y: Tensor<S, f32, Cpu, R>,
    activation: Activation,
) -> Result<Tensor<S, f32, Cpu, T>> {
    let ((x, tape), (y, other)) = (split(x)?, split(y)?);
    let tape = tape.merge(other);
    let mut values = buffer::unwritten(slice(&x).len());
    let (a, b) = (slice(&x), slice(&y));
    threads::pieces(&mut values, threads::PIECE, |i, values| {
        let at = i * threads::PIECE;
        vectorised(
            #[inline(always)]
            || {
                for ((v, a), b) in values.iter_mut().zip(&a[at..]).zip(&b[at..]) {
                    *v = a + b;
                }
            },
        );
        activation.apply(values);
    });
    let z = tensor(x.device(), values, *x.shape())?;
    if !T::OWNS_TAPE {
        return Ok(z.put_tape(tape));
    }
    let kept = (activation != Activation::Identity).then(|| z.clone());
    let (of_x, of_y) = (Sink::new(&x), Sink::new(&y));
    Ok(record(z, tape, move |gradients, mut dz| {
        if let Some(z) = kept {
            activation.pull_back_threaded(slice(&z), &mut dz);
        }
        of_y.fill(gradients, |out, accumulate| rearrange::pour(&dz, out, accumulate))?;
        of_x.pour(gradients, dz)
    }))
}

pub(super) fn dropout<S: Shape, T: Tape<f32, Cpu>>(
    x: Tensor<S, f32, Cpu, T>,
    p: f32,
    key: Key,
) -> Result<Tensor<S, f32, Cpu, T>> {
    let (x, tape) = split(x)?;
    let mut values = buffer::unwritten(slice(&x).len());
    rearrange::pour(slice(&x), &mut values, false);
    rearrange::dropout(p, key, &mut values);
    let y = tensor(x.device(), values, *x.shape())?;
    if !T::OWNS_TAPE {
        return Ok(y.put_tape(tape));
    }
    let sink = Sink::new(&x);
    Ok(record(y, tape, move |gradients, mut dy| {
        rearrange::dropout(p, key, &mut dy);
        sink.pour(gradients, dy)
    }))
}
