//! Components from several libraries against the same ones linked in, and components that misbehave.

#[path = "../../core/engine/tests/common/components.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the file is shared, and each test uses its part")]
mod components;
#[path = "../../core/engine/tests/common/model.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the file is shared, and each test uses its part")]
mod model;

use std::path::Path;
use std::sync::{Mutex, Once};

use scant_abi::{
    Clock, Entry, ErrorKind, Evaluation, Forward, Image, Key, LossInput, Model, OutputInfo, Part, PassId,
    Result, Setup, Source, State, TensorView, TrainContext, TrainingSet, Wants,
};
use scant_engine::run::{Nobody, Options, Outcome, RunResult, Settings, run};
use scant_engine::{Origin, Registry};
use scant_tests::library;
use serde_json::{Value, json};

const TOYS: [&str; 6] =
    ["toy-dataset", "toy-augmentation", "toy-model", "toy-loss", "toy-trainer", "toy-evaluator"];

fn linked() -> Registry {
    let mut registry = Registry::default();
    let origin = Origin { plugin: "toys".into(), version: "0.1.0".into(), library: None };
    let entries = vec![
        Entry::dataset::<components::Blobs>(),
        Entry::augmentation::<components::Jitter>(),
        Entry::model::<model::TwoLayers>(),
        Entry::loss::<components::CrossEntropy>(),
        Entry::trainer::<components::Sgd>(),
        Entry::evaluator::<components::Accuracy>(),
    ];
    registry.add(entries, origin).expect("names are unique");
    registry
}

/// What was logged, by this program or by a library.
struct Heard(Mutex<Vec<String>>);

static HEARD: Heard = Heard(Mutex::new(Vec::new()));

impl log::Log for Heard {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().expect("no test panics while it listens").push(record.args().to_string());
    }

    fn flush(&self) {}
}

fn loaded(names: &[&str]) -> Registry {
    // Before anything is loaded: a library is given the logger that there is then.
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| {
        log::set_logger(&HEARD).expect("the only logger");
        log::set_max_level(log::LevelFilter::Error);
    });
    let mut registry = Registry::default();
    for name in names {
        registry.load_plugin(&library(name), false).expect("loaded");
    }
    registry
}

fn settings(changes: &[(&str, Value)]) -> Settings {
    let mut value = json!({
        "name": "toys",
        "data": { "dataset": "blobs", "labels": { "per_class": 20 }, "validation": { "per_class": 10 } },
        "model": { "use": "two-layers" },
        "stage": [{
            "name": "train", "trainer": { "use": "sgd", "unlabelled": true }, "epochs": 4, "batch": 16,
            "augment": "jitter", "loss": ["cross-entropy"],
        }],
        "evaluate": [{ "use": "accuracy", "every": 1 }],
    });
    for (pointer, new) in changes {
        *value.pointer_mut(pointer).expect("a key") = new.clone();
    }
    serde_json::from_value(value).expect("settings")
}

fn finish(registry: &Registry, settings: &Settings, out: &Path) -> Result<RunResult> {
    match run(registry, settings, &[], out, &Options::default(), &mut Nobody)? {
        Outcome::Finished(result) => Ok(result),
        Outcome::Interrupted => panic!("nobody interrupted it"),
    }
}

#[test]
fn six_libraries_compute_bit_for_bit_what_one_program_computes() {
    let place = tempfile::tempdir().expect("a folder");
    let all = finish(&linked(), &settings(&[]), &place.path().join("linked")).expect("finished");
    let apart = finish(&loaded(&TOYS), &settings(&[]), &place.path().join("loaded")).expect("finished");
    // The digest is over all metrics and all final parameters.
    assert_eq!(all.digest, apart.digest);
    assert_eq!(all.metrics, apart.metrics);
    let top = apart.metrics.iter().find(|m| m.name == "top-1" && m.split == "test").expect("a metric");
    assert!(top.value.0 > 0.6, "better than chance, a third: {top:?}");
}

