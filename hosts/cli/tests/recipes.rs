//! Every configuration under examples can be run: `scant check` finds nothing wrong, without any data.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a source reports stands beside its recipes and is none.
const EXPECTED: &str = "expected.toml";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn recipes() -> Vec<PathBuf> {
    let entries = |folder: &Path| {
        let read = fs::read_dir(folder).expect("a folder");
        read.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>()
    };
    let folders = entries(&examples().join("recipes"));
    let mut recipes: Vec<PathBuf> = folders.iter().flat_map(|folder| entries(folder)).collect();
    let is_recipe =
        |path: &Path| path.extension().is_some_and(|kind| kind == "toml") && !path.ends_with(EXPECTED);
    recipes.retain(|path| is_recipe(path));
    recipes.push(examples().join("quickstart.toml"));
    recipes.sort();
    recipes
}

/// What stands above the findings; every other line is one.
const HEADING: &str = "error: the configuration cannot be run:";

/// What is wrong with a configuration of these files, one finding a line.
fn findings(paths: &[&Path]) -> Vec<String> {
    // From an empty place, so that no run or data of this machine is found by chance.
    let nowhere = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_scant"));
    command.arg("check").args(paths).current_dir(nowhere.path()).env_remove("SCANT_DATA");
    let output = command.output().expect("started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Vec::new(),
        false => said.lines().filter(|line| *line != HEADING).map(str::to_owned).collect(),
    }
}

/// Whether all that is missing is the run whose encoder the recipe takes, which has to come first.
fn waits_for_a_run(finding: &str) -> bool {
    finding.contains(".take: 'runs/") && finding.ends_with("nor a run's folder")
}

/// Whether all that is missing is a pre-trained network's file, which is as little part of this repository as the data.
fn waits_for_weights(finding: &str) -> bool {
    finding.contains("there is no file 'weights/")
}

#[test]
fn every_recipe_can_be_run() {
    let recipes = recipes();
    assert!(recipes.len() > 5, "{recipes:?}");
    let wrong: Vec<String> = recipes
        .iter()
        .flat_map(|path| findings(&[path]))
        .filter(|finding| !waits_for_a_run(finding) && !waits_for_weights(finding))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_page_about_configurations_shows_can_be_run() {
    let page = examples().join("../docs/configuration.md");
    let page = fs::read_to_string(page).expect("the page");
    let folder = tempfile::tempdir().expect("a folder");
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or(rest)).collect();
    assert!(blocks.len() > 5, "{blocks:?}");
    let first = folder.path().join("first.toml");
    let mut wrong = Vec::new();
    for (number, block) in blocks.into_iter().enumerate() {
        // A block without a file's name is a piece that can be laid over the first.
        let named = block.strip_prefix("# ").and_then(|text| text.split_once(".toml"));
        let path = match named {
            Some((name, _)) => folder.path().join(format!("{name}.toml")),
            None => folder.path().join(format!("piece-{number}.toml")),
        };
        fs::write(&path, block).expect("written");
        let found = if named.is_some() { findings(&[&path]) } else { findings(&[&first, &path]) };
        wrong.extend(found.into_iter().filter(|finding| !waits_for_a_run(finding)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_cannot_even_be_read_is_a_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lost.toml");
    fs::write(&path, "extends = \"nowhere.toml\"\n").expect("written");
    let found = findings(&[&path]);
    assert!(found.iter().any(|finding| finding.contains("nowhere.toml")), "{found:?}");
}
