//! A configuration with the components' defaults written out, so that a run's folder says with what it ran.

use scant_abi::Kind;
use serde_json::{Map, Value};

use super::settings::{EvaluateSettings, Settings, Use};
use crate::{Registry, schema};

/// Writes every component's defaults into `settings` where they say nothing themselves.
pub(crate) fn fill_defaults(registry: &Registry, settings: &mut Settings) {
    fill(registry, Kind::Dataset, &mut settings.data.dataset, &[]);
    if let Some(model) = &mut settings.model {
        fill(registry, Kind::Model, model, &[]);
    }
    for stage in &mut settings.stage {
        // What the stage says of the optimiser is laid over the trainer's own.
        let without: &[&str] = if stage.optimizer.is_some() { &["optimizer"] } else { &[] };
        fill(registry, Kind::Trainer, &mut stage.trainer, without);
        if let Some(model) = &mut stage.model {
            fill(registry, Kind::Model, model, &[]);
        }
        stage.loss.iter_mut().for_each(|loss| fill(registry, Kind::Loss, loss, &[]));
        if let Some(Value::Object(optimizer)) = &mut stage.optimizer
            && let Ok(trainer) = registry.get(Kind::Trainer, stage.trainer.name())
        {
            fill_missing(optimizer, &schema::defaults(&trainer.description().schema, "optimizer"));
        }
        stage.augment.iter_mut().chain(stage.views.values_mut()).for_each(|view| fill_view(registry, view));
    }
    for EvaluateSettings { name, parameters, .. } in &mut settings.evaluate {
        add(registry, Kind::Evaluator, name, parameters, &[]);
    }
}

/// Writes the defaults into every augmentation of a policy.
fn fill_view(registry: &Registry, value: &mut Value) {
    match value {
        Value::String(name) => {
            let mut component = Use::Name(std::mem::take(name));
            fill(registry, Kind::Augmentation, &mut component, &[]);
            *value = match component {
                Use::Name(name) => Value::String(name),
                Use::With(table) => Value::Object(table),
            };
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_view(registry, item)),
        Value::Object(table) => match table.get("use").and_then(Value::as_str) {
            Some(name) => {
                let name = name.to_owned();
                add(registry, Kind::Augmentation, &name, table, &[]);
            }
            None => {
                let parts = ["one_of", "pairs", "then"];
                let inner = table.iter_mut().filter(|(key, _)| parts.contains(&key.as_str()));
                inner.for_each(|(_, value)| fill_view(registry, value));
            }
        },
        _ => {}
    }
}

fn fill(registry: &Registry, kind: Kind, component: &mut Use, without: &[&str]) {
    let name = component.name().to_owned();
    let mut table = match component {
        Use::Name(_) => Map::from_iter([("use".to_owned(), Value::String(name.clone()))]),
        Use::With(table) => std::mem::take(table),
    };
    add(registry, kind, &name, &mut table, without);
    *component = if table.len() == 1 { Use::Name(name) } else { Use::With(table) };
}

fn add(registry: &Registry, kind: Kind, name: &str, table: &mut Map<String, Value>, without: &[&str]) {
    let Ok(Value::Object(defaults)) = registry.get(kind, name).map(|found| &found.description().defaults)
    else {
        return;
    };
    let wanted = defaults.iter().filter(|(key, _)| !without.contains(&key.as_str()));
    fill_missing(table, &wanted.map(|(key, value)| (key.clone(), value.clone())).collect());
}

fn fill_missing(table: &mut Map<String, Value>, defaults: &Map<String, Value>) {
    for (key, value) in defaults {
        if !table.contains_key(key)
            && let Some(value) = tidy(value)
        {
            table.insert(key.clone(), value);
        }
    }
}

/// The value as a person would write it: without nulls, and 0.1 for the `f32` that is nearest to it.
fn tidy(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64()?;
            let short = (exact as f32).to_string().parse::<f64>().ok()?;
            let is_f32 = f64::from(exact as f32) == exact;
            Some(Value::from(if is_f32 { short } else { exact }))
        }
        Value::Array(items) => Some(items.iter().filter_map(tidy).collect()),
        Value::Object(map) => {
            Some(Value::Object(map.iter().filter_map(|(k, v)| Some((k.clone(), tidy(v)?))).collect()))
        }
        other => Some(other.clone()),
    }
}
