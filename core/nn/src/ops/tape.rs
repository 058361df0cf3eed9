//! How the CPU's operations read tensors and hand gradients on, over dfdx's public tape.

use super::{Flat, ImageDevice};
use crate::kernels::{buffer, rearrange};
use crate::parameters::{Parameters, Weight};
use dfdx::optim::UnusedTensors;
use dfdx::prelude::*;
use scant_abi::Result;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::{Rc, Weak};

/// The values of a contiguous tensor, in place.
#[allow(unsafe_code)]
pub(crate) fn slice<S: Shape>(tensor: &Tensor<S, f32, Cpu>) -> &[f32] {
    let Some((first, last)) = ends(tensor.shape()) else { return &[] };
    let len = tensor.shape().num_elements();
    let (start, end): (*const f32, *const f32) = (&tensor[first], &tensor[last]);
    assert_eq!(end.addr() - start.addr(), (len - 1) * size_of::<f32>(), "the tensor is not contiguous");
    // SAFETY: dfdx keeps a tensor's values in one vector, and indexing has shown that element 0 and element `len - 1`
    // of it lie `len - 1` floats apart, so all between them belong to that vector, which outlives the borrow.
    unsafe { std::slice::from_raw_parts(start, len) }
}

/// The values of a contiguous tensor, in place and to be changed; a shared one is copied first.
#[allow(unsafe_code)]
pub(crate) fn slice_mut<S: Shape>(tensor: &mut Tensor<S, f32, Cpu>) -> &mut [f32] {
    let Some((first, last)) = ends(tensor.shape()) else { return &mut [] };
    let len = tensor.shape().num_elements();
    let start: *mut f32 = &mut tensor[first];
    let end: *const f32 = &tensor[last];
    assert_eq!(end.addr() - start.addr(), (len - 1) * size_of::<f32>(), "the tensor is not contiguous");
    // SAFETY: as in `slice`; indexing mutably has made this tensor the only owner of its values, and the exclusive
    // borrow of the tensor lasts as long as the slice.
    unsafe { std::slice::from_raw_parts_mut(start, len) }
}

fn ends<S: Shape>(shape: &S) -> Option<(S::Concrete, S::Concrete)> {
    let mut last = shape.concrete();
    for i in 0..S::NUM_DIMS {
        last[i] = last[i].checked_sub(1)?;
    }
    Some((S::Concrete::default(), last))
}

/// A tensor on the CPU from a vector of the right length.
pub(crate) fn tensor<S: Shape>(device: &Cpu, values: Vec<f32>, shape: S) -> Result<Tensor<S, f32, Cpu>> {
    device.try_tensor_from_vec(values, shape).map_err(Cpu::failed)
}

/// Where the gradient of a private tensor waits for the operation that made the tensor.
#[derive(Default)]
struct Edge {
    private: Cell<bool>,
    gradient: RefCell<Option<Vec<f32>>>,
}

thread_local! {
    /// The edges of open tapes, by the tensor they belong to.
    static EDGES: RefCell<HashMap<UniqueId, Weak<Edge>>> = RefCell::default();
}

fn id<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> UniqueId {
    let mut ids = UnusedTensors::default();
    ids.add(tensor);
    ids.ids[0]
}

/// Marks a tensor made by these operations as read by these operations only, and by no one after backward.
///
/// Its gradient then skips dfdx's `Gradients`, which would be filled with zeros, added to, and kept until the end
/// of the pass. A private tensor must not go into dfdx's own operations: they would not find it.
#[must_use]
pub fn private<D: ImageDevice, S: Shape, T: Tape<f32, D>>(x: Tensor<S, f32, D, T>) -> Tensor<S, f32, D, T> {
    D::private(x)
}

pub(super) fn mark_private<S: Shape, T>(x: &Tensor<S, f32, Cpu, T>) {
    EDGES.with_borrow(|edges| {
        if let Some(edge) = edges.get(&id(x)).and_then(Weak::upgrade) {
            edge.private.set(true);
        }
    });
}

type OnTape = Box<dyn FnOnce(&mut Gradients<f32, Cpu>, &mut dyn FnMut(&mut [f32])) -> Outcome>;
pub(super) type Outcome = std::result::Result<(), CpuError>;

/// Takes the gradient of an operation's input.
pub(super) struct Sink {
    len: usize,
    edge: Option<Rc<Edge>>,
    tape: OnTape,
}

impl Sink {
    pub(super) fn new<S: Shape>(x: &Tensor<S, f32, Cpu>) -> Self {
        let edge =
            EDGES.with_borrow(|edges| edges.get(&id(x)).and_then(Weak::upgrade)).filter(|e| e.private.get());
        let ghost = x.ghost();
        Self {
            len: x.shape().num_elements(),
            edge,
            tape: Box::new(move |gradients, work| {
                work(gradients.get_or_alloc_mut(&ghost)?);
                Ok(())
            }),
        }
    }

    /// Lets `work` write the gradient, or add to it where its second argument says so.
    pub(super) fn fill(
        self,
        gradients: &mut Gradients<f32, Cpu>,
        work: impl FnOnce(&mut [f32], bool),
    ) -> Outcome {
        match self.edge {
            Some(edge) => {
                let waiting = edge.gradient.take();
                let accumulate = waiting.is_some();
                let mut gradient = waiting.unwrap_or_else(|| buffer::take(self.len));
                work(&mut gradient, accumulate);
                edge.gradient.replace(Some(gradient));
                Ok(())
            }
            None => {
                let mut work = Some(work);
                (self.tape)(gradients, &mut |out| {
                    if let Some(work) = work.take() {
                        work(out, true);
                    }
                })
            }
        }
    }

