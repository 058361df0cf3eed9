//! Several runs from one file: each method with each seed, on the same splits, into one folder.

use std::fs;
use std::path::{Path, PathBuf};

use scant_abi::{Error, Result};
use serde::{Deserialize, Serialize};

use super::check::Method;
use super::config::places;
use super::drive::{Options, Outcome};
use super::files::{io_error, read_json, write_json};
use super::folder::{CONFIG, RunFolder, Status};
use super::select::RunResult;
use super::settings::Settings;
use super::start::{resume, run};
use super::watch::{Event, Watcher};
use super::writer::{already_there, is_busy, is_used, lock, taken};
use crate::Registry;

/// The file that makes a folder one of several runs.
pub(crate) const SUITE: &str = "suite.json";

/// One of several runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its folder within the suite's; empty where the suite is this one run.
    pub folder: PathBuf,
    /// What it does.
    pub settings: Settings,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// It has come to its end.
    Finished(Box<RunResult>),
    /// An error ended it.
    Failed(String),
    /// It has not come to its end yet.
    Unfinished,
}

/// Several runs in one folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suite {
    trials: Vec<Trial>,
    folders: Vec<PathBuf>,
    #[serde(skip)]
    path: PathBuf,
}

impl Suite {
    /// Every method with every seed (its own where none is given), in the new folder `path`.
    pub fn plan(methods: Vec<Method>, seeds: &[u64], folders: Vec<PathBuf>, path: &Path) -> Result<Self> {
        let several_methods = methods.len() > 1;
        let mut trials = Vec::new();
        for method in methods {
            let name = method.name.filter(|_| several_methods).map(|name| file_name(&name));
            let folder = name.map(PathBuf::from).unwrap_or_default();
            if seeds.is_empty() {
                trials.push(Trial { folder, settings: method.settings });
                continue;
            }
            for seed in seeds {
                let settings = Settings { seed: *seed, ..method.settings.clone() };
                let folder =
                    if seeds.len() > 1 { folder.join(format!("seed-{seed}")) } else { folder.clone() };
                trials.push(Trial { folder, settings });
            }
        }
        let mut names: Vec<&PathBuf> = trials.iter().map(|trial| &trial.folder).collect();
        names.sort();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let folder = twice[0].display();
            return Err(Error::config(format!("two methods would both be kept in '{folder}': rename one")));
        }
        let absolute = |folder: &PathBuf| std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        let suite = Self { trials, folders: folders.iter().map(absolute).collect(), path: path.to_owned() };
        if is_used(path) {
            return Err(already_there(path));
        }
        if suite.is_one_run() {
            return Ok(suite);
        }
        fs::create_dir_all(path).map_err(|e| io_error("make the folder", path, &e))?;
        write_json(&path.join(SUITE), &suite)?;
        Ok(suite)
    }

    /// The suite in `path`; a single run's folder is a suite of one.
    pub fn open(path: &Path) -> Result<Self> {
        let file = path.join(SUITE);
        if !file.is_file() {
            let run = RunFolder::open(path)?;
            let trial = Trial { folder: PathBuf::new(), settings: run.settings().clone() };
            let folders = run.info().folders.clone();
            return Ok(Self { trials: vec![trial], folders, path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), ..read_json(&file)? })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The libraries, or folders of them, that its configuration names.
    pub fn plugins(&self) -> Vec<PathBuf> {
        let named = self.trials.first().into_iter().flat_map(|trial| &trial.settings.plugins);
        places(named.map(String::as_str), &self.folders)
    }

    /// Its runs.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The folder of a trial.
    pub fn folder(&self, trial: &Trial) -> PathBuf {
        if self.is_one_run() { self.path.clone() } else { self.path.join(&trial.folder) }
    }

    /// Begins or goes on with every trial that has not finished, failed ones too: what stopped them may be mended.
    /// Says whether all were tried; it stops early only if it is asked to.
    ///
    /// The error of a trial is its ending, not the suite's, unless the trial is all there is.
    pub fn run(&self, registry: &Registry, options: &Options, watcher: &mut dyn Watcher) -> Result<bool> {
        let _lock = if self.is_one_run() { None } else { Some(lock(&self.path)?) };
        // One that another process has in hand has not failed: nothing is begun beside it.
        let busy = self.trials.iter().map(|trial| self.folder(trial)).find(|folder| is_busy(folder));
        if let Some(folder) = busy.filter(|_| !self.is_one_run()) {
            return Err(taken(&folder));
        }
        for (number, trial) in self.trials.iter().enumerate() {
            let folder = self.folder(trial);
            if !self.is_one_run() {
                watcher.tell(&Event::Trial { number, of: self.trials.len(), settings: &trial.settings });
            }
            let outcome = match folder.join(CONFIG).is_file() {
                true if matches!(self.ending(trial)?, Ending::Finished(_)) && !self.is_one_run() => continue,
                true => resume(registry, &folder, options, watcher),
                false => run(registry, &trial.settings, &self.folders, &folder, options, watcher),
            };
            match outcome {
                Ok(Outcome::Finished(_)) => {}
                Ok(Outcome::Interrupted) => return Ok(false),
                Err(error) if self.is_one_run() => return Err(error),
                Err(error) => {
                    watcher.tell(&Event::Warning(&format!("'{}' failed: {error}", trial.settings.label())));
                    self.keep_failure(&folder, &error)?;
                }
            }
        }
        Ok(true)
    }

    /// What came of a trial.
    pub fn ending(&self, trial: &Trial) -> Result<Ending> {
        let folder = self.folder(trial);
        if folder.join(CONFIG).is_file() {
            return Ok(match RunFolder::open(&folder)?.status()? {
                Status::Finished(result) => Ending::Finished(Box::new(result)),
                Status::Failed(failure) => Ending::Failed(failure.error),
                Status::Unfinished => Ending::Unfinished,
            });
        }
        let failure = never_begun(&folder);
        Ok(if failure.is_file() { Ending::Failed(read_json(&failure)?) } else { Ending::Unfinished })
    }

    /// A run that could not even begin has no folder in which to say so.
    fn keep_failure(&self, folder: &Path, error: &Error) -> Result<()> {
        match folder.join(CONFIG).is_file() {
            true => Ok(()),
            false => {
                let file = never_begun(folder);
                let parent = file.parent().unwrap_or(&self.path);
                fs::create_dir_all(parent).map_err(|e| io_error("make the folder", parent, &e))?;
                write_json(&file, &error.to_string())
            }
        }
    }

    fn is_one_run(&self) -> bool {
        matches!(self.trials.as_slice(), [only] if only.folder.as_os_str().is_empty())
    }
}

fn never_begun(folder: &Path) -> PathBuf {
    folder.with_added_extension("failure.json")
}

/// A method's name as a folder's.
pub(super) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.+".contains(c) { c } else { '-' }).collect()
}
