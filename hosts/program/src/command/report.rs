//! `scant report`

use std::path::PathBuf;

use scant_abi::Result;
use scant_engine::run::Suite;

use crate::reports;

/// Which runs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folders, or folders of several runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    for path in &args.runs {
        println!("report: {}", reports::write(&Suite::open(path)?)?.display());
    }
    Ok(())
}
