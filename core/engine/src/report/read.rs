//! From a run's folder to its report.

use std::collections::BTreeSet;

use scant_abi::Result;
use serde_json::Value;

use super::{Found, RunReport};
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
        let written = words(&serde_json::to_value(settings).unwrap_or_default());
        // The registry holds far more components than a run names.
        let used = info.components.iter().filter(|(name, _)| written.contains(name));
        environment.extend(used.map(|(name, plugin)| (format!("component {name}"), plugin.clone())));
        let found = |stored: crate::run::StoredArtefact| Found {
            stage: stored.stage,
            by: stored.evaluator,
            artefact: stored.artefact,
        };
        Ok(Self {
            summary: RunSummary::read(folder)?,
            stages: settings.stage.iter().map(|stage| stage.name().to_owned()).collect(),
            history: folder.records()?.iter().flat_map(Record::past).collect(),
            artefacts: folder.artefacts()?.into_iter().map(found).collect(),
            configuration: resolved_text(settings)?,
            environment,
        })
    }
}

/// All texts in a value.
fn words(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(word) => BTreeSet::from([word.clone()]),
        Value::Array(items) => items.iter().flat_map(words).collect(),
        Value::Object(table) => table.values().flat_map(words).collect(),
        _ => BTreeSet::new(),
    }
}
