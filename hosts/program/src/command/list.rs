//! `scant list`

use scant_abi::{Kind, Result};
use serde_json::json;

use crate::Session;
use crate::output::{say, write};
use crate::table::Table;

/// Which components, in which form.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only components of this kind
    #[arg(long, value_parser = parse_kind)]
    kind: Option<Kind>,

    /// As JSON, with schemas and defaults
    #[arg(long)]
    json: bool,
}

fn parse_kind(text: &str) -> std::result::Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        format!("there is no such kind; {}", scant_engine::suggest::hint(text, Kind::ALL.map(Kind::name)))
    })
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let mut shown: Vec<_> = session
        .registry
        .iter()
        .filter(|registered| args.kind.is_none_or(|kind| registered.description().kind == kind))
        .collect();
    shown.sort_by_key(|registered| registered.description().kind);
    if args.json {
        let all: Vec<_> = shown
            .iter()
            .map(|registered| {
                let mut value = json!(registered.description());
                value["origin"] = json!(registered.origin.to_string());
                value
            })
            .collect();
        say!("{:#}", json!(all))?;
        return Ok(());
    }
    let mut table = Table::new(["kind", "name", "plugin", "summary"]);
    for registered in &shown {
        let description = registered.description();
        table.row([
            description.kind.name(),
            &description.name,
            &registered.origin.plugin,
            &description.summary,
        ]);
    }
    match shown.is_empty() {
        false => write(format_args!("{table}"))?,
        true => say!("There is nothing: no plugin is linked in, and --plugin-dir loaded none.")?,
    }
    Ok(())
}
