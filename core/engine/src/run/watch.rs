//! What a run tells whoever watches it.

use std::path::Path;

use super::records::{EpochRecord, EvaluationRecord};
use super::settings::Settings;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// One of several runs begins, or goes on.
    Trial {
        /// Its number, from 0.
        number: usize,
        /// How many there are.
        of: usize,
        /// What it does.
        settings: &'a Settings,
    },
    /// A stage begins, or goes on.
    Stage {
        /// The stage, from 0.
        index: usize,
        /// How many there are.
        of: usize,
        /// Its name.
        name: &'a str,
        /// Its epochs.
        epochs: usize,
        /// The steps of each epoch.
        steps: usize,
        /// The epochs that are done.
        done: usize,
    },
    /// A step was made.
    Step {
        /// The epoch, from 0.
        epoch: usize,
        /// The step of the epoch, from 0.
        step: usize,
        /// The images of the first stream in it.
        images: usize,
        /// The mean over the epoch so far of what was reported.
        means: &'a [(String, f64)],
    },
    /// An epoch ended.
    Epoch(&'a EpochRecord),
    /// An evaluator judged.
    Evaluation(&'a EvaluationRecord),
    /// A checkpoint was kept.
    Checkpoint {
        /// Its name.
        name: &'a str,
    },
    /// A stage ended.
    StageEnd,
    /// Something a person ought to read.
    Note(&'a str),
    /// Something went wrong, and the run goes on.
    Warning(&'a str),
    /// The run was interrupted, and can go on.
    Interrupted {
        /// Its folder.
        folder: &'a Path,
    },
}

/// Watches a run.
pub trait Watcher {
    /// Hears of something that happened.
    fn tell(&mut self, event: &Event<'_>);
}

/// Watches nothing.
pub struct Nobody;

impl Watcher for Nobody {
    fn tell(&mut self, _: &Event<'_>) {}
}
