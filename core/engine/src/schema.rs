//! Configuration values against the JSON Schema that a component publishes: all problems at once, each with its place.
//!
//! Only the forms that `schemars` makes from serde types are known. A schema validator from a crate would know
//! more forms, but say "is not valid under any of the schemas" where an experimenter needs the mistyped key.

mod words;

use std::fmt;

use serde_json::{Map, Value};

use crate::suggest;

pub use words::{Parameter, parameters};

/// Something wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `stage[0].loss.weight`.
    pub path: String,
    /// What, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.message),
            false => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// Everything that is wrong with `value`, which stands at `path` in the configuration.
pub fn check(schema: &Value, value: &Value, path: &str) -> Vec<Problem> {
    Checker { root: schema }.check(schema, value, path)
}

/// The defaults of the keys of the table at `key`, as the schema of the whole says them.
pub(crate) fn defaults(schema: &Value, key: &str) -> Map<String, Value> {
    let tables = Checker { root: schema }.alternatives(&schema["properties"][key]);
    let properties = tables.iter().filter_map(|table| table["properties"].as_object());
    match properties.collect::<Vec<_>>().as_slice() {
        [only] => {
            let stated =
                only.iter().filter_map(|(key, part)| Some((key.clone(), part.get("default")?.clone())));
            stated.collect()
        }
        _ => Map::new(),
    }
}

struct Checker<'a> {
    root: &'a Value,
}

impl<'a> Checker<'a> {
    fn check(&self, schema: &'a Value, value: &Value, path: &str) -> Vec<Problem> {
        let alternatives = self.alternatives(schema);
        let tried: Vec<Vec<Problem>> =
            alternatives.iter().map(|leaf| self.check_leaf(leaf, value, path)).collect();
        if tried.iter().any(Vec::is_empty) {
            // A bound may stand beside the reference to a type that has none of its own, such as a schedule.
            return value.as_f64().map_or(Vec::new(), |number| check_bounds(schema, number, path));
        }
        if let [only] = alternatives.as_slice()
            && admits(only, value)
        {
            return tried.into_iter().flatten().collect();
        }
        self.closest(&alternatives, tried, value, path)
            .unwrap_or_else(|| vec![problem(path, wrong_type(&alternatives, value))])
    }

    /// The problems under the alternative that was most likely meant.
    fn closest(
        &self,
        alternatives: &[&'a Value],
        tried: Vec<Vec<Problem>>,
        value: &Value,
        path: &str,
    ) -> Option<Vec<Problem>> {
        if let Value::Object(map) = value {
            let known: Vec<&str> = alternatives.iter().flat_map(|leaf| keys(leaf)).collect();
            let strangers: Vec<&String> = map.keys().filter(|key| !known.contains(&key.as_str())).collect();
            if !known.is_empty() && strangers.len() == map.len() && !map.is_empty() {
                return Some(strangers.into_iter().map(|key| unknown_key(path, key, &known)).collect());
            }
            // Choices that are told apart by their only key: several keys are several choices.
            let choices =
                alternatives.iter().filter(|leaf| keys(leaf).count() == 1).flat_map(|leaf| keys(leaf));
            let chosen: Vec<&str> = choices.filter(|key| map.is_empty() || map.contains_key(*key)).collect();
            if let [_, _, ..] = chosen.as_slice() {
                return Some(vec![problem(path, format!("choose one of {}", chosen.join(", ")))]);
            }
            return alternatives
                .iter()
                .zip(tried)
                .filter(|(leaf, _)| admits(leaf, value))
                .max_by_key(|(leaf, problems)| {
                    let shared = keys(leaf).filter(|key| map.contains_key(*key)).count();
                    (shared, std::cmp::Reverse(problems.len()))
                })
                .map(|(_, problems)| problems);
        }
        if let Value::String(text) = value {
            let allowed: Vec<&str> = alternatives.iter().flat_map(|leaf| constants(leaf)).collect();
            let free =
                alternatives.iter().any(|leaf| constants(leaf).next().is_none() && admits(leaf, value));
            if !allowed.is_empty() && !free {
                let hint = suggest::hint(text, allowed);
                return Some(vec![problem(path, format!("there is no choice '{text}'; {hint}"))]);
            }
        }
        let mut admitting = alternatives.iter().zip(tried).filter(|(leaf, _)| admits(leaf, value));
        admitting.next().map(|(_, problems)| problems)
    }

    /// A schema without references and choices between schemas: what it may finally stand for.
    fn alternatives(&self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.map(|target| self.alternatives(target)).unwrap_or_default();
        }
        let choices = ["anyOf", "oneOf", "allOf"].iter().find_map(|word| schema[*word].as_array());
        match choices {
            Some(choices) => choices.iter().flat_map(|choice| self.alternatives(choice)).collect(),
            None => vec![schema],
        }
    }

