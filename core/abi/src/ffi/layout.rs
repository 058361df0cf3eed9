//! Differences between two layouts in a line, where `abi_stable` would print a hundred kilobytes.

use abi_stable::abi_stability::abi_checking::{AbiInstabilityErrors, check_layout_compatibility};
use abi_stable::type_layout::{TLField, TLFieldOrFunction, TypeLayout};

/// How many differences are told.
const TOLD: usize = 3;

/// What differs between the host's layout and the plugin's; nothing where the plugin fits.
pub(super) fn differences(host: &'static TypeLayout, plugin: &'static TypeLayout) -> Option<String> {
    let errors = check_layout_compatibility(host, plugin).err()?;
    let mut told: Vec<String> = Vec::new();
    for text in pairs(&errors).filter_map(|(host, plugin)| difference(host, plugin)) {
        if !told.contains(&text) && told.len() < TOLD {
            told.push(text);
        }
    }
    Some(if told.is_empty() { "their types differ".to_owned() } else { told.join("; ") })
}

/// The types in which something differs, innermost first: those name the field, the outer ones only contain it.
fn pairs(errors: &AbiInstabilityErrors) -> impl Iterator<Item = (&'static TypeLayout, &'static TypeLayout)> {
    let mut all: Vec<_> = errors.errors.iter().collect();
    all.sort_by_key(|error| std::cmp::Reverse(error.stack_trace.len()));
    let whole = (errors.interface, errors.implementation);
    all.into_iter().map(move |error| {
        let fields = error.stack_trace.iter().rev().find_map(|step| match (&step.expected, &step.found) {
            (TLFieldOrFunction::Field(host), TLFieldOrFunction::Field(plugin)) => {
                Some((host.layout(), plugin.layout()))
            }
            _ => None,
        });
        fields.unwrap_or(whole)
    })
}

fn difference(host: &'static TypeLayout, plugin: &'static TypeLayout) -> Option<String> {
    let name = host.name();
    if name != plugin.name() {
        return Some(format!("type {name} of this host is {} of the plugin", plugin.name()));
    }
    let fields = |layout: &'static TypeLayout| -> Vec<TLField> {
        layout.get_fields().map(|fields| fields.to_vec()).unwrap_or_default()
    };
    let (ours, theirs) = (fields(host), fields(plugin));
    let lacking = |from: &[TLField], name: &str| from.iter().all(|field| field.name() != name);
    if let Some(field) = theirs.iter().find(|field| lacking(&ours, field.name())) {
        return Some(format!("type {name} has a field '{}' in the plugin alone", field.name()));
    }
    if let Some(field) = ours.iter().find(|field| lacking(&theirs, field.name())) {
        return Some(format!("type {name} lacks the field '{}' in the plugin", field.name()));
    }
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let field = ours.name();
        if field != theirs.name() {
            return Some(format!("type {name} has its field '{}' at the place of '{field}'", theirs.name()));
        }
        let (wanted, found) = (ours.full_type().to_string(), theirs.full_type().to_string());
        if wanted != found {
            return Some(format!("type {name} has a field '{field}' of type {found} instead of {wanted}"));
        }
    }
    (host.size() != plugin.size())
        .then(|| format!("type {name} has {} bytes instead of {}", plugin.size(), host.size()))
}
