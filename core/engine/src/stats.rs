//! Statistics for comparing methods: spread over seeds, paired tests, correction for the number of comparisons.
//!
//! What a test can say differs. McNemar's looks at two models and says whether these two differ on this kind of
//! sample. Whether two *methods* differ is said by the tests over seeds: samples of one seed share their model,
//! so that pooling them over seeds would call equal methods different far too often.

use scant_abi::{Error, Result};
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal, StudentsT};

/// The arithmetic mean; NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation of a sample (with n - 1 below the line); `None` of fewer than two values.
pub fn sample_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let deviation = (squares / (values.len() - 1) as f64).sqrt();
    // The mean of equal values is rounded, so that they seem to lie beside it: what is left is no spread.
    Some(if deviation <= 1e-12 * mean.abs() { 0.0 } else { deviation })
}

/// A test's outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// The statistic: t, the smaller sum of ranks, or the smaller count of discordant pairs.
    pub statistic: f64,
    /// The probability of at least this much difference if there is none; two-sided.
    pub p_value: f64,
}

/// McNemar's exact test: `only_first` samples that the first model alone got right, `only_second` the second alone.
pub fn mcnemar(only_first: u64, only_second: u64) -> Test {
    let (fewer, all) = (only_first.min(only_second), only_first + only_second);
    // Under no difference each discordant pair is a fair coin's toss; exact for any number of them.
    let p_value = Binomial::new(0.5, all).map_or(1.0, |coin| (2.0 * coin.cdf(fewer)).min(1.0));
    Test { statistic: fewer as f64, p_value }
}

/// McNemar's test of two models' predictions of the same samples.
pub fn mcnemar_of_predictions(truth: &[i64], first: &[i64], second: &[i64]) -> Result<Test> {
    if truth.len() != first.len() || truth.len() != second.len() {
        return Err(Error::data(format!(
            "{} true classes, {} and {} predictions: a paired test needs the same samples in the same order",
            truth.len(),
            first.len(),
            second.len()
        )));
    }
    let (mut only_first, mut only_second) = (0, 0);
    for ((truth, first), second) in truth.iter().zip(first).zip(second) {
        match (first == truth, second == truth) {
            (true, false) => only_first += 1,
            (false, true) => only_second += 1,
            _ => {}
        }
    }
    Ok(mcnemar(only_first, only_second))
}

/// Student's t-test of paired values, one pair a seed.
pub fn paired_t(first: &[f64], second: &[f64]) -> Result<Test> {
    let differences = differences(first, second)?;
    let (mean, count) = (mean(&differences), differences.len() as f64);
    let deviation = sample_deviation(&differences)
        .ok_or_else(|| Error::data("a paired t-test needs at least 2 pairs: run more seeds"))?;
    // Sums of rounded numbers never come out quite the same: what is left of a spread after rounding is none.
    if deviation <= 1e-9 * mean.abs() {
        // The same difference every time: none at all, or beyond any doubt.
        let sure = mean != 0.0;
        let statistic = if sure { mean.signum() * f64::INFINITY } else { 0.0 };
        return Ok(Test { statistic, p_value: if sure { 0.0 } else { 1.0 } });
    }
    let statistic = mean / (deviation / count.sqrt());
    let student = StudentsT::new(0.0, 1.0, count - 1.0)
        .map_err(|error| Error::caused_by(scant_abi::ErrorKind::Numeric, "paired t-test", &error))?;
    Ok(Test { statistic, p_value: (2.0 * student.cdf(-statistic.abs())).min(1.0) })
}

/// Wilcoxon's signed-rank test of paired values; equal pairs are left out, as is usual.
///
/// Exact, also with ties, for up to 50 pairs; beyond by the normal approximation with the correction for ties.
pub fn wilcoxon(first: &[f64], second: &[f64]) -> Result<Test> {
    const EXACT: usize = 50;
    let mut differences = differences(first, second)?;
    differences.retain(|&difference| difference != 0.0);
    if differences.is_empty() {
        return Ok(Test { statistic: 0.0, p_value: 1.0 });
    }
    let (ranks, ties) = doubled_ranks(&differences);
    let all: u64 = ranks.iter().sum();
    let positive: u64 = differences.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, rank)| rank).sum();
    let smaller = positive.min(all - positive);
    let statistic = smaller as f64 / 2.0;
    let p_value = if differences.len() <= EXACT {
        2.0 * share_of_sums_up_to(&ranks, smaller)
    } else {
        let n = differences.len() as f64;
        let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
        let z = (statistic - n * (n + 1.0) / 4.0) / variance.sqrt();
        2.0 * Normal::standard().cdf(z)
    };
    Ok(Test { statistic, p_value: p_value.min(1.0) })
}

