//! What can be found wrong with a configuration by making its components, still without any data.

use std::collections::BTreeMap;

use scant_abi::{
    AUGMENTED, Context, Device, ErrorKind, INPUT, Image, Key, Kind, Loss, Model, OutputInfo,
    Source as Samples, State, StreamRequest,
};

use super::check_data::{check_splits, dataset_info, preparation};
use super::check_values::{check_evaluations, check_names, check_numbers, check_weights};
use super::components::{Workshop, given_view};
use super::config::Configuration;
use super::evaluate::unseen;
use super::found::{Found, said};
use super::settings::{Settings, StageSettings, Use};
use super::stage::{Source, find_source, part_of, source_name, sources};
use crate::Registry;
use crate::prepare::Preparation;
use crate::schema::Problem;

/// Images and numbers of classes that stand for data of which nothing is known before they are opened.
const GUESSES: [([usize; 3], usize); 3] = [([3, 32, 32], 10), ([1, 28, 28], 3), ([3, 64, 64], 100)];

/// How often an augmentation is drawn to see what it makes of an image.
const DRAWS: u64 = 4;

/// What is wrong beyond `known`.
pub(super) fn check_built(
    registry: &Registry,
    settings: &Settings,
    configuration: &Configuration,
    known: &[Problem],
) -> Vec<Problem> {
    let mut found = Found { known, problems: Vec::new() };
    check_names(settings, &mut found);
    check_numbers(settings, &mut found);
    check_weights(settings, &mut found);
    check_evaluations(settings, &mut found);
    for (index, stage) in settings.stage.iter().enumerate() {
        if settings.stage[..index].iter().any(|earlier| earlier.name() == stage.name()) {
            found.add(&format!("stage[{index}].name"), format!("another stage is called '{}'", stage.name()));
        }
    }
    let folders = configuration.search_folders();
    let preparation = preparation(&settings.data.prepare, &mut found);
    let info = dataset_info(registry, settings, &folders, &mut found);
    let counts = info.as_ref().and_then(|info| info.counts.as_ref());
    let sizes = check_splits(settings, counts, &folders, &mut found);
    if settings.data.validation.is_some() && sizes.validation == 0 && !found.is_known("data.validation") {
        found.add("data.validation", "holds no image back: ask for more");
    }
    for (path, message) in unseen(&settings.evaluate, &sizes.splits()) {
        if !found.is_known(&path) {
            found.add(&path, message);
        }
    }
    // What a GPU computes the host computes too, and a check leaves its memory alone.
    let on_host = Settings { device: Device::Cpu, ..settings.clone() };
    let workshop = |image, raw_image, classes| Workshop {
        registry,
        settings: &on_host,
        folders: folders.clone(),
        image,
        raw_image,
        classes,
        labelled: sizes.labelled,
        unlabelled: sizes.unlabelled,
    };
    if let (Some(info), Some(preparation)) = (&info, &preparation) {
        let image = found.keep("data.prepare", preparation.dims(info.image));
        if let (Some(image), Ok(raw_image)) = (image, preparation.dims_before(info.image)) {
            let workshop = workshop(image, raw_image, info.classes.len());
            check_stages(&workshop, preparation, &mut found);
            check_device(&Workshop { settings, ..workshop }, &mut found);
            return found.problems;
        }
    }
    // What is wrong whatever the data are like is wrong.
    let preparation = preparation.unwrap_or_default();
    let mut common: Option<Vec<Problem>> = None;
    for (image, classes) in GUESSES {
        let classes = info.as_ref().map_or(classes, |info| info.classes.len());
        let (Ok(image), Ok(raw)) = (preparation.dims(image), preparation.dims_before(image)) else {
            continue;
        };
        let mut guessed = Found { known, problems: found.problems.clone() };
        check_stages(&workshop(image, raw, classes), &preparation, &mut guessed);
        let problems = guessed.problems.split_off(found.problems.len());
        common = Some(match common {
            // In the same words: what speaks of an image's size may not hold for others.
            Some(common) => common.into_iter().filter(|problem| problems.contains(problem)).collect(),
            None => problems,
        });
    }
    found.problems.extend(common.unwrap_or_default());
    found.problems
}

