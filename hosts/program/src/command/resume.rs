//! `scant resume`

use std::path::PathBuf;
use std::process::ExitCode;

use scant_abi::Result;
use scant_engine::run::Suite;

use super::data::DataFolders;
use super::run::{Pace, carry_out};
use crate::Session;

/// Which run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The run's folder
    run: PathBuf,

    #[command(flatten)]
    data: DataFolders,

    #[command(flatten)]
    pace: Pace,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<ExitCode> {
    let suite = Suite::open(&args.run)?;
    let registry = session.with_plugins(&suite.plugins())?;
    carry_out(&suite, &registry, &args.pace, args.data.folders(), session.showing)
}
