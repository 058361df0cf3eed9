//! `linear-probe`: how well the classes can be told apart by a linear classifier on a frozen output.

use scant_abi::{Component, Error, Evaluation, Evaluator, Findings, Metric, Reading, Result, Setup};
use scant_nn::Rows;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::logistic::{LinearClassifier, Logistic};
use crate::metrics::softmax;
use crate::report;
use crate::sample::{ProbeLabels, Sample, argmax, rows};

/// Settings of `linear-probe`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearProbeConfig {
    /// The output that is probed.
    pub on: String,
    /// Which training labels the probe may use.
    pub labels: ProbeLabels,
    /// The penalties to choose from, on the validation split or a part of the training split.
    #[schemars(length(min = 1), inner(range(min = 0)))]
    pub l2: Vec<f64>,
    /// The share of the training samples to choose on where the run has no validation split.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub held_out: f64,
    /// Bring each column to mean 0 and variance 1 first, so that a penalty means the same for every method.
    pub standardize: bool,
    /// The most steps of one fit.
    #[schemars(range(min = 1, max = 100_000))]
    pub steps: usize,
}

impl Default for LinearProbeConfig {
    fn default() -> Self {
        Self {
            on: "embedding".to_owned(),
            labels: ProbeLabels::Labelled,
            l2: vec![1e-1, 1e-2, 1e-3, 1e-4, 1e-5],
            held_out: 0.2,
            standardize: true,
            steps: 200,
        }
    }
}

/// `linear-probe`: multinomial logistic regression on an output.
#[derive(Clone, Debug)]
pub struct LinearProbe(LinearProbeConfig);

impl Component for LinearProbe {
    const NAME: &'static str = "linear-probe";
    const SUMMARY: &'static str =
        "Logistic regression on any output, its penalty chosen on held-out training samples.";
    type Config = LinearProbeConfig;

    fn new(mut config: LinearProbeConfig, setup: &Setup) -> Result<Self> {
        config.labels.check(setup)?;
        if config.l2.is_empty() || config.l2.iter().any(|l2| !(l2.is_finite() && *l2 >= 0.0)) {
            return Err(Error::config(
                "linear-probe: `l2` must list at least one penalty, each a number of at least 0",
            ));
        }
        if !(config.held_out > 0.0 && config.held_out < 1.0) {
            return Err(Error::config(format!(
                "linear-probe: `held_out` is {}; it must lie between 0 and 1",
                config.held_out
            )));
        }
        // From strong to weak: each fit starts where the one before ended.
        config.l2.sort_by(|a, b| b.total_cmp(a));
        Ok(Self(config))
    }
}

impl Evaluator for LinearProbe {
    fn reads(&self) -> Vec<Reading> {
        vec![Reading { output: self.0.on.clone(), rows: None }]
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        let config = &self.0;
        let train = Sample::for_probe(evaluation.split("train")?, &config.on, config.labels)?;
        let classes = evaluation.classes.len();
        let scale = Scale::new(train.rows()?, config.standardize);
        let (l2, model) = self.choose(evaluation, &train, &scale, classes)?;
        let mut findings = Findings::default();
        for split in &evaluation.splits {
            let scaled = scale.apply(rows(split, &config.on, None)?);
            let scores = model.scores(Rows::new(&scaled, train.rows()?.width())?);
            let own = softmax(&scores, classes);
            report::add(&mut findings, evaluation, split, Rows::new(&scores, classes)?, &own)?;
        }
        // What was chosen, not what is wanted: neither more nor less of it is better.
        let chosen = Metric { name: "l2".into(), split: "train".into(), value: l2, higher_is_better: None };
        findings.metrics.push(chosen);
        Ok(findings)
    }
}

impl LinearProbe {
    /// The penalty that is best on held-out samples, and the classifier fitted with it to all training samples.
    fn choose(
        &self,
        evaluation: &Evaluation,
        train: &Sample,
        scale: &Scale,
        classes: usize,
    ) -> Result<(f64, LinearClassifier)> {
        let config = &self.0;
        let width = train.rows()?.width();
        let fit = |sample: &Sample, l2: f64, start: Option<&LinearClassifier>| {
            let scaled = scale.apply(sample.rows()?);
            let settings = Logistic { steps: config.steps, ..Logistic::new(l2) };
            settings.fit(Rows::new(&scaled, width)?, &sample.labels, classes, start)
        };
        if let [only] = config.l2[..] {
            return Ok((only, fit(train, only, None)?));
        }
        let validation = match evaluation.splits.iter().find(|split| split.name == "validation") {
            Some(split) => {
                let all = rows(split, &config.on, None)?;
                Some(Sample::of(all, &split.labels, |i| split.labels[i] >= 0))
                    .filter(|s| !s.labels.is_empty())
            }
            None => None,
        };
        let (held_out, rest, refit) = match validation {
            Some(held_out) => (held_out, None, false),
            None => {
                let (held_out, rest) = train.cut(config.held_out, evaluation.key.named("linear-probe"))?;
                if held_out.labels.is_empty() || rest.labels.is_empty() {
                    return Err(Error::config(format!(
                        "linear-probe: {} labelled samples are too few to choose a penalty on; give a single `l2`",
                        train.labels.len()
                    )));
                }
                (held_out, Some(rest), true)
            }
        };
        let scaled = scale.apply(held_out.rows()?);
        let mut best: Option<(f64, f64, LinearClassifier)> = None;
        let mut last: Option<LinearClassifier> = None;
        for &l2 in &config.l2 {
            let model = fit(rest.as_ref().unwrap_or(train), l2, last.as_ref())?;
            let said = argmax(&model.scores(Rows::new(&scaled, width)?), classes);
            let right = said.iter().zip(&held_out.labels).filter(|(a, b)| a == b).count() as f64;
            // Among equals the strongest penalty, which comes first.
            if best.as_ref().is_none_or(|(most, ..)| right > *most) {
                best = Some((right, l2, model.clone()));
            }
            last = Some(model);
        }
        let (_, l2, model) = best.ok_or_else(|| Error::config("linear-probe: `l2` lists no penalty"))?;
        let model = if refit { fit(train, l2, Some(&model))? } else { model };
        Ok((l2, model))
    }
}

/// What brings each column to mean 0 and variance 1, as the training samples have it.
struct Scale {
    mean: Vec<f64>,
    factor: Vec<f64>,
}

impl Scale {
    fn new(rows: Rows, standardize: bool) -> Self {
        if !standardize {
            return Self { mean: vec![0.0; rows.width()], factor: vec![1.0; rows.width()] };
        }
        let mean = rows.mean();
        let mut squares = vec![0.0; rows.width()];
        for row in rows.iter() {
            for ((square, &x), mean) in squares.iter_mut().zip(row).zip(&mean) {
                *square += (f64::from(x) - mean).powi(2);
            }
        }
        let factor = |square: &f64| {
            let deviation = (square / rows.len() as f64).sqrt();
            if deviation > 0.0 { 1.0 / deviation } else { 1.0 }
        };
        Self { factor: squares.iter().map(factor).collect(), mean }
    }

    fn apply(&self, rows: Rows) -> Vec<f32> {
        let scale = self.mean.iter().zip(&self.factor).cycle();
        rows.values()
            .iter()
            .zip(scale)
            .map(|(&x, (mean, factor))| ((f64::from(x) - mean) * factor) as f32)
            .collect()
    }
}