/// Whether the model can lie where the run wants it.
fn check_device(workshop: &Workshop<'_>, found: &mut Found<'_>) {
    if workshop.settings.device == Device::Cpu {
        return;
    }
    if let Some(Err(error)) = (!workshop.settings.stage.is_empty()).then(|| workshop.model(0))
        && error.kind() == ErrorKind::Unsupported
    {
        found.add("device", said(&error, "model"));
    }
}

fn check_stages(workshop: &Workshop<'_>, preparation: &Preparation, found: &mut Found<'_>) {
    let mut states: BTreeMap<&str, State> = BTreeMap::new();
    for index in 0..workshop.settings.stage.len() {
        check_stage(workshop, preparation, index, &mut states, found);
    }
}

/// The model of a stage, and whether it is the one that is meant: another one will do to look at the rest.
fn stage_model(
    workshop: &Workshop<'_>,
    index: usize,
    found: &mut Found<'_>,
) -> Option<(Box<dyn Model>, bool)> {
    let path = workshop.model_stage(index).map_or("model".to_owned(), |i| format!("stage[{i}].model"));
    let exact = !found.is_known(&path);
    match found.keep_new(&path, workshop.model(index)) {
        Some(model) => Some((model, exact)),
        None => workshop.stand_in(index).map(|model| (model, false)),
    }
}

fn check_stage<'a>(
    workshop: &Workshop<'a>,
    preparation: &Preparation,
    index: usize,
    states: &mut BTreeMap<&'a str, State>,
    found: &mut Found<'_>,
) {
    let stage = &workshop.settings.stage[index];
    let path = format!("stage[{index}]");
    let Some((mut model, exact)) = stage_model(workshop, index, found) else {
        check_take(workshop, index, None, states, found);
        // Outputs are not known: what the trainer says of them is no news.
        let trainer = workshop.trainer(index, None);
        if !matches!(&trainer, Err(error) if error.to_string().contains("output")) {
            check_trainer(workshop, preparation, index, trainer, found);
        }
        return;
    };
    let outputs = model.outputs();
    // A copy of all its values, which may be many.
    let is_asked_for =
        workshop.settings.stage.iter().any(|stage| stage.take.is_some() || !stage.freeze.is_empty());
    if is_asked_for && let Ok(state) = model.state() {
        check_take(workshop, index, Some(&state).filter(|_| exact), states, found);
        for part in stage.freeze.iter().filter(|part| !state.keys().any(|name| part_of(name) == **part)) {
            let mut parts: Vec<&str> = state.keys().map(|name| part_of(name)).collect();
            parts.dedup();
            found.add(
                &format!("{path}.freeze"),
                format!("the model has no part '{part}'; it has {}", parts.join(", ")),
            );
        }
        if exact {
            states.insert(stage.name(), state);
        }
    }
    let _ = model.freeze(&stage.freeze);
    for (number, loss) in workshop.losses(index, &outputs).into_iter().enumerate() {
        let path = format!("{path}.loss[{number}]");
        if let Some(loss) = found.keep_new(&path, loss) {
            check_outputs(&path, &loss.loss.reads(), &outputs, &[], found);
        }
    }
    check_trainer(workshop, preparation, index, workshop.trainer(index, Some(&*model)), found);
    let last = index + 1 == workshop.settings.stage.len();
    for (number, block) in workshop.settings.evaluate.iter().enumerate() {
        let here = block.stage.as_deref().map_or(last, |name| name == stage.name());
        let path = format!("evaluate[{number}]");
        if !here {
            continue;
        }
        if let Some(evaluator) = found.keep_new(&path, workshop.evaluator(block, &outputs)) {
            let reads: Vec<String> = evaluator.reads().into_iter().map(|reading| reading.output).collect();
            check_outputs(&path, &reads, &outputs, &annotations(workshop.registry, stage), found);
        }
    }
}

