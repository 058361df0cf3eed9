//! `scant compare`

use std::path::{Path, PathBuf};

use scant_abi::{Error, ErrorKind, Result};
use scant_engine::compare::{
    Candidate, Expected, Format, Options, RunSummary, TestKind, candidates, compare, render,
};
use scant_engine::report::RunReport;

use crate::output::{say, write};

/// Which runs, by which metrics, in which form.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folders, folders of several runs or of one method among these; runs with the same label are repeats of one method
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// Columns: metric, with `evaluator/` before or `@split` behind it as far as needed
    #[arg(long, value_delimiter = ',', value_name = "METRIC")]
    metrics: Vec<String>,

    /// Stand the numbers of a source beside ours: its expected.toml; may be given several times
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,

    /// Compare runs that were made on different splits; the table is marked
    #[arg(long)]
    allow_different_splits: bool,

    /// The test that decides: paired-t, wilcoxon or mcnemar; chosen by the number of repeats where absent
    #[arg(long, value_parser = str::parse::<TestKind>)]
    test: Option<TestKind>,

    /// A corrected p below this is a difference
    #[arg(long, default_value_t = 0.05)]
    level: f64,

    /// terminal, markdown, csv, json, latex or html; what the ending of --out says where absent
    #[arg(long, value_parser = str::parse::<Format>)]
    format: Option<Format>,

    /// The file to write instead of the terminal; one that is there already must have the form's own ending
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let format = format(&args)?;
    let found = candidates(&args.runs)?;
    let summaries: Vec<RunSummary> = found.iter().map(|one| one.summary.clone()).collect();
    let against: Result<Vec<Expected>> = args.against.iter().map(|path| Expected::read(path)).collect();
    let options = Options {
        metrics: args.metrics,
        allow_different_splits: args.allow_different_splits,
        test: args.test,
        level: args.level,
        against: against?,
    };
    let comparison = compare(&summaries, &options)?;
    let reports = if format == Format::Html { reports(&found)? } else { Vec::new() };
    // A page on the terminal lies nowhere, and can link to nothing.
    let place = args.out.as_ref().map(|path| path.parent().unwrap_or(Path::new("")));
    let text = render(&comparison, &reports, format, place)?;
    match args.out {
        None => write(format_args!("{text}"))?,
        Some(path) => {
            std::fs::write(&path, text).map_err(|error| {
                Error::caused_by(ErrorKind::Io, format!("cannot write {}", path.display()), &error)
            })?;
            say!("wrote {}", path.display())?;
        }
    }
    Ok(())
}

/// The form that was asked for, if it can be written as was asked.
fn format(args: &Args) -> Result<Format> {
    let format = match (args.format, args.out.as_deref()) {
        (Some(format), _) => format,
        (None, None) => Format::Terminal,
        (None, Some(out)) => of_ending(out).ok_or_else(|| {
            Error::config(format!(
                "{}: the ending says no form; name a file in .txt, .md, .csv, .json, .tex or .html, or say --format",
                out.display()
            ))
        })?,
    };
    if format == Format::Csv && !args.against.is_empty() {
        return Err(Error::config(
            "--against: CSV has one line for each metric of ours, and no place for a source's; take another --format",
        ));
    }
    // A table may be written anew; whatever else lies there is not ours to overwrite.
    if let Some(out) = args.out.as_deref().filter(|out| out.is_file() && of_ending(out) != Some(format)) {
        return Err(Error::config(format!(
            "{} is already there, and is no {} file: name another file with --out",
            out.display(),
            format.name()
        )));
    }
    Ok(format)
}

fn of_ending(path: &Path) -> Option<Format> {
    Format::of_ending(&path.extension()?.to_str()?.to_lowercase())
}

fn reports(found: &[Candidate]) -> Result<Vec<RunReport>> {
    found.iter().filter_map(|one| one.folder.as_ref()).map(RunReport::read).collect()
}
