//! What can be found wrong with a configuration's own values, without making anything.

use super::check_stages::Found;
use super::settings::{Amount, Labels, Selection, Settings, StageSettings};

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
    if let (Labels::Fraction(labelled), Some(Amount::Fraction(held_out))) =
        (&settings.data.labels, &settings.data.validation)
        && *held_out >= 1.0
        && *labelled > 0.0
    {
        found.add("data.validation.fraction", "leaves nothing to train on");
    }
    if settings.stage.is_empty() {
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
            }
        }
    }
    let last = stages.last().copied();
    let watched = settings
        .evaluate
        .iter()
        .any(|block| block.every.is_some() && block.stage.as_deref().or(last) == last);
    if settings.select != Selection::Last && !watched {
        let message = format!(
            "'{}' compares epochs: at least one [[evaluate]] of the last stage needs `every`",
            settings.select.name()
        );
        found.add("select", message);
    }
    if settings.select == Selection::BestOnValidation && settings.data.validation.is_none() {
        found.add("select", "'best-on-validation' needs `data.validation`");
    }
}
