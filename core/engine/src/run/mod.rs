//! Runs: stages over one data set, watched, interrupted, resumed to the bit.

mod checkpoint;
mod components;
mod data;
mod digest;
mod drive;
mod epoch;
mod evaluate;
mod files;
mod folder;
mod hash;
mod order;
mod prefetch;
mod records;
mod select;
pub mod settings;
mod splits;
mod stage;
mod start;
mod tensorboard;
mod tensors;
mod watch;
mod writer;

pub use digest::digest;
pub use drive::{Options, Outcome, default_folder};
pub use folder::{Failure, Predictions, RunFolder, RunInfo, Status, StoredArtefact};
pub use records::{EpochRecord, EvaluationRecord, MetricRecord, Number, Record};
pub use select::{RunResult, SelectedMetric, select};
pub use settings::Settings;
pub use splits::Splits;
pub use start::{resume, run};
pub use watch::{Event, Nobody, Watcher};
pub use writer::resolved_text;
