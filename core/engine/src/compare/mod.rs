//! Comparing runs: one table, the tests behind it, and the sources' numbers beside ours.

mod columns;
mod comparison;
mod method;
mod read;
#[cfg(test)]
mod samples;
mod splits;
mod summary;

pub use columns::Column;
pub use comparison::{Comparison, Options, compare};
pub use method::{Cell, MeanBudget, Method, Repeat};
pub use summary::{
    Budget, DataFacts, Outcome, Predictions, RunSummary, Score, labels_in_words, selection_in_words,
};
