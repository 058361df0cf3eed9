//! The numbers a network owns, in flat buffers: optimisers, clipping, averaging and exchange see one view each.

use crate::ops::{Flat, ImageDevice};
use dfdx::prelude::*;
use scant_abi::{Error, Result};
use std::cell::{Cell, Ref, RefCell, RefMut};
use std::ops::Range;
use std::rc::Rc;

/// A flat buffer on a device, shared by all who hold a clone of it.
#[derive(Clone, Debug)]
pub struct FlatBuffer<D: ImageDevice>(Rc<RefCell<Flat<D>>>);

impl<D: ImageDevice> FlatBuffer<D> {
    /// A buffer with these values.
    pub fn new(device: &D, values: Vec<f32>) -> Result<Self> {
        let len = values.len();
        let tensor = device.try_tensor_from_vec(values, (len,)).map_err(D::failed)?;
        Ok(Self(Rc::new(RefCell::new(tensor))))
    }

    /// Number of floats.
    pub fn len(&self) -> usize {
        self.0.borrow().shape().0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buffer as a tensor.
    pub fn tensor(&self) -> Ref<'_, Flat<D>> {
        self.0.borrow()
    }

    /// The buffer as a tensor that may be changed or replaced by one of the same length.
    pub fn tensor_mut(&self) -> RefMut<'_, Flat<D>> {
        self.0.borrow_mut()
    }

    /// A copy of the values.
    pub fn to_vec(&self) -> Vec<f32> {
        // dfdx cannot walk over a tensor without elements.
        if self.is_empty() { Vec::new() } else { self.0.borrow().as_vec() }
    }

    /// Replaces all values.
    pub fn copy_from(&self, values: &[f32]) -> Result<()> {
        if values.len() != self.len() {
            return Err(Error::shape(format!(
                "{} values do not fill a buffer of {}",
                values.len(),
                self.len()
            )));
        }
        self.0.borrow_mut().copy_from(values);
        Ok(())
    }

    /// Sets all values to zero.
    pub fn clear(&self) -> Result<()> {
        self.0.borrow_mut().try_fill_with_zeros().map_err(D::failed)
    }
}

impl FlatBuffer<Cpu> {
    /// The values, in place, as long as nobody holds a clone.
    pub fn exclusive(&mut self) -> Option<&mut [f32]> {
        Rc::get_mut(&mut self.0).map(|cell| crate::ops::slice_mut(cell.get_mut()))
    }

    /// The values, in place.
    pub fn values(&self) -> Ref<'_, [f32]> {
        Ref::map(self.0.borrow(), |tensor| crate::ops::slice(tensor))
    }

    /// The values, in place and to be changed.
    pub fn values_mut(&self) -> RefMut<'_, [f32]> {
        RefMut::map(self.0.borrow_mut(), |tensor| crate::ops::slice_mut(tensor))
    }
}

/// All trained numbers of a network with their gradients: two flat buffers of the same length, shared by clones.
#[derive(Clone, Debug)]
pub struct Parameters<D: ImageDevice> {
    /// The numbers.
    pub values: FlatBuffer<D>,
    /// What backward passes have added up.
    pub gradients: FlatBuffer<D>,
    learning: Rc<Cell<bool>>,
}

impl<D: ImageDevice> Parameters<D> {
    /// Parameters with these values and gradients of zero.
    pub fn new(device: &D, values: Vec<f32>) -> Result<Self> {
        let zeros = vec![0.0; values.len()];
        Ok(Self {
            values: FlatBuffer::new(device, values)?,
            gradients: FlatBuffer::new(device, zeros)?,
            learning: Rc::new(Cell::new(true)),
        })
    }

    /// Whether backward passes from now on add to the gradients; what they would add is not even computed otherwise.
    pub fn learn(&self, learning: bool) {
        self.learning.set(learning);
    }

    /// Whether backward passes add to the gradients.
    pub fn learning(&self) -> bool {
        self.learning.get()
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part at `range`, as the weights of an operation.
    pub fn weight(&self, range: Range<usize>) -> Weight<D> {
        Weight::Shared(self.clone(), range)
    }
}

/// The weights of one operation.
#[derive(Clone, Debug)]
pub enum Weight<D: ImageDevice> {
    /// A part of shared parameters; backward adds straight into their gradients.
    Shared(Parameters<D>, Range<usize>),
    /// A tensor of its own; its gradient goes to dfdx's `Gradients`.
    Tensor(Flat<D>),
}

impl<D: ImageDevice> Weight<D> {
    /// Number of floats.
    pub fn len(&self) -> usize {
        match self {
            Self::Shared(_, range) => range.len(),
            Self::Tensor(tensor) => tensor.shape().0,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An error unless there are `len` floats, within the shared parameters.
    pub(crate) fn check(&self, what: &str, len: usize) -> Result<()> {
        if let Self::Shared(parameters, range) = self
            && (range.start > range.end || range.end > parameters.len())
        {
            return Err(Error::shape(format!(
                "{what}: part {range:?} lies outside of {} parameters",
                parameters.len()
            )));
        }
        if self.len() == len {
            Ok(())
        } else {
            Err(Error::shape(format!("{what}: {len} numbers are needed, not {}", self.len())))
        }
    }
}

/// Mean and variance of a batch norm's channels: two parts of a shared buffer of state.
#[derive(Clone, Debug)]
pub struct RunningStatistics<D: ImageDevice> {
    /// The buffer that holds them.
    pub buffer: FlatBuffer<D>,
    /// Where the means stand.
    pub mean: Range<usize>,
    /// Where the (unbiased) variances stand.
    pub variance: Range<usize>,
}
