//! What can be found wrong with the data of a configuration before any is read.

use scant_abi::{DatasetInfo, Error};

use super::components::dataset;
use super::files;
use super::found::{Found, said};
use super::settings::{Labels, Settings};
use super::splits::{Splits, listed};
use crate::Registry;
use crate::prepare::{Preparation, Prepare};

/// Samples of each kind that components are told of while no data has been looked at.
const NOMINAL: usize = 1000;

/// The steps of the preparation; nothing where one of them makes no sense. All that do not are named.
pub(super) fn preparation(steps: &[String], found: &mut Found<'_>) -> Option<Preparation> {
    let mut parsed = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        parsed.extend(found.keep(&format!("data.prepare[{number}]"), step.parse::<Prepare>()));
    }
    (parsed.len() == steps.len()).then(|| found.keep("data.prepare", Preparation::new(parsed))).flatten()
}

/// What is known of the data; a folder of pictures knows its classes only once it has been opened.
pub(super) fn dataset_info(
    registry: &Registry,
    settings: &Settings,
    folders: &[std::path::PathBuf],
    found: &mut Found<'_>,
) -> Option<DatasetInfo> {
    let exact = !found.is_known("data.dataset");
    let dataset = found.keep_new("data.dataset", dataset(registry, settings, folders))?;
    dataset.info().ok().filter(|_| exact)
}

/// Whether a training part with so many images of each class can be split as `settings` say; gives how many samples
/// are then labelled, and how many are not.
pub(super) fn check_splits(
    settings: &Settings,
    train_counts: &[usize],
    folders: &[std::path::PathBuf],
    found: &mut Found<'_>,
) -> [usize; 2] {
    let mut data = settings.data.clone();
    let total: usize = train_counts.iter().sum();
    let listed = match &settings.data.labels {
        Labels::IndexFile(name) => {
            // Where validation samples lie is drawn, so what is held out is known only when the data are.
            data.labels = Labels::None;
            let path = "data.labels.index_file";
            let listed = found.keep(path, index_file(name, folders)).unwrap_or_default();
            if let Some((line, place)) = listed.iter().find(|(_, place)| total > 0 && *place >= total) {
                let message =
                    format!("{name}, line {line}: there is no sample {place}, the last one is {}", total - 1);
                found.add(path, message);
            }
            Some(listed.len())
        }
        _ => None,
    };
    let nominal = match settings.data.labels {
        Labels::None => 0,
        Labels::Count(n) => n,
        _ => listed.filter(|count| *count > 0).unwrap_or(NOMINAL),
    };
    if train_counts.is_empty() || found.problems.iter().any(|problem| problem.path.starts_with("data.")) {
        return [nominal, NOMINAL];
    }
    let classes = train_counts.iter().enumerate();
    let labels: Vec<i64> = classes.flat_map(|(class, count)| vec![class as i64; *count]).collect();
    match Splits::draw(&data, &labels, &[], settings.seeds().split, |_| Ok(String::new())) {
        Ok(splits) => {
            if splits.labelled.is_empty() && splits.unlabelled.is_empty() {
                let path = if data.validation.is_some() { "data.validation" } else { "data" };
                found.add(path, "leaves nothing to train on");
            }
            let labelled = if listed.is_some() { nominal } else { splits.labelled.len() };
            // There may be images of no class, which nobody counts before the data are opened.
            [labelled, splits.unlabelled.len().max(1)]
        }
        Err(error) => {
            let text = error.to_string();
            let path =
                ["data.limit", "data.validation", "data.labels"].into_iter().find(|p| text.starts_with(p));
            found.add(path.unwrap_or("data"), said(&error, path.unwrap_or_default()));
            [nominal, NOMINAL]
        }
    }
}

/// The lines and places that an index file lists.
fn index_file(name: &str, folders: &[std::path::PathBuf]) -> scant_abi::Result<Vec<(usize, usize)>> {
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    let path = found.ok_or_else(|| {
        let places: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        Error::data(format!("there is no file '{name}' in {}", places.join(", ")))
    })?;
    listed(&String::from_utf8_lossy(&files::read(&path)?), name)
}