    /// Adds a finished gradient, or hands it over as it is.
    pub(super) fn pour(self, gradients: &mut Gradients<f32, Cpu>, values: Vec<f32>) -> Outcome {
        if let Some(edge) = &self.edge
            && edge.gradient.borrow().is_none()
        {
            edge.gradient.replace(Some(values));
            return Ok(());
        }
        let outcome = self.fill(gradients, |out, accumulate| rearrange::pour(&values, out, accumulate));
        buffer::give(values);
        outcome
    }
}

/// Gives the gradient of an operation's output.
pub(super) struct Source {
    id: UniqueId,
    edge: Rc<Edge>,
    tape: OnTape,
}

impl Source {
    pub(super) fn new<S: Shape>(y: &Tensor<S, f32, Cpu>) -> Self {
        let (id, edge) = (id(y), Rc::new(Edge::default()));
        EDGES.with_borrow_mut(|edges| edges.insert(id, Rc::downgrade(&edge)));
        let ghost = y.ghost();
        Self {
            id,
            edge,
            tape: Box::new(move |gradients, work| {
                work(gradients.get_or_alloc_mut(&ghost)?);
                Ok(())
            }),
        }
    }

    /// The gradient, to be used up; nothing where no reader of a private tensor gave one.
    pub(super) fn take(
        mut self,
        gradients: &mut Gradients<f32, Cpu>,
    ) -> std::result::Result<Option<Vec<f32>>, CpuError> {
        if self.edge.private.get() {
            return Ok(self.edge.gradient.take());
        }
        let tape = std::mem::replace(&mut self.tape, Box::new(|_, _| Ok(())));
        let mut copy = Vec::new();
        tape(gradients, &mut |values| {
            copy = buffer::take(values.len());
            rearrange::pour(values, &mut copy, false);
        })?;
        Ok(Some(copy))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        EDGES.with_borrow_mut(|edges| edges.remove(&self.id));
    }
}

/// Records `backward` for an output that `source` belongs to.
pub(super) fn record<S: Shape, T: Tape<f32, Cpu>>(
    y: Tensor<S, f32, Cpu>,
    mut tape: T,
    backward: impl FnOnce(&mut Gradients<f32, Cpu>, Vec<f32>) -> Outcome + 'static,
) -> Tensor<S, f32, Cpu, T> {
    if T::OWNS_TAPE {
        let source = Source::new(&y);
        tape.add_backward_op(move |gradients| match source.take(gradients)? {
            Some(dy) => backward(gradients, dy),
            None => Ok(()),
        });
    }
    y.put_tape(tape)
}

#[allow(clippy::type_complexity, reason = "the two things that come back have no name together")]
/// A tensor of any shape as a [`Weight`], with its tape joined to that of `x`.
pub fn tensor_weight<D: ImageDevice, S, Q, T, R>(
    x: Tensor<S, f32, D, T>,
    weight: Tensor<Q, f32, D, R>,
) -> Result<(Tensor<S, f32, D, T>, Weight<D>)>
where
    S: Shape,
    Q: Shape,
    T: Tape<f32, D> + Merge<R>,
    R: Tape<f32, D>,
{
    let (x, tape) = x.split_tape();
    let (weight, of_weight) = weight.split_tape();
    let len = weight.shape().num_elements();
    let flat: Flat<D, T> = D::reshape(weight.put_tape(tape.merge(of_weight)), (len,))?;
    let (flat, tape) = flat.split_tape();
    Ok((x.put_tape(tape), Weight::Tensor(flat)))
}

/// Lends the weights' values to `work`.
pub(super) fn read<R>(weight: &Weight<Cpu>, work: impl FnOnce(&[f32]) -> R) -> R {
    match weight {
        Weight::Shared(parameters, range) => work(&parameters.values.values()[range.clone()]),
        Weight::Tensor(tensor) => work(slice(tensor)),
    }
}

/// Takes the gradient of an operation's weights.
pub(super) enum WeightSink {
    Shared(Parameters<Cpu>, Range<usize>),
    Tensor(Sink),
}

impl WeightSink {
    pub(super) fn new(weight: &Weight<Cpu>) -> Self {
        match weight {
            Weight::Shared(parameters, range) => Self::Shared(parameters.clone(), range.clone()),
            Weight::Tensor(tensor) => Self::Tensor(Sink::new(tensor)),
        }
    }

    /// Lets `work` add to the gradient.
    pub(super) fn add(self, gradients: &mut Gradients<f32, Cpu>, work: impl FnOnce(&mut [f32])) -> Outcome {
        match self {
            Self::Shared(parameters, _) if !parameters.learning() => Ok(()),
            Self::Shared(parameters, range) => {
                work(&mut parameters.gradients.values_mut()[range]);
                Ok(())
            }
            Self::Tensor(sink) => sink.fill(gradients, |out, accumulate| {
                if !accumulate {
                    out.fill(0.0);
                }
                work(out);
            }),
        }
    }
}
