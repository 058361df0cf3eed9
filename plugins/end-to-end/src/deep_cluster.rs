//! k-means says before each epoch what the classes are, and the classifier's last layer starts anew.

use scant_abi::{
    Batch, CLEAN, Component, EpochPlan, Error, Report, Result, Setup, Source, State, StreamRequest, Tensor,
    TrainContext, Trainer,
};
use scant_nn::Rows;
use scant_nn::cluster::KMeans;
use scant_nn::optim::OptimizerConfig;
use scant_nn::train::{Learner, look, refuse_losses};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::step::{step, views};

/// How the classes of an epoch are found.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeepClusterConfig {
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// The output that k-means clusters.
    pub on: String,
    /// The part of the model that starts anew with each clustering.
    pub head: String,
    /// Starts of k-means; DeepCluster takes one.
    #[schemars(range(min = 1, max = 1000))]
    pub n_init: usize,
    /// Draw batches evenly over the clusters.
    pub balanced: bool,
}

impl Default for DeepClusterConfig {
    fn default() -> Self {
        Self {
            optimizer: OptimizerConfig::default(),
            on: "embedding".to_owned(),
            head: "head".to_owned(),
            n_init: 1,
            balanced: true,
        }
    }
}

/// DeepCluster: alternates between clustering the embeddings and learning to tell the clusters apart.
pub struct DeepCluster {
    config: DeepClusterConfig,
    classes: usize,
    width: usize,
    batch: usize,
    labels: Labels,
    before: Labels,
    learner: Learner,
}

impl Component for DeepCluster {
    const NAME: &'static str = "deep-cluster";
    const SUMMARY: &'static str = "Learns labels that k-means finds in its embeddings before each epoch.";
    type Config = DeepClusterConfig;

    fn new(config: DeepClusterConfig, setup: &Setup) -> Result<Self> {
        if config.n_init == 0 {
            return Err(Error::config("n_init must be at least 1"));
        }
        refuse_losses(Self::NAME, setup)?;
        setup.check_part(&config.head).map_err(|error| error.context("head"))?;
        Ok(Self {
            classes: setup.output("logits")?.iter().product(),
            width: setup.output(&config.on)?.iter().product(),
            batch: setup.batch,
            labels: Labels::default(),
            before: Labels::default(),
            learner: Learner::new(config.optimizer.clone(), None, setup)?,
            config,
        })
    }
}

impl DeepCluster {
    /// New last layers for new clusters, at rest: DeepCluster's N(0, 0.01), biases zero.
    fn renew_head(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        let mut fresh = State::new();
        let prefix = format!("{}.", self.config.head);
        for parameter in context.model.layout().into_iter().filter(|p| p.name.starts_with(&prefix)) {
            let mut rng = context.key.named(&parameter.name).rng();
            let draw = |_| if parameter.decays { 0.01 * rng.normal() } else { 0.0 };
            let values = parameter.range().map(draw).collect();
            self.learner.forget(parameter.range());
            fresh.insert(parameter.name.clone(), Tensor::from_f32(values, &parameter.dims)?);
        }
        if fresh.is_empty() {
            return Err(Error::config(format!("the model has no part '{}' to start anew", self.config.head)));
        }
        context.model.load_state(&fresh)
    }
}

impl Trainer for DeepCluster {
    fn streams(&self) -> Vec<StreamRequest> {
        let views = views(1);
        vec![StreamRequest { source: Source::All, batch: self.batch, views, full_batches: true }]
    }

    fn begin_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<EpochPlan> {
        let seen = look(context.data, context.model, Source::All, CLEAN, &[&self.config.on])?;
        let mut embeddings = seen.outputs.into_iter().next().unwrap_or_default();
        for row in embeddings.chunks_exact_mut(self.width) {
            let length = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            row.iter_mut().for_each(|v| *v /= length);
        }
        let kmeans = KMeans { starts: self.config.n_init, ..KMeans::new(self.classes) };
        let found = kmeans.fit(Rows::new(&embeddings, self.width)?, context.key.named("k-means"))?;
        self.before = std::mem::replace(&mut self.labels, Labels::new(seen.indices, found.labels));
        self.renew_head(context)?;
        Ok(self.labels.plan(self.config.balanced))
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [batch] = batches else {
            return Err(Error::shape("the deep-cluster trainer needs its one stream"));
        };
        let labels = self.labels.of(&batch.indices)?;
        step(batch, &labels, &mut self.learner, context).map(|(_, report)| report)
    }

    fn end_epoch(&mut self, _: &mut TrainContext<'_>) -> Result<Report> {
        if self.before.is_empty() {
            return Ok(Report::default());
        }
        let metrics = vec![("nmi-with-last-epoch".to_owned(), self.labels.agreement(&self.before)?)];
        Ok(Report { metrics, stop: None })
    }

    fn state(&self) -> Result<State> {
        let mut state = self.learner.state()?;
        state.extend(self.labels.state("labels")?);
        state.extend(self.before.state("labels-before")?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.labels = Labels::from_state("labels", state)?;
        self.before = Labels::from_state("labels-before", state)?;
        self.learner.load_state(state)
    }
}
