//! A comparison as tables of text: what all forms but HTML, JSON and CSV are written from.

use super::{Column, Comparison, Family, Method, Verdict, selection_in_words};
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

/// The same without the tests that do not decide: what fits a terminal.
pub(super) fn main_sheets(comparison: &Comparison) -> Vec<Sheet> {
    let mut tests = comparison.tests.clone();
    tests.families.retain(|family| Some(family.kind) == tests.deciding);
    sheets(&Comparison { tests, ..comparison.clone() })
}

fn results(comparison: &Comparison) -> Sheet {
    let mut headings = vec!["method".to_owned()];
    let split = one_split(comparison);
    headings.extend(comparison.columns.iter().map(|column| {
        let place = if split.is_some() { String::new() } else { format!(" on {}", column.split) };
        format!("{}/{}{place} {}", column.by, column.metric, column.arrow())
    }));
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
    let place = split.map(|split| format!(" on the {split} split")).unwrap_or_default();
    let more = match comparison.more.len() {
        0 => String::new(),
        n => format!(" {n} more metrics, with --metrics: {}.", names(&comparison.more)),
    };
    let undirected = match comparison.columns.iter().any(|column| column.higher_is_better.is_none()) {
        true => ", – neither",
        false => "",
    };
    Sheet {
        // Whoever copies a table copies its title: it says by itself that its numbers do not compare.
        title: if comparison.different_splits { "Results ON DIFFERENT SPLITS" } else { "Results" }.to_owned(),
        headings,
        rows: comparison.methods.iter().map(row).collect(),
        note: format!(
            "Mean ± sample standard deviation{place} over the n repeats that finished; ↑ more is better, ↓ less{undirected}.{more}"
        ),
    }
}

/// The split of all columns, where it is one.
fn one_split(comparison: &Comparison) -> Option<&str> {
    let first = comparison.columns.first()?.split.as_str();
    comparison.columns.iter().all(|column| column.split == first).then_some(first)
}

/// The metrics by evaluator, each once, whatever the splits.
fn names(columns: &[Column]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for column in columns {
        match groups.iter_mut().find(|(by, _)| *by == column.by) {
            Some((_, names)) if names.contains(&column.metric.as_str()) => {}
            Some((_, names)) => names.push(&column.metric),
            None => groups.push((&column.by, vec![column.metric.as_str()])),
        }
    }
    groups.iter().map(|(by, names)| format!("{by}/{}", names.join(" "))).collect::<Vec<_>>().join("; ")
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

/// What the tests say that do not decide, one line for each kind.
pub(super) fn in_brief(comparison: &Comparison) -> Vec<String> {
    let line = |family: &Family| {
        let differ = family.pairs.iter().filter(|test| test.winner().is_some()).count();
        format!("{}: {differ} of {} differ. {}", family.kind, family.pairs.len(), family.in_words())
    };
    let others =
        comparison.tests.families.iter().filter(|family| Some(family.kind) != comparison.tests.deciding);
    others.map(line).collect()
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
