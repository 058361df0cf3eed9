//! `scant doctor`

use scant_abi::{Kind, Result};

use crate::Session;
use crate::output::write;
use crate::table::Table;

/// Nothing to choose.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: Args, session: &Session) -> Result<()> {
    let mut table = Table::new(["what", "found"]);
    table.row(["scant", env!("CARGO_PKG_VERSION")]);
    table.row(["contract", &scant_abi::ffi::CONTRACT.map(|number| number.to_string()).join(".")]);
    table.row(["system", &format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH)]);
    table.row(["processor", &cpu_features()]);
    table.row(["device", &(session.host.device)()]);
    table.row(["threads", &rayon::current_num_threads().to_string()]);
    for kind in Kind::ALL {
        table.row([&format!("kind {kind}"), &session.registry.of_kind(kind).count().to_string()]);
    }
    for origin in session.registry.origins() {
        table.row(["plugin", &origin.to_string()]);
    }
    for refused in &session.refused {
        table.row(["refused", &refused.reason]);
    }
    write(format_args!("{table}"))?;
    session.require_plugins()
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> String {
    let found = [
        ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    let names: Vec<&str> = found.into_iter().filter(|(_, found)| *found).map(|(name, _)| name).collect();
    if names.is_empty() { "none of sse4.2, avx2, fma, avx512f".to_owned() } else { names.join(", ") }
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> String {
    "as compiled for".to_owned()
}
