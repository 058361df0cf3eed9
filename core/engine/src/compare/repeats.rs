//! What the repeats of one method have in common: the experiment, and nothing but the experiment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::splits::IMAGES;
use super::{Method, RunSummary};
use crate::run::Settings;

/// What may differ between repeats: seeds, names, and how often the state is kept.
const OWN: [&str; 5] = ["seed", "seeds", "name", "label", "checkpoint"];

/// A configuration without what may differ between repeats.
pub(super) fn configuration(settings: &Settings) -> Value {
    let mut settings = settings.clone();
    for step in &mut settings.data.prepare {
        // Measured on the samples that the seed has chosen.
        if step.starts_with("normalise:") {
            *step = "normalise".to_owned();
        }
    }
    let mut written = json!(settings);
    if let Some(table) = written.as_object_mut() {
        table.retain(|key, _| !OWN.contains(&key.as_str()));
    }
    written
}

/// In words, the repeats of one method that were run on other data than its first.
pub(super) fn on_other_data(methods: &[(String, Vec<&RunSummary>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, runs) in methods {
        let mut finished = runs.iter().filter(|run| run.is_finished());
        let Some(first) = finished.next() else { continue };
        let known = data(first);
        for run in finished {
            let other = data(run);
            let differs = |(part, value): (&String, &String)| {
                let other = other.get(part).filter(|other| *other != value)?;
                Some(format!("{part} ({value}, {other})"))
            };
            let parts: Vec<String> = known.iter().filter_map(differs).collect();
            if !parts.is_empty() {
                found.push(format!(
                    "'{}' and '{}' are both '{name}', and differ in {}",
                    first.folder,
                    run.folder,
                    parts.join(", ")
                ));
            }
        }
    }
    found
}

/// What of the data must be the same, whichever samples a seed has chosen.
fn data(run: &RunSummary) -> BTreeMap<String, String> {
    let counts =
        run.data.samples.iter().map(|(part, n)| (format!("the number of {part} samples"), n.to_string()));
    let whole = ["train-labels", "test-labels", IMAGES];
    let hashes = whole.iter().filter_map(|part| {
        let hash = run.data.hashes.get(*part)?;
        Some(((*part).to_owned(), hash.chars().take(8).collect()))
    });
    counts.chain(hashes).chain([("the data set".to_owned(), run.data.dataset.clone())]).collect()
}

/// In words, the methods whose repeats were told different things, and are averaged all the same.
pub(super) fn otherwise_told(methods: &[(String, Vec<&RunSummary>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, runs) in methods {
        let mut finished = runs.iter().filter(|run| run.is_finished());
        let Some(first) = finished.next() else { continue };
        let mut places = BTreeSet::new();
        finished.for_each(|run| differences("", &first.configuration, &run.configuration, &mut places));
        if !places.is_empty() {
            let places: Vec<String> = places.into_iter().collect();
            found.push(format!(
                "the repeats of '{name}' differ in more than their seeds: {}",
                places.join(", ")
            ));
        }
    }
    found
}

/// The places at which two configurations differ, with what stands there.
fn differences(place: &str, one: &Value, other: &Value, found: &mut BTreeSet<String>) {
    let nothing = Value::Null;
    match (one, other) {
        (Value::Object(first), Value::Object(second)) => {
            let keys: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
            for key in keys {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                let value = |table: &'_ serde_json::Map<String, Value>| table.get(key).cloned();
                let (one, other) = (value(first), value(second));
                differences(
                    &place,
                    one.as_ref().unwrap_or(&nothing),
                    other.as_ref().unwrap_or(&nothing),
                    found,
                );
            }
        }
        (Value::Array(first), Value::Array(second)) if first.len() == second.len() => {
            for (index, (one, other)) in first.iter().zip(second).enumerate() {
                differences(&format!("{place}[{index}]"), one, other, found);
            }
        }
        (one, other) if one != other => {
            let large = |value: &Value| value.is_object() || value.is_array();
            found.insert(match large(one) || large(other) {
                true => place.to_owned(),
                false => format!("{place} ({one}, {other})"),
            });
        }
        _ => {}
    }
}

/// In words, the repeats of a method that came out equal, so that they are one repeat.
pub(super) fn copies(method: &Method) -> Option<String> {
    let seeds: Vec<String> = method
        .repeats
        .iter()
        .filter(|repeat| repeat.copy_of.is_some())
        .map(|repeat| repeat.seed.to_string())
        .collect();
    let of: BTreeSet<u64> = method.repeats.iter().filter_map(|repeat| repeat.copy_of).collect();
    let of: Vec<String> = of.iter().map(u64::to_string).collect();
    let s = if seeds.len() == 1 { "" } else { "s" };
    (!seeds.is_empty()).then(|| {
        format!(
            "EQUAL REPEATS: '{}' gave to the last bit with seed{s} {} what it gave with {}: these are no independent \
             repeats (does `seeds` pin what `seed` should change?), and no test counts them",
            method.name,
            seeds.join(", "),
            of.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::run;
    use super::super::{Options, TestKind, compare};
    use super::*;

    fn pair(change: impl Fn(&mut RunSummary)) -> [RunSummary; 2] {
        let mut other = run("vat", 1, &[("top-1", 0.6)]);
        change(&mut other);
        let mut first = run("vat", 0, &[("top-1", 0.5)]);
        first.data.samples.insert("labelled".into(), 30);
        [first, other]
    }

    #[test]
    fn repeats_on_other_data_are_refused_or_marked() {
        type Change = fn(&mut RunSummary);
        let labels: Change = |run| {
            run.data.hashes.insert("test-labels".into(), "1e".into());
        };
        let samples: Change = |run| {
            run.data.samples.insert("labelled".into(), 120);
        };
        let data: Change = |run| run.data.dataset = "svhn".into();
        let cases = [
            (samples, "the number of labelled samples (30, 120)"),
            (labels, "test-labels (0f, 1e)"),
            (data, "the data set (mnist, svhn)"),
            (data, "'runs/vat-0' and 'runs/vat-1' are both 'vat'"),
        ];
        for (change, said) in cases {
            let error = compare(&pair(change), &Options::default()).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("another label"), "{error}");
            let allowed = Options { allow_different_splits: true, ..Options::default() };
            let comparison = compare(&pair(change), &allowed).unwrap();
            assert!(comparison.different_splits);
            assert!(
                comparison
                    .marks
                    .iter()
                    .any(|mark| mark.starts_with("DIFFERENT SPLITS: ") && mark.contains(said))
            );
        }
        // Which samples are labelled is what seeds are for, and an older folder may not know of its images.
        let other_samples = |run: &mut RunSummary| {
            run.data.hashes.insert("labelled".into(), "7a".into());
            run.data.hashes.insert(IMAGES.into(), "7b".into());
        };
        assert!(compare(&pair(other_samples), &Options::default()).unwrap().marks.is_empty());
    }

    #[test]
    fn repeats_that_were_told_different_things_are_marked() {
        let mut runs = pair(|run| run.configuration = json!({ "stage": [{ "epochs": 1, "loss": [] }] }));
        runs[0].configuration = json!({ "stage": [{ "epochs": 30, "loss": ["vat"] }] });
        let marks = compare(&runs, &Options::default()).unwrap().marks;
        assert_eq!(
            marks,
            ["the repeats of 'vat' differ in more than their seeds: stage[0].epochs (30, 1), stage[0].loss"]
        );
    }

    #[test]
    fn seeds_names_and_what_was_measured_make_no_other_configuration() {
        let text = |seed: u64, measured: &str, epochs: u64| -> Settings {
            let text = format!(
                "name = 'run-{seed}'\nseed = {seed}\n[data]\ndataset = 'd'\nprepare = ['normalise:{measured}']\n\
                 [[stage]]\ntrainer = 't'\nepochs = {epochs}\nbatch = 5"
            );
            toml::from_str(&text).expect("a configuration")
        };
        assert_eq!(configuration(&text(0, "0.1,0.3", 2)), configuration(&text(1, "0.2,0.3", 2)));
        assert_ne!(configuration(&text(0, "0.1,0.3", 2)), configuration(&text(0, "0.1,0.3", 3)));
    }

    #[test]
    fn repeats_that_came_out_equal_are_marked_and_not_tested() {
        let equal = |method: &str, seed, value| RunSummary {
            digest: Some(format!("{method}'s")),
            ..run(method, seed, &[("top-1", value)])
        };
        let runs: Vec<RunSummary> =
            (0..3).flat_map(|seed| [equal("a", seed, 0.1), equal("b", seed, 0.9)]).collect();
        let comparison = compare(&runs, &Options::default()).unwrap();
        assert!(comparison.marks[0].contains("'a' gave to the last bit with seeds 1, 2 what it gave with 0"));
        assert_eq!(comparison.methods[0].cells[0].std, Some(0.0));
        assert!(comparison.tests.families.is_empty(), "{:?}", comparison.tests);
        let asked = Options { test: Some(TestKind::PairedT), ..Options::default() };
        assert!(compare(&runs, &asked).is_err());
    }
}
