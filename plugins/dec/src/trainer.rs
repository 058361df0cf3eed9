//! The trainer.

use scant_abi::{
    AUGMENTED, Batch, CLEAN, Component, Error, FlatMut, LossValue, OutputGradient, ParameterInfo, Parameters,
    Pass, Report, Result, Schedule, Setup, Source, State, StreamRequest, Targets, Tensor, TensorView,
    TrainContext, Trainer, ViewRequest,
};
use scant_nn::Rows;
use scant_nn::cluster::KMeans;
use scant_nn::optim::{Optimizer, OptimizerConfig};
use scant_nn::train::{Learner, Objective, check_probability, check_weights, look, outputs_read, part};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assignment::{assign, divergence, hard, target};
use crate::targets::TargetTable;

/// How clusters are found and sharpened.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecConfig {
    /// The optimiser, of network and centroids alike.
    pub optimizer: OptimizerConfig,
    /// The number of clusters; the number of classes where absent.
    #[schemars(range(min = 2))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<usize>,
    /// How much the clustering counts beside the stage's losses (a reconstruction makes it improved DEC).
    #[schemars(extend("minimum" = 0))]
    pub weight: Schedule,
    /// Steps between two renewals of the targets.
    #[schemars(range(min = 1))]
    pub update_interval: usize,
    /// Training ends when a renewal changes the cluster of no more than this share of the samples.
    #[schemars(range(min = 0, max = 1))]
    pub tol: f64,
    /// Starts of the k-means that gives the first centroids.
    #[schemars(range(min = 1, max = 1000))]
    pub n_init: usize,
    /// Degrees of freedom of the assignments' Student distribution.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub alpha: f32,
    /// The output that is clustered.
    pub on: String,
}

impl Default for DecConfig {
    fn default() -> Self {
        Self {
            optimizer: OptimizerConfig::default(),
            clusters: None,
            weight: Schedule::Constant(1.0),
            update_interval: 140,
            tol: 1e-3,
            n_init: 20,
            alpha: 1.0,
            on: "embedding".to_owned(),
        }
    }
}

/// Draws embeddings towards centroids, and both towards confident assignments.
pub struct Dec {
    config: DecConfig,
    clusters: usize,
    width: usize,
    batch: usize,
    centroids: Vec<f32>,
    gradients: Vec<f32>,
    targets: TargetTable,
    steps: i64,
    learner: Learner,
    of_centroids: Optimizer,
}

impl Component for Dec {
    const NAME: &'static str = "dec";
    const SUMMARY: &'static str =
        "Deep embedded clustering; with a reconstruction loss in the stage, improved DEC.";
    const OUTPUTS: &'static [(&'static str, &'static str)] =
        &[("assignment", "the share of each cluster in each sample")];
    type Config = DecConfig;

    fn new(config: DecConfig, setup: &Setup) -> Result<Self> {
        let clusters = config.clusters.unwrap_or(setup.classes);
        if clusters < 2 {
            return Err(Error::config(format!("clusters must be at least 2, not {clusters}")));
        }
        // k-means starts from as many different samples.
        let samples = setup.samples(Source::All);
        if samples > 0 && clusters > samples {
            return Err(Error::config(format!(
                "clusters must be at most the number of training samples, {samples}, not {clusters}"
            )));
        }
        if config.update_interval == 0 || config.n_init == 0 {
            return Err(Error::config("update_interval and n_init must be at least 1"));
        }
        if config.alpha.is_nan() || config.alpha <= 0.0 {
            return Err(Error::config(format!("alpha must be above 0, not {}", config.alpha)));
        }
        check_weights("weight", &config.weight)?;
        check_probability("tol", config.tol)?;
        Ok(Self {
            width: setup.output(&config.on)?.iter().product(),
            clusters,
            batch: setup.batch,
            centroids: Vec::new(),
            gradients: Vec::new(),
            targets: TargetTable::default(),
            steps: 0,
            learner: Learner::new(config.optimizer.clone(), None, setup)?,
            of_centroids: Optimizer::new(config.optimizer.clone())?,
            config,
        })
    }
}

impl Dec {
    fn embeddings(&self, context: &mut TrainContext<'_>) -> Result<(Vec<u64>, Vec<f32>)> {
        let mut seen = look(context.data, context.model, Source::All, CLEAN, &[&self.config.on])?;
        Ok((seen.indices, seen.outputs.swap_remove(0)))
    }

    /// New targets from the clean images; the share of samples that changed their cluster.
    fn renew(&mut self, context: &mut TrainContext<'_>) -> Result<f64> {
        let (indices, embeddings) = self.embeddings(context)?;
        let shares = assign(&embeddings, &self.centroids, self.width, self.config.alpha);
        let clusters = hard(&shares, self.clusters);
        Ok(self.targets.renew(&indices, target(&shares, self.clusters), clusters))
    }

