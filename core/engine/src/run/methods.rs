//! The methods of a configuration: what each says itself, laid over what all of them share.

use serde_json::Value;

use super::config::{Configuration, from_json};
use super::layers::lay;
use crate::schema::Problem;

/// One method as a configuration describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Where its block stands: `method[0]`; nowhere in a file without such blocks, which is one method.
    pub block: Option<String>,
    /// The name that its block gives it and no other.
    pub name: Option<String>,
    /// The keys that its block says itself.
    pub own: Vec<String>,
    /// What it says, over what all methods share.
    pub value: Value,
}

impl Configuration {
    /// The methods, and what is wrong with their blocks as such.
    pub fn methods(&self) -> (Vec<Described>, Vec<Problem>) {
        let mut shared = self.value.clone();
        let Some(blocks) = shared.as_object_mut().and_then(|table| table.remove("method")) else {
            return (vec![Described { block: None, name: None, own: Vec::new(), value: shared }], Vec::new());
        };
        let mut methods: Vec<Described> = Vec::new();
        let mut problems = Vec::new();
        let mut wrong = |path: String, message: &str| {
            problems.push(Problem { path, message: message.to_owned() });
        };
        let blocks: Vec<(String, Value)> = match blocks {
            Value::Array(blocks) if blocks.is_empty() => {
                wrong("method".into(), "lists no method: leave it out, or write a [[method]]");
                Vec::new()
            }
            Value::Array(blocks) => {
                (0..).zip(blocks).map(|(number, block)| (format!("method[{number}]"), block)).collect()
            }
            // What a single table says is looked at all the same.
            other => {
                wrong("method".into(), "must be a list of tables: write [[method]]");
                if other.is_object() { vec![("method".into(), other)] } else { Vec::new() }
            }
        };
        for (path, block) in blocks {
            let Value::Object(mut block) = block else {
                wrong(path, "must be a table with a name");
                continue;
            };
            let own = block.keys().cloned().collect();
            let name = match block.remove("name") {
                Some(Value::String(name))
                    if methods.iter().any(|other| other.name.as_ref() == Some(&name)) =>
                {
                    wrong(format!("{path}.name"), &format!("there are two methods called '{name}'"));
                    None
                }
                Some(Value::String(name)) => Some(name),
                Some(_) => {
                    wrong(format!("{path}.name"), "must be text");
                    None
                }
                None => {
                    wrong(format!("{path}.name"), "is missing");
                    None
                }
            };
            if block.contains_key("plugins") {
                wrong(
                    format!("{path}.plugins"),
                    "stands at the top of the file: plugins are loaded for all methods",
                );
            }
            let says_label = block.contains_key("label");
            let mut value = from_json(shared.clone());
            lay(&mut value, from_json(Value::Object(block)), "");
            // The places of its values are known by their paths.
            let mut value = Self::default().take(value, "");
            if let (Value::Object(table), Some(name)) = (&mut value, &name) {
                // One label for several methods would make them one in tables.
                if !says_label {
                    table.insert("label".to_owned(), Value::String(name.clone()));
                }
            }
            methods.push(Described { block: Some(path), name, own, value });
        }
        (methods, problems)
    }
}
