//! The sum of a step's losses, on its way to one backward for each pass.

use scant_abi::{
    Error, LossInput, LossValue, Model, OutputGradient, Pass, PassId, Report, Result, Setup, Wants,
    WeightedLoss,
};

/// Collects what a step wants to make small: values, their names, their gradients, and the passes they belong to.
#[derive(Debug, Default)]
pub struct Objective {
    total: f64,
    metrics: Vec<(String, f64)>,
    gradients: Vec<OutputGradient>,
    open: Vec<PassId>,
}

impl Objective {
    /// Takes charge of a recorded pass: `backward` closes it, whether or not it got gradients.
    pub fn open(&mut self, pass: &Pass) {
        self.open.push(pass.id);
    }

    /// Adds `weight` times a loss, to be reported as `name`, its parts as `name/part`.
    pub fn add(&mut self, name: &str, weight: f32, loss: LossValue) {
        self.total += f64::from(weight) * f64::from(loss.value);
        self.metrics.push((name.to_owned(), f64::from(loss.value)));
        let parts = loss.parts.into_iter().map(|(part, value)| (format!("{name}/{part}"), f64::from(value)));
        self.metrics.extend(parts);
        let weighted = loss.gradients.into_iter().map(|g| OutputGradient { weight: g.weight * weight, ..g });
        self.gradients.extend(weighted);
        self.open.extend(loss.opened);
    }

    /// Adds the stage's losses, each by its own weight; a weight of zero costs nothing.
    pub fn add_all(
        &mut self,
        losses: &mut [WeightedLoss<'_>],
        input: &LossInput<'_>,
        model: &mut dyn Model,
    ) -> Result<()> {
        for WeightedLoss { name, weight, loss } in losses.iter_mut().filter(|loss| loss.weight != 0.0) {
            let value = loss.evaluate(input, model)?;
            self.add(name, *weight, value);
        }
        Ok(())
    }

    /// Adds a number that is worth watching and nothing to be made small.
    pub fn note(&mut self, name: &str, value: f64) {
        self.metrics.push((name.to_owned(), value));
    }

    /// Accumulates the parameters' gradients of all passes, closes these, and reports the values.
    pub fn backward(self, model: &mut dyn Model) -> Result<Report> {
        let mut gradients = self.gradients;
        for pass in self.open {
            let (own, rest) = gradients.into_iter().partition::<Vec<_>, _>(|g| g.pass == pass);
            gradients = rest;
            if own.is_empty() {
                model.discard(pass);
            } else {
                model.backward(pass, &own, Wants::PARAMETERS)?;
            }
        }
        let mut metrics = vec![("loss".to_owned(), self.total)];
        metrics.extend(self.metrics);
        Ok(Report { metrics, stop: None })
    }
}

/// Refuses a stage without losses, whose `trainer` would have nothing to do; `example` is what one might write.
pub fn require_losses(trainer: &str, example: &str, setup: &Setup) -> Result<()> {
    match setup.losses.is_empty() {
        true => Err(Error::config(format!(
            "the trainer '{trainer}' makes the stage's losses small, and the stage lists none; write for example \
             {example}"
        ))),
        false => Ok(()),
    }
}

/// Refuses the losses of a stage whose `trainer` would not look at them.
pub fn refuse_losses(trainer: &str, setup: &Setup) -> Result<()> {
    let Some(first) = setup.losses.first() else { return Ok(()) };
    Err(Error::config(format!(
        "the trainer '{trainer}' has losses of its own and adds none; remove '{first}' from the stage, or take a \
         trainer that adds a stage's losses to its own, such as 'semi-supervised'"
    )))
}
