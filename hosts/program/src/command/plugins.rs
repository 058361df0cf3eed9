//! `scant plugins build` and `scant plugins lock`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Subcommand;
use scant_abi::{Error, ErrorKind, Result};
use scant_engine::plugins::{Lock, libraries};
use serde_json::Value;

use crate::output::say;

/// What is to be done with loadable plugins.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the loadable libraries of the crates in a folder
    Build {
        /// The folder, of a workspace or within one; folders called `tests` below it are left out
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Where the libraries go
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Write down which libraries of a folder are trusted: those that lie there now
    Lock {
        /// The folders of libraries
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
}

pub(crate) fn run(args: Args) -> Result<()> {
    match args.task {
        Task::Build { folder, out } => build(&folder, &out),
        Task::Lock { folders } => folders.iter().try_for_each(|folder| lock(folder)),
    }
}

/// Trusts the libraries of a folder; what only has a library's name is left out.
fn lock(folder: &Path) -> Result<()> {
    let mut lock = Lock::of_folder(folder)?;
    for path in libraries(folder)? {
        if let Err(error) = scant_abi::ffi::check_file(&path) {
            say!("left out: {error}")?;
            lock.libraries.remove(&*path.file_name().unwrap_or_default().to_string_lossy());
        }
    }
    if lock.libraries.is_empty() {
        return Err(Error::config(format!(
            "there is no library in {} to trust: `scant plugins build --out {0}` puts some there",
            folder.display()
        )));
    }
    let count = lock.libraries.len();
    say!("{}: {count} {}", lock.write(folder)?.display(), if count == 1 { "library" } else { "libraries" })?;
    Ok(())
}

fn build(folder: &Path, out: &Path) -> Result<()> {
    let packages = library_packages(folder)?;
    if packages.is_empty() {
        return Err(Error::config(format!(
            "no crate in {} has the type cdylib: see `scant new-plugin` for how one is made",
            folder.display()
        )));
    }
    let mut cargo = cargo(folder);
    cargo.args(["build", "--release", "--message-format=json-render-diagnostics"]);
    packages.values().for_each(|name| {
        cargo.args(["--package", name]);
    });
    std::fs::create_dir_all(out).map_err(|error| cannot_write(out, &error))?;
    for message in output(cargo)?.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let manifest = message["manifest_path"].as_str().map(PathBuf::from);
        if manifest.is_some_and(|manifest| packages.contains_key(&manifest)) {
            for file in message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                copy_library(Path::new(file), out)?;
            }
        }
    }
    Ok(())
}

/// The packages in `folder` that make a library, by their manifests.
fn library_packages(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let folder = folder.canonicalize().map_err(|error| {
        Error::caused_by(ErrorKind::Io, format!("cannot look into {}", folder.display()), &error)
    })?;
    let mut cargo = cargo(&folder);
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&output(cargo)?)
        .map_err(|error| Error::caused_by(ErrorKind::Io, "cannot understand what cargo says", &error))?;
    let packages = metadata["packages"].as_array().into_iter().flatten().filter_map(|package| {
        let manifest = PathBuf::from(package["manifest_path"].as_str()?);
        let below = manifest.strip_prefix(&folder).ok()?;
        let types = package["targets"].as_array()?.iter().flat_map(|target| target["crate_types"].as_array());
        let is_library = types.flatten().any(|kind| kind == "cdylib");
        let is_test = below.iter().any(|part| part == "tests");
        (is_library && !is_test).then_some((manifest, package["name"].as_str()?.to_owned()))
    });
    Ok(packages.collect())
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::inherit());
    cargo
}

fn output(mut cargo: Command) -> Result<String> {
    let output = cargo.output().map_err(|error| {
        Error::caused_by(ErrorKind::Io, "cannot start cargo, which builds plugins", &error)
    })?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Error::config("cargo could not build the plugins: see above")),
    }
}

fn copy_library(file: &Path, out: &Path) -> Result<()> {
    let (Some(name), true) =
        (file.file_name(), file.extension().is_some_and(|e| e == std::env::consts::DLL_EXTENSION))
    else {
        return Ok(());
    };
    // Written beside and then renamed, so that no running host sees half a library.
    let (target, half) = (out.join(name), out.join(name).with_extension("new"));
    std::fs::copy(file, &half)
        .and_then(|_| std::fs::rename(&half, &target))
        .map_err(|error| cannot_write(&target, &error))?;
    say!("{}", target.display())?;
    Ok(())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::caused_by(ErrorKind::Io, format!("cannot write {}", path.display()), error)
}
