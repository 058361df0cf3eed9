//! What a report is made of.

use scant_abi::{Artefact, PastMetric};
use serde::{Deserialize, Serialize};

use crate::compare::RunSummary;

/// All that the page of one run shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run itself: its numbers, its data, its cost.
    pub summary: RunSummary,
    /// The names of its stages in order.
    pub stages: Vec<String>,
    /// All metrics at the end of each epoch, oldest first.
    pub history: Vec<PastMetric>,
    /// What evaluators found to look at.
    pub artefacts: Vec<Found>,
    /// The resolved configuration, as TOML.
    pub configuration: String,
    /// Versions, machine, threads: names with values.
    pub environment: Vec<(String, String)>,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The stage, from 0.
    pub stage: usize,
    /// The evaluator that found it.
    pub by: String,
    /// What there is to see.
    pub artefact: Artefact,
}

impl RunReport {
    /// What was found at the end of the last stage that anything was found in.
    pub fn last_stage(&self) -> impl Iterator<Item = &Found> {
        let last = self.artefacts.iter().map(|found| found.stage).max();
        self.artefacts.iter().filter(move |found| Some(found.stage) == last)
    }
}
