//! A comparison as tables of text: what all forms but HTML, JSON and CSV are written from.

use super::{Comparison, Family, Method, Verdict, selection_in_words};
use crate::report::number;

/// A table of text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sheet {
    /// What it shows.
    pub title: String,
    /// Its headings.
    pub headings: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
    /// What must be known to read it.
    pub note: String,
}

/// The tables of a comparison, in the order in which they are read.
pub(super) fn sheets(comparison: &Comparison) -> Vec<Sheet> {
    let mut sheets = vec![results(comparison)];
    sheets.extend(super::against::sheet(&comparison.against));
    if comparison.methods.len() > 1 {
        sheets.extend(tallies(comparison));
        sheets.extend(comparison.tests.families.iter().map(|family| tests(comparison, family)));
    }
    sheets
}

fn results(comparison: &Comparison) -> Sheet {
    let mut headings = vec!["method".to_owned()];
    headings.extend(comparison.columns.iter().map(ToString::to_string));
    headings
        .extend(["n", "epochs", "images seen", "wall time", "peak memory", "selected"].map(str::to_owned));
    let row = |method: &Method| {
        let mut row = vec![method.name.clone()];
        row.extend(method.cells.iter().map(|cell| number::spread(cell.mean, cell.std)));
        row.extend([
            method.repeats_in_words(),
            number::count(method.budget.epochs.round() as u64),
            number::count(method.budget.images.round() as u64),
            number::seconds(method.budget.seconds),
            method.budget.peak_bytes.map_or("-".to_owned(), number::bytes),
            selection_in_words(method.selection).to_owned(),
        ]);
        row
    };
    Sheet {
        title: "Results".to_owned(),
        headings,
        rows: comparison.methods.iter().map(row).collect(),
        note: "Mean ± sample standard deviation over the n repeats that finished.".to_owned(),
    }
}

fn tallies(comparison: &Comparison) -> Option<Sheet> {
    let deciding = comparison.tests.deciding?;
    let row = |tally: &super::Tally| {
        vec![tally.method.clone(), tally.wins.to_string(), tally.ties.to_string(), tally.losses.to_string()]
    };
    Some(Sheet {
        title: "Win, tie, loss".to_owned(),
        headings: ["method", "win", "tie", "loss"].map(str::to_owned).to_vec(),
        rows: comparison.tests.tallies.iter().map(row).collect(),
        note: format!("By {deciding}: a difference is a corrected p below {}.", comparison.tests.level),
    })
}

fn tests(comparison: &Comparison, family: &Family) -> Sheet {
    let row = |test: &super::PairTest| {
        vec![
            test.first.clone(),
            test.second.clone(),
            test.what.clone(),
            test.n.to_string(),
            number::signed(test.difference),
            number::p_value(test.p),
            number::p_value(test.corrected),
            test.winner().unwrap_or("-").to_owned(),
        ]
    };
    Sheet {
        title: format!(
            "Test {}{}",
            family.kind,
            if Some(family.kind) == comparison.tests.deciding { " (decides)" } else { "" }
        ),
        headings: ["first", "second", "what", "n", "difference", "p", "p corrected", "better"]
            .map(str::to_owned)
            .to_vec(),
        rows: family.pairs.iter().map(row).collect(),
        note: family.in_words(),
    }
}

impl super::PairTest {
    /// The method that is better; nothing where no difference was shown.
    pub fn winner(&self) -> Option<&str> {
        match self.verdict {
            Verdict::First => Some(&self.first),
            Verdict::Second => Some(&self.second),
            Verdict::Tie => None,
        }
    }
}

impl Family {
    /// What the tests ask, and how many of them are corrected for.
    pub fn in_words(&self) -> String {
        let (n, s) = (self.pairs.len(), if self.pairs.len() == 1 { "" } else { "s" });
        format!("{}; p corrected for {n} comparison{s} by Holm's method.", self.kind.meaning())
    }
}