#[test]
fn libraries_and_linked_components_mix() {
    let place = tempfile::tempdir().expect("a folder");
    let expected = finish(&linked(), &settings(&[]), &place.path().join("linked")).expect("finished").digest;
    for one in TOYS {
        let mut registry = loaded(&[one]);
        for other in linked().iter() {
            // The one that is loaded already is refused, which is what keeps names unique.
            let origin = Origin { plugin: "toys".into(), version: "0.1.0".into(), library: None };
            let _ = registry.add(vec![other.entry.clone()], origin);
        }
        let digest = finish(&registry, &settings(&[]), &place.path().join(one)).expect("finished").digest;
        assert_eq!(digest, expected, "{one}");
    }
}

fn setup() -> Setup {
    let output = |name: &str, dims: &[usize]| OutputInfo { name: name.into(), dims: dims.to_vec() };
    Setup {
        image: [1, 4, 4],
        classes: 3,
        batch: 4,
        outputs: vec![output("embedding", &[8]), output("logits", &[3])],
        ..Setup::default()
    }
}

/// Asserts that `what` gives the error of a panic in `method` of `component`.
fn assert_panicked<T>(component: &str, method: &str, what: Result<T>) {
    let error = what.err().unwrap_or_else(|| panic!("{component} did not panic in {method}"));
    assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
    let (kind, name) = (component.trim_start_matches("panicky-"), component);
    let said = error.to_string();
    let place = match method {
        "new" => "in its constructor".to_owned(),
        _ => format!("in `{method}`"),
    };
    let expected = format!("{kind} '{name}' of plugin panics 0.1.0 panicked {place}: on purpose (");
    assert!(said.contains(&expected), "{said} does not contain {expected}");
    assert!(said.contains("tests/plugins/panics/lib.rs:"), "{said} does not name the place");
}

fn at(method: &str) -> Value {
    json!({ "at": method })
}

struct NoData;

impl TrainingSet for NoData {
    fn len(&self, _: Source) -> usize {
        0
    }

    fn read(&mut self, _: Source, _: &str, _: usize, _: usize) -> Result<scant_abi::Batch> {
        Err(scant_abi::Error::data("there is none"))
    }
}

#[test]
fn a_panic_in_any_method_of_a_model_is_an_error_that_names_it() {
    let registry = loaded(&["panics"]);
    let make = |method: &str| registry.make_model("panicky-model", at(method), &setup());
    for method in ["new", "outputs", "layout"] {
        assert_panicked("panicky-model", method, make(method).map(drop));
    }
    let pixels = [0.5; 16];
    let input = TensorView::of_f32(&pixels, &[1, 1, 4, 4]).expect("a view");
    let forward = Forward::training(Key::new(0));
    type Call = fn(&mut dyn Model, TensorView<'_>, &Forward<'_>) -> Result<()>;
    let calls: [(&str, Call); 7] = [
        ("forward", |model, input, options| model.forward(input, options).map(drop)),
        ("backward", |model, input, options| {
            let pass = model.forward(input, options)?;
            model.backward(pass.id, &[], Wants::PARAMETERS).map(drop)
        }),
        ("parameters", |model, _, _| model.parameters().map(drop)),
        ("freeze", |model, _, _| model.freeze(&[])),
        ("state", |model, _, _| model.state().map(drop)),
        ("load_state", |model, _, _| model.load_state(&State::new())),
        ("duplicate", |model, _, _| model.duplicate().map(drop)),
    ];
    for (method, call) in calls {
        let mut model = make(method).expect("made");
        assert_panicked("panicky-model", method, call(&mut *model, input, &forward));
        // Nobody knows what state it is in: it is not called again.
        let after = model.forward(input, &forward).map(drop).expect_err("refused").to_string();
        assert!(after.contains("cannot be used after its panic: on purpose"), "{after}");
        // Another one of the same library is as good as ever.
        make("").expect("made").forward(input, &forward).expect("a pass");
    }
    // A method that cannot fail tells of its panic at the next call.
    let mut model = make("discard").expect("made");
    model.discard(PassId(0));
    let after = model.forward(input, &forward).map(drop).expect_err("refused").to_string();
    assert!(after.contains("model 'panicky-model' of plugin panics 0.1.0 cannot be used after"), "{after}");
}

