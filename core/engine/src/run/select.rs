//! Which epoch's numbers stand for a run.

use serde::{Deserialize, Serialize};

use super::records::{EvaluationRecord, MetricRecord, Number, Record};
use super::settings::{ResolvedSeeds, Selection};

/// What came out of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// What tables call the method.
    pub label: String,
    /// The rule by which the numbers were selected.
    pub selection: Selection,
    /// The seeds.
    pub seeds: ResolvedSeeds,
    /// The selected numbers.
    pub metrics: Vec<SelectedMetric>,
    /// The parameters of the last model.
    pub parameters: usize,
    /// How long training took, over all processes that had a part in it.
    pub train_seconds: f64,
    /// The most memory that the run held, in bytes, where the system tells; of the last process that had a part in it.
    #[serde(default)]
    pub peak_bytes: Option<u64>,
    /// The hash over all metrics, without times, and the last parameters.
    pub digest: String,
    /// What evaluators at the ends of stages failed with, if any did: their numbers are missing above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<String>,
}

/// A number that stands for a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectedMetric {
    /// The stage, from 0.
    pub stage: usize,
    /// The evaluator that found it.
    pub evaluator: String,
    /// Its name.
    pub name: String,
    /// The split it was found on.
    pub split: String,
    /// The number.
    pub value: Number,
    /// Whether more is better; nothing where neither is better, so that nobody wins by it.
    pub higher_is_better: Option<bool>,
    /// The epoch it belongs to, or the latest of several.
    pub epoch: usize,
}

/// The numbers that stand for a run with these records.
pub fn select(rule: Selection, records: &[Record]) -> Vec<SelectedMetric> {
    let evaluations = evaluations(records);
    let ends = evaluations.iter().filter(|evaluation| evaluation.end);
    let oracle = oracle_epoch(&evaluations);
    ends.flat_map(|end| {
        let same = |other: &&&EvaluationRecord| other.stage == end.stage && other.evaluator == end.evaluator;
        let history: Vec<&EvaluationRecord> = evaluations.iter().filter(same).copied().collect();
        end.metrics.iter().map(move |metric| {
            let (epoch, value) = match rule {
                Selection::Last | Selection::BestOnValidation => (end.epoch, metric.value),
                Selection::MedianOfLast20 => (end.epoch, median_of_last_20(&history, metric)),
                Selection::Oracle => history
                    .iter()
                    .find(|evaluation| oracle == Some((evaluation.stage, evaluation.epoch)))
                    .and_then(|evaluation| Some((evaluation.epoch, same_metric(evaluation, metric)?)))
                    .unwrap_or((end.epoch, metric.value)),
            };
            SelectedMetric {
                stage: end.stage,
                evaluator: end.evaluator.clone(),
                name: metric.name.clone(),
                split: metric.split.clone(),
                value,
                higher_is_better: metric.higher_is_better,
                epoch,
            }
        })
    })
    .collect()
}

/// The number by which epochs are compared on `split`: the first found on it that can be better or worse, with the sign that
/// makes more better.
pub(crate) fn yardstick<'a>(
    evaluations: impl Iterator<Item = &'a EvaluationRecord>,
    split: &str,
) -> Option<f64> {
    let directed = |metric: &MetricRecord| Some((metric.higher_is_better?, metric.value.0));
    let of_split = evaluations.flat_map(|evaluation| &evaluation.metrics).filter(|m| m.split == split);
    let (higher_is_better, value) = of_split.filter_map(directed).next()?;
    let value = if higher_is_better { value } else { -value };
    (!value.is_nan()).then_some(value)
}

/// Whether these records say which epoch of the last stage was best on the test split.
pub(crate) fn has_oracle(records: &[Record]) -> bool {
    oracle_epoch(&evaluations(records)).is_some()
}

fn evaluations(records: &[Record]) -> Vec<&EvaluationRecord> {
    let evaluations = records.iter().filter_map(|record| match record {
        Record::Evaluation(evaluation) => Some(evaluation),
        _ => None,
    });
    evaluations.collect()
}

/// The epoch of the last stage that was best on the test split; the earliest of several.
fn oracle_epoch(evaluations: &[&EvaluationRecord]) -> Option<(usize, usize)> {
    let last = evaluations.iter().map(|evaluation| evaluation.stage).max()?;
    let mut best: Option<(f64, usize)> = None;
    for evaluation in evaluations.iter().filter(|evaluation| evaluation.stage == last) {
        let at = evaluations.iter().filter(|e| e.stage == last && e.epoch == evaluation.epoch);
        if let Some(value) = yardstick(at.copied(), "test")
            && best.is_none_or(|(most, _)| value > most)
        {
            best = Some((value, evaluation.epoch));
        }
    }
    best.map(|(_, epoch)| (last, epoch))
}

fn same_metric(evaluation: &EvaluationRecord, wanted: &MetricRecord) -> Option<Number> {
    let mut metrics = evaluation.metrics.iter();
    metrics
        .find(|metric| metric.name == wanted.name && metric.split == wanted.split)
        .map(|metric| metric.value)
}

/// An epoch's own evaluation and the one at the end of the stage count once.
fn median_of_last_20(history: &[&EvaluationRecord], wanted: &MetricRecord) -> Number {
    let mut by_epoch: Vec<(usize, f64)> = Vec::new();
    for evaluation in history {
        if let Some(value) = same_metric(evaluation, wanted)
            && by_epoch.last().is_none_or(|(epoch, _)| *epoch < evaluation.epoch)
        {
            by_epoch.push((evaluation.epoch, value.0));
        }
    }
    let mut values: Vec<f64> = by_epoch.iter().rev().take(20).map(|(_, value)| *value).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    Number(match values.len() % 2 {
        1 => values[middle],
        _ => (values[middle.saturating_sub(1)] + values[middle]) / 2.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(epoch: usize, end: bool, validation: f64, test: f64) -> Record {
        let metric = |split: &str, value| MetricRecord {
            name: "top-1".into(),
            split: split.into(),
            value: Number(value),
            higher_is_better: Some(true),
        };
        Record::Evaluation(EvaluationRecord {
            stage: 0,
            epoch,
            end,
            evaluator: "accuracy".into(),
            metrics: vec![metric("validation", validation), metric("test", test)],
            seconds: 0.0,
        })
    }

    fn on_test(rule: Selection, records: &[Record]) -> (usize, f64) {
        let all = select(rule, records);
        let metric = all.iter().find(|metric| metric.split == "test").expect("a test metric");
        (metric.epoch, metric.value.0)
    }

    #[test]
    fn each_rule_picks_what_it_says() {
        let mut records: Vec<Record> =
            (0..30).map(|e| evaluation(e, false, 0.5, f64::from(e as u32))).collect();
        records[4] = evaluation(4, false, 0.9, 99.0);
        records.push(evaluation(29, true, 0.5, 29.0));
        assert_eq!(on_test(Selection::Last, &records), (29, 29.0));
        assert_eq!(on_test(Selection::MedianOfLast20, &records), (29, 19.5));
        assert_eq!(on_test(Selection::Oracle, &records), (4, 99.0));
        // The run evaluates its best epoch again at the end; that record then is the end's.
        records.pop();
        records.push(evaluation(4, true, 0.9, 99.0));
        assert_eq!(on_test(Selection::BestOnValidation, &records), (4, 99.0));
    }
}
