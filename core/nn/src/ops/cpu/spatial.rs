//! Operations that change the number of pixels.

use super::split;
use crate::kernels::buffer;
use crate::kernels::pool::{self, PoolKind, Windows};
use crate::kernels::rearrange::{self, Placement, Upsampling};
use crate::ops::tape::{Sink, record, slice, tensor};
use crate::ops::{ImageDevice, Images};
use dfdx::prelude::*;
use scant_abi::Result;

pub(super) fn pool<T: Tape<f32, Cpu>>(
    x: Images<Cpu, T>,
    kind: PoolKind,
    rows: Windows,
    columns: Windows,
) -> Result<Images<Cpu, T>> {
    let (x, tape) = split(x)?;
    let (n, c, ..) = *x.shape();
    let mut values = buffer::unwritten(n * c * rows.count() * columns.count());
    pool::forward(kind, &rows, &columns, slice(&x), &mut values);
    let y = tensor(x.device(), values, (n, c, rows.count(), columns.count()))?;
    if !T::OWNS_TAPE {
        return Ok(y.put_tape(tape));
    }
    let sink = Sink::new(&x);
    let kept = (kind == PoolKind::Max).then(|| (x, y.clone()));
    Ok(record(y, tape, move |gradients, dy| {
        let (x, y) = kept.as_ref().map_or((&[][..], &[][..]), |(x, y)| (slice(x), slice(y)));
        sink.fill(gradients, |dx, accumulate| {
            pool::backward(kind, (&rows, &columns), x, y, &dy, dx, accumulate);
        })?;
        buffer::give(dy);
        Ok(())
    }))
}

pub(super) fn upsample<T: Tape<f32, Cpu>>(
    x: Images<Cpu, T>,
    method: Upsampling,
    to: (usize, usize),
) -> Result<Images<Cpu, T>> {
    let (x, tape) = split(x)?;
    let (n, c, height, width) = *x.shape();
    let mut values = buffer::unwritten(n * c * to.0 * to.1);
    rearrange::upsample(method, (height, width), to, slice(&x), &mut values);
    let y = tensor(x.device(), values, (n, c, to.0, to.1))?;
    if !T::OWNS_TAPE {
        return Ok(y.put_tape(tape));
    }
    let sink = Sink::new(&x);
    Ok(record(y, tape, move |gradients, dy| {
        sink.fill(gradients, |dx, accumulate| {
            rearrange::upsample_back(method, (height, width), to, &dy, dx, accumulate);
        })?;
        buffer::give(dy);
        Ok(())
    }))
}

pub(super) fn place<T: Tape<f32, Cpu>>(
    x: Images<Cpu, T>,
    placement: Placement,
    background: Option<&Images<Cpu>>,
) -> Result<Images<Cpu, T>> {
    let (x, tape) = split(x)?;
    let (n, c, ..) = *x.shape();
    let (height, width) = (placement.frame_height, placement.frame_width);
    let background = background.map(|b| b.clone().try_contiguous().map_err(Cpu::failed)).transpose()?;
    let mut values = buffer::unwritten(n * c * height * width);
    placement.place(slice(&x), background.as_ref().map(slice), &mut values);
    let y = tensor(x.device(), values, (n, c, height, width))?;
    if !T::OWNS_TAPE {
        return Ok(y.put_tape(tape));
    }
    let sink = Sink::new(&x);
    Ok(record(y, tape, move |gradients, dy| {
        sink.fill(gradients, |dx, accumulate| placement.take_back(&dy, dx, accumulate))?;
        buffer::give(dy);
        Ok(())
    }))
}
