//! Configurations: layers, methods, and everything that is wrong with one said at once.

mod common;

use std::fs;
use std::path::PathBuf;

use common::registry;
use scant_engine::run::{Configuration, check, resolved_text};
use serde_json::json;

const BASE: &str = r#"
name = "toy"
[data]
dataset = "blobs"
labels = { per_class = 20 }
[model]
use = "two-layers"
[[stage]]
trainer = "sgd"
epochs = 4
batch = 16
loss = ["cross-entropy"]
"#;

fn load(
    files: &[(&str, &str)],
    environment: &[(&str, &str)],
    sets: &[&str],
) -> Result<Configuration, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, text)| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("written");
            path
        })
        .collect();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    // The last file is the one that is asked for; the others are there to be extended.
    let asked = &paths[paths.len() - 1..];
    Configuration::load(asked, environment, &sets).map_err(|error| error.to_string())
}

fn findings(text: &str) -> Vec<String> {
    let configuration = load(&[("run.toml", text)], &[], &[]).expect("loaded");
    let findings = check(&registry(), &configuration).expect("checked").expect_err("something is wrong");
    findings
        .iter()
        .map(|finding| {
            assert!(
                finding.origin.as_ref().is_some_and(|origin| origin.ends_with("run.toml")),
                "{finding:?}"
            );
            finding.problem.to_string()
        })
        .collect()
}

#[test]
fn later_layers_win_and_tables_are_merged() {
    let top = "extends = \"base.toml\"\nseed = 1\n[data]\nlabels = { count = 30 }\n";
    let environment = [("SCANT__SEED", "2"), ("SCANT__STAGE__0__EPOCHS", "9"), ("SCANT_THREADS", "4")];
    let loaded = load(&[("base.toml", BASE), ("run.toml", top)], &environment, &["seed=3", "name=other"]);
    let value = loaded.expect("loaded").value;
    assert_eq!(value["seed"], json!(3));
    assert_eq!(value["name"], json!("other"));
    assert_eq!(value["stage"][0]["epochs"], json!(9));
    assert_eq!(value["stage"][0]["batch"], json!(16));
    assert_eq!(value["data"]["dataset"], json!("blobs"));
    assert_eq!(value.get("extends"), None);
}

#[test]
fn yaml_and_json_say_the_same_as_toml() {
    let yaml = "extends: base.toml\nseed: 5\ncheckpoint: {keep: 3}\n";
    let json = r#"{"extends": "base.toml", "seed": 5, "checkpoint": {"keep": 3}}"#;
    let toml = "extends = 'base.toml'\nseed = 5\ncheckpoint = { keep = 3 }\n";
    let [yaml, json, toml] = [("run.yaml", yaml), ("run.json", json), ("run.toml", toml)]
        .map(|file| load(&[("base.toml", BASE), file], &[], &[]).expect("loaded").value);
    assert_eq!(yaml, toml);
    assert_eq!(json, toml);
}

#[test]
fn a_file_that_extends_itself_is_refused() {
    let error = load(&[("run.toml", "extends = 'run.toml'")], &[], &[]).expect_err("refused");
    assert!(error.contains("extends itself"), "{error}");
}

#[test]
fn a_good_configuration_is_resolved_and_reads_back() {
    let configuration = load(&[("run.toml", BASE)], &[], &[]).expect("loaded");
    let methods = check(&registry(), &configuration).expect("checked").expect("nothing is wrong");
    let text = resolved_text(&methods[0].settings).expect("written");
    assert!(text.contains("select = \"last\"") && text.contains("lr = 4.0"), "{text}");
    assert_eq!(toml::from_str::<scant_engine::run::Settings>(&text).expect("read"), methods[0].settings);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let wrong = BASE
        .replace("name = \"toy\"", "name = \"toy\"\nseeed = 3\nselect = \"best-on-validation\"")
        .replace("per_class = 20", "per_class = 0")
        .replace("batch = 16", "batch = \"many\"")
        .replace("trainer = \"sgd\"", "trainer = { use = \"sdg\" }\naugment = [\"bightness\"]")
        .replace("[\"cross-entropy\"]", "[{ use = \"cross-entropy\", no = \"logits\", weight = 2 }]")
        .replace("use = \"two-layers\"", "use = \"two-layers\"\nwidht = 4");
    let found = findings(&wrong).join("\n");
    for said in [
        "seeed",
        "did you mean 'seed'",
        "stage[0].batch",
        "there is no component 'sdg' of kind trainer; did you mean 'sgd'?",
        "stage[0].loss[0].no",
        "model.widht",
        "'width'",
        "stage[0].augment[0]: there is no component 'bightness' of kind augmentation",
        "data.labels: must be at least 1",
        "select: 'best-on-validation' compares epochs",
    ] {
        assert!(found.contains(said), "'{said}' is missing from:\n{found}");
    }
}

