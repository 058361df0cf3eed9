//! The pages that a run leaves for people: one for each run, one for a comparison.

use std::fs;
use std::path::{Path, PathBuf};

use scant_abi::{Error, ErrorKind, Result};
use scant_engine::compare::{Options, RunSummary, candidates, compare};
use scant_engine::report::{RunReport, comparison_page, run_page};

/// Writes the page of every run in `place` that has begun, and of all of them side by side where there are several; gives
/// the page to look at first.
pub(crate) fn write(place: &Path) -> Result<PathBuf> {
    let mut pages: Vec<PathBuf> = Vec::new();
    let mut summaries: Vec<RunSummary> = Vec::new();
    let mut reports: Vec<RunReport> = Vec::new();
    for candidate in candidates(&[place.to_owned()])? {
        summaries.push(candidate.summary);
        // A run that could not begin has nothing to show but its error, in the comparison.
        let Some(run) = candidate.folder else { continue };
        let report = RunReport::read(&run)?;
        pages.push(put(&run.path().join("report.html"), &run_page(&report))?);
        reports.push(report);
    }
    if let ([only], [_]) = (pages.as_slice(), summaries.as_slice()) {
        return Ok(only.clone());
    }
    // A method of the file may bring data of its own: the page then says so, instead of not being there.
    let options = Options { allow_different_splits: true, ..Options::default() };
    let comparison = compare(&summaries, &options)?;
    put(&place.join("report.html"), &comparison_page(&comparison, &reports, Some(place)))
}

fn put(path: &Path, page: &str) -> Result<PathBuf> {
    fs::write(path, page).map_err(|error| {
        Error::caused_by(ErrorKind::Io, format!("cannot write {}", path.display()), &error)
    })?;
    Ok(path.to_owned())
}
