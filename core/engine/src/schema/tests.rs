use super::*;
use scant_abi::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How to find the nearest.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Metric {
    /// Straight.
    Euclidean,
    /// By angle.
    Cosine,
}

/// One layer.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Layer {
    /// Its width.
    width: usize,
}

/// A configuration with every form there is.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Temperature.
    temperature: f32,
    /// Weight.
    weight: Schedule,
    /// Metric.
    metric: Metric,
    /// Maybe a number.
    momentum: Option<f32>,
    /// Layers.
    layers: Vec<Layer>,
    /// Two numbers.
    range: [f32; 2],
    /// Whether.
    nesterov: bool,
    /// Maybe a metric.
    other: Option<Metric>,
    /// Rate.
    #[schemars(extend("minimum" = 0))]
    rate: Schedule,
    /// Share.
    #[schemars(range(max = 1), extend("exclusiveMinimum" = 0))]
    share: Option<f64>,
    /// Seed.
    seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            weight: 1.0.into(),
            metric: Metric::Cosine,
            momentum: None,
            layers: vec![Layer { width: 3 }],
            range: [0.0, 1.0],
            nesterov: false,
            other: None,
            rate: 1.0.into(),
            share: None,
            seed: 0,
        }
    }
}

fn problems(value: Value) -> Vec<String> {
    let schema = schemars::schema_for!(Config).to_value();
    check(&schema, &value, "loss").iter().map(ToString::to_string).collect()
}

#[test]
fn what_serde_takes_is_taken() {
    for good in [
        json!({}),
        serde_json::to_value(Config::default()).expect("written"),
        json!({"temperature": 3, "momentum": 0.9, "metric": "euclidean", "other": "cosine"}),
        json!({"weight": {"linear": {"from": 0, "to": 1}}, "layers": [{"width": 7}]}),
        json!({"weight": {"cyclical": {"from": 0, "to": 1.5, "period": 40}}}),
    ] {
        serde_json::from_value::<Config>(good.clone()).expect("serde takes it");
        assert_eq!(problems(good), Vec::<String>::new());
    }
}

#[test]
fn every_slip_is_named_with_its_place() {
    for (bad, message) in [
        (json!({"temprature": 1}), "loss.temprature: unknown key; did you mean 'temperature'?"),
        (json!({"temperature": "hot"}), "loss.temperature: must be a number, not the string 'hot'"),
        (json!({"metric": "cosin"}), "loss.metric: there is no choice 'cosin'; did you mean 'cosine'?"),
        (json!({"metric": "l1"}), "loss.metric: there is no choice 'l1'; there are cosine, euclidean"),
        (json!({"momentum": true}), "loss.momentum: must be a number, not true"),
        (json!({"layers": [{"width": -1}]}), "loss.layers[0].width: must be at least 0, not -1"),
        (json!({"layers": [{"width": 1.5}]}), "loss.layers[0].width: must be a whole number, not 1.5"),
        (json!({"layers": [{}]}), "loss.layers[0].width: is missing"),
        (json!({"layers": 7}), "loss.layers: must be a list, not 7"),
        (json!({"range": [1]}), "loss.range: must have 2 elements, not 1"),
        (json!({"weight": {"cyclicl": {}}}), "loss.weight.cyclicl: unknown key; did you mean 'cyclical'?"),
        (
            json!({"weight": {"linear": {"from": 0, "too": 1, "to": 2}}}),
            "loss.weight.linear.too: unknown key; did you mean 'to'?",
        ),
        (
            json!({"weight": "x"}),
            "loss.weight: must be a number or { constant | linear | cosine | step | cyclical = ... }, not the string 'x'",
        ),
        (json!({"weight": {}}), "loss.weight: choose one of constant, linear, cosine, step, cyclical"),
        (
            json!({"seed": "99999999999999999999"}),
            "loss.seed: 99999999999999999999 is too large; the largest whole number there is is 9223372036854775807",
        ),
        (json!({"seed": "7"}), "loss.seed: must be a whole number, not the string '7'"),
        (json!({"other": "angle"}), "loss.other: there is no choice 'angle'; there are cosine, euclidean"),
        (json!(3), "loss: must be a table, not 3"),
    ] {
        assert!(serde_json::from_value::<Config>(bad.clone()).is_err(), "{bad}");
        assert_eq!(problems(bad), [message]);
    }
}

#[test]
fn numbers_out_of_their_range_are_told_with_it() {
    for (bad, message) in [
        (json!({"share": 0}), "loss.share: must be above 0, not 0"),
        (json!({"share": 1.5}), "loss.share: must be at most 1, not 1.5"),
        (json!({"rate": -1}), "loss.rate: must be at least 0, not -1"),
    ] {
        assert_eq!(problems(bad), [message]);
    }
    assert_eq!(problems(json!({"share": 1, "rate": {"constant": 2}})), Vec::<String>::new());
}

#[test]
fn all_problems_come_at_once() {
    assert_eq!(problems(json!({"a": 1, "nesterov": 2, "temperature": [], "share": 2, "rate": -1})).len(), 5);
}

#[test]
fn parameters_are_told_in_words() {
    let schema = schemars::schema_for!(Config).to_value();
    let defaults = serde_json::to_value(Config::default()).expect("written");
    let told: Vec<String> = parameters(&schema, &defaults)
        .iter()
        .map(|p| format!("{} | {} | {} | {}", p.path, p.types, p.default, p.meaning))
        .collect();
    for line in [
        "temperature | a number | 1.0 | Temperature.",
        "momentum | a number or nothing | - | Maybe a number.",
        "metric | \"euclidean\" or \"cosine\" | \"cosine\" | Metric.",
        "nesterov | true or false | false | Whether.",
        "layers | a list | [{\"width\":3}] | Layers.",
        "layers[].width | a whole number | - | Its width.",
        "weight | a number or { constant | linear | cosine | step | cyclical = ... } | 1.0 | Weight.",
    ] {
        assert!(told.iter().any(|told| told == line), "{line} is not in {told:#?}");
    }
}

#[test]
fn defaults_are_shown_as_they_were_written() {
    let schema = json!({ "properties": { "xi": { "type": "number" }, "lr": { "type": "number" } } });
    let shown = parameters(&schema, &json!({ "xi": 0.009_f32, "lr": [0.001, 0.1_f32] }));
    let shown: Vec<&str> = shown.iter().map(|parameter| parameter.default.as_str()).collect();
    assert_eq!(shown, ["[0.001,0.1]", "0.009"]);
}
