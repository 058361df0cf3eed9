//! Where files are looked for, and what is said when they are not there.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use scant_abi::{Error, ErrorKind, Result};

use crate::formats::gzip;

/// A file as its authors published it.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) name: &'static str,
    pub(crate) bytes: u64,
    pub(crate) md5: &'static str,
}

/// The folders in which one data set is looked for, in order.
#[derive(Debug)]
pub(crate) struct Places {
    dataset: &'static str,
    folders: Vec<PathBuf>,
}

impl Places {
    /// `folder` below every data folder if one is given, else the data folders and their `usual` sub-folders.
    pub(crate) fn new(
        dataset: &'static str,
        data_dirs: &[PathBuf],
        folder: Option<&Path>,
        usual: &[&str],
    ) -> Self {
        let mut folders = match folder {
            Some(folder) if folder.is_absolute() => vec![folder.to_path_buf()],
            Some(folder) => data_dirs.iter().map(|dir| dir.join(folder)).collect(),
            None => data_dirs
                .iter()
                .flat_map(|dir| usual.iter().map(|sub| dir.join(sub)).chain([dir.clone()]))
                .collect(),
        };
        let mut seen = BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        Self { dataset, folders }
    }

    /// The first place that holds `name`, or `name` with `.gz` behind it or without.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let other = match name.strip_suffix(".gz") {
            Some(plain) => plain.to_owned(),
            None => format!("{name}.gz"),
        };
        self.folders
            .iter()
            .flat_map(|folder| [folder.join(name), folder.join(&other)])
            .find(|path| path.is_file())
    }

    /// The first place that has a sub-folder `name`, or an error that says where it was looked for.
    pub(crate) fn find_folder(&self, name: &str) -> Result<PathBuf> {
        let found = self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_dir());
        found.ok_or_else(|| self.nowhere("folder", Path::new(name)))
    }

    /// The first place that has exactly the file `name`, or an error that says where it was looked for.
    pub(crate) fn find_file(&self, name: &Path) -> Result<PathBuf> {
        if name.is_absolute() && name.is_file() {
            return Ok(name.to_path_buf());
        }
        let found = self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        found.ok_or_else(|| self.nowhere("file", name))
    }

    fn nowhere(&self, what: &str, name: &Path) -> Error {
        let mut message = format!("{}: there is no {what} {}", self.dataset, name.display());
        self.add_places(&mut message);
        Error::data(message)
    }

    /// The error for files that are nowhere: what they are, and where they were looked for.
    pub(crate) fn missing<'a>(&self, files: impl IntoIterator<Item = &'a Published>) -> Error {
        let mut message = format!("{}: not found:", self.dataset);
        for file in files {
            let _ = write!(message, "\n  {} ({} bytes, MD5 {})", file.name, file.bytes, file.md5);
        }
        self.add_places(&mut message);
        Error::data(message)
    }

    /// Says where was looked, at the end of an error.
    pub(crate) fn add_places(&self, message: &mut String) {
        if self.folders.is_empty() {
            message.push_str("\nno data folder was given");
        } else {
            message.push_str("\nlooked in:");
            for folder in &self.folders {
                let _ = write!(message, "\n  {}", folder.display());
            }
        }
        message.push_str(
            "\nname the folder that holds them with --data-dir or SCANT_DATA; nothing is downloaded",
        );
    }
}

/// The bytes of a file, unpacked if they are gzipped.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = read_raw(path)?;
    if gzip::is_packed(&bytes) {
        gzip::unpack(&bytes).map_err(|error| in_file(path, error))
    } else {
        Ok(bytes)
    }
}

/// The bytes of a file as they stand there.
pub(crate) fn read_raw(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| Error::caused_by(ErrorKind::Io, format!("cannot read {}", path.display()), &error))
}

/// The error with the file in front of it.
pub(crate) fn in_file(path: &Path, error: Error) -> Error {
    error.context(format!("{} is damaged or of another format", path.display()))
}
