//! What can be found wrong with a configuration's own values, without making anything.

use super::found::Found;
use super::order::MOST_SAMPLES;
use super::settings::{Amount, EvaluateSettings, Labels, Selection, Settings, StageSettings, loss_weight};

/// Names of which files and folders are made: none may lead out of the run's folder.
pub(super) fn check_names(settings: &Settings, found: &mut Found<'_>) {
    let mut plain = |path: String, name: Option<&str>| {
        if let Some(name) = name.filter(|name| !is_plain(name)) {
            let message = format!("'{}' cannot be a file's name: {PLAIN}", name.escape_debug());
            found.add(&path, message);
        }
    };
    plain("name".into(), Some(&settings.name));
    plain("label".into(), settings.label.as_deref().filter(|label| label.trim().is_empty()));
    for (index, stage) in settings.stage.iter().enumerate() {
        plain(format!("stage[{index}].name"), Some(stage.name()).filter(|_| stage.name.is_some()));
    }
    for (index, evaluate) in settings.evaluate.iter().enumerate() {
        plain(format!("evaluate[{index}].label"), evaluate.label.as_deref());
    }
}

pub(super) const PLAIN: &str = "it must not be empty, '.' or '..', nor longer than 200 bytes, nor hold '/', '\\' or \
    what cannot be shown";

/// The longest name in bytes: file systems take 255, and more is put behind some.
const LONGEST_NAME: usize = 200;

pub(super) fn is_plain(name: &str) -> bool {
    let bad = |c: char| ['/', '\\'].contains(&c) || c.is_control();
    !["", ".", ".."].contains(&name.trim()) && name.len() <= LONGEST_NAME && !name.contains(bad)
}

/// Weights with which no loss can be counted.
pub(super) fn check_weights(settings: &Settings, found: &mut Found<'_>) {
    for (index, stage) in settings.stage.iter().enumerate() {
        for (number, loss) in stage.loss.iter().enumerate() {
            let path = format!("stage[{index}].loss[{number}].weight");
            // What is no schedule has been told and taken out.
            let Ok(weight) = loss_weight(loss) else { continue };
            if let Err(error) = weight.check("weight") {
                found.add(&path, error.to_string().trim_start_matches("weight: "));
            }
            // Training counts in 32 bits.
            let bad = |value: &f64| *value < 0.0 || !(*value as f32).is_finite();
            if let Some(value) = weight.extremes().into_iter().find(bad) {
                found.add(&path, format!("must be a number from 0 to {:?}, not {value:?}", f32::MAX));
            }
        }
    }
}

/// Numbers with which nothing can be done.
pub(super) fn check_numbers(settings: &Settings, found: &mut Found<'_>) {
    let mut positive = |path: String, number: usize| {
        if number == 0 {
            found.add(&path, "must be at least 1");
        }
    };
    for (index, stage) in settings.stage.iter().enumerate() {
        positive(format!("stage[{index}].batch"), stage.batch);
        positive(format!("stage[{index}].steps_per_epoch"), stage.steps_per_epoch.unwrap_or(1));
    }
    for (index, evaluate) in settings.evaluate.iter().enumerate() {
        positive(format!("evaluate[{index}].every"), evaluate.every.unwrap_or(1));
    }
    positive("data.limit".into(), settings.data.limit.unwrap_or(1));
    positive("checkpoint.keep".into(), settings.checkpoint.keep);
    positive("checkpoint.epochs".into(), settings.checkpoint.epochs);
    match settings.data.labels {
        Labels::PerClass(n) | Labels::Count(n) => positive("data.labels".into(), n),
        Labels::Fraction(f) => check_fraction("data.labels.fraction", f, found),
        Labels::All | Labels::None | Labels::IndexFile(_) => {}
    }
    if let Some(Amount::Fraction(f)) = settings.data.validation {
        check_fraction("data.validation.fraction", f, found);
    }
    if matches!(settings.data.validation, Some(Amount::Fraction(held_out)) if held_out == 1.0) {
        found.add("data.validation.fraction", "leaves nothing to train on");
    }
    for (index, stage) in settings.stage.iter().enumerate() {
        let steps = stage.steps_per_epoch.unwrap_or(1);
        if steps.checked_mul(stage.batch).is_none_or(|all| all > MOST_SAMPLES) {
            let key = if stage.batch > MOST_SAMPLES { "batch" } else { "steps_per_epoch" };
            let message = format!("asks for more than {MOST_SAMPLES} samples in an epoch");
            found.add(&format!("stage[{index}].{key}"), message);
        }
        if stage.augment.is_some() && stage.views.contains_key("augmented") {
            let path = format!("stage[{index}].views.augmented");
            found.add(&path, "is what `augment` describes too: leave one of them out");
        }
    }
    if settings.stage.is_empty() && !found.is_known("stage") {
        found.add("stage", "at least one [[stage]] is needed");
    }
}

fn check_fraction(path: &str, fraction: f64, found: &mut Found<'_>) {
    if !(fraction > 0.0 && fraction <= 1.0) {
        found.add(path, format!("must lie in (0, 1], not {fraction}"));
    }
}

/// Evaluations of what there is not, and selections that nothing is evaluated for.
pub(super) fn check_evaluations(settings: &Settings, found: &mut Found<'_>) {
    let stages: Vec<&str> = settings.stage.iter().map(StageSettings::name).collect();
    for (index, evaluate) in settings.evaluate.iter().enumerate() {
        if let Some(stage) = evaluate.stage.as_deref().filter(|stage| !stages.contains(stage)) {
            let hint = crate::suggest::hint(stage, stages.iter().copied());
            found.add(&format!("evaluate[{index}].stage"), format!("there is no stage '{stage}'; {hint}"));
        }
        for split in &evaluate.splits {
            if !["train", "validation", "test"].contains(&split.as_str()) {
                let message = format!("there is no split '{split}'; there are train, validation and test");
                found.add(&format!("evaluate[{index}].splits"), message);
            } else if split == "validation" && settings.data.validation.is_none() {
                let message = "there is no validation part: `data.validation` says how much is held out";
                found.add(&format!("evaluate[{index}].splits"), message);
            }
        }
    }
    let last = stages.last().copied();
    let epochs = settings.stage.last().map_or(0, |stage| stage.epochs);
    let split = match settings.select {
        Selection::BestOnValidation => Some("validation"),
        Selection::Oracle => Some("test"),
        Selection::Last | Selection::MedianOfLast20 => None,
    };
    let watches = |block: &EvaluateSettings| {
        let shown = |split: &str| block.splits.is_empty() || block.splits.iter().any(|name| name == split);
        block.stage.as_deref().or(last) == last
            && block.every.is_some_and(|every| every <= epochs)
            && split.is_none_or(shown)
    };
    if settings.select != Selection::Last && !settings.evaluate.iter().any(watches) {
        let on = split.map(|split| format!(", and the split {split}")).unwrap_or_default();
        let message = format!(
            "'{}' compares epochs: at least one [[evaluate]] of the last stage needs `every`, up to its {epochs} \
             epochs{on}",
            settings.select.name()
        );
        found.add("select", message);
    }
    if settings.select == Selection::BestOnValidation && settings.data.validation.is_none() {
        found.add("select", "'best-on-validation' needs `data.validation`");
    }
}
