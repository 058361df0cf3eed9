//! A stage on samples in memory, for the tests of methods: what the engine does, in miniature and without files.

use scant_abi::{
    Batch, CLEAN, Clock, EpochPlan, Error, Forward, Key, Loss, LossInput, LossValue, Model, OutputInfo,
    Result, Setup, Source, StreamRequest, Tensor, TrainContext, Trainer, TrainingSet, WeightedLoss,
};

use crate::adapt::{loss_on, tensor};
use crate::network::{Network, NetworkConfig};
use crate::ops::{Reduction, mse};
use crate::train::predictions;

/// The squared error of the output `reconstruction`: what `mse` is among the plugins, which tools for authors cannot name.
pub struct SquaredError(pub Reduction);

impl Loss for SquaredError {
    fn reads(&self) -> Vec<String> {
        vec!["reconstruction".to_owned()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
        let target = tensor(input.targets.images()?)?;
        loss_on::<(usize, usize)>(input, "reconstruction", |x| mse(x, target, self.0))
    }
}

/// A training set for trainers that do not look at it.
pub struct NoSamples;

impl TrainingSet for NoSamples {
    fn len(&self, _: Source) -> usize {
        0
    }

    fn read(&mut self, _: Source, _: &str, _: usize, _: usize) -> Result<Batch> {
        Err(Error::data("there are no samples to look at"))
    }
}

/// Thirty-two images of 8x8, each a bar in one of eight columns, as this view; other ones for each `step`.
pub fn bars(view: &str, step: u64) -> Result<Batch> {
    let mut rng = Key::new(3).fold(step).rng();
    let columns: Vec<usize> = (0..32).map(|_| rng.below(8)).collect();
    let pixel = |at: usize, column: usize| f32::from(u8::from(at % 8 == column));
    let pixels = columns.iter().flat_map(|column| (0..64).map(move |at| pixel(at, *column))).collect();
    let images = Tensor::from_f32(pixels, &[32, 1, 8, 8])?;
    Ok(Batch { indices: (0..32).collect(), labels: vec![-1; 32], views: vec![(view.to_owned(), images)] })
}

/// How a view changes an image.
type View = fn(&mut [f32], Key);

/// Samples, of which some show their labels, and the ways in which a trainer may ask to see them.
pub struct Rehearsal {
    image: [usize; 3],
    pixels: Vec<f32>,
    labels: Vec<i64>,
    labelled: Vec<bool>,
    views: Vec<(&'static str, View)>,
    epoch: u64,
}

impl Rehearsal {
    /// Images of this size, one behind another; the first `labelled` of each class show their label.
    pub fn new(image: [usize; 3], pixels: Vec<f32>, labels: Vec<i64>, labelled: usize) -> Self {
        let earlier = |place: usize| labels[..place].iter().filter(|label| **label == labels[place]).count();
        let labelled = (0..labels.len()).map(|place| earlier(place) < labelled).collect();
        Self { image, pixels, labels, labelled, views: Vec::new(), epoch: 0 }
    }

    /// The same, with a view besides `clean`; those that are nowhere described are as `clean`.
    #[must_use]
    pub fn with_view(mut self, name: &'static str, change: View) -> Self {
        self.views.push((name, change));
        self
    }

    /// What a component is told of a stage on these samples.
    pub fn setup(&self, outputs: Vec<OutputInfo>, batch: usize) -> Setup {
        let count = |source| self.places(source).len();
        Setup {
            image: self.image,
            classes: self.labels.iter().max().map_or(0, |label| *label as usize + 1),
            outputs,
            batch,
            labelled: count(Source::Labelled),
            unlabelled: count(Source::Unlabelled),
            ..Setup::default()
        }
    }

    /// The network that this description, as a configuration writes it, gives for these samples.
    pub fn network(&self, description: serde_json::Value) -> Result<Network> {
        let config: NetworkConfig =
            serde_json::from_value(description).map_err(|error| Error::config(error.to_string()))?;
        Network::new(&config, &self.setup(Vec::new(), 1))
    }

    /// Trains for `epochs` epochs of `steps` steps; returns the means of the last epoch's numbers.
    pub fn train(
        &mut self,
        trainer: &mut dyn Trainer,
        model: &mut dyn Model,
        losses: &mut [(&str, f32, Box<dyn Loss>)],
        (epochs, steps): (usize, usize),
    ) -> Result<Vec<(String, f64)>> {
        let streams = trainer.streams();
        let root = Key::new(1).named("rehearsal");
        let mut clock = Clock { epochs, steps, ..Clock::default() };
        self.lend(clock, root.named("stage"), model, losses, |context| trainer.begin_stage(context))?;
        let mut sums: Vec<(String, f64)> = Vec::new();
        for epoch in 0..epochs {
            self.epoch = epoch as u64;
            clock = Clock { epoch, step: 0, ..clock };
            let key = root.fold(epoch as u64);
            let plan =
                self.lend(clock, key.named("begin"), model, losses, |context| trainer.begin_epoch(context))?;
            let orders: Vec<Vec<usize>> =
                (0..).zip(&streams).map(|(n, stream)| self.order(stream, n, steps, &plan, key)).collect();
            sums.clear();
            for step in 0..steps {
                clock.step = step;
                let batches = streams
                    .iter()
                    .zip(&orders)
                    .map(|(stream, order)| self.batch(stream, &order[step * stream.batch..]))
                    .collect::<Result<Vec<_>>>()?;
                let key = key.fold(step as u64);
                let report =
                    self.lend(clock, key, model, losses, |context| trainer.step(&batches, context))?;
                add(&mut sums, report.metrics, steps as f64);
            }
            clock.step = steps;
            let report =
                self.lend(clock, key.named("end"), model, losses, |context| trainer.end_epoch(context))?;
            add(&mut sums, report.metrics, 1.0);
        }
        Ok(sums)
    }

