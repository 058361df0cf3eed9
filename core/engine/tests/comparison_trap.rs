//! A statistical trap: methods that are equal in truth must not be told apart, whatever is looked at.

use std::collections::BTreeMap;

use scant_abi::{Key, Rng};
use scant_engine::compare::{
    Budget, DataFacts, Options, Outcome, Predictions, RunSummary, Score, TestKind, Verdict, compare,
};
use scant_engine::run::settings::Selection;

/// As many as a test split that is not tiny; and so few that equal methods often differ by the same count with every
/// seed, which is no evidence.
const SAMPLES: usize = 400;
const FEW: usize = 12;

const COMPARISONS: u64 = 1000;

/// A repeat of a method: its own accuracy, and two metrics that go with it.
fn run(method: &str, seed: u64, mean: f32, spread: f32, samples: usize, rng: &mut Rng) -> RunSummary {
    let accuracy = mean + spread * rng.normal();
    let truth: Vec<i64> = (0..samples as i64).map(|i| i % 10).collect();
    let said: Vec<i64> =
        truth.iter().map(|t| if rng.chance(accuracy) { *t } else { (*t + 1) % 10 }).collect();
    let right = truth.iter().zip(&said).filter(|(a, b)| a == b).count() as f64 / samples as f64;
    let score = |name: &str, value: f64, higher_is_better: bool| Score {
        by: "classification".into(),
        name: name.into(),
        split: "test".into(),
        value,
        higher_is_better: Some(higher_is_better),
    };
    RunSummary {
        folder: format!("{method}-{seed}"),
        method: method.into(),
        seed,
        outcome: Outcome::Finished,
        configuration: serde_json::Value::Null,
        digest: None,
        data: DataFacts {
            hashes: BTreeMap::from([("test-labels".into(), "0f".into())]),
            ..DataFacts::default()
        },
        selection: Selection::Last,
        scores: vec![
            score("top-1", right, true),
            score("error", 1.0 - right, false),
            score("nmi", right - 0.1 + 0.01 * f64::from(rng.normal()), true),
        ],
        predictions: vec![Predictions { by: "classification".into(), split: "test".into(), said, truth }],
        budget: Budget::default(),
    }
}

/// In how many comparisons of methods with these accuracies anything is called different.
fn called_different(
    accuracies: &[(&str, f32)],
    seeds: u64,
    (spread, samples): (f32, usize),
    options: &Options,
) -> usize {
    let differs = |number: &u64| {
        let key = Key::new(*number).named("trap").fold(seeds);
        let runs: Vec<RunSummary> = accuracies
            .iter()
            .enumerate()
            .flat_map(|(m, (method, mean))| (0..seeds).map(move |seed| (m as u64, *method, *mean, seed)))
            .map(|(m, method, mean, seed)| {
                run(method, seed, mean, spread, samples, &mut key.fold(m).fold(seed).rng())
            })
            .collect();
        let comparison = compare(&runs, options).expect("the runs compare");
        let deciding = comparison.tests.deciding.expect("something decides");
        let family = comparison.tests.families.iter().find(|family| family.kind == deciding);
        family.expect("its tests").pairs.iter().any(|test| test.verdict != Verdict::Tie)
    };
    (0..COMPARISONS).filter(differs).count()
}

#[test]
fn equal_methods_are_called_different_in_at_most_one_comparison_of_twenty() {
    let twins = [("a", 0.8), ("b", 0.8)];
    let triplets = [("a", 0.8), ("b", 0.8), ("c", 0.8)];
    let metrics: Vec<String> = ["top-1", "error", "nmi"].map(str::to_owned).to_vec();
    let all = Options { metrics, ..Options::default() };
    let by_ranks = Options { test: Some(TestKind::Wilcoxon), ..all.clone() };
    let pair = Options { metrics: vec!["top-1".into(), "error".into()], ..Options::default() };
    let (many, close, few) = ((0.02, SAMPLES), (0.002, SAMPLES), (0.0, FEW));
    let found = [
        ("two methods, five seeds", called_different(&twins, 5, many, &all)),
        ("two methods, two seeds", called_different(&twins, 2, close, &all)),
        ("three methods, three seeds", called_different(&triplets, 3, many, &all)),
        ("by ranks, seven seeds", called_different(&twins, 7, many, &by_ranks)),
        ("two methods, first columns", called_different(&twins, 5, many, &Options::default())),
        ("single models of one accuracy", called_different(&twins, 1, (0.0, SAMPLES), &all)),
        ("a small test split, two seeds", called_different(&triplets, 2, few, &pair)),
        ("a small test split, three seeds", called_different(&twins, 3, few, &pair)),
        ("a small test split, five seeds", called_different(&twins, 5, few, &pair)),
    ];
    let most = COMPARISONS as usize / 20;
    assert!(found.iter().all(|(_, n)| *n <= most), "of {COMPARISONS}, at most {most}: {found:?}");
    println!("called different, of {COMPARISONS}: {found:?}");
}

#[test]
fn a_method_that_is_better_wins() {
    let options = Options { metrics: vec!["top-1".into()], ..Options::default() };
    let found = called_different(&[("a", 0.8), ("b", 0.7)], 5, (0.01, SAMPLES), &options);
    assert!(found > 900, "of {COMPARISONS}: {found}");
}
