//! `scant evaluate`

use std::path::PathBuf;

use scant_abi::{Error, Findings, Result};
use scant_engine::run::settings::EvaluateSettings;
use scant_engine::run::{Suite, evaluate};
use serde_json::json;

use super::data::DataFolders;
use crate::Session;
use crate::output::{say, write};
use crate::table::Table;

/// Which finished run, and by which evaluators.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a finished run
    run: PathBuf,

    /// Another evaluator instead of the run's own: a name, or { use = "knn-probe", neighbors = 5 }; may be given several times
    #[arg(long, value_name = "EVALUATOR")]
    by: Vec<String>,

    #[command(flatten)]
    data: DataFolders,

    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let others = args.by.iter().map(|text| parse(text)).collect::<Result<_>>()?;
    let registry = session.with_plugins(&Suite::open(&args.run)?.plugins())?;
    let judged = evaluate(&registry, &args.run, others, &args.data.folders())?;
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for (name, findings) in judged {
        match findings {
            Ok(findings) => found.push((name, findings)),
            Err(error) => failed.push(error.to_string()),
        }
    }
    show(&found, args.json)?;
    if found.is_empty() && failed.is_empty() {
        log::warn!("no evaluator judges the last stage: say which should, with --by NAME");
    }
    for (name, _) in found.iter().filter(|(_, findings)| findings.metrics.is_empty()) {
        log::warn!("the evaluator '{name}' found no number in this run");
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Error::config(failed.join("\nerror: "))),
    }
}

fn show(found: &[(String, Findings)], as_json: bool) -> Result<()> {
    if as_json {
        let all: Vec<_> = found
            .iter()
            .map(|(name, findings)| json!({"evaluator": name, "metrics": findings.metrics}))
            .collect();
        say!("{:#}", serde_json::Value::from(all))?;
        return Ok(());
    }
    if found.iter().all(|(_, findings)| findings.metrics.is_empty()) {
        return Ok(());
    }
    let mut table = Table::new(["evaluator", "metric", "split", "value"]);
    for (name, findings) in found {
        for metric in &findings.metrics {
            table.row([name, &metric.name, &metric.split, &format!("{:.4}", metric.value)]);
        }
    }
    write(format_args!("{table}"))
}

fn parse(text: &str) -> Result<EvaluateSettings> {
    let table = if text.trim_start().starts_with('{') { text } else { &format!("{{ use = \"{text}\" }}") };
    #[derive(serde::Deserialize)]
    struct Written {
        evaluator: EvaluateSettings,
    }
    toml::from_str::<Written>(&format!("evaluator = {table}"))
        .map(|written| written.evaluator)
        .map_err(|error| Error::config(format!("--by {text}: {error}")))
}
