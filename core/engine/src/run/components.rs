//! The components of a run, made from its configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use scant_abi::{
    Augmentation, CLEAN, Context, Dataset, Error, Evaluator, Key, Kind, Model, OutputInfo, Result, Schedule,
    Setup, StreamRequest, Trainer,
};
use serde_json::Value;

use super::checked_loss::CheckedLoss;
use super::data::Views;
use super::found::said;
use super::settings::{EvaluateSettings, LOSS_KEYS, Settings, StageSettings, Use, loss_weight};
use crate::prepare::{Preparation, Prepare};
use crate::schema::Problem;
use crate::{Registry, policy, suggest};

/// Makes the components of a run.
pub(crate) struct Workshop<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) settings: &'a Settings,
    pub(crate) folders: Vec<PathBuf>,
    /// Channels, rows and columns of the prepared images.
    pub(crate) image: [usize; 3],
    /// The same as augmentations see them.
    pub(crate) raw_image: [usize; 3],
    pub(crate) classes: usize,
    pub(crate) labelled: usize,
    pub(crate) unlabelled: usize,
}

/// A loss of a stage.
pub(crate) struct StageLoss {
    /// The name under which it is reported: the component's, numbered from its second use on.
    pub(crate) name: String,
    /// How much it counts.
    pub(crate) weight: Schedule,
    /// The loss, whose numbers are looked at before anybody else sees them.
    pub(crate) loss: CheckedLoss,
}

impl Workshop<'_> {
    /// The place of stage `index` in the run; `kind` keeps the seeds of its components apart.
    fn setup(&self, index: usize, kind: &str, outputs: &[OutputInfo]) -> Setup {
        let stage = &self.settings.stage[index];
        let seed = Key::new(self.settings.seeds().initial).named(kind).fold(index as u64).bits();
        Setup {
            seed,
            device: self.settings.device,
            folders: self.folders.clone(),
            image: self.image,
            classes: self.classes,
            outputs: outputs.to_vec(),
            parts: Vec::new(),
            losses: stage.loss.iter().map(|loss| loss.name().to_owned()).collect(),
            batch: stage.batch,
            epochs: stage.epochs,
            labelled: self.labelled,
            unlabelled: self.unlabelled,
            splits: Vec::new(),
        }
    }

    /// The stage whose `model` the stage `index` trains; none where it is the one for all stages.
    pub(crate) fn model_stage(&self, index: usize) -> Option<usize> {
        (0..=index).rev().find(|stage| self.settings.stage[*stage].model.is_some())
    }

    /// The stage that brings the model of stage `index`, where it stands in the configuration, and what stands there.
    fn model_settings(&self, index: usize) -> (usize, String, Option<&Use>) {
        match self.model_stage(index) {
            Some(stage) => {
                (stage, format!("stage[{stage}].model"), self.settings.stage[stage].model.as_ref())
            }
            None => (0, "model".to_owned(), self.settings.model.as_ref()),
        }
    }

    /// The model of stage `index` as it begins its life.
    pub(crate) fn model(&self, index: usize) -> Result<Box<dyn Model>> {
        let (at, path, model) = self.model_settings(index);
        let model = model.ok_or_else(|| {
            Error::config(format!("stage[{index}]: there is no [model], and the stage brings none"))
        })?;
        let setup = self.setup(at, "model", &[]);
        self.registry.make_model(model.name(), Value::Object(model.parameters(&[])), &setup).context(|| path)
    }

    /// Another model in place of one that cannot be made: its component's own, or the one whose name is nearest.
    pub(crate) fn stand_in(&self, index: usize) -> Option<Box<dyn Model>> {
        let (at, _, model) = self.model_settings(index);
        let model = model?;
        let names = self.registry.of_kind(Kind::Model).map(|found| found.description().name.as_str());
        let name = match self.registry.get(Kind::Model, model.name()) {
            Ok(_) => model.name(),
            Err(_) => suggest::nearest(model.name(), names)?,
        };
        let setup = self.setup(at, "model", &[]);
        let made = self.registry.make_model(name, Value::Object(model.parameters(&[])), &setup);
        made.or_else(|_| self.registry.make_model(name, Value::Null, &setup)).ok()
    }

    /// The losses of stage `index`.
    pub(crate) fn losses(&self, index: usize, outputs: &[OutputInfo]) -> Vec<Result<StageLoss>> {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let losses = self.settings.stage[index].loss.iter().enumerate();
        losses
            .map(|(number, loss)| {
                let times = names.entry(loss.name()).or_default();
                *times += 1;
                let name = match times {
                    1 => loss.name().to_owned(),
                    _ => format!("{}-{times}", loss.name()),
                };
                self.loss(index, number, name, loss, outputs)
                    .context(|| format!("stage[{index}].loss[{number}]"))
            })
            .collect()
    }

    fn loss(
        &self,
        index: usize,
        number: usize,
        name: String,
        loss: &Use,
        outputs: &[OutputInfo],
    ) -> Result<StageLoss> {
        let weight = loss_weight(loss).map_err(|_| {
            Error::config(
                "weight: a number or a schedule is needed, such as { linear = { from = 0, to = 1 } }",
            )
        })?;
        weight.check("weight")?;
        let setup = self.setup(index, &format!("loss-{number}"), outputs);
        let parameters = Value::Object(loss.parameters(&LOSS_KEYS));
        let loss = self.registry.make_loss(loss.name(), parameters, &setup)?;
        Ok(StageLoss { loss: CheckedLoss::new(loss, name.clone()), name, weight })
    }

    /// The trainer of stage `index`.
    ///
    /// Where there is no `model` of the stage nothing is known of its outputs and parts.
    pub(crate) fn trainer(&self, index: usize, model: Option<&dyn Model>) -> Result<Box<dyn Trainer>> {
        let stage = &self.settings.stage[index];
        let mut parameters = stage.trainer.parameters(&[]);
        if let Some(optimizer) = &stage.optimizer {
            parameters.insert("optimizer".to_owned(), optimizer.clone());
        }
        let mut parts: Vec<String> = model
            .iter()
            .flat_map(|model| model.layout())
            .map(|parameter| parameter.part().to_owned())
            .collect();
        parts.dedup();
        let outputs = model.map(Model::outputs).unwrap_or_default();
        let setup = Setup { parts, ..self.setup(index, "trainer", &outputs) };
        self.registry
            .make_trainer(stage.trainer.name(), Value::Object(parameters), &setup)
            .context(|| format!("stage[{index}].trainer"))
    }

    /// The augmentation of every view that the trainer of stage `index` wants, and what is wrong with the others.
    pub(crate) fn views(&self, index: usize, streams: &[StreamRequest]) -> (Views, Vec<Problem>) {
        let stage = &self.settings.stage[index];
        let (mut views, mut problems) = (BTreeMap::new(), Vec::new());
        for view in streams.iter().flat_map(|stream| &stream.views).filter(|view| view.name != CLEAN) {
            let (path, given) = given_view(stage, &view.name);
            let path = format!("stage[{index}].{path}");
            let Some(value) = given.or(view.default.as_ref()) else {
                let message = format!("the trainer wants the view '{}': say how it is made", view.name);
                problems.push(Problem { path, message });
                continue;
            };
            let setup = Setup { image: self.raw_image, ..self.setup(index, "augmentation", &[]) };
            match augmentation(self.registry, value, &path, &setup) {
                Ok(augmentation) => _ = views.insert(view.name.clone(), augmentation),
                // What `augment` says wrongly is wrong in all views that it describes.
                Err(more) => more.into_iter().for_each(|problem| {
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }),
            }
        }
        (views, problems)
    }

    /// The evaluator of a block.
    pub(crate) fn evaluator(
        &self,
        block: &EvaluateSettings,
        outputs: &[OutputInfo],
    ) -> Result<Box<dyn Evaluator>> {
        let mut splits = block.splits.clone();
        if splits.is_empty() {
            let validation = self.settings.data.validation.as_ref().map(|_| "validation");
            splits = ["train"].into_iter().chain(validation).chain(["test"]).map(str::to_owned).collect();
        }
        let stages = &self.settings.stage;
        let own = stages.iter().position(|stage| block.stage.as_deref() == Some(stage.name()));
        let setup = Setup { splits, ..self.setup(own.unwrap_or(stages.len() - 1), "evaluator", outputs) };
        self.registry.make_evaluator(&block.name, Value::Object(block.parameters.clone()), &setup)
    }
}

