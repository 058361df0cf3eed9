//! `scant data verify`, and where data lie.

use std::path::PathBuf;

use clap::Subcommand;
use scant_abi::{Error, Result, Setup, Verdict};
use serde_json::{Map, Value};

use crate::Session;
use crate::output::{say, write};
use crate::table::Table;

/// The environment variable with folders of data, separated as in `PATH`.
const DATA_PATH: &str = "SCANT_DATA";

/// Where data sets are looked for.
#[derive(clap::Args)]
pub(crate) struct DataFolders {
    /// A folder in which data are looked for first; may be given several times; SCANT_DATA names more
    #[arg(long, value_name = "DIR")]
    data_dir: Vec<PathBuf>,
}

impl DataFolders {
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let mut folders = self.data_dir.clone();
        if let Some(more) = std::env::var_os(DATA_PATH) {
            folders.extend(std::env::split_paths(&more).filter(|folder| !folder.as_os_str().is_empty()));
        }
        folders
    }
}

/// What is to be done with data.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compare files with their published sums, and count labels
    Verify {
        /// The data set's name, as in `data.dataset`
        name: String,
        /// A parameter of the data set, as in batches=[1]; may be given several times
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
        #[command(flatten)]
        data: DataFolders,
    },
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let Task::Verify { name, set, data } = args.task;
    let mut folders = data.folders();
    folders.extend([".", "data"].map(PathBuf::from));
    let setup = Setup { folders, ..Setup::default() };
    let parameters = set.iter().map(|set| parameter(set)).collect::<Result<Map<String, Value>>>()?;
    let dataset = session.registry.make_dataset(&name, Value::Object(parameters), &setup)?;
    let checks = dataset.verify()?;
    if checks.is_empty() {
        say!("{name}: there is nothing to verify")?;
        return Ok(());
    }
    let mut table = Table::new(["verdict", "what", "found"]);
    for check in &checks {
        table.row([word(check.verdict), &check.subject, &check.detail]);
    }
    write(format_args!("{table}"))?;
    match checks.iter().filter(|check| check.verdict == Verdict::Bad).count() {
        0 => Ok(()),
        bad => Err(Error::data(format!("{name}: {bad} of {} checks failed", checks.len()))),
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Unknown => "unknown",
        Verdict::Bad => "BAD",
    }
}

/// `key=value`, the value as JSON where it is that, else as text.
fn parameter(set: &str) -> Result<(String, Value)> {
    let (key, text) = set.split_once('=').ok_or_else(|| {
        Error::config(format!("--set {set}: a key and a value are needed, such as batches=[1]"))
    })?;
    let value = serde_json::from_str(text.trim()).unwrap_or_else(|_| Value::String(text.trim().to_owned()));
    Ok((key.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_json_or_text() {
        assert_eq!(parameter("batches=[1]").unwrap(), ("batches".to_owned(), json!([1])));
        assert_eq!(parameter("labels = coarse").unwrap(), ("labels".to_owned(), json!("coarse")));
        assert!(parameter("batches").unwrap_err().to_string().contains("such as batches=[1]"));
    }
}
