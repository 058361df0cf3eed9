//! Multinomial logistic regression with an L2 penalty, by L-BFGS.
//!
//! The objective is scikit-learn's: mean cross-entropy + l2 / 2 * |weights|^2, the intercepts free; its `C` is
//! 1 / (l2 * samples). One pass over the samples gives value and gradient, block by block in the cache.

mod curvature;
mod lbfgs;
mod pass;

use rayon::prelude::*;
use scant_abi::{Error, Result};
use scant_nn::Rows;
use scant_nn::dots::{Columns, dots};

/// How to fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logistic {
    /// The weight of the penalty.
    pub l2: f64,
    /// The most steps.
    pub steps: usize,
    /// The fit ends when no component of the gradient is larger.
    pub tolerance: f64,
}

/// A fitted classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearClassifier {
    /// The weights, class after class.
    pub weights: Vec<f64>,
    /// The intercept of each class.
    pub intercepts: Vec<f64>,
    /// The objective that was reached.
    pub objective: f64,
    /// The steps it took.
    pub steps: usize,
}

impl Logistic {
    /// A fit with this penalty, and scikit-learn's limits of steps and gradient.
    pub fn new(l2: f64) -> Self {
        Self { l2, steps: 100, tolerance: 1e-4 }
    }

    /// Fits classes `0..classes` from `start`, or from zero.
    pub fn fit(
        &self,
        rows: Rows,
        labels: &[i64],
        classes: usize,
        start: Option<&LinearClassifier>,
    ) -> Result<LinearClassifier> {
        if rows.is_empty() || rows.len() != labels.len() {
            return Err(Error::shape(format!(
                "{} samples and {} labels: a fit needs one label per sample, and at least one sample",
                rows.len(),
                labels.len()
            )));
        }
        if let Some(&label) = labels.iter().find(|&&label| !(0..classes as i64).contains(&label)) {
            return Err(Error::data(format!("label {label} is none of the {classes} classes")));
        }
        let width = rows.width();
        let problem = pass::Problem::new(rows, labels, classes, self.l2);
        let mut parameters = vec![0.0; classes * (width + 1)];
        if let Some(start) = start {
            parameters[..classes * width].copy_from_slice(&start.weights);
            parameters[classes * width..].copy_from_slice(&start.intercepts);
        }
        problem.centre(&mut parameters);
        let found = lbfgs::minimize(parameters, self.steps, self.tolerance, &problem);
        let mut parameters = found.point;
        problem.uncentre(&mut parameters);
        let intercepts = parameters.split_off(classes * width);
        Ok(LinearClassifier { weights: parameters, intercepts, objective: found.value, steps: found.steps })
    }
}

impl LinearClassifier {
    /// The score of each class for each row, row after row.
    pub fn scores(&self, rows: Rows) -> Vec<f32> {
        const BLOCK: usize = 128;
        let classes = self.intercepts.len();
        let weights: Vec<f32> = self.weights.iter().map(|&w| w as f32).collect();
        let columns = Columns::pack(&weights, rows.width());
        let mut scores = vec![0.0; rows.len() * classes];
        let blocks =
            scores.par_chunks_mut(BLOCK * classes).zip(rows.values().par_chunks(BLOCK * rows.width()));
        blocks.for_each(|(scores, block)| {
            let block: Vec<&[f32]> = block.chunks_exact(rows.width()).collect();
            let mut products = vec![0.0; block.len() * columns.stride()];
            dots(&block, &columns, &mut products);
            for (scores, products) in
                scores.chunks_exact_mut(classes).zip(products.chunks_exact(columns.stride()))
            {
                let each = scores.iter_mut().zip(products).zip(&self.intercepts);
                each.for_each(|((score, &product), b)| *score = (f64::from(product) + b) as f32);
            }
        });
        scores
    }
}
