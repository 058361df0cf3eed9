//! What crosses crates, tested: the programs and libraries that the tests start and load.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// A folder that stays between runs of the tests.
pub fn kept_folder() -> PathBuf {
    let place = std::env::current_exe().expect("a program");
    place.ancestors().nth(3).expect("target/PROFILE/deps").join("tmp/scant-tests")
}

/// The host without any plugin.
pub fn bare() -> &'static Path {
    static BARE: OnceLock<PathBuf> = OnceLock::new();
    BARE.get_or_init(|| program("scant-bare"))
}

/// The host with all plugins of the repository.
pub fn scant() -> &'static Path {
    static SCANT: OnceLock<PathBuf> = OnceLock::new();
    SCANT.get_or_init(|| program("scant"))
}

/// Builds a program; cargo does nothing where nothing changed.
fn program(package: &str) -> PathBuf {
    let arguments = ["build", "--release", "--message-format=json-render-diagnostics", "-p", package];
    let output =
        Command::new(env!("CARGO")).current_dir(root()).args(arguments).output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .find(|path| path.file_stem() == Some(OsStr::new(package)))
        .unwrap_or_else(|| panic!("cargo built no {package}"))
}

/// A folder with the libraries of `tests/plugins`.
pub fn libraries() -> &'static Path {
    static LIBRARIES: OnceLock<PathBuf> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let (plugins, out) = (root().join("tests/plugins"), kept_folder().join("libraries"));
        let built = run(
            bare(),
            [OsStr::new("plugins"), "build".as_ref(), plugins.as_ref(), "--out".as_ref(), out.as_ref()],
        );
        assert!(built.succeeded, "{}", built.stderr);
        out
    })
}

/// The library of a crate of `tests/plugins`.
pub fn library(name: &str) -> PathBuf {
    libraries().join(file_name(name))
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
