//! `scant report`

use std::path::PathBuf;

use scant_abi::Result;

use crate::output::say;
use crate::reports;

/// Which runs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folders, folders of several runs, or the folder of one method among these
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    for path in &args.runs {
        say!("report: {}", reports::write(path)?.display())?;
    }
    Ok(())
}