#[test]
fn what_does_not_fit_together_is_found_without_data() {
    let wrong = format!(
        "{}\nfreeze = [\"decoder\"]\ntake = {{ head = \"pretrain\" }}\n[[evaluate]]\nuse = \"accuracy\"\n\
         stage = \"sdg\"\n[[evaluate]]\nuse = \"accuracy\"\non = \"reconstruction\"\n",
        BASE.replace("use = \"two-layers\"", "use = \"two-layers\"\nhead = false")
            .replace("per_class = 20", "fraction = 1.5")
            .replace("name = \"toy\"", "name = \"toy\"\nselect = \"oracle\"")
    );
    let found = findings(&wrong).join("\n");
    for said in [
        "data.labels.fraction: must lie in (0, 1], not 1.5",
        "select: 'oracle' compares epochs",
        "stage[0].freeze: the model has no part 'decoder'; it has encoder",
        "stage[0].take: 'pretrain' is neither an earlier stage",
        "evaluate[0].stage: there is no stage 'sdg'",
        "evaluate[1]: reads the output 'reconstruction', and the model has only embedding, counted",
        "the model has no output 'logits'; it has embedding",
    ] {
        assert!(found.contains(said), "'{said}' is missing from:\n{found}");
    }
}

#[test]
fn splits_that_the_images_do_not_suffice_for_are_found_without_data() {
    let enough = load(&[("run.toml", &BASE.replace("= 20", "= 80"))], &[], &[]).expect("loaded");
    assert!(check(&registry(), &enough).expect("checked").is_ok());
    let asks = |labels: &str| findings(&BASE.replace("per_class = 20", labels));
    let found = asks("per_class = 81").join("\n");
    assert!(found.contains("data.labels: 81 samples of class 0 are wanted, 80 are there"), "{found}");
    let found = asks("count = 200 }\nvalidation = { count = 41").join("\n");
    assert!(found.contains("data.labels: 200 samples are wanted"), "{found}");
}

#[test]
fn methods_share_what_they_do_not_say_themselves() {
    let text = format!(
        "{BASE}\n[[method]]\nname = \"plain\"\n[[method]]\nname = \"wide\"\nmodel = {{ width = 32 }}\nselect = \"last\"\n"
    );
    let configuration = load(&[("run.toml", &text)], &[], &[]).expect("loaded");
    let methods = check(&registry(), &configuration).expect("checked").expect("nothing is wrong");
    let labels: Vec<&str> = methods.iter().map(|method| method.settings.label()).collect();
    assert_eq!(labels, ["plain", "wide"]);
    let models: Vec<_> =
        methods.iter().map(|m| serde_json::to_value(&m.settings.model).expect("json")).collect();
    let model = |width: usize| json!({"use": "two-layers", "width": width, "head": true});
    assert_eq!(models, [model(8), model(32)]);
    assert_eq!(methods[0].settings.stage, methods[1].settings.stage);

    let wrong = text.replace("width = 32", "widht = 32");
    assert_eq!(findings(&wrong).len(), 1);

    let stage = "[[method.stage]]\ntrainer = \"sgd\"\nepochs = 1\nbatch = 8\n";
    let own =
        format!("{}\n[[method]]\nname = \"one\"\n{stage}", BASE.split("[[stage]]").next().expect("head"));
    let configuration = load(&[("run.toml", &own)], &[], &["stage[0].epochs=5"]).expect("loaded");
    let found = check(&registry(), &configuration).expect("checked").expect_err("something is wrong");
    let said = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(said.contains("stage: every method has its own stage"), "{said}");
}
