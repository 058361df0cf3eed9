//! What a stage shows its trainer, as pictures: some training images, and the views that are drawn of them.

use std::path::PathBuf;

use scant_abi::{CLEAN, Error, Image, Key, Part, Result};

use super::components::Workshop;
use super::data::Data;
use super::settings::{Settings, StageSettings};
use super::stage::{augmentation_key, joined};
use super::start::{open_data, workshop};
use crate::Registry;

/// How much of a stage is shown.
#[derive(Clone, Debug)]
pub struct PreviewOptions {
    /// The stage, by its name or its number from 0; the first where absent.
    pub stage: Option<String>,
    /// How many images.
    pub images: usize,
    /// How often each view is drawn: what the stage's first so many epochs see.
    pub draws: usize,
}

/// Some images of a stage in its views.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The stage's name.
    pub stage: String,
    /// The views in the order in which the trainer asks for them, and how many pictures of each a row has.
    pub views: Vec<(String, usize)>,
    /// One row for each image.
    pub rows: Vec<PreviewRow>,
}

/// One image in all views.
#[derive(Clone, Debug)]
pub struct PreviewRow {
    /// Its place in the data set's training part.
    pub place: usize,
    /// Its class, where it has one.
    pub class: Option<String>,
    /// As the data set gives it.
    pub original: Image,
    /// View after view, each as often as [`Preview::views`] says; values in [0, 1], or gradients after `sobel`.
    pub pictures: Vec<Image>,
}

/// Draws what a stage of `settings` shows its trainer, bit for bit as a run does, but for normalising.
pub fn preview(
    registry: &Registry,
    settings: &Settings,
    folders: &[PathBuf],
    options: &PreviewOptions,
) -> Result<Preview> {
    let index = find_stage(&settings.stage, options.stage.as_deref())?;
    let data = open_data(registry, settings, folders)?;
    let workshop = workshop(registry, settings, folders, &data)?;
    let mut views = Vec::new();
    let model = workshop.model(index)?;
    let streams = workshop.trainer(index, Some(&*model))?.streams();
    for view in streams.iter().flat_map(|stream| &stream.views) {
        let times = if view.name == CLEAN { 1 } else { options.draws };
        let entry = (view.name.clone(), times);
        if !views.contains(&entry) {
            views.push(entry);
        }
    }
    let (augmentations, problems) = workshop.views(index, &streams);
    if !problems.is_empty() {
        return Err(joined(&problems));
    }
    let key = augmentation_key(&workshop, index);
    let rows = places(&data, &workshop, options.images).into_iter().map(|place| {
        let original = original(&data, place)?;
        let prepared = data.preparation.before(original.clone())?;
        let mut pictures = Vec::new();
        for (name, times) in &views {
            for epoch in 0..*times {
                let image = match augmentations.get(name) {
                    Some(augmentation) => {
                        let key = key.fold(epoch as u64).named(name).fold(place as u64);
                        augmentation.apply(prepared.clone(), key)?
                    }
                    None => prepared.clone(),
                };
                pictures.push(data.preparation.shown(image)?);
            }
        }
        let class = usize::try_from(data.labels(Part::Train)[place]).ok();
        let class = class.and_then(|label| data.info.classes.get(label)).cloned();
        Ok(PreviewRow { place, class, original, pictures })
    });
    let rows = rows.collect::<Result<_>>()?;
    Ok(Preview { stage: settings.stage[index].name().to_owned(), views, rows })
}

fn find_stage(stages: &[StageSettings], wanted: Option<&str>) -> Result<usize> {
    let Some(wanted) = wanted else { return Ok(0) };
    let by_name = stages.iter().position(|stage| stage.name() == wanted);
    let by_number = wanted.parse().ok().filter(|number| *number < stages.len());
    by_name.or(by_number).ok_or_else(|| {
        let names: Vec<&str> = stages.iter().map(StageSettings::name).collect();
        Error::config(format!("there is no stage '{wanted}'; there are {}", names.join(", ")))
    })
}

/// Some training samples at random, the same ones for the same seed of the order.
fn places(data: &Data, workshop: &Workshop<'_>, count: usize) -> Vec<usize> {
    let splits = &data.splits;
    let mut places: Vec<usize> = splits.labelled.iter().chain(&splits.unlabelled).copied().collect();
    places.sort_unstable();
    Key::new(workshop.settings.seeds().order).named("preview").rng().shuffle(&mut places);
    places.truncate(count);
    places
}

fn original(data: &Data, place: usize) -> Result<Image> {
    let [channels, height, width] = data.info.image;
    let mut pixels = vec![0; channels * height * width];
    data.dataset.read(Part::Train, &[place], &mut pixels)?;
    let values = pixels.iter().map(|byte| f32::from(*byte) / 255.0).collect();
    Image::new(channels, height, width, values)
}
