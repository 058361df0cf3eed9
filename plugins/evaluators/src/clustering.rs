//! `clustering`: how far groups found without labels agree with the classes.

use scant_abi::{
    Artefact, Component, Content, Error, Evaluation, Evaluator, Findings, Key, Reading, Result, Setup, Split,
};
use scant_nn::Rows;
use scant_nn::cluster::{
    Contingency, KMeans, adjusted_rand, clustering_accuracy, match_clusters, nearest,
    normalized_mutual_information, purity,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::class_names;
use crate::sample::{Sample, argmax, more_is_better, rows};
use crate::silhouette::silhouette;

/// Settings of `clustering`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusteringConfig {
    /// The output that is clustered, and in which the silhouette is measured.
    pub on: String,
    /// The output with the model's own clusters (numbers, or one score for each); absent: k-means on the training split.
    pub assignment: Option<String>,
    /// The number of clusters k-means looks for; absent: the number of classes.
    #[schemars(range(min = 1))]
    pub clusters: Option<usize>,
    /// The starts of k-means.
    #[schemars(range(min = 1, max = 1000))]
    pub starts: usize,
    /// The most samples of a split whose silhouette is measured; 0: none.
    pub silhouette_samples: usize,
}

impl Default for ClusteringConfig {
    fn default() -> Self {
        Self {
            on: "embedding".to_owned(),
            assignment: None,
            clusters: None,
            starts: 20,
            silhouette_samples: 10_000,
        }
    }
}

/// `clustering`: accuracy by Hungarian matching, NMI, ARI, purity, silhouette and cluster sizes.
#[derive(Clone, Debug)]
pub struct Clustering(ClusteringConfig);

impl Component for Clustering {
    const NAME: &'static str = "clustering";
    const SUMMARY: &'static str =
        "ACC, NMI, ARI, purity and silhouette of k-means on an output, or of the model's own clusters.";
    type Config = ClusteringConfig;

    fn new(config: ClusteringConfig, _: &Setup) -> Result<Self> {
        if config.clusters == Some(0) || config.starts == 0 {
            return Err(Error::config("clustering: `clusters` and `starts` must be at least 1"));
        }
        Ok(Self(config))
    }
}

impl Evaluator for Clustering {
    fn reads(&self) -> Vec<Reading> {
        let outputs = std::iter::once(&self.0.on).chain(&self.0.assignment);
        outputs.map(|output| Reading { output: output.clone(), rows: None }).collect()
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        let centroids = match self.0.assignment {
            Some(_) => Vec::new(),
            None => self.centroids(evaluation)?,
        };
        let mut findings = Findings::default();
        for split in &evaluation.splits {
            let samples = rows(split, &self.0.on, None)?;
            let clusters = match &self.0.assignment {
                Some(output) => own_clusters(split, output, samples.len())?,
                None => nearest(samples, &centroids)?,
            };
            self.judge(evaluation, split, samples, &clusters, &mut findings)?;
        }
        Ok(findings)
    }
}

impl Clustering {
    /// The centroids of the training split, or of the first where there is none.
    fn centroids(&self, evaluation: &Evaluation) -> Result<Vec<f32>> {
        let train = evaluation.splits.iter().find(|split| split.name == "train");
        let Some(split) = train.or(evaluation.splits.first()) else { return Ok(Vec::new()) };
        let clusters = self.0.clusters.unwrap_or(evaluation.classes.len());
        let settings = KMeans { starts: self.0.starts, ..KMeans::new(clusters) };
        Ok(settings.fit(rows(split, &self.0.on, None)?, evaluation.key.named("clustering"))?.centroids)
    }

    fn judge(
        &self,
        evaluation: &Evaluation,
        split: &Split,
        samples: Rows,
        clusters: &[i64],
        findings: &mut Findings,
    ) -> Result<()> {
        let known: Vec<usize> = (0..clusters.len()).filter(|&i| split.labels[i] >= 0).collect();
        if !known.is_empty() {
            let truth: Vec<i64> = known.iter().map(|&i| split.labels[i]).collect();
            let found: Vec<i64> = known.iter().map(|&i| clusters[i]).collect();
            let table = Contingency::new(&truth, &found)?;
            for (name, value) in [
                ("acc", clustering_accuracy(&table)),
                ("nmi", normalized_mutual_information(&table)),
                ("ari", adjusted_rand(&table)),
                ("purity", purity(&table)),
            ] {
                findings.metrics.push(more_is_better(split, name, value));
            }
            let matched = classes_of(&table, clusters);
            findings.artefacts.push(confusion(evaluation, split, &table));
            findings.predictions.push((split.name.clone(), matched));
        }
        if let Some(value) = self.silhouette(samples, clusters, evaluation.key)? {
            findings.metrics.push(more_is_better(split, "silhouette", value));
        }
        findings.artefacts.push(sizes(split, clusters));
        Ok(())
    }

