//! The commands: one file each, with its arguments and what it does.

mod describe;
mod doctor;
mod list;

use clap::{CommandFactory, Subcommand};
use scant_abi::{Error, ErrorKind, Result};

use crate::Session;
use crate::arguments::Arguments;

/// What is to be done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show all components there are
    List(list::Args),
    /// Show what one component is and which parameters it takes
    Describe(describe::Args),
    /// Show versions, processor, threads and plugins, and what is wrong with them
    Doctor(doctor::Args),
}

pub(crate) fn run(command: Option<Command>, session: &Session) -> Result<()> {
    match command {
        Some(Command::List(args)) => list::run(args, session),
        Some(Command::Describe(args)) => describe::run(args, session),
        Some(Command::Doctor(args)) => doctor::run(args, session),
        None => Arguments::command().print_help().map_err(cannot_print),
    }
}

fn cannot_print(error: std::io::Error) -> Error {
    Error::caused_by(ErrorKind::Io, "cannot print", &error)
}
