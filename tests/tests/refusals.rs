//! Files that are no plugins, or not these: one clear line, an exit code, and a host that lives on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scant_tests::{authors_target, bare, file_name, kept_folder, library, root, run};

/// What the host says to this place of plugins; it must refuse, and live.
fn refusal(place: &Path) -> String {
    let said = run(bare(), ["list", "--plugin-dir", place.to_str().expect("UTF-8")]);
    assert_eq!(said.code, Some(1), "{}{}", said.stdout, said.stderr);
    let lines: Vec<&str> = said.stderr.lines().collect();
    let [line] = lines.as_slice() else { panic!("more than a line: {}", said.stderr) };
    line.strip_prefix("error: ").expect("an error").to_owned()
}

fn written(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("written");
    path
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn what_is_no_whole_library_is_refused_before_it_is_loaded() {
    let folder = folder();
    let missing = folder.path().join("missing");
    assert_eq!(
        refusal(&missing),
        format!("cannot look for plugins in {}: No such file or directory (os error 2)", missing.display())
    );
    let text = written(&folder, "text.so", b"this is text");
    assert_eq!(refusal(&text), format!("{} is not a shared library", text.display()));
    let empty = written(&folder, "text.so", b"");
    assert_eq!(refusal(&empty), format!("{} is empty: build or copy it again", empty.display()));
    fs::remove_file(&empty).expect("removed");

    let directory = folder.path().join("libfolder.so");
    fs::create_dir(&directory).expect("made");
    let expected = format!("{} is a folder, not a library", directory.display());
    assert_eq!(refusal(folder.path()), expected);
}

#[test]
fn a_library_that_is_cut_off_is_refused_before_it_is_loaded() {
    let folder = folder();
    let whole = fs::read(library("toy-loss")).expect("read");
    for length in [5, 63, 64, 1000, whole.len() / 2, whole.len() - 1] {
        let path = written(&folder, "libcut.so", &whole[..length]);
        let said = refusal(&path);
        assert!(said.starts_with(&format!("{} is cut off at {length} ", path.display())), "{said}");
    }
}

fn compiled(folder: &tempfile::TempDir, source: &str) -> PathBuf {
    let out = folder.path().join(file_name(source));
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let done = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "cdylib", "-o"])
        .arg(&out)
        .arg(root().join("tests/sources").join(source).with_extension("rs"))
        .output()
        .expect("rustc starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    out
}

#[test]
fn a_library_of_something_else_is_refused() {
    let folder = folder();
    let path = compiled(&folder, "foreign");
    assert_eq!(
        refusal(&path),
        format!(
            "{} is a library but no Scant plugin: it lacks what scant_abi::export! makes",
            path.display()
        )
    );
}

#[test]
fn a_plugin_of_another_contract_is_told_to_be_rebuilt() {
    let folder = folder();
    let path = compiled(&folder, "other_contract");
    assert_eq!(
        refusal(&path),
        format!(
            "{}: plugin newer 3.2.1 was built against scant-abi 0.2.0, this host has 0.1.0: rebuild the plugin",
            path.display()
        )
    );
}

