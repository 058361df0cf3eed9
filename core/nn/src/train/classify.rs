//! Cross-entropy as trainers need it: unknown labels count nothing.

use scant_abi::{Error, LossInput, LossValue, Result};

use crate::adapt::loss_on;
use crate::ops::{self, Reduction};

/// Softmax cross-entropy of `output` against the input's labels, the mean over the rows whose label is known.
///
/// Rows count by the targets' weights, where there are any; the mean is still over known rows, as FixMatch has it.
pub fn cross_entropy(input: &LossInput<'_>, output: &str) -> Result<LossValue> {
    let labels = input.targets.labels()?;
    if labels.len() != input.rows.len() {
        return Err(Error::shape(format!("{} labels for {} rows", labels.len(), input.rows.len())));
    }
    let known = labels.iter().filter(|&&label| label >= 0).count();
    let scale = labels.len() as f32 / known.max(1) as f32;
    let weight = |row: usize| input.targets.weights.map_or(1.0, |weights| weights[row]);
    let weights: Vec<f32> =
        labels.iter().enumerate().map(|(row, &l)| if l < 0 { 0.0 } else { scale * weight(row) }).collect();
    let classes: Vec<usize> = labels.iter().map(|&label| usize::try_from(label).unwrap_or(0)).collect();
    loss_on(input, output, |logits| ops::cross_entropy(logits, &classes, Some(&weights), Reduction::Items))
}

/// The place of the largest number of a row, the first of equals.
pub fn largest(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, next| if row[next] > row[best] { next } else { best })
}

/// The most likely class of each row of `logits`, and its probability.
pub fn predictions(logits: &[f32], classes: usize) -> Vec<(usize, f32)> {
    let best = |row: &[f32]| {
        let class = largest(row);
        (class, 1.0 / row.iter().map(|logit| (logit - row[class]).exp()).sum::<f32>())
    };
    logits.chunks_exact(classes.max(1)).map(best).collect()
}

/// The unlabelled samples of a step that has `batch` labelled ones; a ratio that leaves none is an error.
pub fn unlabelled_batch(batch: usize, uratio: f64) -> Result<usize> {
    let unlabelled = (batch as f64 * uratio).round();
    match unlabelled >= 1.0 && unlabelled.is_finite() {
        true => Ok(unlabelled as usize),
        false => {
            Err(Error::config(format!("uratio = {uratio} leaves no unlabelled samples in a step of {batch}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scant_abi::{Clock, Key, Pass, PassId, Targets, Tensor};

    #[test]
    fn unknown_labels_neither_count_nor_pull() {
        let logits = Tensor::from_f32(vec![0.0, 0.0, 5.0, -5.0], &[2, 2]).expect("logits");
        let images = Tensor::from_f32(vec![0.0; 2], &[2, 1]).expect("images");
        let pass = Pass { id: PassId(1), outputs: vec![("logits".to_owned(), logits)] };
        let input = LossInput {
            images: images.view(),
            pass: &pass,
            rows: 0..2,
            targets: Targets { labels: Some(&[1, -1]), ..Targets::default() },
            indices: &[0, 1],
            clock: Clock::default(),
            key: Key::new(0),
        };
        let loss = cross_entropy(&input, "logits").expect("a loss");
        assert!((loss.value - 2f32.ln()).abs() < 1e-6, "{}", loss.value);
        assert_eq!(loss.gradients[0].gradient.f32().expect("numbers"), [0.5, -0.5, 0.0, 0.0]);
    }

    #[test]
    fn the_most_likely_class_comes_with_its_probability() {
        let found = predictions(&[0.0, 3f32.ln(), 0.0, 0.0], 2);
        assert_eq!((found[0].0, found[1].0), (1, 0));
        assert!((found[0].1 - 0.75).abs() < 1e-6 && (found[1].1 - 0.5).abs() < 1e-6);
    }
}
