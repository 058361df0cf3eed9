//! Losses: a value, and its gradients with respect to a model's outputs.

use std::ops::Range;

use crate::{
    Clock, Error, Key, Model, OutputGradient, ParameterInfo, Parameters, Pass, PassId, Result, State, Tensor,
    TensorView,
};

/// What the outputs are held against; a trainer fills in what it knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Targets<'a> {
    /// The class of each row; -1 where it is unknown.
    pub labels: Option<&'a [i64]>,
    /// A distribution over the classes or clusters for each row.
    pub soft: Option<TensorView<'a>>,
    /// An image for each row: what a reconstruction should be.
    pub images: Option<TensorView<'a>>,
    /// How much each row counts; 1 where absent.
    pub weights: Option<&'a [f32]>,
}

/// What a loss is evaluated on.
#[derive(Clone, Debug)]
pub struct LossInput<'a> {
    /// What went into the pass.
    pub images: TensorView<'a>,
    /// What came out of it.
    pub pass: &'a Pass,
    /// The rows of the pass that count; targets have one entry for each of these.
    pub rows: Range<usize>,
    /// What they are held against.
    pub targets: Targets<'a>,
    /// The places of the rows in the training set.
    pub indices: &'a [u64],
    /// How far training is.
    pub clock: Clock,
    /// The randomness of this evaluation.
    pub key: Key,
}

impl<'a> Targets<'a> {
    /// The classes, or an error that says they are missing.
    pub fn labels(&self) -> Result<&'a [i64]> {
        self.labels.ok_or_else(|| missing("labels"))
    }

    /// The distributions, or an error that says they are missing.
    pub fn soft(&self) -> Result<TensorView<'a>> {
        self.soft.ok_or_else(|| missing("soft targets"))
    }

    /// The images, or an error that says they are missing.
    pub fn images(&self) -> Result<TensorView<'a>> {
        self.images.ok_or_else(|| missing("target images"))
    }
}

fn missing(what: &str) -> Error {
    Error::config(format!("this loss needs {what}, which the stage's trainer does not give"))
}

impl<'a> LossInput<'a> {
    /// The rows that count of the output called `name`.
    pub fn output(&self, name: &str) -> Result<TensorView<'a>> {
        self.pass.output(name)?.rows(self.rows.clone())
    }

    /// A gradient that belongs to the rows that count of the output called `name`.
    pub fn gradient(&self, name: &str, gradient: Tensor) -> OutputGradient {
        OutputGradient {
            pass: self.pass.id,
            output: name.to_owned(),
            first_row: self.rows.start,
            weight: 1.0,
            gradient,
        }
    }
}

/// What a loss says.
#[derive(Debug, Default)]
pub struct LossValue {
    /// The number to be made small.
    pub value: f32,
    /// What it is made of, and what else is worth watching, by name.
    pub parts: Vec<(String, f32)>,
    /// Its gradients; they may belong to passes that the loss opened itself.
    pub gradients: Vec<OutputGradient>,
    /// The passes that the loss opened itself and left open for the trainer's `backward`.
    pub opened: Vec<PassId>,
}

/// A differentiable function of a model's outputs, by value and vector-Jacobian product.
pub trait Loss {
    /// The outputs it reads, so that a configuration can be checked before anything runs.
    fn reads(&self) -> Vec<String>;

    /// The value and its gradients.
    ///
    /// Most losses ignore `model`. One that needs passes of its own (VAT) opens them there and names them in
    /// [`LossValue::opened`]. A loss with parameters of its own accumulates their gradients here.
    fn evaluate(&mut self, input: &LossInput<'_>, model: &mut dyn Model) -> Result<LossValue>;

    /// The loss's own parameters (DEC's centroids), if it has any.
    fn parameters(&mut self) -> Result<Option<Parameters<'_>>> {
        Ok(None)
    }

    /// What stands where in [`Loss::parameters`].
    fn layout(&self) -> Vec<ParameterInfo> {
        Vec::new()
    }

    /// Outputs that the loss adds to the model's for evaluation (DEC's `assignment`), one row for each of the pass.
    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        let _ = pass;
        Ok(Vec::new())
    }

    /// Everything that must be kept.
    fn state(&self) -> Result<State> {
        Ok(State::new())
    }

    /// Goes on where `state` was taken.
    fn load_state(&mut self, state: &State) -> Result<()> {
        let _ = state;
        Ok(())
    }
}
