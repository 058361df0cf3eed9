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
    pub artefacts: Vec<Artefact>,
    /// The resolved configuration, as TOML.
    pub configuration: String,
    /// Versions, machine, threads: names with values.
    pub environment: Vec<(String, String)>,
}
