//! The loss: how far a small step in the worst direction moves the predictions.

use scant_abi::{
    Component, Error, Forward, Loss, LossInput, LossValue, Model, OutputGradient, Pass, Result, Setup,
    Tensor, TensorView, Wants,
};
use scant_nn::adapt::{Traced, differentiate, tensor};
use scant_nn::dfdx::prelude::*;
use scant_nn::ops::{Reduction, Rows, softmax_kl};
use scant_nn::train::check_weight;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is perturbed, and how far.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VatConfig {
    /// The length of the step by which the worst direction is felt out; 1e-6 drowns in the rounding of f32.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub xi: f32,
    /// The length of the adversarial step, for each image as a whole.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub eps: f32,
    /// How often the direction is refined.
    #[schemars(range(min = 1, max = 1000))]
    pub iters: usize,
    /// How much the entropy of the predictions counts beside their smoothness; 0 leaves it out.
    #[schemars(range(min = 0))]
    pub entropy: f32,
    /// The output that is kept smooth.
    pub on: String,
}

impl Default for VatConfig {
    fn default() -> Self {
        Self { xi: 1e-2, eps: 2.0, iters: 1, entropy: 0.0, on: "logits".to_owned() }
    }
}

impl VatConfig {
    fn check(&self) -> Result<()> {
        let positive = |name: &str, value: f32| match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(Error::config(format!("{name} must be above 0, not {value}"))),
        };
        positive("xi", self.xi)?;
        positive("eps", self.eps)?;
        check_weight("entropy", self.entropy)?;
        if self.iters == 0 {
            return Err(Error::config(
                "iters must be at least 1: without it the direction is random, not adversarial",
            ));
        }
        Ok(())
    }
}

/// Virtual adversarial training (Miyato et al., 2018): KL(p(x) || p(x + r)) for the worst r of length `eps`.
pub struct Vat {
    config: VatConfig,
}

impl Component for Vat {
    const NAME: &'static str = "vat";
    const SUMMARY: &'static str =
        "Smooths predictions in the direction that changes them most (virtual adversarial training).";
    type Config = VatConfig;

    fn new(config: VatConfig, _: &Setup) -> Result<Self> {
        config.check()?;
        Ok(Self { config })
    }
}

impl Vat {
    /// The direction of length 1, image by image, in which predictions change most, and the share of images for
    /// which none could be felt out.
    fn worst_direction(
        &self,
        images: TensorView<'_>,
        clean: &Logits,
        input: &LossInput<'_>,
        model: &mut dyn Model,
    ) -> Result<(Vec<f32>, f32)> {
        let row_len = images.shape().row_len();
        let mut noise = input.key.named("vat").rng();
        let mut direction: Vec<f32> = (0..images.shape().count()).map(|_| noise.normal()).collect();
        normalise(&mut direction, row_len);
        let mut lost = 0;
        for _ in 0..self.config.iters {
            let moved = moved(images, &direction, self.config.xi)?;
            let pass = self.look(&moved, Forward::training(input.key).with_input_gradient(), model)?;
            let (_, gradient) = self.divergence(clean, &pass)?;
            let gradient = model
                .backward(pass.id, &[gradient], Wants::INPUT)?
                .ok_or_else(|| Error::config("the model gives no gradient of its input, which vat needs"))?;
            direction = gradient.into_f32()?;
            lost = normalise(&mut direction, row_len);
        }
        Ok((direction, lost as f32 / images.shape().rows().max(1) as f32))
    }

    // With batch statistics as in training, but learning none: these images are not of the data.
    fn look(&self, images: &Tensor, options: Forward<'_>, model: &mut dyn Model) -> Result<Pass> {
        let names = [self.config.on.as_str()];
        model.forward(images.view(), &Forward { outputs: &names, ..options.without_statistics() })
    }

    fn divergence(&self, clean: &Logits, pass: &Pass) -> Result<(f32, OutputGradient)> {
        let on = self.config.on.as_str();
        let (value, gradient) =
            differentiate(pass.output(on)?, |moved| softmax_kl(clean.clone(), moved, Reduction::Items))?;
        Ok((
            value,
            OutputGradient { pass: pass.id, output: on.to_owned(), first_row: 0, weight: 1.0, gradient },
        ))
    }
}

impl Loss for Vat {
    fn reads(&self) -> Vec<String> {
        vec![self.config.on.clone()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, model: &mut dyn Model) -> Result<LossValue> {
        let logits = input.output(&self.config.on)?;
        let clean = tensor(logits)?;
        let images = input.images.rows(input.rows.clone())?;
        let (direction, lost) = self.worst_direction(images, &clean, input, model)?;

        let adversarial = moved(images, &direction, self.config.eps)?;
        let pass = self.look(&adversarial, Forward::training(input.key), model)?;
        let (smoothness, gradient) = self.divergence(&clean, &pass)?;

        let mut value = LossValue {
            value: smoothness,
            parts: vec![("smoothness".to_owned(), smoothness), ("zero-gradients".to_owned(), lost)],
            gradients: vec![gradient],
            opened: vec![pass.id],
        };
        if self.config.entropy > 0.0 {
            let (entropy, gradient) = differentiate(logits, entropy)?;
            value.value += self.config.entropy * entropy;
            value.parts.push(("entropy".to_owned(), entropy));
            let gradient = input.gradient(&self.config.on, gradient);
            value.gradients.push(OutputGradient { weight: self.config.entropy, ..gradient });
        }
        Ok(value)
    }
}

type Logits = Rows<scant_nn::adapt::Backend>;

/// The mean over rows of -sum p log p.
fn entropy(
    logits: Traced<(usize, usize)>,
) -> Result<scant_nn::ops::Scalar<scant_nn::adapt::Backend, OwnedTape<f32, scant_nn::adapt::Backend>>> {
    let rows = logits.shape().0 as f32;
    let log_p = logits.log_softmax::<Axis<1>>();
    let p = log_p.with_empty_tape().exp();
    Ok((p * log_p).sum() / -rows)
}

fn moved(images: TensorView<'_>, direction: &[f32], by: f32) -> Result<Tensor> {
    let values = images.f32()?.iter().zip(direction).map(|(pixel, d)| pixel + by * d).collect();
    Tensor::from_f32(values, &images.shape())
}

/// Scales each row to length 1 and leaves rows of length 0 alone; returns how many those were.
fn normalise(values: &mut [f32], row_len: usize) -> usize {
    let mut zero = 0;
    for row in values.chunks_exact_mut(row_len.max(1)) {
        let length = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        if length > 0.0 {
            row.iter_mut().for_each(|v| *v = (f64::from(*v) / length) as f32);
        } else {
            zero += 1;
        }
    }
    zero
}
