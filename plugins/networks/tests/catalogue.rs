//! Every model of the catalogue can be made from nothing but its defaults, and keeps what its entry says.

use scant_abi::{Forward, Maker, Setup, Tensor};
use scant_networks::PLUGIN;
use serde_json::Value;

/// An image size that suits the network.
fn image(name: &str) -> [usize; 3] {
    match name {
        "conv-autoencoder-64" | "alexnet" => [3, 64, 64],
        "squeezenet" | "vgg16-bn" => [3, 32, 32],
        _ => [1, 28, 28],
    }
}

#[test]
fn every_model_is_made_by_default_and_gives_what_its_entry_says() {
    let entries = (PLUGIN.components)();
    assert_eq!(entries.len(), 14);
    for entry in entries {
        let name = entry.description.name.as_str();
        // Their fully connected heads alone take half a gigabyte; core/nn counts their parameters.
        if ["network", "vgg16-bn", "alexnet"].contains(&name) {
            continue;
        }
        let Maker::Model(make) = &entry.maker else { panic!("{name} is a model") };
        let image = image(name);
        let setup = Setup { image, classes: 10, ..Setup::default() };
        let mut model = make(Value::Null, &setup).unwrap_or_else(|error| panic!("{error}"));
        let given = model.outputs();
        for (output, _) in entry.description.outputs.iter().filter(|(output, _)| output != "attention") {
            assert!(given.iter().any(|info| info.name == *output), "{name} has no '{output}'");
        }
        let [c, h, w] = image;
        let images = Tensor::from_f32(vec![0.5; 2 * c * h * w], &[2, c, h, w]).expect("fits");
        let options = Forward { outputs: &["logits"], ..Forward::evaluation() };
        let pass = model.forward(images.view(), &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(*pass.output("logits").expect("there").shape(), [2, 10], "{name}");
    }
}

#[test]
fn a_described_network_is_a_component() {
    let entries = (PLUGIN.components)();
    let entry = entries.iter().find(|entry| entry.description.name == "network").expect("listed");
    let Maker::Model(make) = &entry.maker else { panic!("a model") };
    let setup = Setup { image: [1, 4, 4], classes: 10, ..Setup::default() };
    let text =
        r#"{"parts": [{"name": "encoder", "layers": [{"linear": {"out": 3}}, {"output": "embedding"}]}]}"#;
    let model = make(serde_json::from_str(text).expect("JSON"), &setup).expect("made");
    assert_eq!(model.outputs()[0].dims, [3]);
    let error = make(Value::Null, &setup).err().expect("refused").to_string();
    assert!(error.contains("describe at least one under 'parts'"), "{error}");
}

#[test]
fn weights_that_are_not_there_are_missed_by_name() {
    let entries = (PLUGIN.components)();
    let entry = entries.iter().find(|entry| entry.description.name == "squeezenet").expect("listed");
    let Maker::Model(make) = &entry.maker else { panic!("a model") };
    let setup = Setup { image: [3, 32, 32], classes: 10, ..Setup::default() };
    let error = make(serde_json::json!({"weights": "none.safetensors"}), &setup).err().expect("refused");
    assert!(error.to_string().contains("there is no file 'none.safetensors'"), "{error}");
}
