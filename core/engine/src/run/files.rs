//! Files that are there whole or not at all, whatever happens while they are written.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use scant_abi::{Error, ErrorKind, Result};

/// An [`ErrorKind::Io`] error about `path`.
pub(crate) fn io_error(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    let advice = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "; make room, then `scant resume` the run"
        }
        std::io::ErrorKind::PermissionDenied if doing == "read" => "; see to it that you may read it",
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that may be written to with --out"
        }
        _ => "",
    };
    Error::caused_by(ErrorKind::Io, format!("cannot {doing} {}{advice}", path.display()), error)
}

/// Puts `bytes` into `path`: written aside, synced, renamed.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let aside = path.with_added_extension("tmp");
    let written = (|| {
        let mut file = File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    })();
    if let Err(error) = written {
        // Half a file is of no use to anybody, and a full disk can do with the room.
        let _ = fs::remove_file(&aside);
        return Err(io_error("write", path, &error));
    }
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes renames within `folder` outlast a power cut.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(|error| io_error("sync", folder, &error))
}

/// The bytes of `path`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| io_error("read", path, &error))
}

/// The value in the JSON file `path`.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read(path)?)
        .map_err(|error| Error::caused_by(ErrorKind::Data, format!("{} is damaged", path.display()), &error))
}

/// Puts `value` into the JSON file `path`.
pub(crate) fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| {
        Error::caused_by(ErrorKind::Io, format!("cannot write {}", path.display()), &error)
    })?;
    bytes.push(b'\n');
    write_whole(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_fits_what_was_being_done() {
        let said = |doing| {
            let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
            io_error(doing, Path::new("there"), &denied).to_string()
        };
        assert!(
            said("write").contains("cannot write there; choose a folder that may be written to with --out")
        );
        assert!(said("read").contains("cannot read there; see to it that you may read it"));
    }
}
