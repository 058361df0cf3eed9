//! Scant's command line. The hosts are this same program; they differ only in the plugins they link in.

mod arguments;
mod command;
mod reports;
mod session;
mod table;

use std::process::ExitCode;

use clap::Parser;

pub use session::Session;

use arguments::Arguments;

/// The whole program: reads the command line, does what it says, tells errors in one line.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.start_logging();
    let done = arguments.start_threads().and_then(|()| {
        let session = Session::open(&arguments.plugins)?;
        command::run(arguments.command, &session)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