/// Where a stage may say how the view `name` is made, and what it says: `augment` speaks for all augmented views.
pub(crate) fn given_view<'a>(stage: &'a StageSettings, name: &str) -> (String, Option<&'a Value>) {
    match (stage.views.get(name), &stage.augment) {
        (None, Some(augment)) if name.starts_with("augmented") => ("augment".to_owned(), Some(augment)),
        (given, _) => (format!("views.{name}"), given),
    }
}

/// The data set; its images are the same whatever the run's seeds.
pub(crate) fn dataset(
    registry: &Registry,
    settings: &Settings,
    folders: &[PathBuf],
) -> Result<Box<dyn Dataset>> {
    let dataset = &settings.data.dataset;
    let setup = Setup { folders: folders.to_vec(), ..Setup::default() };
    registry
        .make_dataset(dataset.name(), Value::Object(dataset.parameters(&[])), &setup)
        .context(|| "data.dataset".to_owned())
}

/// What is done to every image.
pub(crate) fn preparation(steps: &[String]) -> Result<Preparation> {
    let steps = steps
        .iter()
        .enumerate()
        .map(|(number, step)| step.parse::<Prepare>().context(|| format!("data.prepare[{number}]")));
    Preparation::new(steps.collect::<Result<_>>()?).context(|| "data.prepare".to_owned())
}

/// What is wrong with the names and settings of the augmentation that `value`, which stands at `path`, describes.
pub(crate) fn check_augmentation(registry: &Registry, value: &Value, path: &str) -> Vec<Problem> {
    let unmade = |name: &str, parameters: &Value, path: &str| {
        checked(registry, name, parameters, path).map(|()| policy::nothing())
    };
    policy::build(value, path, &unmade).err().unwrap_or_default()
}

fn checked(
    registry: &Registry,
    name: &str,
    parameters: &Value,
    path: &str,
) -> std::result::Result<(), Vec<Problem>> {
    match registry.check(Kind::Augmentation, name, parameters, path) {
        Ok(problems) if problems.is_empty() => Ok(()),
        Ok(problems) => Err(problems),
        Err(error) => Err(vec![Problem { path: path.to_owned(), message: error.to_string() }]),
    }
}

/// The augmentation that `value`, which stands at `path`, describes.
fn augmentation(
    registry: &Registry,
    value: &Value,
    path: &str,
    setup: &Setup,
) -> std::result::Result<Arc<dyn Augmentation>, Vec<Problem>> {
    let resolve = |name: &str, parameters: &Value, path: &str| {
        checked(registry, name, parameters, path)?;
        let made = registry.make_augmentation(name, parameters.clone(), setup);
        made.map(Arc::from)
            .map_err(|error| vec![Problem { path: path.to_owned(), message: said(&error, path) }])
    };
    policy::build(value, path, &resolve)
}
