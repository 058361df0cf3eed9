//! Plugins from the command line: where they are found, and what a run keeps when one of them fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scant_tests::{bare, file_name, library, run, run_in};

const TOYS: [&str; 4] = ["toy-dataset", "toy-model", "toy-loss", "toy-trainer"];

fn configuration(loss: &str, more: &str) -> String {
    format!(
        "name = \"toys\"\n{more}\n[data]\ndataset = \"blobs\"\nlabels = {{ per_class = 20 }}\n[model]\nuse = \"two-layers\"\n\
         [[stage]]\nname = \"train\"\ntrainer = \"sgd\"\nepochs = 2\nbatch = 16\nloss = [{loss}]\n"
    )
}

/// A folder with copies of the toys' libraries.
fn toys(place: &Path, names: &[&str]) -> PathBuf {
    let folder = place.join("plugins");
    fs::create_dir(&folder).expect("made");
    for name in names {
        fs::copy(library(name), folder.join(file_name(name))).expect("copied");
    }
    folder
}

#[test]
fn plugins_are_found_by_argument_environment_and_configuration() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = toys(place.path(), &TOYS);
    fs::write(place.path().join("named.toml"), configuration("\"cross-entropy\"", "plugins = [\"plugins\"]"))
        .expect("written");
    fs::write(place.path().join("plain.toml"), configuration("\"cross-entropy\"", "")).expect("written");

    let named = run_in(place.path(), bare(), ["check", "named.toml"]);
    assert!(named.succeeded, "{}", named.stderr);
    let plain = run_in(place.path(), bare(), ["check", "plain.toml"]);
    assert_eq!(plain.code, Some(1), "{}", plain.stdout);
    let found = Command::new(bare())
        .current_dir(place.path())
        .args(["check", "plain.toml"])
        .env("SCANT_PLUGIN_PATH", &folder)
        .output()
        .expect("started");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    // A bare file name is a file here, not one on the system's search path; a place given twice is one place.
    let name = file_name("toy-loss");
    let here = run_in(&folder, bare(), ["list", "--plugin-dir", &name, "--plugin-dir", "."]);
    assert!(here.succeeded, "{}", here.stderr);
    assert_eq!(here.stdout.matches("cross-entropy").count(), 1, "{}", here.stdout);
}

#[test]
fn a_run_whose_plugin_fails_says_why_and_keeps_what_it_has() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = toys(place.path(), &["toy-dataset", "toy-model", "toy-trainer", "panics"]);
    let failure = |at: &str| {
        let (config, out) = (place.path().join("run.toml"), place.path().join(at));
        fs::write(&config, configuration(&format!("{{ use = \"panicky-loss\", at = \"{at}\" }}"), ""))
            .expect("written");
        let arguments: [&Path; 6] =
            ["run".as_ref(), &config, "--out".as_ref(), &out, "--plugin-dir".as_ref(), &folder];
        let said = run(bare(), arguments);
        assert_eq!(said.code, Some(1), "{}{}", said.stdout, said.stderr);
        assert!(out.is_dir(), "the folder of the run is kept");
        said
    };
    let panicked = failure("evaluate");
    assert!(panicked.stderr.contains("panicked in `evaluate`: on purpose"), "{}", panicked.stderr);
    let diverged = failure("NaN");
    assert!(diverged.stderr.contains("NaN"), "{}", diverged.stderr);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut child = Command::new(bare())
        .args(["list", "--plugin-dir", library("toy-loss").to_str().expect("UTF-8")])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ended");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(141));
}
