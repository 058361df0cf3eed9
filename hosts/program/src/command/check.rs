//! `scant check`

use std::path::PathBuf;

use scant_abi::{Device, Error, Result};
use scant_engine::Registry;
use scant_engine::run::{Configuration, Finding, Method, check, environment, resolved_text};
use scant_engine::schema::Problem;
use scant_engine::suggest::hint;

use super::data::DataFolders;
use crate::Session;
use crate::output::say;

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

    /// Where to compute: cpu, or cuda:0 and so on with a program that was built with CUDA
    #[arg(long, value_name = "DEVICE", value_parser = parse_device)]
    device: Option<Device>,

    #[command(flatten)]
    data: DataFolders,
}

fn parse_device(text: &str) -> std::result::Result<Device, String> {
    match text.split_once(':') {
        None if text == "cpu" => Ok(Device::Cpu),
        Some(("cuda", number)) => {
            number.parse().map(Device::Cuda).map_err(|_| format!("'{number}' is no number"))
        }
        _ => Err("write cpu, or cuda:0 for the first GPU".to_owned()),
    }
}

/// A configuration that can be run.
pub(crate) struct Plan {
    /// The components there are, with those of the plugins that the configuration names.
    pub(crate) registry: Registry,
    /// The methods.
    pub(crate) methods: Vec<Method>,
    /// Where the files that it names are looked for.
    pub(crate) folders: Vec<PathBuf>,
}

impl Sources {
    /// The configuration, if nothing is wrong with it.
    pub(crate) fn plan(&self, session: &Session) -> Result<Plan> {
        let device = self.device.map(|device| match device {
            Device::Cpu => "device=\"cpu\"".to_owned(),
            Device::Cuda(number) => format!("device={{ cuda = {number} }}"),
        });
        let set: Vec<String> = self.set.iter().cloned().chain(device).collect();
        let mut configuration = Configuration::load(&self.files, environment()?, &set)?;
        configuration.look_in(self.data.folders());
        Plan::of(&configuration, session)
    }
}

impl Plan {
    /// The method of this name.
    pub(crate) fn method(&self, name: &str) -> Result<&Method> {
        let is_meant =
            |method: &&Method| method.name.as_deref() == Some(name) || method.settings.label() == name;
        let found = self.methods.iter().find(is_meant);
        found.ok_or_else(|| {
            let names = self.methods.iter().map(|method| method.settings.label());
            Error::config(format!("there is no method '{name}'; {}", hint(name, names)))
        })
    }

    /// What a configuration says, if nothing is wrong with it.
    pub(crate) fn of(configuration: &Configuration, session: &Session) -> Result<Self> {
        let (registry, refused) = session.with_some_plugins(&configuration.plugins());
        let refused = refused.iter().map(|refused| {
            Finding::of(configuration, Problem { path: "plugins".into(), message: refused.to_string() })
        });
        let mut findings: Vec<Finding> = refused.collect();
        let checked = check(&registry, configuration).map_err(|found| findings.extend(found));
        if let (Ok(methods), true) = (checked, findings.is_empty()) {
            return Ok(Self { registry, methods, folders: configuration.search_folders() });
        }
        let lines: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
        Err(Error::config(format!("the configuration cannot be run:{}", lines.concat())))
    }
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let methods = args.sources.plan(session)?.methods;
    for method in &methods {
        if args.resolved {
            if methods.len() > 1 {
                say!("# {}", method.settings.label())?;
            }
            say!("{}", resolved_text(&method.settings)?)?;
        }
    }
    if !args.resolved {
        let names: Vec<&str> = methods.iter().map(|method| method.settings.label()).collect();
        say!("nothing is wrong: {}", names.join(", "))?;
    }
    Ok(())
}
