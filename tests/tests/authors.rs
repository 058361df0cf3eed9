//! What an author does: a new plugin in an empty folder, built, listed, used in a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scant_tests::{authors_target, bare, kept_folder, library, root, run, run_in};

/// Runs cargo in an author's workspace.
fn cargo(folder: &Path, arguments: &[&str]) {
    let done = Command::new(env!("CARGO"))
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", authors_target())
        .args(arguments)
        .output()
        .expect("cargo starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_new_plugin_is_built_listed_and_used() {
    let place = kept_folder().join("new-plugin");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).expect("made");
    let said = run_in(&place, bare(), ["new-plugin", "my-method"]);
    assert!(said.succeeded, "{}", said.stderr);
    let folder = place.join("my-method");
    // The versions of this repository: what is tested is the plugin, not the day's registry.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
    cargo(&folder, &["test", "--release"]);
    cargo(&folder, &["build", "--release"]);

    let libraries = authors_target().join("release");
    let libraries = libraries.to_str().expect("UTF-8");
    let listed = run(bare(), ["list", "--plugin-dir", libraries]);
    assert!(listed.succeeded, "{}", listed.stderr);
    assert!(
        listed.stdout.contains("loss  my-method  my-method  Cross-entropy with smoothed targets."),
        "{}",
        listed.stdout
    );
    let described = run(bare(), ["describe", "my-method", "--plugin-dir", libraries]);
    assert!(described.stdout.contains("smoothing  a number  0.1"), "{}", described.stdout);

    // The same by one command, which gathers the libraries of a workspace, wherever cargo puts what it builds.
    let gathered = place.join("gathered");
    let built = Command::new(bare())
        .current_dir(&place)
        .env("CARGO_TARGET_DIR", authors_target())
        .args(["plugins", "build", "my-method", "--out", "gathered"])
        .output()
        .expect("started");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let gathered_list = run(bare(), ["list".as_ref(), "--plugin-dir".as_ref(), gathered.as_os_str()]);
    assert_eq!(gathered_list.stdout, listed.stdout, "{}", gathered_list.stderr);

    let config = place.join("run.toml");
    let text = "name = \"mine\"\n[data]\ndataset = \"blobs\"\nlabels = { per_class = 20 }\n[model]\nuse = \"two-layers\"\n\
                [[stage]]\nname = \"train\"\ntrainer = \"sgd\"\nepochs = 2\nbatch = 16\nloss = [\"my-method\"]\n";
    fs::write(&config, text).expect("written");
    let out = place.join("out");
    let mut arguments: Vec<PathBuf> = vec!["run".into(), config, "--out".into(), out.clone()];
    for plugin in ["toy-dataset", "toy-model", "toy-trainer"].map(library) {
        arguments.extend(["--plugin-dir".into(), plugin]);
    }
    arguments.extend(["--plugin-dir".into(), libraries.into()]);
    let ran = run(bare(), arguments);
    assert!(ran.succeeded, "{}{}", ran.stdout, ran.stderr);
    assert!(out.is_dir());

    let again = run_in(&place, bare(), ["new-plugin", "my-method"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("there is a 'my-method' here already"), "{}", again.stderr);
}
