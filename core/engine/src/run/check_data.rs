//! What can be found wrong with the data of a configuration before any is read.

use scant_abi::{Counts, DatasetInfo, Error, Setup};
use serde_json::Value;

use super::components::dataset;
use super::files;
use super::found::{Found, said};
use super::settings::{Labels, Settings};
use super::splits::{Splits, listed};
use crate::Registry;
use crate::prepare::{Preparation, Prepare};

/// Samples of each kind that components are told of while no data has been looked at.
const NOMINAL: usize = 1000;

/// How many samples of each kind there will be, as far as that is known before the data are.
pub(super) struct Sizes {
    pub(super) labelled: usize,
    pub(super) unlabelled: usize,
    pub(super) validation: usize,
    pub(super) test: usize,
}

impl Sizes {
    fn nominal(labelled: usize) -> Self {
        Self { labelled, unlabelled: NOMINAL, validation: NOMINAL, test: NOMINAL }
    }

    /// The splits that will have samples.
    pub(super) fn splits(&self) -> Vec<&'static str> {
        let train = self.labelled + self.unlabelled;
        let sizes = [("train", train), ("validation", self.validation), ("test", self.test)];
        sizes.into_iter().filter(|(_, size)| *size > 0).map(|(name, _)| name).collect()
    }
}

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
    if let Some(dataset) = found.keep_new("data.dataset", dataset(registry, settings, folders))
        && exact
    {
        return dataset.info().ok();
    }
    // With the component's own settings its images look the same; how many there are is another matter.
    let setup = Setup { folders: folders.to_vec(), ..Setup::default() };
    let usual = registry.make_dataset(settings.data.dataset.name(), Value::Null, &setup).ok()?;
    Some(DatasetInfo { counts: None, ..usual.info().ok()? })
}

/// Whether a data set with so many images can be split as `settings` say; gives how many samples are then of each kind.
pub(super) fn check_splits(
    settings: &Settings,
    counts: Option<&Counts>,
    folders: &[std::path::PathBuf],
    found: &mut Found<'_>,
) -> Sizes {
    let mut data = settings.data.clone();
    let total = counts.map(|counts| counts.train.iter().sum::<usize>() + counts.unlabelled);
    let listed = match &settings.data.labels {
        Labels::IndexFile(name) => {
            // Where validation samples lie is drawn, so what is held out is known only when the data are.
            data.labels = Labels::None;
            let path = "data.labels.index_file";
            let listed = found.keep(path, index_file(name, folders));
            let beyond = |(_, place): &&(usize, usize)| total.is_some_and(|total| *place >= total);
            if let Some((line, place)) = listed.iter().flatten().find(beyond) {
                let last = total.unwrap_or_default().saturating_sub(1);
                let message =
                    format!("{name}, line {line}: there is no sample {place}, the last one is {last}");
                found.add(path, message);
            }
            listed.map(|listed| listed.len())
        }
        _ => None,
    };
    let nominal = match settings.data.labels {
        Labels::None => 0,
        Labels::Count(n) => n,
        _ => listed.unwrap_or(NOMINAL),
    };
    let wrong = found.problems.iter().any(|problem| problem.path.starts_with("data."));
    let Some(counts) = counts.filter(|_| !wrong) else { return Sizes::nominal(nominal) };
    let classes = counts.train.iter().enumerate();
    let mut labels: Vec<i64> = classes.flat_map(|(class, count)| vec![class as i64; *count]).collect();
    labels.resize(labels.len() + counts.unlabelled, -1);
    match Splits::draw(&data, &labels, &[], settings.seeds().split, |_| Ok(String::new())) {
        Ok(splits) => {
            if splits.labelled.is_empty() && splits.unlabelled.is_empty() {
                let path = if data.validation.is_some() { "data.validation" } else { "data" };
                found.add(path, "leaves nothing to train on");
            }
            let drawn = splits.labelled.len() + splits.unlabelled.len();
            let labelled = if listed.is_some() { nominal.min(drawn) } else { splits.labelled.len() };
            Sizes {
                labelled,
                unlabelled: drawn - labelled,
                validation: splits.validation.len(),
                test: counts.test,
            }
        }
        Err(error) => {
            let text = error.to_string();
            let path =
                ["data.limit", "data.validation", "data.labels"].into_iter().find(|p| text.starts_with(p));
            found.add(path.unwrap_or("data"), said(&error, path.unwrap_or_default()));
            Sizes::nominal(nominal)
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
