//! `knn-probe`: each sample gets the class of the nearest training samples, weighed by cosine similarity.

use scant_abi::{Component, Error, Evaluation, Evaluator, Findings, Reading, Result, Setup};
use scant_nn::Rows;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::neighbors::nearest_neighbors;
use crate::report;
use crate::sample::{ProbeLabels, Sample, rows};

/// Settings of `knn-probe`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KnnProbeConfig {
    /// The output that is probed.
    pub on: String,
    /// Which training labels the probe may use.
    pub labels: ProbeLabels,
    /// How many neighbours vote; absent: 200, or 20 among fewer than 10,000 training samples.
    #[schemars(range(min = 1))]
    pub neighbors: Option<usize>,
    /// The temperature T of a vote's weight, exp(cosine / T).
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub temperature: f64,
}

impl Default for KnnProbeConfig {
    fn default() -> Self {
        Self { on: "embedding".to_owned(), labels: ProbeLabels::Labelled, neighbors: None, temperature: 0.1 }
    }
}

/// `knn-probe`: nearest neighbours on an output.
#[derive(Clone, Debug)]
pub struct KnnProbe(KnnProbeConfig);

impl Component for KnnProbe {
    const NAME: &'static str = "knn-probe";
    const SUMMARY: &'static str =
        "Nearest training samples by cosine on any output, as solo-learn and USB weigh them.";
    type Config = KnnProbeConfig;

    fn new(config: KnnProbeConfig, setup: &Setup) -> Result<Self> {
        config.labels.check(setup)?;
        if config.neighbors == Some(0) {
            return Err(Error::config("knn-probe: `neighbors` is 0; it must be at least 1"));
        }
        if !(config.temperature > 0.0 && config.temperature.is_finite()) {
            return Err(Error::config(format!(
                "knn-probe: `temperature` is {}; it must be a number above 0",
                config.temperature
            )));
        }
        Ok(Self(config))
    }
}

impl Evaluator for KnnProbe {
    fn reads(&self) -> Vec<Reading> {
        vec![Reading { output: self.0.on.clone(), rows: None }]
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        let train = Sample::for_probe(evaluation.split("train")?, &self.0.on, self.0.labels)?;
        let count = self.0.neighbors.unwrap_or(if train.labels.len() < 10_000 { 20 } else { 200 });
        let classes = evaluation.classes.len();
        let mut findings = Findings::default();
        // On the training samples each would vote for itself.
        for split in evaluation.splits.iter().filter(|split| split.name != "train") {
            let queries = rows(split, &self.0.on, None)?;
            let shares = vote(train.rows()?, &train.labels, queries, classes, count, self.0.temperature)?;
            report::add(&mut findings, evaluation, split, Rows::new(&shares, classes)?, &shares)?;
        }
        Ok(findings)
    }
}

/// The share of the votes each class gets, for each of `queries`: of the `count` references nearest by cosine.
pub fn vote(
    references: Rows,
    labels: &[i64],
    queries: Rows,
    classes: usize,
    count: usize,
    temperature: f64,
) -> Result<Vec<f32>> {
    if let Some(label) = labels.iter().find(|&&label| !(0..classes as i64).contains(&label)) {
        return Err(Error::data(format!("label {label} is none of the {classes} classes")));
    }
    let (on_sphere, asked) = (normalized(references), normalized(queries));
    let (on_sphere, asked) =
        (Rows::new(&on_sphere, references.width())?, Rows::new(&asked, queries.width())?);
    let count = count.min(references.len());
    let found = nearest_neighbors(on_sphere, asked, count)?;
    let mut shares = Vec::with_capacity(queries.len() * classes);
    for (indices, squares) in found.indices.chunks_exact(count).zip(found.squares.chunks_exact(count)) {
        let mut votes = vec![0.0; classes];
        for (&index, square) in indices.iter().zip(squares) {
            // For unit vectors the cosine is 1 - distance^2 / 2; the first is the largest and is taken off.
            votes[labels[index as usize] as usize] += (0.5 * (squares[0] - square) / temperature).exp();
        }
        let total: f64 = votes.iter().sum();
        shares.extend(votes.iter().map(|vote| (vote / total) as f32));
    }
    Ok(shares)
}

/// The rows at length 1; a row of zeros stays.
fn normalized(rows: Rows) -> Vec<f32> {
    rows.iter()
        .flat_map(|row| {
            let length = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
            let factor = if length > 0.0 { 1.0 / length } else { 0.0 };
            row.iter().map(move |&x| (f64::from(x) * factor) as f32)
        })
        .collect()
}
