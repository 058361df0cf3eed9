//! What a call costs when the component is in another library, beside the same component linked in.
//!
//! A step is what a training step crosses: the trainer from one library, the model and the loss from two others, 16
//! images of 28x28.

#[path = "../../core/engine/tests/common/components.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the file is shared, and this uses its part")]
mod components;
#[path = "../../core/engine/tests/common/model.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the file is shared, and this uses its part")]
mod model;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use scant_abi::{
    Augmentation, Batch, Clock, Entry, Forward, Image, Key, Loss, LossInput, Make, Maker, Model, OutputInfo,
    Report, Result, Setup, Source, Targets, Tensor, TrainContext, Trainer, TrainingSet, WeightedLoss,
};
use scant_tests::library;
use serde_json::{Value, json};

/// The components of one side.
struct Side {
    augmentation: Box<dyn Augmentation>,
    model: Box<dyn Model>,
    loss: Box<dyn Loss>,
    trainer: Box<dyn Trainer>,
}

macro_rules! make {
    ($entry:expr, $kind:ident, $config:expr) => {
        match &$entry.maker {
            Maker::$kind(make) => made(make, $config),
            _ => panic!("another kind"),
        }
    };
}

fn made<T: ?Sized>(make: &Make<T>, config: Value) -> Box<T> {
    let output = |name: &str, dims: &[usize]| OutputInfo { name: name.into(), dims: dims.to_vec() };
    let setup = Setup {
        image: [1, 28, 28],
        classes: 10,
        batch: 16,
        outputs: vec![output("logits", &[10])],
        ..Setup::default()
    };
    make(config, &setup).expect("made")
}

impl Side {
    fn new(find: impl Fn(&str) -> Entry) -> Self {
        Self {
            augmentation: make!(find("toy-augmentation"), Augmentation, json!({})),
            model: make!(find("toy-model"), Model, json!({})),
            loss: make!(find("toy-loss"), Loss, json!({})),
            trainer: make!(find("toy-trainer"), Trainer, json!({})),
        }
    }

    fn linked() -> Self {
        Self::new(|name| match name {
            "toy-augmentation" => Entry::augmentation::<components::Jitter>(),
            "toy-model" => Entry::model::<model::TwoLayers>(),
            "toy-loss" => Entry::loss::<components::CrossEntropy>(),
            _ => Entry::trainer::<components::Sgd>(),
        })
    }

    fn loaded() -> Self {
        Self::new(|name| scant_abi::ffi::load(&library(name)).expect("loaded").components.remove(0))
    }

    fn context<T>(&mut self, call: impl FnOnce(&mut dyn Trainer, &mut TrainContext<'_>) -> T) -> T {
        let loss = WeightedLoss { name: "loss".into(), weight: 1.0, loss: &mut *self.loss };
        let (clock, key) = (Clock::default(), Key::new(0));
        let context = &mut TrainContext {
            model: &mut *self.model,
            losses: &mut [loss],
            data: &mut Nothing,
            clock,
            key,
        };
        call(&mut *self.trainer, context)
    }

    fn step(&mut self, batch: &[Batch]) -> Report {
        self.context(|trainer, context| trainer.step(batch, context).expect("a step"))
    }
}

struct Nothing;

impl TrainingSet for Nothing {
    fn len(&self, _: Source) -> usize {
        0
    }

    fn read(&mut self, _: Source, _: &str, _: usize, _: usize) -> Result<Batch> {
        Err(scant_abi::Error::data("there is none"))
    }
}

fn calls(criterion: &mut Criterion) {
    let images = Tensor::from_f32(vec![0.5; 16 * 784], &[16, 1, 28, 28]).expect("images");
    let batch = [Batch {
        indices: (0..16).collect(),
        labels: vec![3; 16],
        views: vec![("augmented".into(), images)],
    }];
    let images = batch[0].views[0].1.view();
    let one = images.rows(0..1).expect("a row");
    for (name, mut side) in [("linked", Side::linked()), ("loaded", Side::loaded())] {
        let mut group = criterion.benchmark_group(name);
        side.context(|trainer, context| trainer.begin_stage(context)).expect("begun");
        group.bench_function("augmentation apply, 1x1 image", |b| {
            b.iter(|| side.augmentation.apply(black_box(Image::filled(1, 1, 1, 0.5)), Key::new(1)));
        });
        group.bench_function("model parameters", |b| {
            b.iter(|| side.model.parameters().map(|p| p.values.len()))
        });
        group.bench_function("model forward, 1 image", |b| {
            b.iter(|| side.model.forward(black_box(one), &Forward::evaluation()));
        });
        let pass = side.model.forward(images, &Forward::evaluation()).expect("a pass");
        group.bench_function("loss evaluate, 16 rows", |b| {
            b.iter(|| {
                let input = LossInput {
                    images,
                    pass: &pass,
                    rows: 0..16,
                    targets: Targets { labels: Some(&batch[0].labels), ..Targets::default() },
                    indices: &batch[0].indices,
                    clock: Clock::default(),
                    key: Key::new(0),
                };
                side.loss.evaluate(&input, &mut *side.model)
            });
        });
        group.bench_function("trainer step, 16 images", |b| b.iter(|| side.step(&batch)));
        group.finish();
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);
