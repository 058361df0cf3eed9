//! What the program does without arguments.

use std::path::PathBuf;
use std::process::ExitCode;

use scant_abi::Result;
use scant_engine::run::{Configuration, Suite, default_folder, environment};

use super::check::Plan;
use super::run::{Pace, carry_out};
use crate::Session;

/// The example comes with the program, so that it runs in any folder.
const EXAMPLE: &str = include_str!("../../../../examples/quickstart.toml");

pub(crate) fn run(session: &Session) -> Result<ExitCode> {
    let configuration = Configuration::built_in("quickstart.toml", EXAMPLE, environment()?, &[])?;
    let Plan { registry, methods, folders } = Plan::of(&configuration, session)?;
    let names: Vec<&str> = methods.iter().map(|method| method.settings.label()).collect();
    eprintln!("The quick start: {} on drawn digits, few of them labelled.", names.join(", "));
    eprintln!("It is examples/quickstart.toml; `scant --help` shows what else there is.\n");
    let out = free_folder(default_folder("quickstart"));
    carry_out(
        &Suite::plan(methods, &[], folders, &out)?,
        &registry,
        &Pace::default(),
        Vec::new(),
        session.showing,
    )
}

/// `wanted`, or the first numbered folder beside it that is not there yet: a run is never overwritten.
fn free_folder(wanted: PathBuf) -> PathBuf {
    let numbered = (2..).map(|number| PathBuf::from(format!("{}-{number}", wanted.display())));
    std::iter::once(wanted.clone()).chain(numbered).find(|folder| !folder.exists()).unwrap_or(wanted)
}