#[test]
fn a_changed_layout_is_told_by_type_and_field() {
    let place = kept_folder().join("other-layout");
    let abi = place.join("core/abi");
    let _ = fs::remove_dir_all(&place);
    copy(&root().join("core/abi/src"), &abi.join("src"));
    fs::copy(root().join("core/abi/Cargo.toml"), abi.join("Cargo.toml")).expect("copied");
    fs::copy(root().join("Cargo.lock"), place.join("Cargo.lock")).expect("copied");
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("read");
    let members = workspace.lines().map(|line| match line.split(" = ").next() {
        Some("members") => "members = [\"core/abi\", \"plugin\"]",
        Some("default-members") => "",
        _ => line,
    });
    fs::write(place.join("Cargo.toml"), members.collect::<Vec<_>>().join("\n")).expect("written");

    let values = abi.join("src/ffi/values.rs");
    let text = fs::read_to_string(&values).expect("read");
    let swapped = text.replacen("stage: usize,\n    epoch: usize,", "epoch: usize,\n    stage: usize,", 1);
    assert_ne!(text, swapped);
    fs::write(values, swapped).expect("written");

    let manifest = fs::read_to_string(root().join("tests/plugins/claimant/Cargo.toml")).expect("read");
    let code = "//! Nothing.\nscant_abi::plugin! {}\nscant_abi::export!(crate);\n";
    fs::create_dir_all(place.join("plugin")).expect("made");
    fs::write(place.join("plugin/Cargo.toml"), manifest.replace("claimant", "other-layout"))
        .expect("written");
    fs::write(place.join("plugin/lib.rs"), code).expect("written");

    let output = Command::new(env!("CARGO"))
        .current_dir(&place)
        .env("CARGO_TARGET_DIR", authors_target())
        .args(["build", "--release", "-p", "other-layout", "--message-format=json-render-diagnostics"])
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|message| message["target"]["name"] == "other_layout")
        .and_then(|message| Some(PathBuf::from(message["filenames"][0].as_str()?)))
        .expect("a library");
    // Out of the common folder, which other tests take for a folder of good plugins.
    let path = place.join(built.file_name().expect("a name"));
    fs::rename(built, &path).expect("moved");
    assert_eq!(
        refusal(&path),
        format!(
            "{}: plugin other-layout 0.1.0 was built against another layout of scant-abi 0.1: type AbiClock has its \
             field 'epoch' at the place of 'stage': rebuild the plugin",
            path.display()
        )
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).expect("copied")),
        }
    }
}

#[test]
fn two_claimants_of_a_name_are_both_named() {
    let folder = folder();
    let copies = ["claimant", "toy-augmentation"].map(|name| {
        let target = folder.path().join(file_name(name));
        fs::copy(library(name), &target).expect("copied");
        target.canonicalize().expect("a path")
    });
    assert_eq!(
        refusal(folder.path()),
        format!(
            "both claimant 0.1.0 ({}) and toy-augmentation 0.1.0 ({}) claim the component name 'jitter': rename one, \
             or leave out one plugin",
            copies[0].display(),
            copies[1].display()
        )
    );
}

#[test]
fn what_only_looks_shows_the_good_beside_the_bad_and_what_computes_does_not_begin() {
    let folder = folder();
    fs::copy(library("toy-loss"), folder.path().join(file_name("toy-loss"))).expect("copied");
    let text = written(&folder, "libtext.so", b"text");
    let place = folder.path().to_str().expect("UTF-8");
    let bad = format!("error: {} is not a shared library\n", text.display());

    let listed = run(bare(), ["list", "--plugin-dir", place]);
    assert_eq!((listed.code, listed.stderr.as_str()), (Some(1), bad.as_str()));
    assert!(listed.stdout.contains("loss  cross-entropy"), "{}", listed.stdout);
    let described = run(bare(), ["describe", "cross-entropy", "--plugin-dir", place]);
    assert_eq!((described.code, described.stderr.as_str()), (Some(1), bad.as_str()));
    assert!(described.stdout.starts_with("cross-entropy (loss)"), "{}", described.stdout);
    // What is not found may have been in what was refused: both are said.
    let missing = run(bare(), ["describe", "cros-entropy", "--plugin-dir", place]);
    assert!(missing.stderr.contains("did you mean 'cross-entropy'?"), "{}", missing.stderr);
    assert!(missing.stderr.ends_with(&bad), "{}", missing.stderr);

    let config = written(&folder, "run.toml", b"name = \"x\"\n");
    let checked = run(bare(), ["check", config.to_str().expect("UTF-8"), "--plugin-dir", place]);
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(1), bad.as_str()));
}

