//! `scant report`

use std::path::PathBuf;

use scant_abi::Result;
use scant_engine::compare::candidates;
use scant_engine::report::write_report;

/// Which runs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folders, or folders of several runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    for folder in candidates(&args.runs)?.into_iter().filter_map(|one| one.folder) {
        println!("wrote {}", write_report(folder.path())?.display());
    }
    Ok(())
}
