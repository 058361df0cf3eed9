//! Models: named outputs forward, gradients backward.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, FlatMut, Key, Result, Tensor, TensorView};

/// Named tensors: what a component needs to go on exactly where it stood.
///
/// A model's names start with the part they belong to: `encoder.0.weight`.
pub type State = BTreeMap<String, Tensor>;

/// The name and the extents (of one sample) of something a model puts out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInfo {
    /// `embedding`, `logits`, `reconstruction`, `mean`, `log_variance`, `attention`, ...
    pub name: String,
    /// The extents of one sample, without the batch's.
    pub dims: Vec<usize>,
}

/// Where one parameter stands in the flat view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterInfo {
    /// Its name, part first.
    pub name: String,
    /// Its extents.
    pub dims: Vec<usize>,
    /// Its first element's place in the flat view.
    pub offset: usize,
    /// Whether weight decay is meant for it: not for biases and norms.
    pub decays: bool,
}

impl ParameterInfo {
    /// The part it belongs to: its name up to the first dot.
    pub fn part(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Its places in the flat view.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.dims.iter().product::<usize>()
    }
}

/// How a forward pass is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward<'a> {
    /// Training behaviour: batch statistics and dropout; otherwise running statistics and none.
    pub train: bool,
    /// Whether running statistics learn from this pass; only where `train` is set.
    pub update_statistics: bool,
    /// Whether `backward` will be asked for.
    pub record: bool,
    /// Whether that `backward` will be asked for the input's gradient.
    pub input_gradient: bool,
    /// The randomness of this pass (dropout, sampling).
    pub key: Key,
    /// The outputs that are wanted, so that the rest need not be computed; all where empty.
    pub outputs: &'a [&'a str],
}

impl Forward<'_> {
    /// A training pass whose backward gives the parameters' gradients.
    pub const fn training(key: Key) -> Self {
        Self { train: true, update_statistics: true, record: true, input_gradient: false, key, outputs: &[] }
    }

    /// A pass for measuring: nothing is random, nothing recorded.
    pub const fn evaluation() -> Self {
        Self {
            train: false,
            update_statistics: false,
            record: false,
            input_gradient: false,
            key: Key::new(0),
            outputs: &[],
        }
    }

    /// The same pass, leaving running statistics alone (VAT's adversarial passes).
    #[must_use]
    pub const fn without_statistics(mut self) -> Self {
        self.update_statistics = false;
        self
    }

    /// The same pass, able to give the gradient of its input.
    #[must_use]
    pub const fn with_input_gradient(mut self) -> Self {
        self.input_gradient = true;
        self
    }
}

/// Names an open pass of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassId(pub u64);

/// What came out of a forward pass.
#[derive(Debug)]
pub struct Pass {
    /// The name under which the model holds what `backward` needs.
    pub id: PassId,
    /// The outputs by name.
    pub outputs: Vec<(String, Tensor)>,
}

impl Pass {
    /// The output called `name`.
    pub fn output(&self, name: &str) -> Result<TensorView<'_>> {
        self.outputs.iter().find(|(n, _)| n == name).map(|(_, tensor)| tensor.view()).ok_or_else(|| {
            let known: Vec<&str> = self.outputs.iter().map(|(n, _)| n.as_str()).collect();
            Error::config(format!("the model has no output '{name}'; it has {}", known.join(", ")))
        })
    }

    /// The number of samples that went in.
    pub fn rows(&self) -> usize {
        self.outputs.first().map_or(0, |(_, tensor)| tensor.shape().rows())
    }
}

/// The gradient of a value with respect to some rows of one output.
#[derive(Debug)]
pub struct OutputGradient {
    /// The pass it belongs to.
    pub pass: PassId,
    /// The output it belongs to.
    pub output: String,
    /// The first of the output's rows that it covers; it has as many rows as it covers.
    pub first_row: usize,
    /// How much it counts.
    pub weight: f32,
    /// The numbers.
    pub gradient: Tensor,
}

/// Which gradients a `backward` is to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// Accumulate into the parameters' gradients.
    pub parameters: bool,
    /// Return the gradient of the pass's input.
    pub input: bool,
}

impl Wants {
    /// The parameters' part alone: training.
    pub const PARAMETERS: Self = Self { parameters: true, input: false };
    /// The input's part alone: looking for an adversarial direction.
    pub const INPUT: Self = Self { parameters: false, input: true };
}

/// A model's or a loss's own parameters, and their gradients, each as one flat buffer.
#[derive(Debug)]
pub struct Parameters<'a> {
    /// The parameters.
    pub values: FlatMut<'a>,
    /// What `backward` has accumulated since it was last set to zero.
    pub gradients: FlatMut<'a>,
}

/// A differentiable function with named outputs.
///
/// Several passes may be open at once. A recorded pass is closed by its one `backward` or by `discard`;
/// parameters may not be touched while one is open, for its gradients would be those of other parameters.
pub trait Model {
    /// The outputs and their extents.
    fn outputs(&self) -> Vec<OutputInfo>;

    /// Runs `input` (samples, channels, rows, columns) through the model.
    fn forward(&mut self, input: TensorView<'_>, options: &Forward<'_>) -> Result<Pass>;

    /// Closes pass `pass`: accumulates the parameters' gradients and returns the input's, each only if wanted.
    ///
    /// All of `gradients` belong to `pass`; several may name one output and are added up by their weights.
    fn backward(
        &mut self,
        pass: PassId,
        gradients: &[OutputGradient],
        wants: Wants,
    ) -> Result<Option<Tensor>>;

    /// Closes a pass that needs no `backward`; an unknown pass is none of this method's concern.
    fn discard(&mut self, pass: PassId);

    /// All parameters and gradients; an error while a recorded pass is open.
    fn parameters(&mut self) -> Result<Parameters<'_>>;

    /// What stands where in [`Model::parameters`].
    fn layout(&self) -> Vec<ParameterInfo>;

    /// From now on these parts, and no others, neither receive gradients nor learn statistics.
    fn freeze(&mut self, parts: &[String]) -> Result<()>;

    /// Everything that must be kept: parameters, running statistics.
    fn state(&self) -> Result<State>;

    /// Takes over the tensors in `state`, which may be a part only; an unknown name or another shape is an error.
    fn load_state(&mut self, state: &State) -> Result<()>;

    /// An independent copy (a teacher).
    fn duplicate(&self) -> Result<Box<dyn Model>>;
}
