//! `stability`: a metric by epoch, and its line of best fit.

use std::collections::BTreeSet;

use scant_abi::{
    Artefact, Component, Content, Error, Evaluation, Evaluator, Findings, Metric, PastMetric, Reading,
    Result, Setup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sample::SplitName;

/// Settings of `stability`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StabilityConfig {
    /// The metric that is followed; another evaluator must report it every few epochs.
    pub metric: String,
    /// The label of the evaluator that reports it; absent: the one that did so at the most epochs, the first of equals.
    pub evaluator: Option<String>,
    /// The split on which it was measured.
    pub split: SplitName,
    /// The stage that is looked at, from 0; absent: the last that reported the metric.
    pub on_stage: Option<usize>,
    /// What values are multiplied with; 100 turns shares into percent.
    pub scale: f64,
}

impl Default for StabilityConfig {
    fn default() -> Self {
        Self {
            metric: "top-1".to_owned(),
            evaluator: None,
            split: SplitName::Test,
            on_stage: None,
            scale: 100.0,
        }
    }
}

/// `stability`: slope m and intercept k of the line of best fit through a metric by epoch.
#[derive(Clone, Debug)]
pub struct Stability {
    config: StabilityConfig,
    epochs: usize,
}

impl Component for Stability {
    const NAME: &'static str = "stability";
    const SUMMARY: &'static str = "A metric by epoch with its line of best fit, value = m * epoch + k.";
    type Config = StabilityConfig;

    fn new(config: StabilityConfig, setup: &Setup) -> Result<Self> {
        if !config.scale.is_finite() {
            return Err(Error::config("stability: `scale` must be a finite number"));
        }
        Ok(Self { config, epochs: setup.epochs })
    }
}

impl Evaluator for Stability {
    fn reads(&self) -> Vec<Reading> {
        Vec::new()
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        let (by, points) = self.points(evaluation);
        if points.is_empty() {
            return self.nothing(evaluation);
        }
        let split = self.config.split.as_str();
        let followed = title(by, &self.config.metric);
        let fit = line_of_best_fit(&points);
        let metric = |name: &str, value, higher_is_better| Metric {
            name: name.to_owned(),
            split: split.to_owned(),
            value,
            higher_is_better,
        };
        let metrics = match fit {
            Some([slope, intercept]) => {
                let squares = points.iter().map(|[x, y]| (y - slope * x - intercept).powi(2)).sum::<f64>();
                vec![
                    // A model that is good from the start has nowhere to climb to.
                    metric("m", slope, None),
                    metric("k", intercept, Some(true)),
                    metric("fluctuation", (squares / points.len() as f64).sqrt(), Some(false)),
                ]
            }
            None => Vec::new(),
        };
        let artefacts = vec![Artefact {
            name: format!("stability-{split}"),
            caption: format!("{followed} on {split} by epoch"),
            content: Content::Curve { x_name: "epoch".to_owned(), y_name: followed, points, fit },
        }];
        Ok(Findings { metrics, artefacts, predictions: Vec::new() })
    }
}

impl Stability {
    /// Says that there is no line, and how to get one; an error once no further epoch can report the metric.
    fn nothing(&self, evaluation: &Evaluation) -> Result<Findings> {
        // What training itself reports belongs to no split, and cannot be followed.
        let by_evaluators = evaluation.history.iter().filter(|past| !past.split.is_empty());
        let known: BTreeSet<[String; 2]> =
            by_evaluators.map(|past| [title(&past.by, &past.name), past.split.clone()]).collect();
        let split = self.config.split.as_str();
        let wanted = title(self.config.evaluator.as_deref().unwrap_or_default(), &self.config.metric);
        let caption = format!(
            "No epoch reported '{wanted}' on '{split}': write every = 1 at the evaluator that finds it. Reported by epoch \
             {}",
            if known.is_empty() { "was nothing" } else { "were these" }
        );
        if self.is_over(&evaluation.history) {
            return Err(Error::config(format!("{caption}{}", names_in(&evaluation.history))));
        }
        let content = Content::Table {
            columns: ["metric", "split"].map(str::to_owned).to_vec(),
            rows: known.into_iter().map(Vec::from).collect(),
        };
        let artefacts = vec![Artefact { name: format!("stability-{split}"), caption, content }];
        Ok(Findings { artefacts, ..Findings::default() })
    }

    /// Whether the stage has had its last epoch.
    fn is_over(&self, history: &[PastMetric]) -> bool {
        let stage = history.iter().map(|past| past.stage).max();
        let epochs = history.iter().filter(|past| Some(past.stage) == stage).map(|past| past.epoch + 1);
        epochs.max().unwrap_or_default() >= self.epochs
    }

    /// Who reported the metric, and its points: epoch, from 1, and scaled value.
    fn points<'a>(&self, evaluation: &'a Evaluation) -> (&'a str, Vec<[f64; 2]>) {
        let fits = |past: &&PastMetric| {
            past.name == self.config.metric
                && past.split == self.config.split.as_str()
                && self.config.evaluator.as_ref().is_none_or(|by| *by == past.by)
                && self.config.on_stage.is_none_or(|stage| stage == past.stage)
        };
        let ours: Vec<&PastMetric> = evaluation.history.iter().filter(fits).collect();
        let stage = ours.iter().map(|past| past.stage).max();
        let mut lines: Vec<(&str, Vec<[f64; 2]>)> = Vec::new();
        for past in ours.iter().filter(|past| Some(past.stage) == stage && past.value.is_finite()) {
            let point = [past.epoch as f64 + 1.0, self.config.scale * past.value];
            match lines.iter_mut().find(|(by, _)| *by == past.by) {
                Some((_, points)) => points.push(point),
                None => lines.push((&past.by, vec![point])),
            }
        }
        lines.iter_mut().for_each(|(_, points)| points.dedup_by_key(|point| point[0]));
        // `max_by_key` would keep the last of equals.
        lines.into_iter().rev().max_by_key(|(_, points)| points.len()).unwrap_or_default()
    }
}

/// What evaluators reported: metrics, evaluators and splits, each once.
fn names_in(history: &[PastMetric]) -> String {
    let names = |part: fn(&PastMetric) -> &str| {
        let by_evaluators = history.iter().filter(|past| !past.split.is_empty());
        by_evaluators.map(part).collect::<BTreeSet<&str>>().into_iter().collect::<Vec<_>>().join(", ")
    };
    match names(|past| &past.name) {
        none if none.is_empty() => none,
        metrics => format!(": {metrics}, by {}, on {}", names(|past| &past.by), names(|past| &past.split)),
    }
}

/// How a metric is called: its evaluator's label goes before it.
fn title(by: &str, metric: &str) -> String {
    if by.is_empty() { metric.to_owned() } else { format!("{by}/{metric}") }
}

/// Slope and intercept of the least squares line; none through fewer than two different epochs.
pub fn line_of_best_fit(points: &[[f64; 2]]) -> Option<[f64; 2]> {
    let count = points.len() as f64;
    let mean = |k: usize| points.iter().map(|point| point[k]).sum::<f64>() / count;
    let (x, y) = (mean(0), mean(1));
    let spread: f64 = points.iter().map(|point| (point[0] - x).powi(2)).sum();
    if points.len() < 2 || spread == 0.0 {
        return None;
    }
    let slope = points.iter().map(|point| (point[0] - x) * (point[1] - y)).sum::<f64>() / spread;
    Some([slope, y - slope * x])
}
