//! What holds for every component that is linked in, whatever it does.

// Naming a crate is what keeps its registration in the program.
use scant_augmentations as _;
use scant_autoencoder as _;
use scant_beta_vae as _;
use scant_datasets as _;
use scant_dec as _;
use scant_end_to_end as _;
use scant_evaluators as _;
use scant_fixmatch_attention as _;
use scant_losses as _;
use scant_networks as _;
use scant_pl_ae as _;
use scant_pseudo_label as _;
use scant_supervised as _;
use scant_vat as _;

use scant_abi::{Description, Kind};
use scant_engine::run::settings::EvaluateSettings;
use scant_engine::{Registry, schema};
use serde_json::{Map, Value, json};

fn components() -> Vec<Description> {
    let registry = Registry::linked().expect("linked");
    registry.iter().map(|registered| registered.description().clone()).collect()
}

/// The component's parameters, as its schema describes them.
fn parameters(component: &Description) -> Map<String, Value> {
    component.schema["properties"].as_object().cloned().unwrap_or_default()
}

#[test]
fn every_parameter_reaches_its_component() {
    for component in components().iter().filter(|component| component.kind == Kind::Evaluator) {
        for (key, _) in parameters(component) {
            let block = json!({ "use": component.name, key.as_str(): "anything" });
            let read = serde_json::from_value::<EvaluateSettings>(block);
            let reaches = read.is_ok_and(|block| block.parameters.contains_key(&key));
            assert!(reaches, "the engine keeps {}.{key} for itself", component.name);
        }
    }
    for component in components().iter().filter(|component| component.kind == Kind::Loss) {
        for key in ["use", "weight"] {
            let has = parameters(component).contains_key(key);
            assert!(!has, "the engine keeps {}.{key} for itself", component.name);
        }
    }
}

#[test]
fn every_default_is_one_that_a_configuration_may_say() {
    for component in components() {
        let mut defaults = component.defaults.clone();
        if let Some(defaults) = defaults.as_object_mut() {
            // TOML cannot say "nothing": the key is left out.
            defaults.retain(|_, value| !value.is_null());
        }
        assert_eq!(schema::check(&component.schema, &defaults, ""), [], "{}", component.name);
    }
}

/// Numbers that may be anything.
const ANY_NUMBER: [&str; 3] = ["stability.scale", "network.leaky-relu", "network.elu"];

#[test]
fn every_number_says_where_it_begins() {
    let mut without = Vec::new();
    for component in components() {
        let root = &component.schema;
        let definitions = root["$defs"].as_object().into_iter().flatten();
        // What a schedule moves between is bounded where the schedule stands.
        let tables = definitions.filter(|(name, _)| *name != "Change").map(|(_, table)| table);
        for table in tables.chain([root]) {
            let variants = table["oneOf"].as_array().into_iter().flatten();
            for part in variants.chain([table]) {
                let keys = part["properties"].as_object().into_iter().flatten();
                let open = keys.filter(|(_, value)| is_open(root, value));
                without.extend(open.map(|(key, _)| format!("{}.{key}", component.name)));
            }
        }
    }
    without.retain(|place| !ANY_NUMBER.contains(&place.as_str()));
    assert_eq!(without, Vec::<String>::new());
}

/// Whether the schema takes a number however far below 0.
fn is_open(root: &Value, schema: &Value) -> bool {
    if schema.get("minimum").or(schema.get("exclusiveMinimum")).or(schema.get("enum")).is_some() {
        return false;
    }
    if let Some(pointer) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        return root.pointer(pointer).is_some_and(|target| is_open(root, target));
    }
    if let Some(several) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        return several.iter().any(|one| is_open(root, one));
    }
    let has_type = |name: &str| match &schema["type"] {
        Value::Array(names) => names.iter().any(|known| known == name),
        known => known == name,
    };
    has_type("number") || has_type("array") && is_open(root, &schema["items"])
}

#[test]
fn all_numbers_out_of_range_are_told_at_once() {
    let registry = Registry::linked().expect("linked");
    for (kind, name, config, places) in [
        (
            Kind::Trainer,
            "dec",
            json!({
                "update_interval": 0, "n_init": 0, "tol": 2, "alpha": 0, "weight": -1, "clusters": 1,
                "optimizer": { "lr": -1, "momentum": 1, "betas": [-1, 2], "clip_norm": 0 }
            }),
            11,
        ),
        (
            Kind::Trainer,
            "fixmatch-attention",
            json!({ "p_cutoff": 2, "uratio": 0, "ema_m": { "keep": 1 } }),
            3,
        ),
        (Kind::Trainer, "pseudo-label", json!({ "ema_m": 1.5, "ulb_loss_ratio": -1 }), 2),
        (Kind::Trainer, "end-to-end-clustering", json!({ "augmentations": 65 }), 1),
        (Kind::Loss, "vat", json!({ "xi": 0, "eps": 0, "iters": 0, "entropy": -1 }), 4),
        (Kind::Loss, "beta-vae", json!({ "beta": -1 }), 1),
        (Kind::Evaluator, "clustering", json!({ "starts": 1_000_000_000, "clusters": 0 }), 2),
        (Kind::Evaluator, "linear-probe", json!({ "held_out": 1, "l2": [-1], "steps": 0 }), 3),
        (Kind::Evaluator, "knn-probe", json!({ "neighbors": 0, "temperature": 0 }), 2),
        (Kind::Evaluator, "embedding-map", json!({ "split": "tset", "points": 1, "perplexity": 0 }), 3),
        (Kind::Model, "small-cnn", json!({ "dropout": -1, "channels": [0, 0] }), 3),
        (Kind::Model, "wide-resnet", json!({ "depth": 0, "width": 0, "dropout": 1 }), 3),
        (Kind::Augmentation, "rand-augment", json!({ "count": 1_000_000, "p": 2, "ops": [] }), 3),
        (Kind::Augmentation, "color-jitter", json!({ "hue": 1, "contrast": -1 }), 2),
        (Kind::Dataset, "synthetic-digits", json!({ "strays": 1_000_000_000_000_u64, "noise": -1 }), 2),
    ] {
        let problems = registry.check(kind, name, &config, "").expect("known");
        assert_eq!(problems.len(), places, "{name}: {problems:#?}");
    }
}
