//! The statistics agree with scipy's; fixtures/stats.py wrote what it says.

use scant_engine::stats::{mcnemar, mean, paired_t, sample_deviation, wilcoxon};
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/stats.json")).expect("the fixture is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

#[track_caller]
fn close(ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().expect("a number");
    assert!((ours - theirs).abs() <= 1e-6 * theirs.abs().max(1.0), "{ours} {theirs}");
}

#[test]
fn mcnemar_is_the_exact_binomial_test() {
    for case in fixture()["mcnemar"].as_array().expect("a list") {
        let count = |name: &str| case[name].as_u64().expect("a count");
        close(mcnemar(count("only_first"), count("only_second")).p_value, &case["p"]);
    }
}

#[test]
fn paired_tests_agree_at_every_size_with_and_without_ties() {
    for case in fixture()["pairs"].as_array().expect("a list") {
        let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
        close(mean(&a), &case["mean"]);
        close(sample_deviation(&a).expect("more than one value"), &case["deviation"]);
        let t = paired_t(&a, &b).expect("good pairs");
        close(t.statistic, &case["t"]);
        close(t.p_value, &case["t_p"]);
        let ranks = wilcoxon(&a, &b).expect("good pairs");
        close(ranks.statistic, &case["w"]);
        close(ranks.p_value, &case["w_p"]);
    }
}
