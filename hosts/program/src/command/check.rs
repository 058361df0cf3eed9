//! `scant check`

use std::path::PathBuf;

use scant_abi::{Error, Result};
use scant_engine::run::{Configuration, Method, check, resolved_text};

use super::data::DataFolders;
use crate::Session;

/// Which configuration.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sources: Sources,

    /// Print the configuration with everything it extends, and all overrides, filled in
    #[arg(long)]
    resolved: bool,
}

/// Where a configuration comes from.
#[derive(clap::Args)]
pub(crate) struct Sources {
    /// The configuration: TOML, YAML or JSON; later files win over earlier ones
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// Another value for a key, as in stage[0].epochs=5; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    #[command(flatten)]
    data: DataFolders,
}

impl Sources {
    /// The methods there are, and the folders in which their files are looked for.
    pub(crate) fn methods(&self, session: &Session) -> Result<(Vec<Method>, Vec<PathBuf>)> {
        let mut configuration = Configuration::load(&self.files, std::env::vars(), &self.set)?;
        configuration.look_in(self.data.folders());
        let folders = configuration.search_folders();
        check(&session.registry, &configuration)?.map(|methods| (methods, folders)).map_err(|findings| {
            let lines: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
            Error::config(format!("the configuration cannot be run:{}", lines.concat()))
        })
    }
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let (methods, _) = args.sources.methods(session)?;
    for method in &methods {
        if args.resolved {
            println!("{}", resolved_text(&method.settings)?);
        }
    }
    if !args.resolved {
        let names: Vec<&str> = methods.iter().map(|method| method.settings.label()).collect();
        println!("nothing is wrong: {}", names.join(", "));
    }
    Ok(())
}