    /// The silhouette of some samples drawn by chance; none where they fall into too few clusters.
    fn silhouette(&self, samples: Rows, clusters: &[i64], key: Key) -> Result<Option<f64>> {
        let count = self.0.silhouette_samples.min(samples.len());
        let mut order: Vec<usize> = (0..samples.len()).collect();
        key.named("silhouette").rng().shuffle(&mut order);
        let mut chosen = vec![false; samples.len()];
        order[..count].iter().for_each(|&i| chosen[i] = true);
        let sample = Sample::of(samples, clusters, |i| chosen[i]);
        let mut groups = sample.labels.clone();
        groups.sort_unstable();
        groups.dedup();
        if groups.len() < 2 || groups.len() >= count {
            return Ok(None);
        }
        silhouette(sample.rows()?, &sample.labels).map(Some)
    }
}

/// The model's own cluster of each of the first `count` samples.
fn own_clusters(split: &Split, output: &str, count: usize) -> Result<Vec<i64>> {
    let view = split.output(output)?;
    if view.shape().rows() < count {
        return Err(Error::shape(format!(
            "output '{output}' of split '{}' has {} rows for {count} samples",
            split.name,
            view.shape().rows()
        )));
    }
    match view.i64() {
        Ok(clusters) if view.shape().row_len() == 1 => Ok(clusters[..count].to_vec()),
        _ => {
            let scores = rows(split, output, Some(count))?;
            Ok(argmax(scores.values(), scores.width()))
        }
    }
}

/// The class each sample's cluster stands for; -1 where it stands for none.
fn classes_of(table: &Contingency, clusters: &[i64]) -> Vec<i64> {
    let pairs = match_clusters(table);
    let class = |cluster: &i64| {
        let pair = pairs.iter().find(|pair| table.clusters()[pair.1] == *cluster);
        pair.map_or(-1, |pair| table.classes()[pair.0])
    };
    clusters.iter().map(class).collect()
}

/// Classes against clusters, each cluster in the column of the class it stands for, then the rest.
fn confusion(evaluation: &Evaluation, split: &Split, table: &Contingency) -> Artefact {
    let pairs = match_clusters(table);
    let mut columns: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
    columns
        .extend((0..table.clusters().len()).filter(|cluster| !pairs.iter().any(|pair| pair.1 == *cluster)));
    let names = class_names(evaluation, evaluation.classes.len());
    let name = |class: i64| names.get(class as usize).cloned().unwrap_or_else(|| class.to_string());
    let headings = columns.iter().map(|&cluster| format!("cluster {}", table.clusters()[cluster]));
    let row = |(place, &class): (usize, &i64)| {
        let counts = columns.iter().map(|&cluster| table.count(place, cluster).to_string());
        std::iter::once(name(class)).chain(counts).collect()
    };
    Artefact {
        name: format!("clusters-{}", split.name),
        caption: format!("Samples of each class in each cluster, matched clusters first, {}", split.name),
        content: Content::Table {
            columns: std::iter::once("class".to_owned()).chain(headings).collect(),
            rows: table.classes().iter().enumerate().map(row).collect(),
        },
    }
}

fn sizes(split: &Split, clusters: &[i64]) -> Artefact {
    let mut counts = std::collections::BTreeMap::<i64, usize>::new();
    clusters.iter().for_each(|&cluster| *counts.entry(cluster).or_default() += 1);
    Artefact {
        name: format!("cluster-sizes-{}", split.name),
        caption: format!("Samples in each cluster, {}", split.name),
        content: Content::Bars {
            names: counts.keys().map(ToString::to_string).collect(),
            values: counts.values().map(|&count| count as f64).collect(),
        },
    }
}
