//! Scant's contract: what a plugin and a host say to each other.
//!
//! Authors implement plain Rust traits. A plugin lists its components once; a host links that list in or loads it
//! from a library, and cannot tell the difference.

mod augmentation;
mod clock;
mod component;
mod dataset;
mod error;
mod evaluator;
pub mod ffi;
mod image;
pub mod image_ops;
mod key;
mod loss;
mod model;
mod plugin;
mod schedule;
mod tensor;
mod threads;
mod trainer;

#[doc(hidden)]
pub use inventory;

pub use augmentation::Augmentation;
pub use clock::Clock;
pub use component::{Component, Description, Entry, Kind, Make, Maker, Setup};
pub use dataset::{Check, Counts, Dataset, DatasetInfo, Part, Verdict};
pub use error::{Context, Error, ErrorKind, Result};
pub use evaluator::{
    Artefact, Content, Evaluation, Evaluator, Findings, INPUT, Metric, PastMetric, Reading, Split,
};
pub use image::Image;
pub use key::{Key, Rng};
pub use loss::{Loss, LossInput, LossValue, Targets};
pub use model::{
    Forward, Model, OutputGradient, OutputInfo, ParameterInfo, Parameters, Pass, PassId, State, Wants,
};
pub use plugin::{Linked, Plugin, linked};
pub use schedule::{Change, Schedule};
pub use tensor::{DType, Data, Device, FlatMut, MAX_RANK, Shape, Tensor, TensorView};
pub use threads::start_threads;
pub use trainer::{
    AUGMENTED, Batch, CLEAN, EpochPlan, Report, Source, StreamRequest, TrainContext, Trainer, TrainingSet,
    ViewRequest, WeightedLoss,
};
