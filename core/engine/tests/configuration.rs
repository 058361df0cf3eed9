//! Configurations: layers, methods, and everything that is wrong with one said at once.

mod common;

use std::fs;
use std::path::PathBuf;

use common::registry;
use scant_engine::run::{Configuration, Finding, check, resolved_text};
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
    let findings = check(&registry(), &configuration).expect_err("something is wrong");
    findings
        .iter()
        .map(|finding| {
            assert!(
                finding.problem.message == "is missing"
                    || finding.origin.as_ref().is_some_and(|origin| origin.ends_with("run.toml")),
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
    let methods = check(&registry(), &configuration).expect("nothing is wrong");
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
fn selections_that_no_evaluation_serves_are_found() {
    let held_out = BASE.replace("per_class = 20 }", "per_class = 20 }\nvalidation = { per_class = 2 }");
    let asks = |select: &str, evaluate: &str| {
        let text = held_out.replace("name = \"toy\"", &format!("name = \"toy\"\nselect = \"{select}\""));
        let text = format!("{text}[[evaluate]]\nuse = \"accuracy\"\n{evaluate}\n");
        let configuration = load(&[("run.toml", &text)], &[], &[]).expect("loaded");
        check(&registry(), &configuration).err().map(|found| found[0].problem.to_string())
    };
    let found = asks("best-on-validation", "every = 1\nsplits = [\"test\"]").expect("wrong");
    assert!(found.contains("needs `every`, up to its 4 epochs, and the split validation"), "{found}");
    assert!(asks("best-on-validation", "every = 5").is_some());
    assert!(asks("oracle", "every = 1\nsplits = [\"train\"]").is_some());
    assert!(asks("median-of-last-20", "every = 9").is_some());
    for select in ["best-on-validation", "oracle", "median-of-last-20"] {
        assert_eq!(asks(select, "every = 2"), None);
    }
}

#[test]
fn epochs_that_no_memory_holds_are_found() {
    let found = findings(&format!("{BASE}steps_per_epoch = 1000000000000\n")).join("\n");
    assert!(found.contains("stage[0].steps_per_epoch: asks for more than"), "{found}");
    let found = findings(&BASE.replace("batch = 16", "batch = 9223372036854775807")).join("\n");
    assert!(found.contains("stage[0].batch: asks for more than"), "{found}");
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
    assert!(check(&registry(), &enough).is_ok());
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
    let methods = check(&registry(), &configuration).expect("nothing is wrong");
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
    let said = load(&[("run.toml", &own)], &[], &["stage[0].epochs=5"]).expect_err("refused");
    assert!(
        said.contains("every method has its own stage: name the one that is meant, method[0].stage[0]"),
        "{said}"
    );
    let configuration = load(&[("run.toml", &own)], &[], &["stage=[]"]).expect("loaded");
    let found = check(&registry(), &configuration).expect_err("something is wrong");
    let said = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(said.contains("stage: every method has its own stage"), "{said}");
}

/// The configuration's value where `run.toml` with `text` extends [`BASE`], under these sets.
fn over_base(text: &str, sets: &[&str]) -> serde_json::Value {
    let top = format!("extends = \"base.toml\"\n{text}");
    load(&[("base.toml", BASE), ("run.toml", &top)], &[], sets).expect("loaded").value
}

#[test]
fn another_choice_replaces_the_one_below() {
    let count = json!({"count": 50});
    assert_eq!(over_base("[data]\nlabels = { count = 50 }", &[])["data"]["labels"], count);
    assert_eq!(over_base("", &["data.labels={count=50}"])["data"]["labels"], count);
    assert_eq!(over_base("", &["data.labels.count=50"])["data"]["labels"], count);
    let environment = [("SCANT__DATA__LABELS__COUNT", "50")];
    let loaded = load(&[("run.toml", BASE)], &environment, &[]).expect("loaded");
    assert_eq!(loaded.value["data"]["labels"], count);

    // The same `use` is the same thing with other keys; another `use` brings none of them.
    let wide = "[model]\nuse = \"two-layers\"\nwidth = 5\n";
    assert_eq!(
        over_base(wide, &["model.head=false"])["model"],
        json!({"use": "two-layers", "width": 5, "head": false})
    );
    assert_eq!(over_base(wide, &["model={use='other'}"])["model"], json!({"use": "other"}));
    assert_eq!(over_base(wide, &["model.use='other'"])["model"], json!({"use": "other"}));
    assert_eq!(
        over_base("[model]\nuse = \"other\"\ndepth = 1", &[])["model"],
        json!({"use": "other", "depth": 1})
    );
    let weighed =
        ["stage[0].loss[0]={use='cross-entropy',weight=2,on='logits'}", "stage[0].loss[0].use='other'"];
    assert_eq!(over_base("", &weighed)["stage"][0]["loss"][0], json!({"use": "other", "weight": 2}));
    let lr = ["stage[0].optimizer.lr.linear={from=1,to=0}", "stage[0].optimizer.lr.cosine={from=1}"];
    assert_eq!(over_base("", &lr)["stage"][0]["optimizer"]["lr"], json!({"cosine": {"from": 1}}));
    // A name alone is the table that it stands for.
    let spelt = json!({"use": "sgd", "unlabelled": true});
    assert_eq!(over_base("", &["stage[0].trainer.unlabelled=true"])["stage"][0]["trainer"], spelt);
    assert_eq!(
        over_base("[data.dataset]\nshift = 1\n", &[])["data"]["dataset"],
        json!({"use": "blobs", "shift": 1})
    );
    // A table that is set is all that is there afterwards.
    assert_eq!(
        over_base("checkpoint = { steps = 2 }", &["checkpoint={keep=3}"])["checkpoint"],
        json!({"keep": 3})
    );

    let text = format!("{BASE}\n[[method]]\nname = \"few\"\ndata = {{ labels = {{ count = 6 }} }}\n");
    let configuration = load(&[("run.toml", &text)], &[], &[]).expect("loaded");
    let (methods, _) = configuration.methods();
    assert_eq!(methods[0].value["data"], json!({"dataset": "blobs", "labels": {"count": 6}}));
}

#[test]
fn numbers_that_are_none_are_refused_with_their_place() {
    for number in ["nan", "inf", "-inf"] {
        let set = format!("data.labels.fraction={number}");
        let configuration = load(&[("run.toml", BASE)], &[], &[&set]).expect("loaded");
        let found = check(&registry(), &configuration).expect_err("something is wrong");
        let [found] = found.try_into().expect("one");
        let said = Finding::to_string(&found);
        assert!(said.starts_with("--set data.labels.fraction: must be a finite number, not "), "{said}");
    }
    let text = BASE.replace("epochs = 4", "epochs = nan").replace("batch = 16", "batch = inf");
    let found = findings(&format!("{text}optimizer = {{ lr = nan }}\n"));
    let not = |key: &str, number: &str| format!("stage[0].{key}: must be a finite number, not {number}");
    assert_eq!(found, [not("batch", "inf"), not("epochs", "NaN"), not("optimizer.lr", "NaN")]);
    let method = "\n[[method]]\nname = \"wide\"\nmodel = { width = nan }\n";
    assert_eq!(
        findings(&format!("{BASE}{method}")),
        ["method[0].model.width: must be a finite number, not NaN"]
    );
}

#[test]
fn an_element_that_is_not_there_is_refused_in_one_line() {
    for index in ["99999999999", "5", "1"] {
        let set = format!("stage[{index}].epochs=3");
        let error = load(&[("run.toml", BASE)], &[], &[&set]).expect_err("refused");
        let said =
            format!("--set stage[{index}].epochs: there is no stage[{index}]; stage[0] is all there is");
        assert_eq!(error, said);
    }
    let error = load(&[("run.toml", BASE)], &[("SCANT__STAGE__EPOCHS", "2")], &[]).expect_err("refused");
    assert_eq!(error, "SCANT__STAGE__EPOCHS: stage is a list: say which of it is meant, stage[0].epochs");
    let error = load(&[("run.toml", BASE)], &[], &["extends=other.toml"]).expect_err("refused");
    assert_eq!(error, "--set extends: only a file can extend another");
    let error = load(&[("run.toml", BASE)], &[], &["stage[x].epochs=3"]).expect_err("refused");
    assert!(error.contains("'stage[x].epochs' is no key"), "{error}");
    // A whole new last element is one more.
    let value = over_base("", &["evaluate[0]={use='accuracy'}", "stage[0].loss[1]='cross-entropy'"]);
    assert_eq!(value["evaluate"], json!([{"use": "accuracy"}]));
    assert_eq!(value["stage"][0]["loss"], json!(["cross-entropy", "cross-entropy"]));
}

#[test]
fn names_that_would_lead_out_of_the_folder_are_found() {
    for name in ["../../elsewhere", "a/b", "a\\\\b", "..", ".", "", "a\\u0000b"] {
        let wrong = BASE
            .replace("name = \"toy\"", &format!("name = \"{name}\""))
            .replace("[[stage]]", &format!("[[stage]]\nname = \"{name}\""))
            + &format!("[[evaluate]]\nuse = \"accuracy\"\nlabel = \"{name}\"\n");
        let found = findings(&wrong);
        let at: Vec<&str> = found.iter().filter_map(|said| said.split(": ").next()).collect();
        assert_eq!(at, ["name", "stage[0].name", "evaluate[0].label"], "{found:?}");
        assert!(found.iter().all(|said| said.contains("cannot be a file's name")), "{found:?}");
    }
}

#[test]
fn methods_that_would_share_a_folder_are_found() {
    let named = |names: [&str; 2]| {
        let methods: Vec<String> =
            names.iter().map(|name| format!("\n[[method]]\nname = \"{name}\"\n")).collect();
        findings(&format!("{BASE}{}", methods.concat()))
    };
    let [found] = named(["x/y", "x y"]).try_into().expect("one");
    assert_eq!(found, "method[1].name: 'x/y' and 'x y' would both be kept in 'x-y': rename one");
    assert!(named(["..", "b"])[0].contains("method[0].name: '..' cannot be a folder's name"));
}

#[test]
fn a_stage_s_optimiser_is_blamed_where_it_stands() {
    let wrong = "lr = -1.0";
    let found = findings(&format!("{BASE}optimizer = {{ {wrong} }}\n"));
    assert!(found[0].starts_with("stage[0].optimizer.lr: "), "{found:?}");
    let misspelt = BASE.replace("\"sgd\"", "{ use = \"sgd\", unlabeled = true }");
    let found = findings(&format!("{misspelt}optimizer = {{ {wrong} }}\n"));
    assert!(found[0].starts_with("stage[0].trainer.unlabeled: unknown key"), "{found:?}");
    assert!(found[1].starts_with("stage[0].optimizer.lr: "), "{found:?}");
    let own = BASE.replace("\"sgd\"", &format!("{{ use = \"sgd\", optimizer = {{ {wrong} }} }}"));
    let found = findings(&own);
    assert!(found[0].starts_with("stage[0].trainer: optimizer.lr: "), "{found:?}");
}

#[test]
fn files_that_cannot_be_extended_are_named_with_the_one_that_asks_for_them() {
    for (extends, said) in [
        ("\"nowhere.toml\"", "run.toml: extends: "),
        ("\"nowhere.toml\"", "nowhere.toml: there is no such file"),
        ("3", "run.toml: extends must name a file, or a list of them"),
        ("[3]", "run.toml: extends must name a file, or a list of them"),
        ("\".\"", ": this is a folder, no file"),
    ] {
        let error =
            load(&[("run.toml", &format!("extends = {extends}\n{BASE}"))], &[], &[]).expect_err("refused");
        assert!(error.contains(said), "{error}");
    }
    let error = load(&[("run.txt", BASE)], &[], &[]).expect_err("refused");
    assert!(error.ends_with("run.txt: must end in .toml, .yaml or .json"), "{error}");
}

#[test]
fn what_depends_on_images_that_nobody_has_seen_is_left_to_them() {
    let unknown = BASE.replace("\"blobs\"", "{ use = \"blobs\", hidden = true }");
    // The model says which images it does not take, and others may be meant.
    let narrow = unknown.replace("use = \"two-layers\"", "use = \"two-layers\"\nwidth = 0");
    for text in [&unknown, &narrow] {
        let loaded = load(&[("run.toml", text)], &[], &[]).expect("loaded");
        assert!(check(&registry(), &loaded).is_ok());
    }
    let found = findings(&unknown.replace("batch = 16", "batch = 16\nfreeze = [\"decoder\"]"));
    assert!(found[0].starts_with("stage[0].freeze: the model has no part 'decoder'"), "{found:?}");
}

#[test]
fn a_weight_that_is_no_schedule_is_told_once() {
    let lineer =
        BASE.replace("[\"cross-entropy\"]", "[{ use = \"cross-entropy\", weight = { lineer = 1 } }]");
    let [found] = findings(&lineer).try_into().expect("one");
    assert_eq!(found, "stage[0].loss[0].weight.lineer: unknown key; did you mean 'linear'?");
}

#[test]
fn a_misspelt_trainer_hides_nothing_of_its_optimiser() {
    let wrong = BASE.replace("\"sgd\"", "\"sgdd\"");
    let found = findings(&format!("{wrong}optimizer = {{ lrr = 1 }}\n"));
    assert!(found[0].starts_with("stage[0].trainer: there is no component 'sgdd'"), "{found:?}");
    assert!(found[1].starts_with("stage[0].optimizer.lrr: unknown key"), "{found:?}");
}

#[test]
fn what_is_wrong_with_a_block_hides_nothing_else() {
    let blocks = "[[method]]\nmodel = { widht = 1 }\n[[method]]\nname = \"a\"\n[[method]]\nname = \"a\"\n\
                  model = { width = \"x\" }\n[[method]]\nname = 3\n[[method]]\nname = \"b\"\nseedd = 1\n";
    let found = findings(&format!("{}{blocks}", BASE.replace("batch = 16", "batch = 0")));
    for said in [
        "method[0].name: is missing",
        "method[2].name: there are two methods called 'a'",
        "method[3].name: must be text",
        "method[0].model.widht: unknown key; did you mean 'width'?",
        "stage[0].batch: must be at least 1",
        "method[2].model.width: ",
        "seedd: unknown key; did you mean 'seed'?",
    ] {
        let times = found.iter().filter(|found| found.starts_with(said)).count();
        assert_eq!(times, 1, "'{said}' in {found:?}");
    }
    assert_eq!(found.len(), 7, "{found:?}");
    let none = BASE.replace("name = \"toy\"", "name = \"toy\"\nmethod = []");
    assert_eq!(findings(&none), ["method: lists no method: leave it out, or write a [[method]]"]);
    let stageless = BASE.split("[[stage]]").next().expect("head");
    let found =
        load(&[("run.toml", &format!("{stageless}[[method]]\nname = \"a\"\n"))], &[], &[]).expect("loaded");
    let found = check(&registry(), &found).expect_err("something is wrong");
    let [found] = found.try_into().expect("one");
    let said = Finding::to_string(&found);
    assert!(said.ends_with("run.toml: method 'a': stage: is missing"), "{said}");
    let one_label = BASE.replace("name = \"toy\"", "name = \"toy\"\nlabel = \"same\"");
    let blocks = "[[method]]\nname = \"a\"\n[[method]]\nname = \"b\"\n";
    let shared = load(&[("run.toml", &format!("{one_label}{blocks}"))], &[], &[]).expect("loaded");
    let methods = check(&registry(), &shared).expect("nothing is wrong");
    assert_eq!(methods.iter().map(|method| method.settings.label()).collect::<Vec<_>>(), ["a", "b"]);
    // Of blocks that differ in their seeds alone tables make repeats of one method.
    let repeats = load(&[("run.toml", &format!("{BASE}{blocks}label = \"a\"\nseed = 1\n"))], &[], &[]);
    assert!(check(&registry(), &repeats.expect("loaded")).is_ok());
    let found = findings(&format!("{BASE}{blocks}label = \"a\"\nselect = \"oracle\"\nplugins = [\"x\"]\n"));
    assert!(found[0].starts_with("method[1].plugins: stands at the top of the file"), "{found:?}");
    assert_eq!(found[1], "method[1].label: another method is called 'a' in tables: rename one");
    let table = findings(&format!("{}[method]\nname = \"a\"\nseedd = 1\n", BASE));
    assert_eq!(table[0], "method: must be a list of tables: write [[method]]");
    assert!(table[1].starts_with("seedd: unknown key"), "{table:?}");
    let text = BASE.replace("name = \"toy\"", "name = \"toy\"\nmethod = [1]");
    assert_eq!(findings(&text), ["method[0]: must be a table with a name"]);
    let two = "[[method]]\nname = \"a\"\n[[method]]\nname = \"b\"\n";
    let found = findings(&format!("{}{two}", BASE.replace("\"toy\"", "\"a/é\"")));
    assert!(
        matches!(&found[..], [one] if one.starts_with("name: 'a/é' cannot be a file's name")),
        "{found:?}"
    );
}

#[test]
fn what_is_wrong_with_the_data_or_the_model_hides_nothing_else() {
    let rest = "freeze = [\"decoder\"]\ntake = { head = \"pretrain\" }\noptimizer = { lrr = 1.0 }\n\
                [[evaluate]]\nuse = \"accuracy\"\non = \"reconstruction\"\n";
    let others = [
        "stage[0].freeze: the model has no part 'decoder'",
        "stage[0].take: 'pretrain' is neither an earlier stage",
        "stage[0].optimizer.lrr: unknown key; did you mean 'lr'?",
        "stage[0].loss[0].weight: must be a number from 0 to",
        "evaluate[0]: reads the output 'reconstruction'",
    ];
    let base = BASE.replace("[\"cross-entropy\"]", "[{ use = \"cross-entropy\", weight = -1 }]");
    for (from, to, own) in [
        ("dataset = \"blobs\"", "dataset = \"blobbs\"", "data.dataset: there is no component 'blobbs'"),
        ("dataset = \"blobs\"", "dataset = { use = \"blobs\", fil = 1 }", "data.dataset.fil: unknown key"),
        (
            "[model]",
            "prepare = [\"resise:3\", \"rgb\", \"pad:x\"]\n[model]",
            "data.prepare[2]: 'pad:x' does not fit; write 'pad:2'",
        ),
        (
            "[model]",
            "prepare = [\"resise:3\", \"rgb\", \"pad:x\"]\n[model]",
            "data.prepare[0]: 'resise:3': there is",
        ),
        ("two-layers", "two-layer", "model: there is no component 'two-layer' of kind model"),
        ("use = \"two-layers\"", "use = \"two-layers\"\nwidht = 4", "model.widht: unknown key"),
        ("name = \"toy\"", "", "name: is missing"),
    ] {
        let found = findings(&format!("{}{rest}", base.replace(from, to))).join("\n");
        for said in others.iter().chain([&own]) {
            assert!(found.contains(said), "{to}: '{said}' is missing from:\n{found}");
        }
    }
}

#[test]
fn splits_and_streams_that_cannot_be_are_found() {
    let asks = |data: &str| findings(&BASE.replace("labels = { per_class = 20 }", data)).join("\n");
    let found = asks("labels = \"none\"");
    assert!(
        found.contains("stage[0].trainer: wants labelled samples, and `data.labels` leaves none"),
        "{found}"
    );
    let both = BASE.replace("\"sgd\"", "{ use = \"sgd\", unlabelled = true }");
    let found = findings(&both.replace("{ per_class = 20 }", "\"all\"")).join("\n");
    assert!(
        found.contains("stage[0].trainer: wants unlabelled samples, and `data.labels` leaves none"),
        "{found}"
    );
    let good = load(&[("run.toml", &both)], &[], &[]).expect("loaded");
    assert!(check(&registry(), &good).is_ok());
    let untested = BASE.replace("\"blobs\"", "{ use = \"blobs\", test = 0 }");
    let found = findings(&format!(
        "{untested}[[evaluate]]\nuse = \"accuracy\"\n[[evaluate]]\nuse = \"accuracy\"\nsplits = [\"test\"]\n"
    ));
    assert!(found[0].contains("evaluate[0]: the data have no test image; say which splits"), "{found:?}");
    assert!(found[1].contains("evaluate[1].splits: the data have no test image"), "{found:?}");
    let found = asks("labels = \"all\"\nvalidation = { fraction = 0.001 }");
    assert!(found.contains("data.validation: holds no image back: ask for more"), "{found}");
    let found = asks("labels = \"all\"\nvalidation = { fraction = 1.0 }");
    assert!(found.contains("data.validation.fraction: leaves nothing to train on"), "{found}");
    let found = asks("labels = \"all\"\nvalidation = { count = 240 }");
    assert!(found.contains("data.validation: leaves nothing to train on"), "{found}");
    let misspelt = BASE.replace("per_class = 20", "per_clas = 20").replace("batch = 16", "batch = 0");
    let found = findings(&misspelt).join("\n");
    assert!(found.contains("data.labels") && found.contains("stage[0].batch: must be at least 1"), "{found}");
    let found = asks("labels = \"all\"\nlimit = 0");
    assert!(found.contains("data.limit: must be at least 1"), "{found}");
    let found = asks("labels = { per_class = 5, count = 3 }");
    assert!(found.contains("data.labels: choose one of per_class, count"), "{found}");
    let found = asks("labels = { index_file = \"nowhere.txt\" }");
    assert!(found.contains("data.labels.index_file: there is no file 'nowhere.txt' in "), "{found}");
    let found =
        findings(&format!("{BASE}[[evaluate]]\nuse = \"accuracy\"\nsplits = [\"validation\"]\n")).join("\n");
    assert!(found.contains("evaluate[0].splits: there is no validation part"), "{found}");

    let place = tempfile::tempdir().expect("a folder");
    let listed = |text: &str| {
        let file = place.path().join("index.txt");
        fs::write(&file, text).expect("written");
        asks(&format!("labels = {{ index_file = \"{}\" }}", file.display()))
    };
    let found = listed("3\n240\n");
    assert!(found.contains("line 2: there is no sample 240, the last one is 239"), "{found}");
    let found = listed("");
    assert!(found.contains("wants labelled samples, and `data.labels` leaves none"), "{found}");
    let found = listed("3\n4\n3\n");
    assert!(found.contains("line 3: sample 3 stands in line 1 already"), "{found}");
}

#[test]
fn augmentations_that_change_the_size_are_found() {
    let with =
        |stage: &str| findings(&BASE.replace("batch = 16", &format!("batch = 16\n{stage}"))).join("\n");
    let found = with("augment = [\"jitter\", { use = \"jitter\", grow = 1 }]");
    let said = "stage[0].augment: an image of [1, 4, 4] (channels, rows, columns) comes out as [1, 5, 5]: \
                an augmentation may not change the size";
    assert!(found.contains(said), "{found}");
    let found = with("augment = \"jitter\"\nviews = { augmented = \"jitter\" }");
    assert!(found.contains("stage[0].views.augmented: is what `augment` describes too"), "{found}");
}
