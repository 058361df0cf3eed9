//! What the strong view should agree on with the weak one.

use scant_abi::{Error, LossValue, OutputGradient, Pass, Result, TensorView};
use scant_nn::adapt::{differentiate, tensor};
use scant_nn::dfdx::prelude::*;
use scant_nn::ops::{Reduction, cross_entropy, soft_cross_entropy};
use scant_nn::train::predictions;

/// The classes that the weak views say, and which of them are sure enough to be believed.
pub(crate) struct Believed {
    pub(crate) classes: Vec<usize>,
    /// 1 for a row that is believed, 0 for one that is not.
    pub(crate) weights: Vec<f32>,
}

impl Believed {
    pub(crate) fn new(logits: TensorView<'_>, cutoff: f32) -> Result<Self> {
        let found = predictions(logits.f32()?, logits.shape().row_len());
        Ok(Self {
            classes: found.iter().map(|(class, _)| *class).collect(),
            weights: found.iter().map(|(_, p)| f32::from(u8::from(*p >= cutoff))).collect(),
        })
    }

    /// The share of rows that are believed.
    pub(crate) fn share(&self) -> f64 {
        self.weights.iter().map(|&w| f64::from(w)).sum::<f64>() / self.weights.len().max(1) as f64
    }

    /// The weak views' classes as the strong views' labels: the mean over all rows, of which only the believed count.
    pub(crate) fn pseudo_label(&self, strong: &Pass, first_row: usize) -> Result<LossValue> {
        on_rows(strong, "logits", first_row, self.weights.len(), |logits| {
            differentiate(logits, |logits| {
                cross_entropy(logits, &self.classes, Some(&self.weights), Reduction::Items)
            })
        })
    }

    /// KL(softmax of the weak view's attention map || the strong view's), the mean over all rows, of which only the
    /// believed count.
    pub(crate) fn attention(&self, weak: &Pass, strong: &Pass, first_row: usize) -> Result<LossValue> {
        let target = tensor::<(usize, usize)>(weak.output("attention")?)?.softmax::<Axis<1>>();
        let entropy = self.entropy(&target.as_vec());
        let mut loss = on_rows(strong, "attention", first_row, self.weights.len(), |map| {
            differentiate(map, |map| soft_cross_entropy(map, &target, Some(&self.weights), Reduction::Items))
        })?;
        // The targets are constants, so that their entropy makes cross-entropy a divergence without changing gradients.
        loss.value -= entropy;
        Ok(loss)
    }

    fn entropy(&self, probabilities: &[f32]) -> f32 {
        let rows = self.weights.len().max(1);
        let width = (probabilities.len() / rows).max(1);
        let of_row = |row: &[f32]| -row.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f32>();
        let rows_entropy =
            probabilities.chunks_exact(width).zip(&self.weights).map(|(row, w)| w * of_row(row));
        rows_entropy.sum::<f32>() / rows as f32
    }
}

fn on_rows(
    pass: &Pass,
    output: &str,
    first_row: usize,
    rows: usize,
    loss: impl FnOnce(TensorView<'_>) -> Result<(f32, scant_abi::Tensor)>,
) -> Result<LossValue> {
    let view = pass.output(output)?;
    if view.shape().rows() != first_row + rows {
        return Err(Error::shape(format!(
            "{output}: {} rows, but {first_row} labelled and {rows} strong ones went in",
            view.shape().rows()
        )));
    }
    let (value, gradient) = loss(view.rows(first_row..first_row + rows)?)?;
    let gradient =
        OutputGradient { pass: pass.id, output: output.to_owned(), first_row, weight: 1.0, gradient };
    Ok(LossValue { value, gradients: vec![gradient], ..LossValue::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use scant_abi::{PassId, Tensor};

    fn pass(name: &str, rows: usize, values: Vec<f32>) -> Pass {
        let width = values.len() / rows;
        let values = Tensor::from_f32(values, &[rows, width]).expect("a tensor");
        Pass { id: PassId(7), outputs: vec![(name.to_owned(), values)] }
    }

    #[test]
    fn only_sure_rows_count() {
        let weak = pass("logits", 2, vec![0.0, 9f32.ln(), 0.0, 0.0]);
        let believed = Believed::new(weak.output("logits").expect("logits"), 0.8).expect("believed");
        assert_eq!((believed.classes[0], believed.weights.as_slice()), (1, [1.0, 0.0].as_slice()));
        assert_eq!(believed.share(), 0.5);
        // Row 0 is a labelled one; rows 1 and 2 are the strong views, both undecided.
        let strong = pass("logits", 3, vec![5.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let loss = believed.pseudo_label(&strong, 1).expect("a loss");
        assert!((loss.value - 2f32.ln() / 2.0).abs() < 1e-6);
        let gradient = &loss.gradients[0];
        assert_eq!((gradient.first_row, gradient.pass), (1, PassId(7)));
        assert_eq!(gradient.gradient.f32().expect("numbers"), [0.25, -0.25, 0.0, 0.0]);
    }

    #[test]
    fn the_attention_distance_is_a_divergence() {
        let believed = Believed { classes: vec![0], weights: vec![1.0] };
        let same = pass("attention", 1, vec![1.0, 2.0, 3.0]);
        assert!(believed.attention(&same, &same, 0).expect("a loss").value.abs() < 1e-6);
        // KL((1/2, 1/2) || (1/4, 3/4)) = 0.5 ln(0.5/0.25) + 0.5 ln(0.5/0.75).
        let other = pass("attention", 1, vec![0.0, 3f32.ln()]);
        let flat = pass("attention", 1, vec![0.0, 0.0]);
        let expected = 0.5 * 2f32.ln() + 0.5 * (2f32 / 3.0).ln();
        let loss = believed.attention(&flat, &other, 0).expect("a loss");
        assert!((loss.value - expected).abs() < 1e-6, "{} {expected}", loss.value);
        let gradient = loss.gradients[0].gradient.f32().expect("numbers");
        assert!((gradient[0] + 0.25).abs() < 1e-6 && (gradient[1] - 0.25).abs() < 1e-6, "{gradient:?}");
    }

    #[test]
    fn maps_are_drawn_together_where_the_class_is_believed() {
        // The divergence of the test above in both rows: half of it is left of the mean, and half of the first row's gradient.
        let believed = Believed { classes: vec![0, 0], weights: vec![1.0, 0.0] };
        let flat = pass("attention", 2, vec![0.0; 4]);
        let other = pass("attention", 2, vec![0.0, 3f32.ln(), 0.0, 3f32.ln()]);
        let expected = (0.5 * 2f32.ln() + 0.5 * (2f32 / 3.0).ln()) / 2.0;
        let loss = believed.attention(&flat, &other, 0).expect("a loss");
        assert!((loss.value - expected).abs() < 1e-6, "{} {expected}", loss.value);
        let gradient = loss.gradients[0].gradient.f32().expect("numbers");
        let close = gradient.iter().zip([-0.125, 0.125, 0.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close, "{gradient:?}");
    }
}
