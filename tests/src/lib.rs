//! What crosses crates, tested: the programs and libraries that the tests start and load.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// A folder that stays between runs of the tests.
pub fn kept_folder() -> PathBuf {
    let place = std::env::current_exe().expect("a program");
    place.ancestors().nth(3).expect("target/PROFILE/deps").join("tmp/scant-tests")
}

/// What cargo made for the tests.
struct Built {
    bare: PathBuf,
    scant: PathBuf,
    toys: PathBuf,
    plugins: PathBuf,
}

/// The target folder of workspaces outside of this one; it is shared, so that what they rest on is built once.
pub fn authors_target() -> PathBuf {
    kept_folder().join("authors")
}

/// The host without any plugin.
pub fn bare() -> &'static Path {
    &built().bare
}

/// The host with all plugins of the repository.
pub fn scant() -> &'static Path {
    &built().scant
}

/// A folder with the library of each crate of `plugins/`.
pub fn libraries() -> &'static Path {
    &built().plugins
}

/// The library of a crate of `tests/plugins`.
pub fn library(name: &str) -> PathBuf {
    built().toys.join(file_name(name))
}

/// Builds both hosts and every library in one go of cargo: so they share what they are built on, with each other and with
/// what `cargo run` and `cargo test` have built before. Where nothing changed, nothing is done.
fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let libraries = library_packages();
        let hosts = ["scant".to_owned(), "scant-bare".to_owned()];
        let packages = hosts.iter().chain(libraries.keys()).flat_map(|name| ["--package", name]);
        let arguments = ["build", "--release", "--message-format=json-render-diagnostics"];
        let messages = cargo(&arguments.into_iter().chain(packages).collect::<Vec<_>>());
        let messages: Vec<Value> =
            messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();

        let program = |name: &str| {
            let mut programs = messages.iter().filter_map(|message| message["executable"].as_str());
            let found = programs.find(|path| Path::new(path).file_stem() == Some(OsStr::new(name)));
            PathBuf::from(found.unwrap_or_else(|| panic!("cargo built no {name}")))
        };
        let gathered = |folder: &str| {
            let (source, place) = (root().join(folder), kept_folder().join("libraries").join(folder));
            let _ = fs::remove_dir_all(&place);
            fs::create_dir_all(&place).expect("made");
            for message in &messages {
                let manifest = message["manifest_path"].as_str().unwrap_or_default();
                if libraries.values().any(|library| library == manifest)
                    && Path::new(manifest).starts_with(&source)
                {
                    let file = Path::new(message["filenames"][0].as_str().expect("a library"));
                    fs::copy(file, place.join(file.file_name().expect("a name"))).expect("copied");
                }
            }
            place
        };
        Built {
            bare: program("scant-bare"),
            scant: program("scant"),
            toys: gathered("tests/plugins"),
            plugins: gathered("plugins"),
        }
    })
}

/// The packages that make a loadable library, with their manifests.
fn library_packages() -> BTreeMap<String, String> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter().filter(|package| {
        let targets = package["targets"].as_array().expect("targets");
        targets.iter().any(|target| target["crate_types"] == json!(["cdylib"]))
    });
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    packages.map(|package| (text(&package["name"]), text(&package["manifest_path"]))).collect()
}

/// What cargo prints, of the repository's workspace.
pub fn cargo(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).current_dir(root()).args(arguments).output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The name of the library file of a crate.
pub fn file_name(name: &str) -> String {
    let name = name.replace('-', "_");
    format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// What a program said.
pub struct Said {
    /// Whether it ended well.
    pub succeeded: bool,
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Runs a program to its end.
pub fn run<A: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = A>) -> Said {
    run_in(Path::new("."), program, arguments)
}

/// Runs a program to its end in a folder.
pub fn run_in<A: AsRef<OsStr>>(
    folder: &Path,
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Said {
    let output = Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .env_remove("SCANT_PLUGIN_PATH")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    Said {
        succeeded: output.status.success(),
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
