//! The arguments that all commands share.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Parser};
use env_logger::Env;
use scant_abi::{Error, Result};

use crate::command::Command;

/// Threads for each core; many more than cores only wait for each other.
const MOST_THREADS: usize = 16;

/// Trains image classifiers when labels are scant. Every method is a plugin.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 110,
    after_help = "SCANT_LOG=debug (error, warn, info, debug or trace) says how much is told."
)]
pub(crate) struct Arguments {
    /// Threads to compute with; all cores where absent
    #[arg(long, global = true, value_name = "N", env = "SCANT_THREADS")]
    threads: Option<usize>,

    /// Say only what goes wrong
    #[arg(long, short, global = true)]
    quiet: bool,

    /// How messages are written
    #[arg(long, global = true, value_enum, default_value = "plain")]
    log_format: LogFormat,

    #[command(flatten)]
    pub(crate) plugins: PluginArguments,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How messages are written.
#[derive(Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    /// For people
    Plain,
    /// One JSON object on each line
    Json,
}

/// How runs are shown.
#[derive(Clone, Copy, Debug)]
pub struct Showing {
    /// Only what goes wrong.
    pub quiet: bool,
    /// One JSON object on each line, for programs.
    pub json: bool,
}

/// Where plugins are loaded from, beside those that are linked in.
#[derive(Args)]
pub(crate) struct PluginArguments {
    /// A folder of loadable plugins, or one plugin's library; may be given several times
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) plugin_dir: Vec<PathBuf>,

    /// Load only libraries that stand unchanged in the plugins.lock of their folder
    #[arg(long, global = true)]
    pub(crate) locked: bool,
}

impl Arguments {
    /// How runs are shown.
    pub(crate) fn showing(&self) -> Showing {
        Showing { quiet: self.quiet, json: matches!(self.log_format, LogFormat::Json) }
    }

    pub(crate) fn start_logging(&self) {
        let level = if self.quiet { "warn" } else { "info" };
        let mut builder = env_logger::Builder::from_env(Env::new().filter_or("SCANT_LOG", level));
        match self.log_format {
            LogFormat::Plain => builder.format_target(false).format_timestamp(None),
            LogFormat::Json => builder.format(|out, record| {
                let line = serde_json::json!({
                    "time": out.timestamp_millis().to_string(),
                    "level": record.level().as_str().to_lowercase(),
                    "target": record.target(),
                    "message": record.args().to_string(),
                });
                writeln!(out, "{line}")
            }),
        };
        builder.init();
    }

    pub(crate) fn start_threads(&self) -> Result<()> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let most = MOST_THREADS * cores;
        if let Some(wrong) = self.threads.filter(|threads| !(1..=most).contains(threads)) {
            return Err(Error::config(format!(
                "--threads: must be from 1 to {most}, {MOST_THREADS} for each of the {cores} cores, not {wrong}"
            )));
        }
        scant_abi::start_threads(self.threads.unwrap_or(0))
    }
}
