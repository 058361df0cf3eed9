//! What can be found wrong with the methods of a configuration beside each other.

use serde_json::Value;

use super::check::Finding;
use super::check_values::{PLAIN, is_plain};
use super::config::Configuration;
use super::methods::Described;
use super::suite::file_name;
use crate::schema::Problem;

/// Names and labels that cannot stand beside each other, and what none of the methods would look at.
pub(super) fn check_methods(described: &[Described], configuration: &Configuration) -> Vec<Finding> {
    let mut findings = check_names(described, configuration);
    findings.extend(check_labels(described, configuration));
    findings.extend(unused(described, configuration));
    findings
}

/// Methods of whose names no folder can be made, or the same folder as of another's.
fn check_names(described: &[Described], configuration: &Configuration) -> Vec<Finding> {
    let mut folders: Vec<(String, &str)> = Vec::new();
    let mut findings = Vec::new();
    for method in described {
        let (Some(block), Some(name)) = (&method.block, &method.name) else { continue };
        let path = format!("{block}.name");
        let folder = file_name(name);
        let message = match folders.iter().find(|(known, _)| *known == folder) {
            _ if !is_plain(&folder) => format!("'{name}' cannot be a folder's name: {PLAIN}"),
            Some((_, other)) => {
                format!("'{other}' and '{name}' would both be kept in '{folder}': rename one")
            }
            None => {
                folders.push((folder, name));
                continue;
            }
        };
        findings.push(Finding::of(configuration, Problem { path, message }));
    }
    findings
}

/// Methods of one label that differ in more than their seeds: tables would take them for repeats of one.
fn check_labels(described: &[Described], configuration: &Configuration) -> Vec<Finding> {
    let label = |method: &Described| method.value.get("label").and_then(Value::as_str).map(str::to_owned);
    let told = |method: &Described| {
        let mut value = method.value.clone();
        if let Value::Object(table) = &mut value {
            table.retain(|key, _| !["seed", "seeds"].contains(&key.as_str()));
        }
        value
    };
    let mut labels: Vec<(String, Value)> = Vec::new();
    let mut findings = Vec::new();
    for method in described {
        let (Some(block), Some(label)) = (&method.block, label(method)) else { continue };
        let told = told(method);
        let differs = labels.iter().any(|(other, value)| *other == label && *value != told);
        if differs && method.name.is_some() {
            let message = format!("another method is called '{label}' in tables: rename one");
            let problem = Problem { path: format!("{block}.label"), message };
            findings.push(Finding::of(configuration, problem));
        }
        labels.push((label, told));
    }
    findings
}

/// What an argument or a variable says of the common part, and every method of its own: it would change nothing.
fn unused(described: &[Described], configuration: &Configuration) -> Vec<Finding> {
    let of = |key: &str| {
        configuration.value.get(key)?;
        let origin = configuration.origin(key)?;
        let asked = origin.starts_with("--set") || origin.starts_with("SCANT__");
        if !asked || !described.iter().all(|method| method.own.iter().any(|own| own == key)) {
            return None;
        }
        let message =
            format!("every method has its own {key}: name the one that is meant, method[0].{key}[0]");
        Some(Finding::of(configuration, Problem { path: key.to_owned(), message }))
    };
    if described.is_empty() { Vec::new() } else { ["stage", "evaluate"].into_iter().filter_map(of).collect() }
}
