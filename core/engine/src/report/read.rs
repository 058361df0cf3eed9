//! From a run's folder to its report.

use scant_abi::Result;

use super::{Found, Past, RunReport};
use crate::compare::RunSummary;
use crate::run::{Record, RunFolder, resolved_text};

impl RunReport {
    /// The report of the run in `folder`.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let settings = folder.settings();
        let info = folder.info();
        let mut environment = vec![
            ("scant".to_owned(), info.version.clone()),
            ("machine".to_owned(), info.machine.clone()),
            ("device".to_owned(), format!("{:?}", settings.device).to_lowercase()),
            ("images".to_owned(), info.image.map(|n| n.to_string()).join(" \u{d7} ")),
        ];
        environment.extend(
            info.components.iter().map(|(name, plugin)| (format!("component {name}"), plugin.clone())),
        );
        let found = |stored: crate::run::StoredArtefact| Found {
            stage: stored.stage,
            by: stored.evaluator,
            artefact: stored.artefact,
        };
        Ok(Self {
            summary: RunSummary::read(folder)?,
            stages: settings.stage.iter().map(|stage| stage.name().to_owned()).collect(),
            history: folder.records()?.iter().flat_map(past).collect(),
            artefacts: folder.artefacts()?.into_iter().map(found).collect(),
            configuration: resolved_text(settings)?,
            environment,
        })
    }
}

fn past(record: &Record) -> Vec<Past> {
    let by = match record {
        Record::Evaluation(evaluation) => evaluation.evaluator.as_str(),
        _ => "",
    };
    record
        .past()
        .into_iter()
        .map(|past| Past {
            stage: past.stage,
            epoch: past.epoch,
            by: by.to_owned(),
            split: past.split,
            name: past.name,
            value: past.value,
        })
        .collect()
}
