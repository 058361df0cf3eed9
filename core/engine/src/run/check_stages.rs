//! What can be found wrong with a configuration by making its components, still without any data.

use std::collections::BTreeMap;

use scant_abi::{Error, INPUT, Kind, OutputInfo, State};

use super::check_values::{check_evaluations, check_numbers};
use super::components::{Workshop, dataset, preparation};
use super::config::Configuration;
use super::settings::{Labels, Settings, StageSettings, Use};
use super::splits::Splits;
use super::stage::{Source, find_source, part_of, sources};
use crate::Registry;
use crate::schema::Problem;

/// Samples of each kind that components are told of while no data has been looked at.
const NOMINAL: usize = 1000;

/// What is wrong beyond `known`; a component with a known problem is not made.
pub(super) fn check_built(
    registry: &Registry,
    settings: &Settings,
    configuration: &Configuration,
    known: &[Problem],
) -> Vec<Problem> {
    let mut found = Found { known, problems: Vec::new() };
    check_numbers(settings, &mut found);
    check_evaluations(settings, &mut found);
    let Some(workshop) = workshop(registry, settings, configuration, &mut found) else {
        return found.problems;
    };
    let mut states: BTreeMap<&str, State> = BTreeMap::new();
    for (index, stage) in settings.stage.iter().enumerate() {
        check_stage(&workshop, index, &mut states, &mut found);
        if settings.stage[..index].iter().any(|earlier| earlier.name() == stage.name()) {
            found.add(&format!("stage[{index}].name"), format!("another stage is called '{}'", stage.name()));
        }
    }
    found.problems
}

/// What is wrong: known before, and found here.
pub(super) struct Found<'a> {
    known: &'a [Problem],
    problems: Vec<Problem>,
}

impl Found<'_> {
    pub(super) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), message: message.into() });
    }

    /// Takes the problem out of a result; an error says its own path, which is looked for in its text.
    fn keep<T>(&mut self, path: &str, result: scant_abi::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(path, without_path(&error, path))).ok()
    }

    /// Takes what has not been said yet.
    fn extend_unknown(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems.into_iter().filter(|problem| !self.known.contains(problem)));
    }

    fn is_known(&self, path: &str) -> bool {
        self.known.iter().any(|problem| problem.path.starts_with(path))
    }
}

/// Errors made for a run carry the path in front, where a finding has it already.
fn without_path(error: &Error, path: &str) -> String {
    let text = error.to_string();
    text.strip_prefix(path).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&text).to_owned()
}

/// The workshop of a run whose data nobody has looked at; nothing where the image size is not known by then.
fn workshop<'a>(
    registry: &'a Registry,
    settings: &'a Settings,
    configuration: &Configuration,
    found: &mut Found<'_>,
) -> Option<Workshop<'a>> {
    let preparation = found.keep("data.prepare", preparation(&settings.data.prepare))?;
    if found.is_known("data.dataset") {
        return None;
    }
    let folders = configuration.search_folders();
    let dataset = found.keep("data.dataset", dataset(registry, settings, &folders))?;
    // A folder of pictures knows its classes only once it has been opened; the run itself then checks the rest.
    let info = dataset.info().ok()?;
    let image = found.keep("data.prepare", preparation.dims(info.image))?;
    let raw_image = found.keep("data.prepare", preparation.dims_before(info.image))?;
    check_splits(settings, &info.train_counts, found);
    let classes = info.classes.len();
    let labelled = match settings.data.labels {
        Labels::PerClass(n) => n * classes,
        Labels::Count(n) => n,
        Labels::None => 0,
        Labels::All | Labels::Fraction(_) | Labels::IndexFile(_) => NOMINAL,
    };
    let unlabelled = NOMINAL;
    Some(Workshop { registry, settings, folders, image, raw_image, classes, labelled, unlabelled })
}

/// Whether a training part with so many images of each class can be split as `settings` say.
fn check_splits(settings: &Settings, train_counts: &[usize], found: &mut Found<'_>) {
    let mut data = settings.data.clone();
    if train_counts.is_empty() || found.problems.iter().any(|problem| problem.path.starts_with("data.")) {
        return;
    }
    // What an index file lists is looked at when the data are.
    if matches!(data.labels, Labels::IndexFile(_)) {
        data.labels = Labels::None;
    }
    let classes = train_counts.iter().enumerate();
    let labels: Vec<i64> = classes.flat_map(|(class, count)| vec![class as i64; *count]).collect();
    let drawn = Splits::draw(&data, &labels, &[], settings.seeds().split, |_| Ok(String::new()));
    if let Err(error) = drawn {
        let text = error.to_string();
        let path = ["data.limit", "data.validation", "data.labels"].into_iter().find(|p| text.starts_with(p));
        found.add(path.unwrap_or("data"), without_path(&error, path.unwrap_or_default()));
    }
}

