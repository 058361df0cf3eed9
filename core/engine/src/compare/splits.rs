//! Whether methods were run on the same splits.

use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, RunSummary};

type Hashes = BTreeMap<String, String>;

/// The hash over some images: kept only by folders that are not too old to have it.
pub(super) const IMAGES: &str = "images";

/// In words, every pair of methods whose splits differ.
///
/// Splits usually change with the seed, so repeats are held against the repeat with the same seed. Methods without
/// a common seed must have been run on the same set of splits.
pub(super) fn differences(methods: &[(String, Vec<&RunSummary>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (i, (first, first_runs)) in methods.iter().enumerate() {
        for (second, second_runs) in &methods[i + 1..] {
            let parts = differing_parts(&by_seed(first_runs), &by_seed(second_runs));
            if !parts.is_empty() {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                found.push(format!("'{first}' and '{second}' differ in {}", parts.join(", ")));
            }
        }
    }
    found
}

fn by_seed<'a>(runs: &[&'a RunSummary]) -> BTreeMap<u64, &'a Hashes> {
    let finished = runs.iter().filter(|run| run.outcome == Outcome::Finished);
    finished.map(|run| (run.seed, &run.data.hashes)).collect()
}

fn differing_parts(first: &BTreeMap<u64, &Hashes>, second: &BTreeMap<u64, &Hashes>) -> BTreeSet<String> {
    let common: Vec<u64> = first.keys().filter(|seed| second.contains_key(seed)).copied().collect();
    let pairs: Vec<(&Hashes, &Hashes)> = match common.is_empty() {
        false => common.iter().map(|seed| (first[seed], second[seed])).collect(),
        true if first.values().collect::<BTreeSet<_>>() == second.values().collect::<BTreeSet<_>>() => {
            Vec::new()
        }
        true => first.values().copied().zip(second.values().copied()).collect(),
    };
    let mut parts = BTreeSet::new();
    for (one, other) in pairs {
        if one.is_empty() || other.is_empty() {
            parts.insert("splits that were not recorded".to_owned());
        }
        let names = one.keys().chain(other.keys());
        let unknown = |name: &str| name == IMAGES && !(one.contains_key(name) && other.contains_key(name));
        let differs = |name: &&String| one.get(*name) != other.get(*name) && !unknown(name);
        parts.extend(names.filter(differs).cloned());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::samples::run;
    use super::*;

    fn differ(first: &[RunSummary], second: &[RunSummary]) -> Vec<String> {
        differences(&[("a".into(), first.iter().collect()), ("b".into(), second.iter().collect())])
    }

    fn with_hash(seed: u64, hash: &str) -> RunSummary {
        let mut run = run("any", seed, &[]);
        run.data.hashes.insert("labelled".into(), hash.into());
        run
    }

    #[test]
    fn repeats_are_held_against_the_same_seed() {
        let a = [with_hash(0, "x"), with_hash(1, "y")];
        assert!(differ(&a, &[with_hash(1, "y"), with_hash(0, "x"), with_hash(2, "z")]).is_empty());
        assert_eq!(differ(&a, &[with_hash(0, "x"), with_hash(1, "x")]), ["'a' and 'b' differ in labelled"]);
    }

    #[test]
    fn without_a_common_seed_the_sets_must_agree() {
        assert!(differ(&[with_hash(0, "x")], &[with_hash(5, "x")]).is_empty());
        assert_eq!(differ(&[with_hash(0, "x")], &[with_hash(5, "y")]).len(), 1);
    }

    #[test]
    fn other_images_are_other_data_where_both_runs_have_their_hash() {
        let with_images = |hash: &str| {
            let mut run = with_hash(0, "x");
            run.data.hashes.insert(IMAGES.into(), hash.into());
            run
        };
        assert_eq!(differ(&[with_images("i")], &[with_images("j")]), ["'a' and 'b' differ in images"]);
        assert!(differ(&[with_images("i")], &[with_hash(0, "x")]).is_empty());
    }

    #[test]
    fn what_was_not_recorded_is_not_taken_as_equal() {
        let mut unknown = with_hash(0, "x");
        unknown.data.hashes.clear();
        assert!(differ(&[unknown.clone()], &[unknown])[0].contains("not recorded"));
    }
}
