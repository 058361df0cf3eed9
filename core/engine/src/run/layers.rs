//! How the layers of a configuration are laid one upon another.
//!
//! Tables are merged key by key, everything else is replaced. What chooses one of several things is replaced whole
//! where another is chosen, for the keys of the one mean nothing to the other.

use config::{Map, Value, ValueKind};
use scant_abi::{Error, Result};

use super::settings::{EVALUATE_KEYS, LOSS_KEYS};

/// What a schedule can be; one excludes the others.
const SCHEDULES: [&str; 5] = ["constant", "linear", "cosine", "step", "cyclical"];

/// Lays `over` upon `value`; both stand at `path`.
pub(super) fn lay(value: &mut Value, over: Value, path: &str) {
    if matches!(&over.kind, ValueKind::Table(_)) {
        spell_out(value, path);
    }
    if replaces(value, &over, path) {
        *value = over;
        return;
    }
    if let (ValueKind::Table(table), ValueKind::Table(over)) = (&mut value.kind, over.kind) {
        for (key, over) in over {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match table.get_mut(&key) {
                Some(value) => lay(value, over, &path),
                None => _ = table.insert(key, over),
            }
        }
    }
}

/// Puts `new` at `path`, in place of whatever stands there; tables on the way are made, elements of lists are not.
pub(super) fn put(root: &mut Value, path: &str, new: Value) -> Result<()> {
    let mut at = root;
    let mut done = String::new();
    let steps = steps(path)?;
    for (number, step) in steps.iter().enumerate() {
        let last = number + 1 == steps.len();
        at = match step {
            Step::Key(key) => {
                if matches!(at.kind, ValueKind::Array(_)) {
                    let message = format!("{done} is a list: say which of it is meant, {done}[0].{key}");
                    return Err(Error::config(message));
                }
                spell_out(at, &done);
                let table = as_table(&mut at.kind).ok_or_else(|| wrong(path))?;
                choose(table, &done, key, last.then_some(&new));
                done = if done.is_empty() { key.clone() } else { format!("{done}.{key}") };
                table.entry(key.clone()).or_default()
            }
            Step::Index(index) => {
                let items = as_list(&mut at.kind, last && *index == 0);
                let length = items.as_ref().map_or(0, |items| items.len());
                let beyond = || Error::config(beyond(&done, *index, length));
                let items = items.ok_or_else(beyond)?;
                if *index == length && last {
                    items.push(Value::default());
                }
                let item = items.get_mut(*index).ok_or_else(beyond)?;
                done = format!("{done}[{index}]");
                item
            }
        };
    }
    *at = new;
    Ok(())
}

/// Makes of a component's name alone the table that it stands for, so that parameters can be added.
fn spell_out(value: &mut Value, path: &str) {
    let own = path.rsplit('.').next().unwrap_or_default();
    let is_component = ["model", "trainer", "dataset"].contains(&own)
        || ["loss[", "evaluate["].iter().any(|list| own.starts_with(list));
    if is_component && matches!(value.kind, ValueKind::String(_)) {
        let name = std::mem::take(value);
        let origin = name.origin().map(str::to_owned);
        let table = Map::from_iter([("use".to_owned(), name)]);
        *value = Value::new(origin.as_ref(), ValueKind::Table(table));
    }
}

/// What stands in a table; in a new one where there is something else.
fn as_table(kind: &mut ValueKind) -> Option<&mut Map<String, Value>> {
    if !matches!(kind, ValueKind::Table(_)) {
        *kind = ValueKind::Table(Map::new());
    }
    match kind {
        ValueKind::Table(table) => Some(table),
        _ => None,
    }
}

/// The elements of a list; of a new one where there is nothing and `make` is set.
fn as_list(kind: &mut ValueKind, make: bool) -> Option<&mut Vec<Value>> {
    if make && matches!(kind, ValueKind::Nil) {
        *kind = ValueKind::Array(Vec::new());
    }
    match kind {
        ValueKind::Array(items) => Some(items),
        _ => None,
    }
}

fn beyond(list: &str, index: usize, length: usize) -> String {
    let there = match length {
        0 => format!("{list} is no list with elements"),
        1 => format!("{list}[0] is all there is"),
        _ => format!("the last one is {list}[{}]", length - 1),
    };
    format!("there is no {list}[{index}]; {there}")
}

/// Before `key` is put into the table at `path`: takes out what another choice has left there.
fn choose(table: &mut Map<String, Value>, path: &str, key: &str, new: Option<&Value>) {
    let is_schedule = |key: &str| SCHEDULES.contains(&key);
    if is_choice(path) || (is_schedule(key) && table.len() == 1 && table.keys().all(|key| is_schedule(key))) {
        table.retain(|known, _| known == key);
    }
    let named = |value: &Value| match &value.kind {
        ValueKind::String(name) => Some(name.clone()),
        _ => None,
    };
    if key == "use"
        && let (Some(old), Some(new)) = (table.get("use").and_then(named), new.and_then(named))
        && old != new
    {
        // How much a loss counts and when an evaluator is due is no affair of theirs.
        let kept: &[&str] = if path.contains("loss[") {
            &LOSS_KEYS
        } else if path.contains("evaluate[") {
            &EVALUATE_KEYS
        } else {
            &[]
        };
        table.retain(|key, _| kept.contains(&key.as_str()));
    }
}

fn replaces(value: &Value, over: &Value, path: &str) -> bool {
    let (ValueKind::Table(value), ValueKind::Table(over)) = (&value.kind, &over.kind) else { return true };
    let differ =
        |old: Option<&str>, new: Option<&str>| matches!((old, new), (Some(old), Some(new)) if old != new);
    is_choice(path) || differ(name(value), name(over)) || differ(schedule(value), schedule(over))
}

/// Whether what stands at `path` is one thing of several, without a `use` that says which.
fn is_choice(path: &str) -> bool {
    let own =
        path.strip_prefix("method[").and_then(|rest| rest.split_once("].")).map_or(path, |(_, own)| own);
    if ["data.labels", "data.validation"].contains(&own) {
        return true;
    }
    let in_stage = own.strip_prefix("stage[").and_then(|rest| rest.split_once("].")).map(|(_, key)| key);
    in_stage.is_some_and(|key| {
        key == "augment" || key.strip_prefix("views.").is_some_and(|view| !view.contains('.'))
    })
}

fn name(table: &Map<String, Value>) -> Option<&str> {
    match table.get("use").map(|value| &value.kind) {
        Some(ValueKind::String(name)) => Some(name),
        _ => None,
    }
}

fn schedule(table: &Map<String, Value>) -> Option<&str> {
    let only = table.keys().next().filter(|_| table.len() == 1)?;
    SCHEDULES.contains(&only.as_str()).then_some(only)
}

enum Step {
    Key(String),
    Index(usize),
}

/// `stage[0].epochs` step by step.
fn steps(path: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (key, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if key.trim().is_empty() {
            return Err(wrong(path));
        }
        steps.push(Step::Key(key.trim().to_owned()));
        while let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').ok_or_else(|| wrong(path))?;
            steps.push(Step::Index(index.trim().parse().map_err(|_| wrong(path))?));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(wrong(path));
        }
    }
    Ok(steps)
}

fn wrong(path: &str) -> Error {
    Error::config(format!("'{path}' is no key; write it as in stage[0].epochs"))
}
