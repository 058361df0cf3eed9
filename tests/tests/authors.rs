//! What an author does: a new plugin in an empty folder, built, listed, used in a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use scant_tests::{authors_target, bare, file_name, kept_folder, library, root, run, run_in, scant};

/// Held by a test as long as the authors' common folder is as it expects it.
static COMMON_FOLDER: Mutex<()> = Mutex::new(());

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
    let _held = COMMON_FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
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

/// The code blocks of a language in a page, in order.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let parts = page.split("\n```").skip(1).step_by(2);
    parts.filter_map(|part| part.strip_prefix(language)?.strip_prefix('\n')).collect()
}

#[test]
fn what_the_page_for_authors_says_works_to_the_letter() {
    let page = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("read");
    let ([code], [config]) = (&blocks(&page, "rust")[..], &blocks(&page, "toml")[..]) else {
        panic!("CONTRIBUTING.md has one plugin and one configuration")
    };
    let _held = COMMON_FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    let place = kept_folder().join("contributing");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).expect("made");
    assert!(
        blocks(&page, "sh").iter().any(|block| block.starts_with("scant new-plugin decided\ncd decided"))
    );
    let said = run_in(&place, bare(), ["new-plugin", "decided"]);
    assert!(said.succeeded, "{}", said.stderr);
    let folder = place.join("decided");
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("read");
    let with_nn = manifest.replace("# scant-nn =", "scant-nn =");
    assert_ne!(manifest, with_nn, "the line is there to be uncommented");
    fs::write(folder.join("Cargo.toml"), with_nn).expect("written");
    fs::write(folder.join("src/lib.rs"), code).expect("written");
    cargo(&folder, &["build", "--release"]);

    // Out of the common folder, where the other test looks for its own alone.
    let libraries = folder.join("target/release");
    fs::create_dir_all(&libraries).expect("made");
    let library = file_name("decided-library");
    fs::rename(authors_target().join("release").join(&library), libraries.join(&library)).expect("moved");
    let described = run_in(&folder, scant(), ["describe", "decided", "--plugin-dir", "target/release"]);
    assert!(described.stdout.contains("slack"), "{}{}", described.stdout, described.stderr);
    fs::write(folder.join("decided.toml"), config).expect("written");
    let checked = run_in(&folder, scant(), ["check", "decided.toml"]);
    assert!(checked.succeeded, "{}", checked.stderr);
    // All that the page runs, but shorter.
    let short = ["--set", "method[0].stage[0].epochs=1", "--set", "method[1].stage[0].epochs=1"];
    let few = ["--set", "data.dataset.train=200", "--set", "data.dataset.test=50"];
    let arguments = ["run", "decided.toml", "--seeds", "0..2"].into_iter().chain(short).chain(few);
    let ran = run_in(&folder, scant(), arguments);
    assert!(ran.succeeded, "{}{}", ran.stdout, ran.stderr);
    let compared = run_in(&folder, scant(), ["compare", "runs/decided", "--metrics", "top-1"]);
    assert!(compared.stdout.contains("labels alone"), "{}{}", compared.stdout, compared.stderr);
}