#[test]
fn a_lock_holds_libraries_and_nothing_else() {
    let folder = folder();
    let place = folder.path().to_str().expect("UTF-8");
    let text = written(&folder, "libtext.so", b"text");
    let left_out = format!("left out: {} is not a shared library\n", text.display());
    let nothing = run(bare(), ["plugins", "lock", place]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), left_out.as_str()));
    assert!(nothing.stderr.starts_with(&format!("error: there is no library in {place} to trust")));
    let lock = folder.path().join("plugins.lock");
    assert!(!lock.exists(), "a lock that trusts nothing is not written");

    fs::copy(library("toy-loss"), folder.path().join(file_name("toy-loss"))).expect("copied");
    let one = run(bare(), ["plugins", "lock", place]);
    assert!(one.succeeded && one.stdout.starts_with(&left_out), "{}{}", one.stdout, one.stderr);
    assert!(one.stdout.ends_with("plugins.lock: 1 library\n"), "{}", one.stdout);
    let text = fs::read_to_string(lock).expect("written");
    assert!(text.contains(&file_name("toy-loss")) && !text.contains("libtext.so"), "{text}");
}

#[test]
fn the_doctor_shows_what_is_good_beside_what_is_not() {
    let folder = folder();
    let text = written(&folder, "libtext.so", b"text");
    let good = library("toy-loss");
    let arguments = [
        "doctor",
        "--plugin-dir",
        good.to_str().expect("UTF-8"),
        "--plugin-dir",
        folder.path().to_str().expect("UTF-8"),
    ];
    let said = run(bare(), arguments);
    assert_eq!(said.code, Some(1));
    let found = |text: &str| assert!(said.stdout.contains(text), "{} lacks {text}", said.stdout);
    found(&format!("toy-loss 0.1.0 ({})", good.canonicalize().expect("a path").display()));
    found(&format!("{} is not a shared library", text.display()));
    found("contract           0.1.0");
}

#[test]
fn only_locked_libraries_are_loaded_where_there_is_a_lock() {
    let folder = folder();
    let place = folder.path().to_str().expect("UTF-8");
    let target = folder.path().join(file_name("toy-loss"));
    fs::copy(library("toy-loss"), &target).expect("copied");
    assert!(run(bare(), ["plugins", "lock", place]).succeeded);
    assert!(run(bare(), ["list", "--locked", "--plugin-dir", place]).stdout.contains("cross-entropy"));
    fs::copy(library("toy-trainer"), &target).expect("copied");
    assert!(refusal(folder.path()).contains("it has changed since plugins.lock was written"));
}

#[test]
fn an_unknown_name_or_parameter_is_answered_with_the_nearest() {
    let folder = folder();
    let config = |text: &str| written(&folder, "run.toml", text.as_bytes());
    let toys = ["dataset", "model", "loss", "trainer"].map(|kind| library(&format!("toy-{kind}")));
    let check = |path: &Path| {
        let mut arguments = vec!["check", path.to_str().expect("UTF-8")];
        for toy in &toys {
            arguments.extend(["--plugin-dir", toy.to_str().expect("UTF-8")]);
        }
        let said = run(bare(), arguments);
        (said.code, said.stdout + &said.stderr)
    };
    let whole = |loss: &str| {
        format!(
            "name = \"x\"\n[data]\ndataset = \"blobs\"\nlabels = {{ per_class = 20 }}\n[model]\nuse = \"two-layers\"\n\
             [[stage]]\nname = \"a\"\ntrainer = \"sgd\"\nepochs = 1\nbatch = 8\nloss = [{loss}]\n"
        )
    };
    let (code, said) = check(&config(&whole("\"cross-entropy\"")));
    assert_eq!(code, Some(0), "{said}");
    for (loss, message) in [
        ("\"cros-entropy\"", "did you mean 'cross-entropy'?"),
        ("{ use = \"cross-entropy\", onn = \"logits\" }", "onn: unknown key; did you mean 'on'?"),
        ("{ use = \"cross-entropy\", on = 3 }", "on: must be a string, not 3"),
        (
            "{ use = \"cross-entropy\", on = \"logit\" }",
            "the model has no output 'logit'; it has embedding, logits",
        ),
    ] {
        let (code, said) = check(&config(&whole(loss)));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(message), "{said} lacks {message}");
        assert!(said.contains("loss"), "{said} does not name the place");
    }
}
