//! The commands: one file each, with its arguments and what it does.

mod check;
mod compare;
mod data;
mod describe;
mod digest;
mod doctor;
mod evaluate;
mod list;
mod new_plugin;
mod plugins;
mod preview;
mod quick_start;
mod report;
mod resume;
mod run;

use std::process::ExitCode;

use clap::Subcommand;
use scant_abi::{Error, Result};

use crate::Session;

/// What is to be done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show all components there are
    List(list::Args),
    /// Show what one component is and which parameters it takes
    Describe(describe::Args),
    /// Say everything that is wrong with a configuration, without running it
    Check(check::Args),
    /// Draw a stage's views of some training images into a PNG
    Preview(preview::Args),
    /// Run a configuration: each of its methods, with each seed
    Run(run::Args),
    /// Go on with a run, or with several in one folder, from the last checkpoint
    Resume(resume::Args),
    /// Show the model of a finished run to evaluators again
    Evaluate(evaluate::Args),
    /// Put runs side by side: one table, paired tests, the sources' numbers
    Compare(compare::Args),
    /// Write the page of a run anew: report.html in its folder
    Report(report::Args),
    /// Print one hash over what a run computed: equal digests, equal runs
    Digest(digest::Args),
    /// Compare the files of data sets with what was published
    Data(data::Args),
    /// Write a new plugin's crate, with a test, to start from
    NewPlugin(new_plugin::Args),
    /// Build loadable plugins, or say which are trusted
    Plugins(plugins::Args),
    /// Show versions, processor, threads and plugins, and what is wrong with them
    Doctor(doctor::Args),
}

pub(crate) fn run(command: Option<Command>, session: &Session) -> Result<ExitCode> {
    // These show what there is and then tell of refused libraries, or need none.
    let looks = matches!(command, Some(Command::List(_) | Command::Describe(_) | Command::Doctor(_)));
    if !looks && !matches!(command, Some(Command::NewPlugin(_) | Command::Plugins(_))) {
        session.require_plugins()?;
    }
    let done = match command {
        Some(Command::Run(args)) => return run::run(args, session),
        Some(Command::Resume(args)) => return resume::run(args, session),
        None => return quick_start::run(session),
        Some(Command::List(args)) => then_refused(list::run(args, session), session),
        Some(Command::Describe(args)) => then_refused(describe::run(args, session), session),
        Some(Command::Check(args)) => check::run(args, session),
        Some(Command::Preview(args)) => preview::run(args, session),
        Some(Command::Evaluate(args)) => evaluate::run(args, session),
        Some(Command::Compare(args)) => compare::run(args),
        Some(Command::Report(args)) => report::run(args),
        Some(Command::Digest(args)) => digest::run(args, session),
        Some(Command::Data(args)) => data::run(args, session),
        Some(Command::NewPlugin(args)) => new_plugin::run(args, session),
        Some(Command::Plugins(args)) => plugins::run(args),
        Some(Command::Doctor(args)) => doctor::run(args, session),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// What a command that only looks has shown; and then, as an error, what it could not look at.
fn then_refused(shown: Result<()>, session: &Session) -> Result<()> {
    match (shown, session.require_plugins()) {
        // What was not found may have been in what was refused.
        (Err(shown), Err(refused)) => Err(Error::new(shown.kind(), format!("{shown}\nerror: {refused}"))),
        (shown, refused) => shown.and(refused),
    }
}