    /// The divergence between targets and assignments, whose gradient for the centroids is kept here.
    fn cluster(&mut self, batch: &Batch, pass: &Pass, weight: f32) -> Result<LossValue> {
        let targets = self.targets.of(&batch.indices, self.clusters)?;
        let centroids = TensorView::of_f32(&self.centroids, &[self.clusters, self.width])?;
        let embeddings = pass.output(&self.config.on)?;
        let (value, [gradient, of_centroids]) =
            divergence(embeddings, centroids, targets.view(), self.config.alpha)?;
        for (sum, gradient) in self.gradients.iter_mut().zip(of_centroids.f32()?) {
            *sum += weight * gradient;
        }
        let gradient = OutputGradient {
            pass: pass.id,
            output: self.config.on.clone(),
            first_row: 0,
            weight: 1.0,
            gradient,
        };
        Ok(LossValue { value, gradients: vec![gradient], ..LossValue::default() })
    }
}

impl Trainer for Dec {
    fn streams(&self) -> Vec<StreamRequest> {
        vec![StreamRequest {
            source: Source::All,
            batch: self.batch,
            views: vec![ViewRequest::augmented(), ViewRequest::clean()],
            full_batches: false,
        }]
    }

    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        let (_, embeddings) = self.embeddings(context)?;
        let kmeans = KMeans { starts: self.config.n_init, ..KMeans::new(self.clusters) };
        let found = kmeans.fit(Rows::new(&embeddings, self.width)?, context.key.named("k-means"))?;
        self.gradients = vec![0.0; found.centroids.len()];
        self.centroids = found.centroids;
        self.renew(context)?;
        Ok(())
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [batch] = batches else {
            return Err(Error::shape("the dec trainer needs its one stream"));
        };
        let (mut changed, mut stop) = (None, None);
        if self.steps > 0 && self.steps % self.config.update_interval as i64 == 0 {
            let share = self.renew(context)?;
            changed = Some(share);
            if share <= self.config.tol {
                stop = Some(format!(
                    "a renewal of the targets moved {:.2} % of the samples, tol is {:.2} %",
                    100.0 * share,
                    100.0 * self.config.tol
                ));
            }
        }
        self.steps += 1;
        // What nobody reads is not computed: DEC has no use for the decoder.
        let outputs = outputs_read(&[&self.config.on], context.losses);
        let mut objective = Objective::default();
        let images = batch.view(AUGMENTED)?.view();
        let recorded = objective.record(images, &batch.indices, &outputs, context.key, context)?;
        let weight = self.config.weight.at(&context.clock) as f32;
        objective.add("clustering", weight, self.cluster(batch, &recorded.pass, weight)?);
        let clean = batch.view(CLEAN)?.view();
        let input = recorded.input(Targets { images: Some(clean), ..Targets::default() });
        objective.add_all(context.losses, &input, context.model)?;
        if let Some(share) = changed {
            objective.note("changed", share);
        }
        let report = self.learner.follow(objective, context)?;
        if self.of_centroids.lacks_layout() {
            self.of_centroids.lay_out(&[ParameterInfo {
                name: "centroids".to_owned(),
                dims: vec![self.clusters, self.width],
                offset: 0,
                decays: false,
            }])?;
        }
        let parameters = Parameters {
            values: FlatMut::Cpu(&mut self.centroids),
            gradients: FlatMut::Cpu(&mut self.gradients),
        };
        self.of_centroids.step(&context.clock, parameters)?;
        Ok(Report { stop, ..report })
    }

    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        let embeddings = pass.output(&self.config.on)?.f32()?;
        let shares = assign(embeddings, &self.centroids, self.width, self.config.alpha);
        let shares = Tensor::from_f32(shares, &[embeddings.len() / self.width, self.clusters])?;
        Ok(vec![("assignment".to_owned(), shares)])
    }

    fn state(&self) -> Result<State> {
        let mut state = self.learner.state()?;
        state.extend(self.of_centroids.state("optimizer-of-centroids")?);
        state.extend(self.targets.state()?);
        let centroids = Tensor::from_f32(self.centroids.clone(), &[self.centroids.len()])?;
        state.insert("centroids".to_owned(), centroids);
        state.insert("steps".to_owned(), Tensor::from_i64(vec![self.steps], &[1])?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.centroids = part(state, "centroids")?.f32()?.to_vec();
        self.gradients = vec![0.0; self.centroids.len()];
        self.steps = part(state, "steps")?.i64()?.first().copied().unwrap_or_default();
        self.targets = TargetTable::from_state(state)?;
        self.of_centroids.load_state("optimizer-of-centroids", state)?;
        self.learner.load_state(state)
    }
}
