//! `scant run`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use scant_abi::{Error, ErrorKind, Result};
use scant_engine::Registry;
use scant_engine::run::{Ending, Options, Progress, Suite, Summary, default_folder};

use super::check::{Plan, Sources};
use crate::{Session, reports};

/// What to run, and where.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sources: Sources,

    /// Repeat with these seeds: 3, or 0..5, or 0,1,7
    #[arg(long, value_parser = parse_seeds)]
    seeds: Option<Seeds>,

    /// The folder to write, which may not be there yet; runs/NAME where absent
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    #[command(flatten)]
    pace: Pace,
}

/// How fast, never what.
#[derive(Default, clap::Args)]
pub(crate) struct Pace {
    /// Batches made ahead of the step that needs them; 0 makes each when it is needed
    #[arg(long, value_name = "N")]
    prefetch: Option<usize>,
}

#[derive(Clone)]
struct Seeds(Vec<u64>);

fn parse_seeds(text: &str) -> std::result::Result<Seeds, String> {
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| format!("'{text}' is no seed"));
    let seeds: Vec<u64> = match text.split_once("..") {
        Some((first, end)) => (number(first)?..number(end)?).collect(),
        None => text.split(',').map(number).collect::<std::result::Result<_, _>>()?,
    };
    if seeds.is_empty() { Err(format!("there is no seed in {text}")) } else { Ok(Seeds(seeds)) }
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let Plan { registry, methods, folders } = args.sources.plan(session)?;
    let name = methods.first().map(|method| method.settings.name.clone()).unwrap_or_default();
    let out = args.out.unwrap_or_else(|| default_folder(&name));
    let seeds = args.seeds.map(|seeds| seeds.0).unwrap_or_default();
    let suite = Suite::plan(methods, &seeds, folders, &out)?;
    carry_out(&suite, &registry, &args.pace)
}

/// Runs what is left of a suite, and shows what came out.
pub(crate) fn carry_out(suite: &Suite, registry: &Registry, pace: &Pace) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The first asks for an orderly end, a second one is obeyed at once.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Error::caused_by(ErrorKind::Io, "cannot listen for signals", &error))?;
    }
    let threads = rayon::current_num_threads();
    let options = Options { threads, prefetch: pace.prefetch.unwrap_or(4 * threads), stop };
    let whole = suite.run(registry, &options, &mut Progress::default())?;
    if !whole {
        // An error, so that whatever started the program does not take the run for finished.
        let path = suite.path().display();
        return Err(Error::new(
            ErrorKind::Io,
            format!("stopped as asked, a checkpoint is kept; to go on: scant resume {path}"),
        ));
    }
    print!("{}", Summary::of(suite, "test")?);
    let mut failed = 0;
    for trial in suite.trials() {
        if let Ending::Failed(error) = suite.ending(trial)? {
            failed += 1;
            println!("failed: {}, seed {}: {error}", trial.settings.label(), trial.settings.seed);
        }
    }
    match reports::write(suite) {
        Ok(page) => println!("report: {}", page.display()),
        // The runs are what counts; a page can be made again.
        Err(error) => log::warn!("no report could be written: {error}"),
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::Numeric, format!("{failed} of {} runs failed", suite.trials().len()))),
    }
}
