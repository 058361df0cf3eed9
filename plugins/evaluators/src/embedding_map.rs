//! `embedding-map`: an output in the plane, coloured by class.

use scant_abi::{
    Artefact, Component, Content, Error, Evaluation, Evaluator, Findings, Reading, Result, Setup,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pca::principal_components;
use crate::sample::{SplitName, rows};
use crate::tsne::{MOST_POINTS, Tsne};

/// Settings of `embedding-map`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddingMapConfig {
    /// The output that is shown.
    pub on: String,
    /// The split that is shown.
    pub split: SplitName,
    /// The most samples that are shown.
    #[schemars(range(min = 4, max = MOST_POINTS))]
    pub points: usize,
    /// The perplexity of t-SNE: about how many neighbours each sample keeps.
    #[schemars(range(min = 1))]
    pub perplexity: f64,
    /// The steps of t-SNE; 0: principal components alone.
    #[schemars(range(max = 100_000))]
    pub steps: usize,
}

impl Default for EmbeddingMapConfig {
    fn default() -> Self {
        let Tsne { perplexity, steps } = Tsne::default();
        Self { on: "embedding".to_owned(), split: SplitName::Test, points: 5000, perplexity, steps }
    }
}

/// `embedding-map`: t-SNE and principal components.
#[derive(Clone, Debug)]
pub struct EmbeddingMap(EmbeddingMapConfig);

impl Component for EmbeddingMap {
    const NAME: &'static str = "embedding-map";
    const SUMMARY: &'static str =
        "An output laid out in the plane by t-SNE and by principal components, coloured by class.";
    type Config = EmbeddingMapConfig;

    fn new(config: EmbeddingMapConfig, setup: &Setup) -> Result<Self> {
        config.split.check(setup)?;
        if !(4..=MOST_POINTS).contains(&config.points) {
            return Err(Error::config(format!(
                "embedding-map: `points` is {}; it must lie between 4 and {MOST_POINTS}",
                config.points
            )));
        }
        if !(config.perplexity >= 1.0 && config.perplexity.is_finite()) {
            return Err(Error::config(format!(
                "embedding-map: `perplexity` is {}; it must be a number of at least 1",
                config.perplexity
            )));
        }
        Ok(Self(config))
    }
}

impl Evaluator for EmbeddingMap {
    fn reads(&self) -> Vec<Reading> {
        vec![Reading { output: self.0.on.clone(), rows: Some(self.0.points) }]
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        let config = &self.0;
        let split = evaluation.split(config.split.as_str())?;
        let samples = rows(split, &config.on, Some(config.points))?;
        // A single point has no direction to lie in: nothing to see, and no reason to lose a run for it.
        if samples.len() < 2 {
            return Ok(Findings::default());
        }
        let labels = &split.labels[..samples.len()];
        let count = samples.width().min(2);
        let plane = principal_components(samples, count)?;
        let plane = plane.coordinates.chunks_exact(count);
        let points = plane.map(|c| [c[0] as f32, c.get(1).map_or(0.0, |&y| y as f32)]).collect();
        let scatter = |name: &str, how: &str, points| Artefact {
            name: format!("{name}-{}", split.name),
            caption: format!("{} of {} samples of {}, {how}", config.on, samples.len(), split.name),
            content: Content::Scatter {
                classes: evaluation.classes.clone(),
                points,
                labels: labels.to_vec(),
            },
        };
        let mut artefacts = vec![scatter("pca", "first two principal components", points)];
        if config.steps > 0 {
            // Few samples have few neighbours.
            let perplexity = config.perplexity.min((samples.len() as f64 - 1.0) / 3.0).max(1.0);
            let layout = Tsne { perplexity, steps: config.steps }.fit(samples)?;
            artefacts.insert(0, scatter("t-sne", "t-SNE", layout.points));
        }
        Ok(Findings { artefacts, ..Findings::default() })
    }
}