#[test]
fn a_panic_in_any_method_of_a_loss_is_an_error_that_names_it() {
    let registry = loaded(&["panics"]);
    let make = |method: &str| registry.make_loss("panicky-loss", at(method), &setup());
    for method in ["new", "reads", "layout"] {
        assert_panicked("panicky-loss", method, make(method).map(drop));
    }
    let mut model = linked().make_model("two-layers", json!({}), &setup()).expect("made");
    let pixels = [0.5; 16];
    let images = TensorView::of_f32(&pixels, &[1, 1, 4, 4]).expect("a view");
    let pass = model.forward(images, &Forward::evaluation()).expect("a pass");
    let input = LossInput {
        images,
        pass: &pass,
        rows: 0..1,
        targets: scant_abi::Targets { labels: Some(&[1]), ..scant_abi::Targets::default() },
        indices: &[0],
        clock: Clock::default(),
        key: Key::new(0),
    };
    for method in ["evaluate", "parameters", "annotate", "state", "load_state"] {
        let mut loss = make(method).expect("made");
        let said = match method {
            "evaluate" => loss.evaluate(&input, &mut *model).map(drop),
            "parameters" => loss.parameters().map(drop),
            "annotate" => loss.annotate(&pass).map(drop),
            "state" => loss.state().map(drop),
            _ => loss.load_state(&State::new()),
        };
        assert_panicked("panicky-loss", method, said);
    }
}

#[test]
fn a_panic_in_any_method_of_a_trainer_is_an_error_that_names_it() {
    let registry = loaded(&["panics"]);
    let make = |method: &str| registry.make_trainer("panicky-trainer", at(method), &setup());
    for method in ["new", "streams"] {
        assert_panicked("panicky-trainer", method, make(method).map(drop));
    }
    let mut model = linked().make_model("two-layers", json!({}), &setup()).expect("made");
    let pixels = [0.5; 16];
    let images = TensorView::of_f32(&pixels, &[1, 1, 4, 4]).expect("a view");
    let pass = model.forward(images, &Forward::evaluation()).expect("a pass");
    let methods = [
        "begin_stage",
        "begin_epoch",
        "step",
        "end_epoch",
        "enter_evaluation",
        "leave_evaluation",
        "annotate",
        "state",
        "load_state",
    ];
    for method in methods {
        let mut trainer = make(method).expect("made");
        let mut context = TrainContext {
            model: &mut *model,
            losses: &mut [],
            data: &mut NoData,
            clock: Clock::default(),
            key: Key::new(0),
        };
        let said = match method {
            "begin_stage" => trainer.begin_stage(&mut context),
            "begin_epoch" => trainer.begin_epoch(&mut context).map(drop),
            "step" => trainer.step(&[], &mut context).map(drop),
            "end_epoch" => trainer.end_epoch(&mut context).map(drop),
            "enter_evaluation" => trainer.enter_evaluation(&mut *model),
            "leave_evaluation" => trainer.leave_evaluation(&mut *model),
            "annotate" => trainer.annotate(&pass).map(drop),
            "state" => trainer.state().map(drop),
            _ => trainer.load_state(&State::new()),
        };
        assert_panicked("panicky-trainer", method, said);
    }
}

