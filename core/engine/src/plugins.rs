//! Plugins from libraries: where they are looked for, and which are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use scant_abi::{Context, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Origin, Registry, suggest};

/// The file in a folder of plugins that says which libraries are trusted.
pub const LOCK_FILE: &str = "plugins.lock";

/// A library that was not taken, or a folder in which none could be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub path: PathBuf,
    /// Why, in one line that names the path.
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Registry {
    /// Loads every library in these places, which are folders or single libraries.
    ///
    /// A library that is refused is no obstacle to the others. With `locked`, only libraries in the lock file of their
    /// folder are taken; where there is such a file, that holds anyway.
    pub fn load_plugins(&mut self, places: &[PathBuf], locked: bool) -> Vec<Refused> {
        let mut refused = Vec::new();
        for place in places {
            match libraries(place) {
                Ok(paths) => {
                    for path in paths {
                        if let Err(error) = self.load_plugin(&path, locked) {
                            refused.push(Refused { path, reason: error.to_string() });
                        }
                    }
                }
                Err(error) => refused.push(Refused { path: place.clone(), reason: error.to_string() }),
            }
        }
        refused
    }

    /// Loads one library, unless it is loaded already.
    pub fn load_plugin(&mut self, path: &Path, locked: bool) -> Result<()> {
        let known = path.canonicalize().ok();
        if known.is_some() && self.origins().iter().any(|origin| origin.library == known) {
            return Ok(());
        }
        Lock::beside(path)?.check(path, locked)?;
        let loaded = scant_abi::ffi::load(path)?;
        let library = known.or_else(|| Some(path.to_owned()));
        self.add(loaded.components, Origin { plugin: loaded.name, version: loaded.version, library })
    }
}

/// The libraries in a folder, by name; a path of another kind is taken for a library.
pub fn libraries(place: &Path) -> Result<Vec<PathBuf>> {
    let cannot = |error: std::io::Error| {
        Error::caused_by(ErrorKind::Plugin, format!("cannot look for plugins in {}", place.display()), &error)
    };
    if !place.metadata().map_err(cannot)?.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let mut found = BTreeSet::new();
    for entry in place.read_dir().map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION) {
            found.insert(path);
        }
    }
    Ok(found.into_iter().collect())
}

/// The libraries of a folder that are trusted, by their sums.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The SHA-256 of each library, by its file name.
    pub libraries: BTreeMap<String, String>,
    #[serde(skip)]
    is_written: bool,
}

impl Lock {
    /// The lock of the folder in which `library` lies; an empty one where none is written.
    pub fn beside(library: &Path) -> Result<Self> {
        let path = library.parent().unwrap_or(Path::new("")).join(LOCK_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                let message = format!("cannot read {}", path.display());
                return Err(Error::caused_by(ErrorKind::Plugin, message, &error));
            }
        };
        let mut lock: Self = toml::from_str(&text).map_err(|error| {
            let reason = error.message().to_owned();
            Error::new(ErrorKind::Plugin, format!("{} is damaged: {reason}", path.display()))
        })?;
        lock.is_written = true;
        Ok(lock)
    }

    /// The lock of the libraries that lie in `folder` now.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        let sums = libraries(folder)?.into_iter().map(|path| Ok((file_name(&path), sum(&path)?)));
        Ok(Self { libraries: sums.collect::<Result<_>>()?, is_written: true })
    }

    /// Writes it into `folder`.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(LOCK_FILE);
        let cannot = || format!("cannot write {}", path.display());
        let text =
            toml::to_string(self).map_err(|error| Error::caused_by(ErrorKind::Io, cannot(), &error))?;
        let text = format!(
            "# The libraries that may be loaded from here; `scant plugins lock` writes this.\n{text}"
        );
        std::fs::write(&path, text).map_err(|error| Error::caused_by(ErrorKind::Io, cannot(), &error))?;
        Ok(path)
    }

    fn check(&self, library: &Path, locked: bool) -> Result<()> {
        if !self.is_written && !locked {
            return Ok(());
        }
        let (name, shown) = (file_name(library), library.display());
        let refused = |message: String| Err(Error::new(ErrorKind::Plugin, message));
        match self.libraries.get(&name) {
            None if !self.is_written => {
                refused(format!("{shown} is not trusted: there is no {LOCK_FILE} in its folder"))
            }
            None => {
                let hint = suggest::hint(&name, self.libraries.keys().map(String::as_str));
                refused(format!("{shown} is not trusted: '{name}' is not in {LOCK_FILE}; {hint}"))
            }
            Some(expected) if *expected != sum(library)? => refused(format!(
                "{shown} is not trusted: it has changed since {LOCK_FILE} was written; if you know why, run \
                 `scant plugins lock` again"
            )),
            Some(_) => Ok(()),
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn sum(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path)
        .map_err(|error| Error::caused_by(ErrorKind::Plugin, "cannot read the library", &error))
        .context(|| path.display().to_string())?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(name: &str, bytes: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(name), bytes).expect("written");
        folder
    }

    fn refusal(folder: &Path, locked: bool) -> String {
        let refused = Registry::default().load_plugins(&[folder.to_owned()], locked);
        let [refused] = refused.as_slice() else { panic!("one refusal, not {refused:?}") };
        refused.reason.clone()
    }

    #[test]
    fn a_changed_or_unknown_library_is_refused_before_it_is_loaded() {
        let folder = folder_with("liba.so", b"one");
        let path = folder.path();
        assert!(refusal(path, true).ends_with("is not trusted: there is no plugins.lock in its folder"));
        Lock::of_folder(path).expect("locked").write(path).expect("written");
        assert!(refusal(path, true).ends_with("is not a shared library"));
        std::fs::write(path.join("liba.so"), b"two").expect("written");
        assert!(refusal(path, false).contains("it has changed since plugins.lock was written"));
        std::fs::rename(path.join("liba.so"), path.join("libb.so")).expect("renamed");
        let unknown = "'libb.so' is not in plugins.lock; did you mean 'liba.so'?";
        assert!(refusal(path, false).ends_with(unknown));
        std::fs::write(path.join(LOCK_FILE), "libraries = 3").expect("written");
        assert!(refusal(path, false).contains("plugins.lock is damaged"));
    }

    #[test]
    fn other_files_of_a_folder_are_left_alone() {
        let folder = folder_with("readme.txt", b"text");
        assert_eq!(Registry::default().load_plugins(&[folder.path().to_owned()], false), []);
    }
}
