//! Parts of a frame, and which part of one layer sees which of another.

use crate::ops::{self, ImageDevice, Images};
use dfdx::prelude::*;
use scant_abi::Result;
use std::ops::Range;

/// Where something stands in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) rows: Range<isize>,
    pub(super) columns: Range<isize>,
}

impl Region {
    pub(super) fn new(offset: (usize, usize), size: (usize, usize)) -> Self {
        let span = |start: usize, len: usize| start as isize..(start + len) as isize;
        Self { rows: span(offset.0, size.0), columns: span(offset.1, size.1) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() || self.columns.is_empty()
    }

    /// The smallest region that holds both.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let side = |a: &Range<isize>, b: &Range<isize>| a.start.min(b.start)..a.end.max(b.end);
        Self { rows: side(&self.rows, &other.rows), columns: side(&self.columns, &other.columns) }
    }

    /// Where this region begins in another.
    pub(super) fn within(&self, other: &Self) -> (isize, isize) {
        (self.rows.start - other.rows.start, self.columns.start - other.columns.start)
    }
}

/// How the outputs of a layer see its input.
pub(super) struct Reach {
    pub(super) stride: usize,
    pub(super) padding: usize,
    /// Rows and columns under one output.
    pub(super) size: (usize, usize),
}

impl Reach {
    /// The outputs, of `count` rows and columns, that see some of `window`.
    pub(super) fn outputs(&self, window: &Region, count: (usize, usize)) -> Region {
        let (stride, padding) = (self.stride as isize, self.padding as isize);
        let side = |window: &Range<isize>, size: usize, count: usize| {
            let first = (window.start - size as isize + padding + stride).div_euclid(stride).max(0);
            let last = (window.end - 1 + padding).div_euclid(stride).min(count as isize - 1);
            first..last + 1
        };
        Region {
            rows: side(&window.rows, self.size.0, count.0),
            columns: side(&window.columns, self.size.1, count.1),
        }
    }

    /// What these outputs read.
    pub(super) fn inputs(&self, outputs: &Region) -> Region {
        let (stride, padding) = (self.stride as isize, self.padding as isize);
        let side = |outputs: &Range<isize>, size: usize| {
            let start = outputs.start * stride - padding;
            start..start + (outputs.end - outputs.start - 1) * stride + size as isize
        };
        Region { rows: side(&outputs.rows, self.size.0), columns: side(&outputs.columns, self.size.1) }
    }
}

/// A region of one image; around the image stands `outside`.
pub(super) fn cut<D: ImageDevice>(image: &Images<D>, region: &Region, outside: f32) -> Result<Images<D>> {
    let (_, channels, height, width) = *image.shape();
    let values = image.as_vec();
    let size = (region.rows.len(), region.columns.len());
    let mut out = Vec::with_capacity(channels * size.0 * size.1);
    for c in 0..channels {
        for y in region.rows.clone() {
            for x in region.columns.clone() {
                let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                let at = || (c * height + y as usize) * width + x as usize;
                out.push(if inside { values[at()] } else { outside });
            }
        }
    }
    image.device().try_tensor_from_vec(out, (1, channels, size.0, size.1)).map_err(D::failed)
}

/// Rows placed from row `first` on among `total` rows of zeros.
pub(super) fn place_in<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    first: usize,
    total: usize,
) -> Result<Images<D, T>> {
    let columns = x.shape().3;
    ops::place(x, (first as isize, 0), (total, columns), None)
}