#[test]
fn a_panic_in_the_other_kinds_is_an_error_that_names_it() {
    let registry = loaded(&["panics"]);
    for method in ["new", "info", "open", "labels", "read", "verify"] {
        let made = registry.make_dataset("panicky-dataset", at(method), &setup());
        let said = made.and_then(|mut dataset| match method {
            "info" => dataset.info().map(drop),
            "open" => dataset.open(),
            "labels" => dataset.labels(Part::Train).map(drop),
            "read" => dataset.read(Part::Train, &[0], &mut [0; 16]),
            _ => dataset.verify().map(drop),
        });
        assert_panicked("panicky-dataset", method, said);
    }
    for method in ["new", "apply"] {
        let made = registry.make_augmentation("panicky-augmentation", at(method), &setup());
        let said = made.and_then(|one| one.apply(Image::filled(1, 4, 4, 0.0), Key::new(0)).map(drop));
        assert_panicked("panicky-augmentation", method, said);
    }
    let nothing =
        Evaluation { splits: Vec::new(), classes: Vec::new(), history: Vec::new(), key: Key::new(0) };
    for method in ["new", "reads", "evaluate"] {
        let made = registry.make_evaluator("panicky-evaluator", at(method), &setup());
        let said = made.and_then(|mut one| one.evaluate(&nothing).map(drop));
        assert_panicked("panicky-evaluator", method, said);
    }
}

#[test]
fn a_panic_while_dropping_is_survived_and_told() {
    let registry = loaded(&["panics"]);
    drop(registry.make_model("panicky-model", at("drop"), &setup()).expect("made"));
    drop(registry.make_loss("panicky-loss", at("drop"), &setup()).expect("made"));
    drop(registry.make_trainer("panicky-trainer", at("drop"), &setup()).expect("made"));
    drop(registry.make_dataset("panicky-dataset", at("drop"), &setup()).expect("made"));
    drop(registry.make_augmentation("panicky-augmentation", at("drop"), &setup()).expect("made"));
    drop(registry.make_evaluator("panicky-evaluator", at("drop"), &setup()).expect("made"));
    let heard = HEARD.0.lock().expect("no test panics while it listens").join("\n");
    for kind in ["model", "loss", "trainer", "dataset", "augmentation", "evaluator"] {
        let told = format!(
            "{kind} 'panicky-{kind}' of plugin panics 0.1.0 panicked while it was dropped: on purpose ("
        );
        assert!(heard.contains(&told), "{heard} does not contain {told}");
    }
}

#[test]
fn what_a_plugin_returns_wrongly_ends_the_run_with_its_name() {
    let place = tempfile::tempdir().expect("a folder");
    let mut registry = loaded(&TOYS);
    registry.load_plugin(&library("panics"), false).expect("loaded");
    let model = |at: &str| ("/model", json!({ "use": "panicky-model", "at": at }));
    let loss = |at: &str| ("/stage/0/loss", json!([{ "use": "panicky-loss", "at": at }]));
    let cases = [
        (
            model("an undeclared output"),
            "model 'panicky-model' declares no output 'extra'; there are embedding, logits",
        ),
        (model("a wrong shape"), "model 'panicky-model' puts 'logits' out as [2, 4] instead of ["),
        (
            model("a missing output"),
            "model 'panicky-model' declares the output 'logits' but does not put it out",
        ),
        (loss("NaN"), "stage 'train', epoch 1, step 1: the loss 'panicky-loss' became NaN"),
        (
            loss("a gradient of an unknown output"),
            "model 'two-layers' declares no output 'logit'; did you mean 'logits'?",
        ),
        (
            loss("a gradient of a wrong shape"),
            "a gradient of 'logits' of model 'two-layers' has the rows of [1, 4], but a row is [3]",
        ),
        (loss("a gradient of unknown rows"), "covers 16 rows from 1000 on, but the pass has 16"),
    ];
    for (i, (change, message)) in cases.into_iter().enumerate() {
        let out = place.path().join(i.to_string());
        let said = finish(&registry, &settings(&[change]), &out).map(drop).expect_err("refused").to_string();
        assert!(said.contains(message), "{said} does not contain {message}");
    }
}
