//! Who differs from whom: paired tests over seeds and over samples, corrected for their number.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use scant_abi::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use super::comparison::Options;
use super::{Column, Method, Predictions, RunSummary};
use crate::stats;

/// A paired test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestKind {
    /// Student's t on the differences of repeats with the same seed.
    PairedT,
    /// Wilcoxon's signed ranks of the same differences.
    Wilcoxon,
    /// McNemar's exact test on the samples that only one of two models gets right.
    Mcnemar,
}

impl TestKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PairedT, Self::Wilcoxon, Self::Mcnemar];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::PairedT => "paired-t",
            Self::Wilcoxon => "wilcoxon",
            Self::Mcnemar => "mcnemar",
        }
    }

    /// What it says, in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::PairedT => "paired t-test over repeats with the same seed: do the methods differ?",
            Self::Wilcoxon => {
                "Wilcoxon signed-rank test over repeats with the same seed: do the methods differ?"
            }
            Self::Mcnemar => {
                "McNemar's exact test over samples: do two trained models differ? It says nothing of another seed"
            }
        }
    }
}

impl FromStr for TestKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|kind| kind.name()).collect();
            Error::config(format!("there is no test '{text}'; there are {}", names.join(", ")))
        })
    }
}

impl fmt::Display for TestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All tests of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tests {
    /// A corrected p below this is a difference.
    pub level: f64,
    /// The test that decides who wins; nothing where no pair can be tested.
    pub deciding: Option<TestKind>,
    /// The tests of each kind, corrected together.
    pub families: Vec<Family>,
    /// Wins, ties and losses of each method by the deciding test.
    pub tallies: Vec<Tally>,
}

/// The tests of one kind, which are corrected together by Holm's method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// The kind.
    pub kind: TestKind,
    /// The comparisons; their number is what is corrected for.
    pub pairs: Vec<PairTest>,
}

/// One test of two methods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairTest {
    /// The first method.
    pub first: String,
    /// The second method.
    pub second: String,
    /// What was compared.
    pub what: String,
    /// The number of pairs: common seeds, or samples that only one of the two got right.
    pub n: usize,
    /// The first method's mean less the second's.
    pub difference: f64,
    /// The p-value by itself.
    pub p: f64,
    /// The p-value corrected for the number of comparisons in its family.
    pub corrected: f64,
    /// Who is better.
    pub verdict: Verdict,
}

/// Who is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The first method.
    First,
    /// The second method.
    Second,
    /// No difference was shown.
    Tie,
}

/// What a method won and lost by the deciding test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The method.
    pub method: String,
    /// Comparisons in which it is better.
    pub wins: usize,
    /// Comparisons in which no difference was shown.
    pub ties: usize,
    /// Comparisons in which the other is better.
    pub losses: usize,
}

/// A test before its correction.
struct Raw {
    test: PairTest,
    higher_is_better: bool,
}

/// All tests that can be made between `methods`.
pub(super) fn tests(
    groups: &[(String, Vec<&RunSummary>)],
    methods: &[Method],
    columns: &[Column],
    options: &Options,
) -> Result<Tests> {
    let mut raw: BTreeMap<TestKind, Vec<Raw>> = BTreeMap::new();
    for (i, first) in methods.iter().enumerate() {
        for (j, second) in methods.iter().enumerate().skip(i + 1) {
            for (c, column) in columns.iter().enumerate() {
                // By what nobody can be better, nobody wins, and no other test has to be corrected for it.
                let Some(higher_is_better) = column.higher_is_better else { continue };
                for (kind, test) in over_seeds(first, second, c, column)? {
                    raw.entry(kind).or_default().push(Raw { test, higher_is_better });
                }
            }
            // Two copies are a pair of models that is tested already.
            let tested = |seed| first.is_copy(seed) && second.is_copy(seed);
            let models = over_samples(&groups[i], &groups[j], tested)?;
            raw.entry(TestKind::Mcnemar)
                .or_default()
                .extend(models.into_iter().map(|test| Raw { test, higher_is_better: true }));
        }
    }
    raw.retain(|_, tests| !tests.is_empty());
    let deciding = match options.test {
        Some(kind) if !raw.contains_key(&kind) && methods.len() > 1 => {
            return Err(Error::config(format!(
                "no two methods can be compared by '{kind}': paired-t and wilcoxon need two common seeds with \
                 results of their own, mcnemar \
                 predictions of the same samples"
            )));
        }
        Some(kind) => Some(kind),
        // The methods are what is compared; single models stand in only where there are no repeats.
        None => [TestKind::PairedT, TestKind::Mcnemar].into_iter().find(|kind| raw.contains_key(kind)),
    };
    let families: Vec<Family> = raw
        .into_iter()
        .map(|(kind, tests)| Family { kind, pairs: corrected(tests, options.level) })
        .collect();
    let tallies = tallies(methods, families.iter().find(|family| Some(family.kind) == deciding));
    Ok(Tests { level: options.level, deciding, families, tallies })
}