/// Holm's correction: p-values as they stand when all are looked at together.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (place, &index) in order.iter().enumerate() {
        let factor = (p_values.len() - place) as f64;
        largest = largest.max((factor * p_values[index]).min(1.0));
        corrected[index] = largest;
    }
    corrected
}

fn differences(first: &[f64], second: &[f64]) -> Result<Vec<f64>> {
    if first.len() != second.len() || first.is_empty() {
        return Err(Error::data(format!(
            "{} values against {}: a paired test needs one of each per seed, and at least one seed",
            first.len(),
            second.len()
        )));
    }
    let grain = ROUNDING * first.iter().chain(second).fold(0.0, |most: f64, value| most.max(value.abs()));
    let difference = |(a, b): (&f64, &f64)| if (a - b).abs() <= grain { 0.0 } else { a - b };
    let differences: Vec<f64> = first.iter().zip(second).map(difference).collect();
    if first.iter().chain(second).any(|value| !value.is_finite()) {
        return Err(Error::data("a paired test needs finite values: leave failed repeats out of both sides"));
    }
    Ok(differences)
}

/// The share of a value that rounding may have made: two numbers that differ by less are the same one.
const ROUNDING: f64 = 1e-12;

/// The same for differences, from which rounding takes some digits more.
const TIED: f64 = 1e-9;

/// Twice the rank of each by magnitude (ties share the mean of their ranks), and the sum of t^3 - t over ties.
fn doubled_ranks(differences: &[f64]) -> (Vec<u64>, f64) {
    let mut order: Vec<usize> = (0..differences.len()).collect();
    order.sort_by(|&a, &b| differences[a].abs().total_cmp(&differences[b].abs()));
    let (mut ranks, mut ties, mut before) = (vec![0; differences.len()], 0.0, 0);
    let largest = order.last().map_or(0.0, |&last| differences[last].abs());
    let tied = |a: usize, b: usize| differences[b].abs() - differences[a].abs() <= TIED * largest;
    for group in order.chunk_by(|&a, &b| tied(a, b)) {
        let size = group.len() as u64;
        group.iter().for_each(|&index| ranks[index] = 2 * before + size + 1);
        before += size;
        ties += (size as f64).powi(3) - size as f64;
    }
    (ranks, ties)
}

/// The share of all choices of signs whose positive ranks add up to at most `limit`.
fn share_of_sums_up_to(ranks: &[u64], limit: u64) -> f64 {
    let mut shares = vec![0.0; limit as usize + 1];
    shares[0] = 1.0;
    for &rank in ranks {
        for sum in (0..shares.len()).rev() {
            let with = sum.checked_sub(rank as usize).map_or(0.0, |rest| shares[rest]);
            shares[sum] = 0.5 * (shares[sum] + with);
        }
    }
    shares.iter().sum()
}

#[cfg(test)]
mod tests {
    use scant_abi::Key;

    use super::*;

    #[test]
    fn deviations_have_one_less_below_the_line() {
        assert_eq!(sample_deviation(&[1.0, 3.0]), Some(2.0_f64.sqrt()));
        assert_eq!(sample_deviation(&[1.0]), None);
        assert_eq!(
            sample_deviation(&[0.1; 3]),
            Some(0.0),
            "equal values have no spread, however they are rounded"
        );
    }

