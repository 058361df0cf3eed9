//! What a loss says, looked at before it reaches a trainer: NaN and infinity are told with the loss and its part.

use scant_abi::{
    Error, ErrorKind, Loss, LossInput, LossValue, Model, ParameterInfo, Parameters, Pass, Result, State,
    Tensor,
};

/// A loss whose numbers must be finite.
pub(crate) struct CheckedLoss {
    loss: Box<dyn Loss>,
    name: String,
    /// How much it counts in the present step.
    weight: f32,
}

impl CheckedLoss {
    pub(crate) fn new(loss: Box<dyn Loss>, name: String) -> Self {
        Self { loss, name, weight: 1.0 }
    }

    /// Lets it know how much it counts from now on.
    pub(crate) fn weigh(&mut self, weight: f32) {
        self.weight = weight;
    }

    fn refuse(&self, value: &LossValue) -> Result<()> {
        let name = &self.name;
        let what = if !self.weight.is_finite() {
            format!("the weight of the loss '{name}' became {}", self.weight)
        } else if let Some((part, number)) = value.parts.iter().find(|(_, number)| !number.is_finite()) {
            format!("'{part}' of the loss '{name}' became {number}")
        } else if !value.value.is_finite() {
            format!("the loss '{name}' became {}", value.value)
        } else if !(value.value * self.weight).is_finite() {
            let (value, weight) = (value.value, self.weight);
            format!("the loss '{name}' became {value:e}, which its weight of {weight:e} makes infinite")
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Numeric, format!("{what}; a smaller learning rate may help")))
    }
}

impl Loss for CheckedLoss {
    fn reads(&self) -> Vec<String> {
        self.loss.reads()
    }

    fn evaluate(&mut self, input: &LossInput<'_>, model: &mut dyn Model) -> Result<LossValue> {
        let value = self.loss.evaluate(input, model)?;
        self.refuse(&value)?;
        Ok(value)
    }

    fn parameters(&mut self) -> Result<Option<Parameters<'_>>> {
        self.loss.parameters()
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        self.loss.layout()
    }

    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        self.loss.annotate(pass)
    }

    fn state(&self) -> Result<State> {
        self.loss.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.loss.load_state(state)
    }
}
