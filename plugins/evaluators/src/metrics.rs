//! Metrics of classification, as scikit-learn defines them.

use scant_abi::{Error, Result};
use scant_nn::train::largest;

/// Counts of true class against said class, and what follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

/// Precision, recall and F1, of one class or averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// The share of those said to be of the class that are.
    pub precision: f64,
    /// The share of those of the class that were said to be.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
}

impl Confusion {
    /// Counts samples by true and by said class, both below `classes`.
    pub fn new(truth: &[i64], said: &[i64], classes: usize) -> Result<Self> {
        if truth.is_empty() || truth.len() != said.len() {
            return Err(Error::shape(format!(
                "{} true classes and {} predictions: there must be one of each per sample, and at least one sample",
                truth.len(),
                said.len()
            )));
        }
        let mut counts = vec![0; classes * classes];
        for (&truth, &said) in truth.iter().zip(said) {
            for class in [truth, said] {
                if !(0..classes as i64).contains(&class) {
                    return Err(Error::data(format!("{class} is none of the {classes} classes")));
                }
            }
            counts[truth as usize * classes + said as usize] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// The counts, one row for each true class.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts.chunks_exact(self.classes).map(<[u64]>::to_vec).collect()
    }

    /// The number of samples of `class`.
    pub fn support(&self, class: usize) -> u64 {
        self.counts[class * self.classes..(class + 1) * self.classes].iter().sum()
    }

    fn said(&self, class: usize) -> u64 {
        (0..self.classes).map(|truth| self.counts[truth * self.classes + class]).sum()
    }

    fn right(&self, class: usize) -> u64 {
        self.counts[class * self.classes + class]
    }

    fn total(&self) -> f64 {
        self.counts.iter().sum::<u64>() as f64
    }

    /// The share of samples whose class was said.
    pub fn accuracy(&self) -> f64 {
        (0..self.classes).map(|class| self.right(class)).sum::<u64>() as f64 / self.total()
    }

    /// The mean recall of the classes that occur.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = (0..self.classes)
            .filter(|&class| self.support(class) > 0)
            .map(|class| self.scores(class).recall)
            .collect();
        recalls.iter().sum::<f64>() / recalls.len() as f64
    }

    /// The scores of one class; 0 where nothing is there to be divided by.
    pub fn scores(&self, class: usize) -> Scores {
        let share = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
        let (right, said, support) = (self.right(class), self.said(class), self.support(class));
        Scores {
            precision: share(right, said),
            recall: share(right, support),
            f1: share(2 * right, said + support),
        }
    }

    /// The mean scores of the classes that occur or were said.
    pub fn macro_scores(&self) -> Scores {
        let occurs = |class: &usize| self.support(*class) + self.said(*class) > 0;
        self.average(|class| f64::from(u8::from(occurs(&class))))
    }

    /// The mean scores, each class counting by its samples.
    pub fn weighted_scores(&self) -> Scores {
        self.average(|class| self.support(class) as f64)
    }

    fn average(&self, weight: impl Fn(usize) -> f64) -> Scores {
        let total: f64 = (0..self.classes).map(&weight).sum();
        let mut mean = Scores::default();
        for class in 0..self.classes {
            let (scores, share) = (self.scores(class), weight(class) / total);
            mean.precision += share * scores.precision;
            mean.recall += share * scores.recall;
            mean.f1 += share * scores.f1;
        }
        mean
    }
}

/// The share of rows whose true class is among the `k` highest scores; among equals the later class counts as higher.
pub fn top_k(scores: &[f32], truth: &[i64], classes: usize, k: usize) -> f64 {
    let among = |(row, &class): (&[f32], &i64)| {
        let class = class as usize;
        let above =
            row.iter().enumerate().filter(|&(j, &s)| s > row[class] || (s == row[class] && j > class));
        above.count() < k
    };
    let right = scores.chunks_exact(classes).zip(truth).filter(|&pair| among(pair)).count();
    right as f64 / truth.len() as f64
}

/// The mean gap between confidence and accuracy over `bins` equal stretches of confidence, weighed by samples.
pub fn calibration_error(probabilities: &[f32], truth: &[i64], classes: usize, bins: usize) -> f64 {
    let mut gaps = vec![0.0; bins];
    for (row, &class) in probabilities.chunks_exact(classes).zip(truth) {
        let best = largest(row);
        let confidence = f64::from(row[best]);
        // A bin holds its upper end, not its lower.
        let bin = ((confidence * bins as f64).ceil() as usize).clamp(1, bins) - 1;
        gaps[bin] += f64::from(u8::from(best as i64 == class)) - confidence;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / truth.len() as f64
}

/// Turns each row of scores into probabilities.
pub fn softmax(scores: &[f32], classes: usize) -> Vec<f32> {
    let mut probabilities = scores.to_vec();
    for row in probabilities.chunks_exact_mut(classes) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|x| *x = (*x - largest).exp());
        let total: f32 = row.iter().sum();
        row.iter_mut().for_each(|x| *x /= total);
    }
    probabilities
}