    #[test]
    fn holm_never_reverses_an_order() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }

    #[test]
    fn pairs_that_do_not_match_are_refused() {
        assert!(paired_t(&[1.0], &[1.0, 2.0]).is_err());
        assert!(paired_t(&[1.0], &[1.0]).is_err());
        assert!(wilcoxon(&[f64::NAN], &[1.0]).is_err());
        assert!(mcnemar_of_predictions(&[0], &[0], &[]).is_err());
    }

    #[test]
    fn equal_values_are_never_different() {
        assert_eq!(paired_t(&[1.0, 2.0], &[1.0, 2.0]).unwrap().p_value, 1.0);
        assert_eq!(wilcoxon(&[1.0, 2.0], &[1.0, 2.0]).unwrap().p_value, 1.0);
        assert_eq!(mcnemar(0, 0).p_value, 1.0);
    }

    #[test]
    fn rounding_is_no_difference_and_breaks_no_tie() {
        // 0.1 each time, but for the last bit: as sure as exactly 0.1, and no surer.
        let (first, second) = ([0.9, 0.8, 0.7], [0.8, 0.7, 0.6]);
        let apart: Vec<f64> = first.iter().zip(&second).map(|(a, b)| a - b).collect();
        assert!(apart[0] != apart[1], "{apart:?} shows what it is meant to show");
        assert_eq!(paired_t(&first, &second).unwrap().p_value, 0.0);
        // Two up, one down, all by a tenth: one sum of ranks is 2, the other 4.
        assert_eq!(wilcoxon(&[0.9, 0.8, 0.6], &[0.8, 0.7, 0.7]).unwrap().statistic, 2.0);
        // Sums in another order: the same value.
        let (one, other) = ([0.1 + 0.2 + 0.3; 3], [0.3 + 0.2 + 0.1; 3]);
        assert_ne!(one, other);
        assert_eq!(paired_t(&one, &other).unwrap().p_value, 1.0);
        assert_eq!(wilcoxon(&one, &other).unwrap().p_value, 1.0);
    }

    /// A run of a method: its accuracy differs from seed to seed, and it gets each of 500 samples right or wrong.
    fn run(key: Key) -> Vec<i64> {
        let mut rng = key.rng();
        let accuracy = 0.9 + 0.01 * rng.normal();
        (0..500).map(|_| i64::from(rng.chance(accuracy))).collect()
    }

    #[test]
    fn three_equal_methods_are_told_apart_in_at_most_one_comparison_of_twenty() {
        let (truth, alpha) = (vec![1; 500], 0.05);
        let (mut by_t, mut by_ranks, mut by_models) = (0, 0, 0);
        for comparison in 0..1000 {
            let methods: Vec<Vec<Vec<i64>>> = (0..3)
                .map(|m| (0..7).map(|s| run(Key::new(comparison).named("equal").fold(m).fold(s))).collect())
                .collect();
            let accuracies: Vec<Vec<f64>> = methods
                .iter()
                .map(|runs| runs.iter().map(|r| r.iter().sum::<i64>() as f64 / 500.0).collect())
                .collect();
            let pairs = [(0, 1), (0, 2), (1, 2)];
            let different = |test: &dyn Fn(usize, usize) -> Test| {
                holm(&pairs.map(|(a, b)| test(a, b).p_value)).iter().any(|&p| p < alpha)
            };
            by_t += u32::from(different(&|a, b| paired_t(&accuracies[a], &accuracies[b]).unwrap()));
            by_ranks += u32::from(different(&|a, b| wilcoxon(&accuracies[a], &accuracies[b]).unwrap()));
            // Two models of one method that do have the same accuracy: what McNemar's test is about.
            let same = |m: u64| {
                let mut rng = Key::new(comparison).named("models").fold(m).rng();
                (0..500).map(|_| i64::from(rng.chance(0.9))).collect::<Vec<i64>>()
            };
            by_models +=
                u32::from(mcnemar_of_predictions(&truth, &same(0), &same(1)).unwrap().p_value < alpha);
        }
        assert!(by_t <= 50 && by_ranks <= 50 && by_models <= 50, "{by_t} {by_ranks} {by_models}");
    }

    #[test]
    fn a_real_difference_is_seen() {
        let first = [0.91, 0.92, 0.90, 0.93, 0.91, 0.92];
        let second = [0.88, 0.90, 0.87, 0.90, 0.89, 0.88];
        assert!(paired_t(&first, &second).unwrap().p_value < 0.01);
        assert!(wilcoxon(&first, &second).unwrap().p_value < 0.05);
        assert!(mcnemar(40, 12).p_value < 0.001);
    }
}
