//! What it costs that a component is in another library: beside the same component linked in, call by call and over a
//! whole training step.
//!
//! The calls are those of components that do next to nothing: one image of one pixel. The step is that of the smallest model
//! of the recipes, the convolutional auto-encoder on 16 images of 28x28, with trainer, model and loss in three libraries; and
//! with the same three behind the boundary's wrappers within this program, where the code that computes is the very same.

#[path = "../../core/engine/tests/common/components.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the file is shared, and this uses its part")]
mod components;
#[path = "../../core/engine/tests/common/model.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the file is shared, and this uses its part")]
mod model;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use scant_abi::{
    Augmentation, Batch, CLEAN, Clock, Entry, Forward, Image, Key, Loss, LossInput, Make, Maker, Model,
    Plugin, Report, Result, Setup, Source, Targets, Tensor, TrainContext, Trainer, TrainingSet, WeightedLoss,
};
use scant_tests::{file_name, libraries, library};
use serde_json::{Value, json};

macro_rules! make {
    ($entry:expr, $kind:ident, $config:expr, $setup:expr) => {
        match &$entry.maker {
            Maker::$kind(make) => made(make, $config, $setup),
            _ => panic!("another kind"),
        }
    };
}

fn made<T: ?Sized>(make: &Make<T>, config: Value, setup: &Setup) -> Box<T> {
    make(config, setup).expect("made")
}

/// Components that do next to nothing.
struct Toys {
    augmentation: Box<dyn Augmentation>,
    model: Box<dyn Model>,
    loss: Box<dyn Loss>,
}

impl Toys {
    fn new(find: impl Fn(&str) -> Entry) -> Self {
        let setup = Setup { image: [1, 1, 1], classes: 2, batch: 1, ..Setup::default() };
        let model = make!(find("toy-model"), Model, json!({}), &setup);
        let setup = Setup { outputs: model.outputs(), ..setup };
        Self {
            augmentation: make!(find("toy-augmentation"), Augmentation, json!({}), &setup),
            loss: make!(find("toy-loss"), Loss, json!({}), &setup),
            model,
        }
    }

    fn linked() -> Self {
        Self::new(|name| match name {
            "toy-augmentation" => Entry::augmentation::<components::Jitter>(),
            "toy-model" => Entry::model::<model::TwoLayers>(),
            _ => Entry::loss::<components::CrossEntropy>(),
        })
    }

    fn loaded() -> Self {
        Self::new(|name| scant_abi::ffi::load(&library(name)).expect("loaded").components.remove(0))
    }
}

/// A method of the recipes.
struct Method {
    model: Box<dyn Model>,
    loss: Box<dyn Loss>,
    trainer: Box<dyn Trainer>,
}

impl Method {
    fn new(components: impl Fn(&str) -> Vec<Entry>) -> Self {
        let find = |plugin: &str, name: &str| {
            let mut all = components(plugin).into_iter();
            all.find(|entry| entry.description.name == name).expect("a component")
        };
        let setup = Setup { image: [1, 28, 28], classes: 10, batch: 16, ..Setup::default() };
        let model = make!(find("scant-networks", "conv-autoencoder"), Model, json!({}), &setup);
        let setup = Setup { outputs: model.outputs(), ..setup };
        let trainer = json!({ "input": "clean", "optimizer": { "use": "adam", "lr": 1e-3 } });
        let mut method = Self {
            loss: make!(find("scant-losses", "mse"), Loss, json!({ "mean": "images" }), &setup),
            trainer: make!(find("scant-autoencoder", "autoencoder"), Trainer, trainer, &setup),
            model,
        };
        method.context(|trainer, context| trainer.begin_stage(context)).expect("begun");
        method
    }

    fn linked() -> Self {
        Self::new(|plugin| (by_name(plugin).components)())
    }

    fn crossed() -> Self {
        Self::new(|plugin| scant_abi::ffi::crossed(by_name(plugin)).expect("components"))
    }

    fn loaded() -> Self {
        Self::new(|plugin| {
            let library = libraries().join(file_name(&format!("{plugin}-library")));
            scant_abi::ffi::load(&library).expect("loaded").components
        })
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

fn by_name(plugin: &str) -> &'static Plugin {
    match plugin {
        "scant-networks" => &scant_networks::PLUGIN,
        "scant-losses" => &scant_losses::PLUGIN,
        _ => &scant_autoencoder::PLUGIN,
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
    let image = Tensor::from_f32(vec![0.5], &[1, 1, 1, 1]).expect("an image");
    let image = image.view();
    for (name, mut side) in [("linked", Toys::linked()), ("loaded", Toys::loaded())] {
        let mut group = criterion.benchmark_group(name);
        group.bench_function("model outputs", |b| b.iter(|| side.model.outputs()));
        group.bench_function("model parameters", |b| {
            b.iter(|| side.model.parameters().map(|p| p.values.len()))
        });
        group.bench_function("model forward", |b| {
            b.iter(|| side.model.forward(black_box(image), &Forward::evaluation()));
        });
        group.bench_function("augmentation apply", |b| {
            b.iter(|| side.augmentation.apply(black_box(Image::filled(1, 1, 1, 0.5)), Key::new(1)));
        });
        let pass = side.model.forward(image, &Forward::evaluation()).expect("a pass");
        group.bench_function("loss evaluate", |b| {
            b.iter(|| {
                let input = LossInput {
                    images: image,
                    pass: &pass,
                    rows: 0..1,
                    targets: Targets { labels: Some(&[1]), ..Targets::default() },
                    indices: &[0],
                    clock: Clock::default(),
                    key: Key::new(0),
                };
                side.loss.evaluate(&input, &mut *side.model)
            });
        });
        group.finish();
    }
}

/// Sides step in blocks, in turns, so that whatever else the machine does falls on all alike, and yet each finds the caches
/// and the threads of its pool as its own last step left them, as in a run. Two are linked in: what they differ by is chance.
fn step() {
    const BLOCKS: usize = 30;
    const STEPS: usize = 100;
    const WARM: usize = 20;
    let images =
        Tensor::from_f32((0..16 * 784).map(|i| (i % 255) as f32 / 255.0).collect(), &[16, 1, 28, 28]);
    let batch = [Batch {
        indices: (0..16).collect(),
        labels: vec![-1; 16],
        views: vec![(CLEAN.into(), images.expect("images"))],
    }];
    let mut sides = [Method::linked(), Method::crossed(), Method::linked(), Method::loaded()];
    let mut times = [const { Vec::new() }; 4];
    for block in 0..BLOCKS {
        for place in 0..sides.len() {
            let side = (block + place) % sides.len();
            for step in 0..WARM + STEPS {
                let begun = Instant::now();
                black_box(sides[side].step(&batch));
                if step >= WARM {
                    times[side].push(begun.elapsed());
                }
            }
        }
    }
    let [linked, crossed, again, loaded] = times.map(|mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e6
    });
    let more = |time: f64| (time / linked.midpoint(again) - 1.0) * 100.0;
    println!(
        "a step, median of {}: linked {linked:.1} us ({:+.2} % the second time, by chance), behind the wrappers \
         {crossed:.1} us ({:+.2} %), loaded {loaded:.1} us ({:+.2} %)",
        BLOCKS * STEPS,
        (again / linked - 1.0) * 100.0,
        more(crossed),
        more(loaded),
    );
}

fn main() {
    // As a host does before it loads anything.
    scant_abi::start_threads(0).expect("threads");
    calls(&mut Criterion::default().configure_from_args());
    step();
}