    fn check_leaf(&self, schema: &'a Value, value: &Value, path: &str) -> Vec<Problem> {
        if !admits(schema, value) {
            return vec![problem(path, wrong_type(&[schema], value))];
        }
        match value {
            Value::Object(map) => self.check_object(schema, map, path),
            Value::Array(items) => self.check_array(schema, items, path),
            Value::String(text) => {
                let allowed: Vec<&str> = constants(schema).collect();
                if allowed.is_empty() || allowed.contains(&text.as_str()) {
                    return Vec::new();
                }
                let hint = suggest::hint(text, allowed);
                vec![problem(path, format!("there is no choice '{text}'; {hint}"))]
            }
            Value::Number(number) => check_bounds(schema, number.as_f64().unwrap_or(f64::NAN), path),
            _ => Vec::new(),
        }
    }

    fn check_object(&self, schema: &'a Value, map: &Map<String, Value>, path: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let known: Vec<&str> = keys(schema).collect();
        for (key, value) in map {
            let place = join(path, key);
            if let Some(part) = schema["properties"].get(key) {
                problems.extend(self.check(part, value, &place));
            } else if let Some(part @ Value::Object(_)) = schema.get("additionalProperties") {
                problems.extend(self.check(part, value, &place));
            } else if schema["additionalProperties"] != Value::Bool(true) && !known.is_empty()
                || schema["additionalProperties"] == Value::Bool(false)
            {
                problems.push(unknown_key(path, key, &known));
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(key) {
                problems.push(problem(&join(path, key), "is missing".to_owned()));
            }
        }
        problems
    }

    fn check_array(&self, schema: &'a Value, items: &[Value], path: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let len = items.len() as u64;
        if schema["minItems"].as_u64().is_some_and(|least| len < least)
            || schema["maxItems"].as_u64().is_some_and(|most| len > most)
        {
            let wanted = match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
                (Some(least), Some(most)) if least == most => format!("{least}"),
                (Some(least), None) => format!("at least {least}"),
                (None, Some(most)) => format!("at most {most}"),
                (least, most) => format!("{} to {}", least.unwrap_or(0), most.unwrap_or(u64::MAX)),
            };
            problems.push(problem(path, format!("must have {wanted} elements, not {len}")));
        }
        let leading = schema["prefixItems"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (i, item) in items.iter().enumerate() {
            if let Some(part) = leading.get(i).or_else(|| schema.get("items")) {
                problems.extend(self.check(part, item, &format!("{path}[{i}]")));
            }
        }
        problems
    }
}

pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn problem(path: &str, message: String) -> Problem {
    Problem { path: path.to_owned(), message }
}

fn unknown_key(path: &str, key: &str, known: &[&str]) -> Problem {
    let hint = match known.is_empty() {
        true => "this takes no parameters".to_owned(),
        false => suggest::hint(key, known.iter().copied()),
    };
    problem(&join(path, key), format!("unknown key; {hint}"))
}

fn keys(schema: &Value) -> impl Iterator<Item = &str> {
    schema["properties"].as_object().into_iter().flat_map(|map| map.keys().map(String::as_str))
}

fn constants(schema: &Value) -> impl Iterator<Item = &str> {
    let several = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    schema["const"].as_str().into_iter().chain(several)
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ if schema.get("const").is_some() || schema.get("enum").is_some() => vec!["string"],
        _ => Vec::new(),
    }
}

fn admits(schema: &Value, value: &Value) -> bool {
    let types = types(schema);
    types.is_empty()
        || types.iter().any(|name| match *name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            // serde takes no 3.0 for an integer, although JSON Schema would.
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        })
}

fn check_bounds(schema: &Value, number: f64, path: &str) -> Vec<Problem> {
    let outside = [
        ("minimum", "at least", (|n, bound| n < bound) as fn(f64, f64) -> bool),
        ("maximum", "at most", |n, bound| n > bound),
        ("exclusiveMinimum", "above", |n, bound| n <= bound),
        ("exclusiveMaximum", "below", |n, bound| n >= bound),
    ];
    let broken = outside.iter().filter_map(|(word, text, breaks)| {
        let bound = schema[*word].as_f64().filter(|bound| breaks(number, *bound))?;
        Some(problem(path, format!("must be {text} {bound}, not {number}")))
    });
    broken.collect()
}

fn wrong_type(alternatives: &[&Value], value: &Value) -> String {
    // Nobody can write "nothing" in a TOML file: there the key is left out.
    let wanted: Vec<&Value> = alternatives.iter().copied().filter(|leaf| types(leaf) != ["null"]).collect();
    if let Value::String(text) = value
        && wanted.iter().any(|leaf| types(leaf).contains(&"integer"))
        && is_too_large(text)
    {
        return format!("{text} is too large; the largest whole number there is is {}", i64::MAX);
    }
    format!("must be {}, not {}", words::types(&wanted).replace(" or nothing", ""), words::value(value))
}

/// Whether the text, which TOML took for no number, is a whole one of too many digits.
fn is_too_large(text: &str) -> bool {
    let digits = text.trim_start_matches('+').replace('_', "");
    digits.len() > 18 && digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<i64>().is_err()
}

#[cfg(test)]
mod tests;
