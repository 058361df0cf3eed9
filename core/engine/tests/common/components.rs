//! A data set, an augmentation, a loss, a trainer and an evaluator.

use scant_abi::{
    Artefact, Augmentation, Batch, Component, Content, Counts, Dataset, DatasetInfo, EpochPlan, Error,
    Evaluation, Evaluator, Findings, Forward, Image, Key, Loss, LossInput, LossValue, Metric, Part, Pass,
    Reading, Report, Result, Setup, Source, State, StreamRequest, Targets, Tensor, TrainContext, Trainer,
    ViewRequest, Wants,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BlobsConfig {
    /// A file that must be there.
    file: Option<String>,
    /// Train on other data than this.
    shift: i64,
    /// Images to test on; 90 where absent.
    test: Option<i64>,
    /// Tell nothing before the data are opened.
    hidden: bool,
}

/// Three classes of 4x4 images: a bright row each, and noise.
pub struct Blobs {
    config: BlobsConfig,
    setup: Setup,
}

impl Component for Blobs {
    const NAME: &'static str = "blobs";
    const SUMMARY: &'static str = "Three bright rows.";
    type Config = BlobsConfig;

    fn new(config: BlobsConfig, setup: &Setup) -> Result<Self> {
        Ok(Self { config, setup: setup.clone() })
    }
}

impl Dataset for Blobs {
    fn info(&self) -> Result<DatasetInfo> {
        if self.config.hidden {
            return Err(Error::data("it has not been opened"));
        }
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        let test = self.config.test.unwrap_or(90) as usize;
        let counts = Some(Counts::labelled(vec![80; 3], test));
        Ok(DatasetInfo { image: [1, 4, 4], classes, counts })
    }

    fn open(&mut self) -> Result<()> {
        self.config.file.as_ref().map_or(Ok(()), |name| self.setup.file(name).map(|_| ()))
    }

    fn labels(&self, part: Part) -> Result<Vec<i64>> {
        let count = if part == Part::Train { 240 } else { self.config.test.unwrap_or(90) };
        Ok((0..count).map(|i| (i + self.config.shift) % 3).collect())
    }

    fn read(&self, part: Part, indices: &[usize], pixels: &mut [u8]) -> Result<()> {
        let labels = self.labels(part)?;
        // What the file holds changes the images a little.
        let file = self.config.file.as_ref().map_or(Ok(4), |name| {
            let read = std::fs::read(self.setup.file(name)?);
            read.map(|bytes| bytes.len()).map_err(|error| Error::data(error.to_string()))
        })?;
        for (index, image) in indices.iter().zip(pixels.chunks_exact_mut(16)) {
            let mut rng = Key::new(3 + file as u64).fold(part as u64).fold(*index as u64).rng();
            for (place, pixel) in image.iter_mut().enumerate() {
                let bright = if (place / 4) as i64 == labels[*index] { 60.0 } else { 0.0 };
                *pixel = (80.0 + bright + 40.0 * rng.normal()).clamp(0.0, 255.0) as u8;
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JitterConfig {
    /// The standard deviation.
    by: f32,
    /// Rows and columns that are added, which no augmentation may do.
    grow: usize,
}

impl Default for JitterConfig {
    fn default() -> Self {
        Self { by: 0.05, grow: 0 }
    }
}

/// Adds noise.
pub struct Jitter(JitterConfig);

impl Component for Jitter {
    const NAME: &'static str = "jitter";
    const SUMMARY: &'static str = "Adds noise to each pixel.";
    type Config = JitterConfig;

    fn new(config: JitterConfig, _: &Setup) -> Result<Self> {
        Ok(Self(config))
    }
}

impl Augmentation for Jitter {
    fn apply(&self, mut image: Image, key: Key) -> Result<Image> {
        let mut rng = key.rng();
        image.pixels_mut().iter_mut().for_each(|pixel| *pixel += self.0.by * rng.normal());
        match self.0.grow {
            0 => Ok(image),
            grow => Ok(Image::filled(image.channels(), image.height() + grow, image.width() + grow, 0.0)),
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropyConfig {
    /// The output it reads.
    on: String,
    /// Say NaN at this evaluation.
    nan_at: Option<i64>,
    /// Say it of a part alone.
    part: bool,
}

impl Default for CrossEntropyConfig {
    fn default() -> Self {
        Self { on: "logits".into(), nan_at: None, part: false }
    }
}

/// Cross-entropy of softmax(logits); counts its evaluations, so that it has a state.
pub struct CrossEntropy {
    on: String,
    config: CrossEntropyConfig,
    count: i64,
}

impl Component for CrossEntropy {
    const NAME: &'static str = "cross-entropy";
    const SUMMARY: &'static str = "Against the labels.";
    const OUTPUTS: &'static [(&'static str, &'static str)] = &[("counted", "how often it was evaluated")];
    type Config = CrossEntropyConfig;

    fn new(config: CrossEntropyConfig, setup: &Setup) -> Result<Self> {
        setup.output(&config.on)?;
        Ok(Self { on: config.on.clone(), config, count: 0 })
    }
}

impl Loss for CrossEntropy {
    fn reads(&self) -> Vec<String> {
        vec![self.on.clone()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn scant_abi::Model) -> Result<LossValue> {
        self.count += 1;
        let logits = input.output(&self.on)?;
        let labels = input.targets.labels.ok_or_else(|| Error::config("labels are needed"))?;
        let (classes, n) = (logits.shape().row_len(), labels.len() as f32);
        let mut value = 0.0;
        let mut gradient = Vec::new();
        for (row, label) in logits.f32()?.chunks_exact(classes).zip(labels) {
            let most = row.iter().copied().fold(f32::MIN, f32::max);
            let exp: Vec<f32> = row.iter().map(|x| (x - most).exp()).collect();
            let sum: f32 = exp.iter().sum();
            value -= (exp[*label as usize] / sum).ln() / n;
            gradient.extend(
                exp.iter()
                    .enumerate()
                    .map(|(class, e)| (e / sum - f32::from(u8::from(class as i64 == *label))) / n),
            );
        }
        let gradient = Tensor::from_f32(gradient, &[labels.len(), classes])?;
        let gradients = vec![input.gradient(&self.on, gradient)];
        let mut parts = Vec::new();
        match self.config.nan_at == Some(self.count) {
            true if self.config.part => parts.push(("sharpness".to_owned(), f32::NAN)),
            true => value = f32::NAN,
            false => {}
        }
        Ok(LossValue { value, parts, gradients, opened: Vec::new() })
    }

    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        let rows = pass.rows();
        Ok(vec![("counted".into(), Tensor::from_f32(vec![self.count as f32; rows], &[rows])?)])
    }

    fn state(&self) -> Result<State> {
        Ok(State::from([("count".into(), Tensor::from_i64(vec![self.count], &[1])?)]))
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        if let Some(count) = state.get("count") {
            self.count = count.i64()?[0];
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// The optimiser.
    optimizer: Optimizer,
    /// Report NaN at this step of the whole stage.
    nan_at: Option<u64>,
    /// Draw each epoch evenly over two groups.
    grouped: bool,
    /// Also ask for an unlabelled stream.
    unlabelled: bool,
    /// End the stage after this many epochs.
    stop_after: Option<u64>,
    /// End the stage at this step of the whole stage.
    stop_at: Option<i64>,
    /// Sleep so many milliseconds in each step.
    sleep: u64,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self {
            optimizer: Optimizer { lr: 4.0 },
            nan_at: None,
            grouped: false,
            unlabelled: false,
            stop_after: None,
            stop_at: None,
            sleep: 0,
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The learning rate.
    lr: f32,
}

/// Gradient descent with momentum, an average of the weights for evaluation, and noise of its own in each step.
pub struct Sgd {
    config: SgdConfig,
    batch: usize,
    velocity: Vec<f32>,
    average: Vec<f32>,
    trained: Vec<f32>,
    steps: i64,
}

impl Component for Sgd {
    const NAME: &'static str = "sgd";
    const SUMMARY: &'static str = "Labelled batches, momentum, averaged weights.";
    type Config = SgdConfig;

    fn new(config: SgdConfig, setup: &Setup) -> Result<Self> {
        let batch = setup.batch;
        if config.optimizer.lr < 0.0 {
            return Err(Error::config("optimizer.lr: must not be negative"));
        }
        Ok(Self { config, batch, velocity: vec![], average: vec![], trained: vec![], steps: 0 })
    }
}

impl Trainer for Sgd {
    fn streams(&self) -> Vec<StreamRequest> {
        let stream = |source, batch, views| StreamRequest { source, batch, views, full_batches: false };
        let mut streams = vec![stream(Source::Labelled, self.batch, vec![ViewRequest::augmented()])];
        if self.config.unlabelled {
            let views = vec![ViewRequest::by_default("weak", "jitter"), ViewRequest::clean()];
            streams.push(stream(Source::Unlabelled, 2 * self.batch, views));
        }
        streams
    }

    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        self.average = context.model.parameters()?.values.cpu()?.to_vec();
        self.velocity = vec![0.0; self.average.len()];
        Ok(())
    }

    fn begin_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<EpochPlan> {
        let count = context.data.len(Source::Labelled);
        let seen = context.data.read(Source::Labelled, "augmented", 0, 3)?;
        assert!(seen.labels.iter().all(|label| *label >= 0) && seen.len() == 3);
        let groups =
            if self.config.grouped { (0..count as u32).map(|i| u32::from(i > 5)).collect() } else { vec![] };
        Ok(EpochPlan { groups })
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        std::thread::sleep(std::time::Duration::from_millis(self.config.sleep));
        let batch = &batches[0];
        let images = batch.view("augmented")?;
        let pass = context.model.forward(images.view(), &Forward::training(context.key))?;
        let mut total = 0.0;
        let mut gradients = Vec::new();
        let mut metrics = Vec::new();
        for loss in context.losses.iter_mut() {
            let input = LossInput {
                images: images.view(),
                pass: &pass,
                rows: 0..batch.len(),
                targets: Targets { labels: Some(&batch.labels), ..Targets::default() },
                indices: &batch.indices,
                clock: context.clock,
                key: context.key,
            };
            let mut value = loss.loss.evaluate(&input, context.model)?;
            value.gradients.iter_mut().for_each(|gradient| gradient.weight *= loss.weight);
            total += value.value * loss.weight;
            metrics.push((loss.name.clone(), f64::from(value.value)));
            gradients.extend(value.gradients);
        }
        context.model.backward(pass.id, &gradients, Wants::PARAMETERS)?;
        if let Some(unlabelled) = batches.get(1) {
            assert!(unlabelled.labels.iter().all(|label| *label == -1));
            let mean = |view: &str| -> Result<f64> {
                Ok(f64::from(unlabelled.view(view)?.f32()?.iter().sum::<f32>()))
            };
            metrics.push(("weak".into(), mean("weak")?));
            metrics.push(("clean".into(), mean("clean")?));
        }
        let mut rng = context.key.rng();
        let parameters = context.model.parameters()?;
        let (values, gradients) = (parameters.values.cpu()?, parameters.gradients.cpu()?);
        for (place, value) in values.iter_mut().enumerate() {
            self.velocity[place] = 0.9 * self.velocity[place] + gradients[place] + 1e-4 * rng.normal();
            *value -= 0.1 * self.config.optimizer.lr * self.velocity[place];
            self.average[place] = 0.9 * self.average[place] + 0.1 * *value;
        }
        gradients.fill(0.0);
        self.steps += 1;
        if self.config.nan_at == Some(self.steps as u64) {
            metrics.push(("sharpness".into(), f64::NAN));
            total = f32::NAN;
        }
        metrics.push(("loss".into(), f64::from(total)));
        let stop = self.config.stop_at.filter(|step| self.steps >= *step);
        Ok(Report { metrics, stop: stop.map(|_| "far enough".into()) })
    }

    fn end_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<Report> {
        let stop = self.config.stop_after.filter(|epochs| context.clock.epoch as u64 + 1 >= *epochs);
        Ok(Report { metrics: vec![("steps".into(), self.steps as f64)], stop: stop.map(|_| "enough".into()) })
    }

    fn enter_evaluation(&mut self, model: &mut dyn scant_abi::Model) -> Result<()> {
        let values = model.parameters()?.values.cpu()?;
        self.trained = values.to_vec();
        values.copy_from_slice(&self.average);
        Ok(())
    }

    fn leave_evaluation(&mut self, model: &mut dyn scant_abi::Model) -> Result<()> {
        model.parameters()?.values.cpu()?.copy_from_slice(&self.trained);
        Ok(())
    }

    fn state(&self) -> Result<State> {
        let flat = |values: &[f32]| Tensor::from_f32(values.to_vec(), &[values.len()]);
        Ok(State::from([
            ("velocity".into(), flat(&self.velocity)?),
            ("average".into(), flat(&self.average)?),
            ("steps".into(), Tensor::from_i64(vec![self.steps], &[1])?),
        ]))
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        let part = |name: &str| state.get(name).ok_or_else(|| Error::data(format!("no '{name}'")));
        self.velocity = part("velocity")?.f32()?.to_vec();
        self.average = part("average")?.f32()?.to_vec();
        self.steps = part("steps")?.i64()?[0];
        Ok(())
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccuracyConfig {
    /// The output it reads.
    on: String,
    /// Give nothing but an error.
    fails: bool,
    /// Read what the loss says of the samples, too.
    annotations: bool,
}

impl Default for AccuracyConfig {
    fn default() -> Self {
        Self { on: "logits".into(), fails: false, annotations: true }
    }
}

/// The fraction of rows whose greatest logit is the true class's.
pub struct Accuracy(AccuracyConfig);

impl Component for Accuracy {
    const NAME: &'static str = "accuracy";
    const SUMMARY: &'static str = "The fraction said rightly.";
    type Config = AccuracyConfig;

    fn new(config: AccuracyConfig, _: &Setup) -> Result<Self> {
        Ok(Self(config))
    }
}

impl Evaluator for Accuracy {
    fn reads(&self) -> Vec<Reading> {
        let first = |output: &str| Reading { output: output.into(), rows: Some(5) };
        let mut reads = vec![Reading { output: self.0.on.clone(), rows: None }, first("input")];
        reads.extend(self.0.annotations.then(|| first("counted")));
        reads
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        if self.0.fails {
            return Err(Error::data("it does not want to"));
        }
        let mut findings = Findings::default();
        for split in &evaluation.splits {
            assert_eq!(split.output("input")?.shape()[..], [5, 1, 4, 4]);
            if self.0.annotations {
                assert_eq!(split.output("counted")?.shape()[..], [5]);
            }
            let logits = split.output(&self.0.on)?;
            let said: Vec<i64> = logits
                .f32()?
                .chunks_exact(logits.shape().row_len())
                .map(|row| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0) as i64)
                .collect();
            let right = said.iter().zip(&split.labels).filter(|(said, label)| said == label).count();
            findings.metrics.push(Metric {
                name: "top-1".into(),
                split: split.name.clone(),
                value: right as f64 / said.len() as f64,
                higher_is_better: Some(true),
            });
            findings.predictions.push((split.name.clone(), said));
        }
        let png = include_bytes!("../fixtures/two-pixels.png").to_vec();
        let picture = |name: &str, content| Artefact { name: name.into(), caption: "seen".into(), content };
        findings.artefacts.push(picture("pixels", Content::Picture { png }));
        let counts = vec![vec![1, 2], vec![3, 4]];
        let classes = vec!["a".into(), "b".into()];
        findings.artefacts.push(picture("confusion", Content::Confusion { classes, counts }));
        Ok(findings)
    }
}
