//! `scant describe NAME`

use scant_abi::Result;
use scant_engine::schema;

use crate::Session;
use crate::output::{say, write};
use crate::table::Table;

/// Which component.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The component's name
    name: String,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let registered = session.registry.find(&args.name)?;
    let description = registered.description();
    say!("{} ({})\n  {}", description.name, description.kind, description.summary)?;

    let parameters = schema::parameters(&description.schema, &description.defaults);
    if parameters.is_empty() {
        say!("\nIt takes no parameters.")?;
    } else {
        let mut table = Table::new(["parameter", "type", "default", "meaning"]);
        for parameter in &parameters {
            table.row([&parameter.path, &parameter.types, &parameter.default, &parameter.meaning]);
        }
        write(format_args!("\n{table}"))?;
    }
    if !description.outputs.is_empty() {
        let mut table = Table::new(["output", "meaning"]);
        for (name, meaning) in &description.outputs {
            table.row([name, meaning]);
        }
        write(format_args!("\n{table}"))?;
    }
    say!("\nFrom {}", registered.origin)?;
    Ok(())
}
