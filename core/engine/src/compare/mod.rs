//! Comparing runs: one table, the tests behind it, and the sources' numbers beside ours.

mod against;
mod columns;
mod comparison;
mod expected;
mod method;
mod paired;
mod read;
mod render;
mod repeats;
#[cfg(test)]
pub(crate) mod samples;
mod sheet;
mod splits;
mod summary;

pub use against::Beside;
pub use columns::Column;
pub use comparison::{Comparison, Options, compare};
pub use expected::{
    Expected, ExpectedMetric, ExpectedRow, ExpectedTable, Figure, Source, SourceSelection, Unit,
};
pub use method::{Cell, MeanBudget, Method, Repeat};
pub use paired::{Family, PairTest, Tally, TestKind, Tests, Verdict};
pub use read::{Candidate, candidates};
pub use render::{Format, render};
pub use summary::{
    Budget, DataFacts, Outcome, Predictions, RunSummary, Score, labels_in_words, selection_in_words,
};