fn check_stage<'a>(
    workshop: &Workshop<'a>,
    index: usize,
    states: &mut BTreeMap<&'a str, State>,
    found: &mut Found<'_>,
) {
    let stage = &workshop.settings.stage[index];
    let path = format!("stage[{index}]");
    let model_path = workshop.model_stage(index).map_or("model".to_owned(), |i| format!("stage[{i}].model"));
    if found.is_known(&model_path) {
        return;
    }
    let told = found.problems.iter().any(|problem| problem.path == model_path);
    let model = match workshop.model(index) {
        Err(_) if told => None,
        made => found.keep(&model_path, made),
    };
    let Some(mut model) = model else { return };
    let outputs = model.outputs();
    if let Ok(state) = model.state() {
        check_take(workshop, index, &state, states, found);
        for part in stage.freeze.iter().filter(|part| !state.keys().any(|name| part_of(name) == **part)) {
            let mut parts: Vec<&str> = state.keys().map(|name| part_of(name)).collect();
            parts.dedup();
            found.add(
                &format!("{path}.freeze"),
                format!("the model has no part '{part}'; it has {}", parts.join(", ")),
            );
        }
        states.insert(stage.name(), state);
    }
    let _ = model.freeze(&stage.freeze);
    for (number, loss) in workshop.losses(index, &outputs).into_iter().enumerate() {
        let path = format!("{path}.loss[{number}]");
        if found.is_known(&path) {
            continue;
        }
        if let Some(loss) = found.keep(&path, loss) {
            check_outputs(&path, &loss.loss.reads(), &outputs, &[], found);
        }
    }
    if !found.is_known(&format!("{path}.trainer"))
        && let Some(trainer) = found.keep(&format!("{path}.trainer"), workshop.trainer(index, &outputs))
    {
        let streams = trainer.streams();
        if streams.is_empty() {
            found.add(&format!("{path}.trainer"), "asks for no samples at all");
        }
        if let Err(problems) = workshop.views(index, &streams) {
            found.extend_unknown(problems);
        }
        let wanted: Vec<&str> = streams.iter().flat_map(|s| &s.views).map(|v| v.name.as_str()).collect();
        for name in stage.views.keys().filter(|name| !wanted.contains(&name.as_str())) {
            let message = format!("the trainer wants no view '{name}'; it wants {}", wanted.join(", "));
            found.add(&format!("{path}.views.{name}"), message);
        }
    }
    let last = index + 1 == workshop.settings.stage.len();
    for (number, block) in workshop.settings.evaluate.iter().enumerate() {
        let here = block.stage.as_deref().map_or(last, |name| name == stage.name());
        let path = format!("evaluate[{number}]");
        if !here || found.is_known(&path) {
            continue;
        }
        if let Some(evaluator) = found.keep(&path, workshop.evaluator(block, &outputs)) {
            let reads: Vec<String> = evaluator.reads().into_iter().map(|reading| reading.output).collect();
            check_outputs(&path, &reads, &outputs, &annotations(workshop.registry, stage), found);
        }
    }
}

/// The outputs that the stage's trainer and losses add to the model's.
fn annotations(registry: &Registry, stage: &StageSettings) -> Vec<String> {
    let named = |kind: Kind, component: &Use| {
        let description =
            registry.get(kind, component.name()).ok().map(|registered| registered.description());
        description.into_iter().flat_map(|d| &d.outputs).map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let mut names = named(Kind::Trainer, &stage.trainer);
    names.extend(stage.loss.iter().flat_map(|loss| named(Kind::Loss, loss)));
    names
}

fn check_outputs(
    path: &str,
    reads: &[String],
    outputs: &[OutputInfo],
    added: &[String],
    found: &mut Found<'_>,
) {
    for name in reads.iter().filter(|name| *name != INPUT && !added.contains(name)) {
        if !outputs.iter().any(|output| output.name == *name) {
            let known: Vec<&str> =
                outputs.iter().map(|o| o.name.as_str()).chain(added.iter().map(String::as_str)).collect();
            let message = format!("reads the output '{name}', and the model has only {}", known.join(", "));
            found.add(path, message);
        }
    }
}

fn check_take(
    workshop: &Workshop<'_>,
    index: usize,
    own: &State,
    states: &BTreeMap<&str, State>,
    found: &mut Found<'_>,
) {
    let Some(take) = &workshop.settings.stage[index].take else { return };
    let path = format!("stage[{index}].take");
    for (part, from) in sources(take) {
        let Some(source) = found.keep(&path, find_source(from, index, workshop)) else { continue };
        let loaded;
        let state = match source {
            Source::Stage(name) => match states.get(name) {
                Some(state) => state,
                // The stage's own problem has been said.
                None => continue,
            },
            Source::Run(file) => match found.keep(&path, super::checkpoint::load_stage(&file)) {
                Some(state) => {
                    loaded = state;
                    &loaded
                }
                None => continue,
            },
        };
        let taken = |name: &str| part.is_none_or(|part| part_of(name) == part);
        if !state.keys().any(|name| taken(name)) {
            found.add(&path, format!("'{from}' has no part '{}'", part.unwrap_or_default()));
        }
        for (name, tensor) in state.iter().filter(|(name, _)| taken(name)) {
            match own.get(name) {
                None => found.add(&path, format!("the model has no '{name}' that '{from}' could fill")),
                Some(mine) if mine.shape() != tensor.shape() => {
                    let (mine, theirs) = (mine.shape(), tensor.shape());
                    found.add(&path, format!("'{name}' is {theirs:?} in '{from}', {mine:?} in this stage"));
                }
                Some(_) => {}
            }
        }
    }
}
