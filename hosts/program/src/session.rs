//! What every command has at hand.

use std::path::PathBuf;

use scant_abi::{Error, ErrorKind, Result};
use scant_engine::Registry;
use scant_engine::plugins::Refused;

use crate::Host;
use crate::arguments::{PluginArguments, Showing};

/// The environment variable with more places of plugins, separated as in `PATH`.
const PLUGIN_PATH: &str = "SCANT_PLUGIN_PATH";

/// The components there are, linked in and loaded.
pub struct Session {
    /// The program.
    pub host: Host,
    /// All components by name.
    pub registry: Registry,
    /// The libraries that could not be taken.
    pub refused: Vec<Refused>,
    /// Whether only libraries in a lock file are taken.
    pub locked: bool,
    /// How runs are shown.
    pub showing: Showing,
}

impl Session {
    pub(crate) fn open(host: Host, arguments: &PluginArguments, showing: Showing) -> Result<Self> {
        let mut registry = Registry::linked()?;
        let mut places = arguments.plugin_dir.clone();
        if let Some(more) = std::env::var_os(PLUGIN_PATH) {
            places.extend(std::env::split_paths(&more).filter(|place| !place.as_os_str().is_empty()));
        }
        let refused = registry.load_plugins(&places, arguments.locked);
        Ok(Self { host, registry, refused, locked: arguments.locked, showing })
    }

    /// Refuses to go on without a plugin that was asked for.
    pub fn require_plugins(&self) -> Result<()> {
        none_of(&self.refused)
    }

    /// The components there are, with those of more places: what a configuration names in `plugins`.
    pub fn with_plugins(&self, places: &[PathBuf]) -> Result<Registry> {
        let (registry, refused) = self.with_some_plugins(places);
        none_of(&refused).map(|()| registry)
    }

    /// As [`Self::with_plugins`], and the libraries that could not be taken.
    pub fn with_some_plugins(&self, places: &[PathBuf]) -> (Registry, Vec<Refused>) {
        let mut registry = self.registry.clone();
        let refused = registry.load_plugins(places, self.locked);
        (registry, refused)
    }
}

fn none_of(refused: &[Refused]) -> Result<()> {
    let reasons: Vec<String> = refused.iter().map(ToString::to_string).collect();
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Plugin, reasons.join("\nerror: "))),
    }
}