/// The tests over the seeds that both methods finished with, and with which neither merely repeated itself.
fn over_seeds(
    first: &Method,
    second: &Method,
    c: usize,
    column: &Column,
) -> Result<Vec<(TestKind, PairTest)>> {
    let (one, other): (Vec<f64>, Vec<f64>) = first.cells[c]
        .values
        .iter()
        .filter(|(seed, _)| !first.is_copy(*seed) && !second.is_copy(*seed))
        .filter_map(|(seed, value)| Some((*value, second.cells[c].of_seed(*seed)?)))
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .unzip();
    if one.len() < 2 {
        return Ok(Vec::new());
    }
    let ranks = stats::wilcoxon(&one, &other)?.p_value;
    // Where every difference is the same, t has no scale to be measured by: few seeds and a coarse metric do that by
    // chance. The ranks still say what so few seeds can say.
    let student = stats::paired_t(&one, &other)?.p_value;
    let student = if student == 0.0 { ranks } else { student };
    let test = |p: f64| PairTest {
        first: first.name.clone(),
        second: second.name.clone(),
        what: column.full_name(),
        n: one.len(),
        difference: stats::mean(&one) - stats::mean(&other),
        p,
        corrected: p,
        verdict: Verdict::Tie,
    };
    Ok(vec![(TestKind::PairedT, test(student)), (TestKind::Wilcoxon, test(ranks))])
}

/// McNemar's test for each common seed, evaluator and split; the test split alone where there is one.
fn over_samples(
    (first, first_runs): &(String, Vec<&RunSummary>),
    (second, second_runs): &(String, Vec<&RunSummary>),
    tested: impl Fn(u64) -> bool,
) -> Result<Vec<PairTest>> {
    let mut tests = Vec::new();
    for run in first_runs.iter().filter(|run| run.is_finished() && !tested(run.seed)) {
        let Some(twin) = second_runs.iter().find(|twin| twin.is_finished() && twin.seed == run.seed) else {
            continue;
        };
        let on_test = run.predictions.iter().any(|said| said.split == "test");
        for said in run.predictions.iter().filter(|said| !on_test || said.split == "test") {
            let same = |other: &&Predictions| {
                other.by == said.by && other.split == said.split && other.truth == said.truth
            };
            if let Some(other) = twin.predictions.iter().find(same) {
                let context = || format!("the predictions of {} and {}", run.folder, twin.folder);
                tests.push(over_predictions(first, second, run.seed, said, other).context(context)?);
            }
        }
    }
    Ok(tests)
}

fn over_predictions(
    first: &str,
    second: &str,
    seed: u64,
    said: &Predictions,
    other: &Predictions,
) -> Result<PairTest> {
    if said.said.len() != said.truth.len() || other.said.len() != other.truth.len() {
        return Err(Error::data("there are not as many predictions as true classes: evaluate the run again"));
    }
    let both: Vec<(bool, bool)> =
        said.right().zip(other.right()).filter_map(|(a, b)| Some((a?, b?))).collect();
    let only_first = both.iter().filter(|(a, b)| *a && !*b).count();
    let only_second = both.iter().filter(|(a, b)| *b && !*a).count();
    let p = stats::mcnemar(only_first as u64, only_second as u64).p_value;
    Ok(PairTest {
        first: first.to_owned(),
        second: second.to_owned(),
        what: format!("{}@{}, seed {seed}: {only_first} against {only_second}", said.by, said.split),
        n: only_first + only_second,
        difference: (only_first as f64 - only_second as f64) / both.len().max(1) as f64,
        p,
        corrected: p,
        verdict: Verdict::Tie,
    })
}

fn corrected(raw: Vec<Raw>, level: f64) -> Vec<PairTest> {
    let p: Vec<f64> = raw.iter().map(|raw| raw.test.p).collect();
    raw.into_iter()
        .zip(stats::holm(&p))
        .map(|(Raw { mut test, higher_is_better }, corrected)| {
            test.corrected = corrected;
            test.verdict = match corrected < level {
                true if (test.difference > 0.0) == higher_is_better => Verdict::First,
                true => Verdict::Second,
                false => Verdict::Tie,
            };
            test
        })
        .collect()
}

fn tallies(methods: &[Method], family: Option<&Family>) -> Vec<Tally> {
    let tally = |method: &Method| {
        let mut tally = Tally { method: method.name.clone(), wins: 0, ties: 0, losses: 0 };
        for test in family.iter().flat_map(|family| &family.pairs) {
            let own = match (test.first == method.name, test.second == method.name) {
                (true, _) => Verdict::First,
                (_, true) => Verdict::Second,
                _ => continue,
            };
            match test.verdict {
                Verdict::Tie => tally.ties += 1,
                verdict if verdict == own => tally.wins += 1,
                _ => tally.losses += 1,
            }
        }
        tally
    };
    methods.iter().map(tally).collect()
}
