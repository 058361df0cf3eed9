//! Schemas in words, for messages and for `describe`.

use serde_json::Value;

use super::{Checker, constants, keys, types as type_names};

/// One key of a component's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The key, with those it stands under: `encoder.width`.
    pub path: String,
    /// What may stand there.
    pub types: String,
    /// What stands there where a configuration says nothing.
    pub default: String,
    /// What it means.
    pub meaning: String,
}

/// All keys of a configuration, tables within it unfolded.
pub fn parameters(schema: &Value, defaults: &Value) -> Vec<Parameter> {
    let mut found = Vec::new();
    unfold(&Checker { root: schema }, schema, defaults, "", &mut found);
    found
}

fn unfold<'a>(
    checker: &Checker<'a>,
    schema: &'a Value,
    defaults: &Value,
    prefix: &str,
    found: &mut Vec<Parameter>,
) {
    for (key, part) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{key}");
        let leaves = checker.alternatives(part);
        let default = &defaults[key];
        // What the rows below say one by one need not stand here all together.
        let unfolded = matches!(leaves.as_slice(), [table] if keys(table).next().is_some());
        let meaning = part["description"].as_str().unwrap_or_default();
        found.push(Parameter {
            path: path.clone(),
            types: types(&leaves),
            default: if default.is_null() || unfolded {
                "-".to_owned()
            } else {
                as_written(default).to_string()
            },
            meaning: meaning.split_whitespace().collect::<Vec<_>>().join(" "),
        });
        // A type that holds itself would unfold for ever.
        if path.matches(['.', '[']).count() > 2 {
            continue;
        }
        if let [table] = leaves.as_slice() {
            unfold(checker, table, default, &format!("{path}."), found);
            if let [item] = checker.alternatives(&table["items"]).as_slice() {
                unfold(checker, item, &Value::Null, &format!("{path}[]."), found);
            }
        }
    }
}

/// The value with its numbers as an author wrote them: 0.009, where a 32-bit number became 0.00899999961256981 in JSON.
fn as_written(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(wide) if number.is_f64() && f64::from(wide as f32) == wide => {
                (wide as f32).to_string().parse::<f64>().map_or_else(|_| value.clone(), Value::from)
            }
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(as_written).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), as_written(item))).collect(),
        _ => value.clone(),
    }
}

/// The types that these schemas stand for.
pub(super) fn types(leaves: &[&Value]) -> String {
    let mut kept: Vec<String> = Vec::new();
    let mut variants: Vec<&str> = Vec::new();
    for leaf in leaves {
        if let (["object"], [variant]) =
            (type_names(leaf).as_slice(), keys(leaf).collect::<Vec<_>>().as_slice())
            && leaves.len() > 1
        {
            variants.push(variant);
            continue;
        }
        let text = leaf_text(leaf);
        if !kept.contains(&text) {
            kept.push(text);
        }
    }
    if !variants.is_empty() {
        kept.push(format!("{{ {} = ... }}", variants.join(" | ")));
    }
    kept.join(" or ")
}

pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the string '{text}'"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

fn leaf_text(leaf: &Value) -> String {
    let constants: Vec<String> = constants(leaf).map(|name| format!("\"{name}\"")).collect();
    if !constants.is_empty() {
        return constants.join(" or ");
    }
    let names = type_names(leaf).into_iter().map(|name| match name {
        "null" => "nothing",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a string",
        "array" => "a list",
        "object" => "a table",
        other => other,
    });
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "anything".to_owned() } else { names.join(" or ") }
}