    /// The share of all samples that the model, as it is judged, puts into the right class.
    pub fn accuracy(&self, trainer: &mut dyn Trainer, model: &mut dyn Model) -> Result<f64> {
        trainer.enter_evaluation(model)?;
        let images = self.images(CLEAN, &self.places(Source::All))?;
        let pass = model.forward(images.view(), &Forward::evaluation())?;
        trainer.leave_evaluation(model)?;
        let logits = pass.output("logits")?;
        let found = predictions(logits.f32()?, logits.shape().row_len());
        let right = found.iter().zip(&self.labels).filter(|((class, _), label)| *class as i64 == **label);
        Ok(right.count() as f64 / self.labels.len().max(1) as f64)
    }

    fn lend<T>(
        &mut self,
        clock: Clock,
        key: Key,
        model: &mut dyn Model,
        losses: &mut [(&str, f32, Box<dyn Loss>)],
        call: impl FnOnce(&mut TrainContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut losses: Vec<WeightedLoss<'_>> = losses
            .iter_mut()
            .map(|(name, weight, loss)| WeightedLoss {
                name: (*name).to_owned(),
                weight: *weight,
                loss: loss.as_mut(),
            })
            .collect();
        call(&mut TrainContext { model, losses: &mut losses, data: self, clock, key })
    }

    fn places(&self, source: Source) -> Vec<usize> {
        let wanted = |place: &usize| match source {
            Source::All => true,
            Source::Labelled => self.labelled[*place],
            Source::Unlabelled => !self.labelled[*place],
        };
        (0..self.labels.len()).filter(wanted).collect()
    }

    /// The samples of one stream in one epoch: round after round, or, where the plan groups them, group by group.
    fn order(
        &self,
        stream: &StreamRequest,
        number: u64,
        steps: usize,
        plan: &EpochPlan,
        key: Key,
    ) -> Vec<usize> {
        let places = self.places(stream.source);
        let mut rng = key.named("order").fold(number).rng();
        let mut groups = vec![places.clone()];
        if number == 0 && !plan.groups.is_empty() {
            let of = |group| places.iter().zip(&plan.groups).filter(move |(_, g)| **g == group);
            let names = plan.groups.iter().filter(|group| **group != EpochPlan::LEFT_OUT);
            let names: std::collections::BTreeSet<u32> = names.copied().collect();
            groups = names.into_iter().map(|group| of(group).map(|(place, _)| *place).collect()).collect();
        }
        let mut order = Vec::new();
        let mut left: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
        while order.len() < steps * stream.batch {
            for (left, group) in left.iter_mut().zip(&groups) {
                if left.is_empty() {
                    left.clone_from(group);
                    rng.shuffle(left);
                }
                order.extend(left.pop());
            }
        }
        order
    }

    fn batch(&self, stream: &StreamRequest, order: &[usize]) -> Result<Batch> {
        let places = &order[..stream.batch];
        let views = stream
            .views
            .iter()
            .map(|view| Ok((view.name.clone(), self.images(&view.name, places)?)))
            .collect::<Result<_>>()?;
        let label = |place: &usize| if self.labelled[*place] { self.labels[*place] } else { -1 };
        let indices = places.iter().map(|place| *place as u64).collect();
        Ok(Batch { indices, labels: places.iter().map(label).collect(), views })
    }

    fn images(&self, view: &str, places: &[usize]) -> Result<Tensor> {
        let size: usize = self.image.iter().product();
        let mut pixels = Vec::with_capacity(places.len() * size);
        for place in places {
            let first = pixels.len();
            pixels.extend_from_slice(&self.pixels[place * size..][..size]);
            if let Some((name, change)) = self.views.iter().find(|(name, _)| *name == view) {
                change(&mut pixels[first..], Key::new(self.epoch).named(name).fold(*place as u64));
            }
        }
        let [channels, rows, columns] = self.image;
        Tensor::from_f32(pixels, &[places.len(), channels, rows, columns])
    }
}

impl TrainingSet for Rehearsal {
    fn len(&self, source: Source) -> usize {
        self.places(source).len()
    }

    fn read(&mut self, source: Source, view: &str, first: usize, count: usize) -> Result<Batch> {
        let places = self.places(source);
        let places = &places[first.min(places.len())..(first + count).min(places.len())];
        let views = vec![scant_abi::ViewRequest { name: view.to_owned(), default: None }];
        self.batch(&StreamRequest { source, batch: places.len(), views, full_batches: false }, places)
    }
}

fn add(sums: &mut Vec<(String, f64)>, metrics: Vec<(String, f64)>, count: f64) {
    for (name, value) in metrics {
        match sums.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += value / count,
            None => sums.push((name, value / count)),
        }
    }
}
