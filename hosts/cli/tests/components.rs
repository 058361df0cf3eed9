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
use scant_engine::Registry;
use scant_engine::run::settings::EvaluateSettings;
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
