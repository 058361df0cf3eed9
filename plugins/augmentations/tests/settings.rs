//! Settings that make no sense are refused, by name, when the component is made.

use scant_abi::{Maker, Setup};
use scant_augmentations::PLUGIN;
use serde_json::{Value, json};

fn error(name: &str, config: Value) -> String {
    let entry = (PLUGIN.components)().into_iter().find(|entry| entry.description.name == name).unwrap();
    let Maker::Augmentation(make) = entry.maker else { panic!("{name} is no augmentation") };
    make(config.clone(), &Setup::default())
        .err()
        .unwrap_or_else(|| panic!("{name} takes {config}"))
        .to_string()
}

#[test]
fn each_bad_number_is_named_with_its_range() {
    for (name, config, says) in [
        ("hflip", json!({"p": 1.5}), "`p` is 1.5; it must lie between 0 and 1"),
        ("vflip", json!({"p": -0.1}), "`p` is -0.1"),
        ("shift", json!({"fraction": 2.0}), "`fraction` is 2"),
        ("crop", json!({"size": 0}), "`size` is 0; it must be at least 1"),
        ("center-crop", json!({"size": 0}), "`size` is 0"),
        ("padded-crop", json!({"fill": 300.0}), "`fill` is 300"),
        ("rotate", json!({"degrees": 200.0}), "`degrees` is 200; it must lie between 0 and 180"),
        ("affine", json!({"scale": [1.5, 0.5]}), "`scale` is [1.5, 0.5]; the lower number must come first"),
        ("affine", json!({"scale": [0.0, 1.0]}), "`scale` is 0"),
        ("perspective", json!({"distortion": 1.1}), "`distortion` is 1.1"),
        ("cutout", json!({"size": 0}), "`size` is 0"),
        ("noise", json!({"sigma": -1.0}), "`sigma` is -1"),
        ("color-jitter", json!({"hue": 0.6}), "`hue` is 0.6; it must lie between 0 and 0.5"),
        ("color-jitter", json!({"contrast": [-0.5, 0.5]}), "`contrast` is -0.5"),
        ("color-jitter", json!({"contrast": "much"}), "expected a number, or two numbers [low, high]"),
        ("rand-augment", json!({"magnitude": 1}), "`magnitude` is 1; it must lie between 2 and 11"),
        ("rand-augment", json!({"ops": []}), "`ops` is empty"),
        ("rand-augment", json!({"ops": ["twirl"]}), "unknown variant `twirl`"),
        ("rotate", json!({"degree": 3.0}), "unknown field `degree`"),
        ("end-to-end", json!({"crop": 2.0}), "`crop` is 2"),
        ("fixmatch-weak", json!({"shift": -1.0}), "`shift` is -1"),
        ("fixmatch-strong", json!({"magnitude": 0}), "`magnitude` is 0"),
        ("pl-ae-mnist", json!({"size": 3}), "unknown field `size`"),
    ] {
        let message = error(name, config);
        assert!(message.contains(says), "{name}: {message}");
        assert!(message.contains(name), "{name}: {message}");
    }
}

#[test]
fn every_setting_is_described() {
    for entry in (PLUGIN.components)() {
        let name = &entry.description.name;
        assert!(entry.description.summary.ends_with('.'), "{name}");
        let Some(settings) = entry.description.schema.get("properties") else { continue };
        for (key, setting) in settings.as_object().unwrap() {
            let described = setting.get("description").is_some_and(|text| !text.as_str().unwrap().is_empty());
            assert!(described, "{name}: `{key}` has no description");
        }
    }
}
