//! What a model puts out and takes in, held against what it declares: a slip is told where it happens.

use std::collections::BTreeMap;

use scant_abi::{
    Error, Forward, Model, OutputGradient, OutputInfo, ParameterInfo, Parameters, Pass, PassId, Result,
    State, Tensor, TensorView, Wants,
};

use crate::suggest;

/// A model whose outputs and gradients are compared with its own declaration.
pub(crate) struct Checked {
    model: Box<dyn Model>,
    name: String,
    outputs: Vec<OutputInfo>,
    /// The rows of the passes that are open.
    rows: BTreeMap<PassId, usize>,
}

impl Checked {
    pub(crate) fn new(model: Box<dyn Model>, name: String) -> Self {
        let outputs = model.outputs();
        Self { model, name, outputs, rows: BTreeMap::new() }
    }

    fn dims(&self, output: &str) -> Result<&[usize]> {
        self.outputs.iter().find(|info| info.name == output).map(|info| info.dims.as_slice()).ok_or_else(
            || {
                let hint = suggest::hint(output, self.outputs.iter().map(|info| info.name.as_str()));
                Error::shape(format!("{} declares no output '{output}'; {hint}", self.name))
            },
        )
    }

    fn check_output(&self, output: &str, tensor: &Tensor, rows: usize) -> Result<()> {
        let dims = self.dims(output)?;
        let shape = tensor.shape();
        if shape.first() == Some(&rows) && shape[1..] == *dims {
            return Ok(());
        }
        let declared = [&[rows], dims].concat();
        Err(Error::shape(format!("{} puts '{output}' out as {shape:?} instead of {declared:?}", self.name)))
    }

    fn check_gradient(&self, gradient: &OutputGradient) -> Result<()> {
        let (output, name) = (&gradient.output, &self.name);
        let dims = self.dims(output)?;
        let rows = self.rows.get(&gradient.pass).copied().ok_or_else(|| {
            Error::shape(format!("a gradient of '{output}' belongs to no open pass of {name}"))
        })?;
        let (shape, first) = (gradient.gradient.shape(), gradient.first_row);
        if shape.is_empty() || shape[1..] != *dims {
            return Err(Error::shape(format!(
                "a gradient of '{output}' of {name} has the rows of {shape:?}, but a row is {dims:?}"
            )));
        }
        if first.checked_add(shape.rows()).is_none_or(|end| end > rows) {
            return Err(Error::shape(format!(
                "a gradient of '{output}' of {name} covers {} rows from {first} on, but the pass has {rows}",
                shape.rows()
            )));
        }
        Ok(())
    }
}

impl Model for Checked {
    fn outputs(&self) -> Vec<OutputInfo> {
        self.outputs.clone()
    }

    fn forward(&mut self, input: TensorView<'_>, options: &Forward<'_>) -> Result<Pass> {
        let rows = input.shape().rows();
        for wanted in options.outputs {
            self.dims(wanted)?;
        }
        let pass = self.model.forward(input, options)?;
        for (output, tensor) in &pass.outputs {
            self.check_output(output, tensor, rows)?;
        }
        let missing = self.outputs.iter().map(|info| info.name.as_str()).find(|output| {
            let wanted = options.outputs.is_empty() || options.outputs.contains(output);
            wanted && pass.outputs.iter().all(|(name, _)| name != output)
        });
        if let Some(missing) = missing {
            return Err(Error::shape(format!(
                "{} declares the output '{missing}' but does not put it out",
                self.name
            )));
        }
        if options.record {
            self.rows.insert(pass.id, rows);
        }
        Ok(pass)
    }

    fn backward(
        &mut self,
        pass: PassId,
        gradients: &[OutputGradient],
        wants: Wants,
    ) -> Result<Option<Tensor>> {
        gradients.iter().try_for_each(|gradient| self.check_gradient(gradient))?;
        self.rows.remove(&pass);
        self.model.backward(pass, gradients, wants)
    }

    fn discard(&mut self, pass: PassId) {
        self.rows.remove(&pass);
        self.model.discard(pass);
    }

    fn parameters(&mut self) -> Result<Parameters<'_>> {
        self.model.parameters()
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        self.model.layout()
    }

    fn freeze(&mut self, parts: &[String]) -> Result<()> {
        self.model.freeze(parts)
    }

    fn state(&self) -> Result<State> {
        self.model.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.model.load_state(state)
    }

    fn duplicate(&self) -> Result<Box<dyn Model>> {
        Ok(Box::new(Self::new(self.model.duplicate()?, self.name.clone())))
    }
}
