//! The page of a run, in its folder.

use std::path::{Path, PathBuf};

use scant_abi::{Error, ErrorKind, Result};

use super::{RunReport, run_page};
use crate::run::RunFolder;

/// The page's name within a run's folder.
const REPORT: &str = "report.html";

/// Writes the page of the run in `folder` into it, anew where there is one, and says where it is.
pub fn write_report(folder: &Path) -> Result<PathBuf> {
    let page = run_page(&RunReport::read(&RunFolder::open(folder)?)?);
    let path = folder.join(REPORT);
    std::fs::write(&path, page).map_err(|error| {
        Error::caused_by(ErrorKind::Io, format!("cannot write {}", path.display()), &error)
    })?;
    Ok(path)
}