/// A trainer, its optimiser and the streams it asks for.
fn check_trainer(
    workshop: &Workshop<'_>,
    preparation: &Preparation,
    index: usize,
    trainer: scant_abi::Result<Box<dyn scant_abi::Trainer>>,
    found: &mut Found<'_>,
) {
    let stage = &workshop.settings.stage[index];
    let path = format!("stage[{index}]");
    let at = format!("{path}.trainer");
    let trainer = match trainer {
        Err(error) if found.is_told(&at, &error) || found.is_told(&format!("{path}.optimizer"), &error) => {
            return;
        }
        Err(error) => {
            let said = said(&error, &at);
            // The stage's own optimiser is the trainer's parameter, and is written elsewhere.
            let own = stage.optimizer.is_some() && said.starts_with("optimizer");
            let (key, message) = said.split_once(": ").filter(|_| own).unwrap_or(("trainer", &said));
            found.add(&format!("{path}.{key}"), message);
            return;
        }
        Ok(trainer) => trainer,
    };
    let streams = trainer.streams();
    if streams.is_empty() {
        found.add(&at, "asks for no samples at all");
    }
    for (source, there) in
        [(Samples::Labelled, workshop.labelled), (Samples::Unlabelled, workshop.unlabelled)]
    {
        if there == 0 && streams.iter().any(|stream| stream.source == source) {
            let source = source_name(source);
            found.add(&at, format!("wants {source} samples, and `data.labels` leaves none"));
        }
    }
    check_views(workshop, preparation, index, &streams, found);
    let wanted: Vec<&str> = streams.iter().flat_map(|s| &s.views).map(|v| v.name.as_str()).collect();
    if stage.augment.is_some() && !wanted.iter().any(|name| name.starts_with(AUGMENTED)) {
        let message =
            format!("the trainer wants no augmented view; it wants {}: `views` says how", wanted.join(", "));
        found.add(&format!("{path}.augment"), message);
    }
    for name in stage.views.keys().filter(|name| !wanted.contains(&name.as_str())) {
        let message = format!("the trainer wants no view '{name}'; it wants {}", wanted.join(", "));
        found.add(&format!("{path}.views.{name}"), message);
    }
}

/// Whether every view comes out in the size in which the model wants it: tried on a grey image.
fn check_views(
    workshop: &Workshop<'_>,
    preparation: &Preparation,
    index: usize,
    streams: &[StreamRequest],
    found: &mut Found<'_>,
) {
    let (views, problems) = workshop.views(index, streams);
    found.extend_unknown(problems);
    let [channels, height, width] = workshop.raw_image;
    for (name, augmentation) in &views {
        let path = format!("stage[{index}].{}", given_view(&workshop.settings.stage[index], name).0);
        for draw in 0..DRAWS {
            let image = Image::filled(channels, height, width, 0.5);
            let seen = augmentation
                .apply(image, Key::new(draw))
                .and_then(|image| Ok((image.dims(), preparation.dims_after(image.dims())?)));
            let seen =
                seen.context(|| format!("an image of {:?} (channels, rows, columns)", workshop.raw_image));
            let Some((seen, prepared)) = found.keep(&path, seen) else { break };
            if prepared != workshop.image {
                let raw = workshop.raw_image;
                let message = format!(
                    "an image of {raw:?} (channels, rows, columns) comes out as {seen:?}: an augmentation may not \
                     change the size, `data.prepare` may"
                );
                found.add(&path, message);
                break;
            }
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

/// Whether there is what a stage takes over, and whether its own model, where that is known, has room for it.
fn check_take(
    workshop: &Workshop<'_>,
    index: usize,
    own: Option<&State>,
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
        let Some(own) = own else { continue };
        // A part that does not fit is one problem, however many tensors it has.
        let mut told: Vec<&str> = Vec::new();
        for (name, tensor) in state.iter().filter(|(name, _)| taken(name)) {
            let part = part_of(name);
            let message = match own.get(name) {
                None if !own.keys().any(|mine| part_of(mine) == part) => {
                    format!("the model has no part '{part}' that '{from}' could fill")
                }
                None => format!("the model has no '{name}' that '{from}' could fill"),
                Some(mine) if mine.shape() != tensor.shape() => {
                    format!("'{name}' is {:?} in '{from}', {:?} in this stage", tensor.shape(), mine.shape())
                }
                Some(_) => continue,
            };
            if !told.contains(&part) {
                told.push(part);
                found.add(&path, message);
            }
        }
    }
}
