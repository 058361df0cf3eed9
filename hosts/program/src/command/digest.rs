//! `scant digest`

use std::path::PathBuf;

use scant_abi::Result;
use scant_engine::run::Suite;

use crate::Session;
use crate::output::say;

/// Which runs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The runs' folders
    #[arg(required = true)]
    runs: Vec<PathBuf>,
}

pub(crate) fn run(args: Args, _: &Session) -> Result<()> {
    for path in &args.runs {
        let suite = Suite::open(path)?;
        for trial in suite.trials() {
            let folder = suite.folder(trial);
            say!("{}  {}", scant_engine::run::digest(&folder)?, folder.display())?;
        }
    }
    Ok(())
}
