//! `scant run`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use scant_abi::{Error, ErrorKind, Result};
use scant_engine::Registry;
use scant_engine::run::{Ending, Options, Progress, Suite, Summary, default_folder};

use super::check::{Plan, Sources};
use crate::arguments::Showing;
use crate::output::{say, write};
use crate::{Session, reports};

/// What to run, and where.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sources: Sources,

    /// Run this method alone, where the configuration has several; may be given several times
    #[arg(long, value_name = "NAME")]
    method: Vec<String>,

    /// Repeat with these seeds: 3, or 0..5 (without 5), or 0,1,7, or 0..3,7
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16))]
    prefetch: Option<u16>,
}

/// Nobody repeats a run so often; a slip of the finger may ask for it.
const MOST_SEEDS: u64 = 1000;

#[derive(Clone, Debug)]
struct Seeds(Vec<u64>);

fn parse_seeds(text: &str) -> std::result::Result<Seeds, String> {
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| format!("'{text}' is no seed"));
    let mut seeds: Vec<u64> = Vec::new();
    for part in text.split(',') {
        let range = match part.split_once("..") {
            Some((first, end)) => number(first)?..number(end)?,
            None => {
                let seed = number(part)?;
                seed..seed.checked_add(1).ok_or_else(|| format!("'{part}' is too large a seed"))?
            }
        };
        if range.is_empty() {
            return Err(format!("there is no seed in {part}"));
        }
        if range.end - range.start > MOST_SEEDS {
            return Err(format!("{part} are more than {MOST_SEEDS} seeds"));
        }
        for seed in range {
            if seeds.contains(&seed) {
                return Err(format!("the seed {seed} stands there twice"));
            }
            seeds.push(seed);
        }
    }
    Ok(Seeds(seeds))
}

pub(crate) fn run(args: Args, session: &Session) -> Result<ExitCode> {
    let plan = args.sources.plan(session)?;
    if let Some(twice) = (1..args.method.len()).find(|n| args.method[..*n].contains(&args.method[*n])) {
        return Err(Error::config(format!("--method {}: is named twice", args.method[twice])));
    }
    let chosen = args.method.iter().map(|name| plan.method(name).cloned()).collect::<Result<Vec<_>>>()?;
    let Plan { registry, methods, folders } = plan;
    let methods = if chosen.is_empty() { methods } else { chosen };
    let name = methods.first().map(|method| method.settings.name.clone()).unwrap_or_default();
    let out = args.out.unwrap_or_else(|| default_folder(&name));
    let seeds = args.seeds.map(|seeds| seeds.0).unwrap_or_default();
    let suite = Suite::plan(methods, &seeds, folders, &out)?;
    carry_out(&suite, &registry, &args.pace, Vec::new(), session.showing)
}

/// What a shell expects of a program that ends because it was asked to: 128 and the signal's number.
const STOPPED: u8 = 130;

/// Runs what is left of a suite, and shows what came out; data are looked for in `folders` first.
pub(crate) fn carry_out(
    suite: &Suite,
    registry: &Registry,
    pace: &Pace,
    folders: Vec<PathBuf>,
    showing: Showing,
) -> Result<ExitCode> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The first asks for an orderly end, a second one is obeyed at once.
        signal_hook::flag::register_conditional_shutdown(signal, STOPPED.into(), Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Error::caused_by(ErrorKind::Io, "cannot listen for signals", &error))?;
    }
    let threads = rayon::current_num_threads();
    let options =
        Options { threads, prefetch: pace.prefetch.map_or(4 * threads, usize::from), stop, folders };
    let mut progress = if showing.quiet || showing.json { Progress::in_lines() } else { Progress::default() };
    let whole = suite.run(registry, &options, &mut progress)?;
    if !whole {
        let text = format!(
            "stopped as asked, a checkpoint is kept; to go on: scant resume {}",
            suite.path().display()
        );
        if showing.json {
            log::warn!("{text}");
        } else {
            eprintln!("{text}");
        }
        // No success, so that whatever started the program does not take the run for finished.
        return Ok(ExitCode::from(STOPPED));
    }
    // First, for nothing can be shown where the standard output is full.
    let page = reports::write(suite.path());
    if !showing.quiet {
        write(format_args!("{}", Summary::of(suite, "test")?))?;
    }
    let (mut failed, mut unjudged) = (0, 0);
    for trial in suite.trials() {
        let run = format!("{}, seed {}", trial.settings.label(), trial.settings.seed);
        match suite.ending(trial)? {
            Ending::Failed(error) => {
                failed += 1;
                say!("failed: {run}: {error}")?;
            }
            Ending::Finished(result) => {
                unjudged += result.unjudged.len();
                for error in &result.unjudged {
                    say!("not judged: {run}: {error}")?;
                }
            }
            Ending::Unfinished => {}
        }
    }
    match page {
        Ok(page) if !showing.quiet => say!("report: {}", page.display())?,
        Ok(_) => {}
        // The runs are what counts; a page can be made again.
        Err(error) => log::warn!("no report could be written: {error}"),
    }
    let wrong = |text: String| Err(Error::new(ErrorKind::Numeric, text));
    match (failed, unjudged) {
        (0, 0) => Ok(ExitCode::SUCCESS),
        (0, 1) => wrong("one evaluation failed; the model is kept".to_owned()),
        (0, _) => wrong(format!("{unjudged} evaluations failed; the models are kept")),
        _ => wrong(format!("{failed} of {} runs failed", suite.trials().len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers_and_ranges_each_of_them_once() {
        let seeds = |text: &str| parse_seeds(text).map(|seeds| seeds.0);
        assert_eq!(seeds("3"), Ok(vec![3]));
        assert_eq!(seeds("0..3"), Ok(vec![0, 1, 2]));
        assert_eq!(seeds("1..3, 7"), Ok(vec![1, 2, 7]));
        for (text, said) in [
            ("0,0", "the seed 0 stands there twice"),
            ("0..3,2", "the seed 2 stands there twice"),
            ("3..3", "there is no seed in 3..3"),
            ("one", "'one' is no seed"),
            ("0..99999999999", "0..99999999999 are more than 1000 seeds"),
            ("18446744073709551615", "'18446744073709551615' is too large a seed"),
        ] {
            assert_eq!(seeds(text), Err(said.to_owned()));
        }
    }
}
