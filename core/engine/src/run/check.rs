//! A configuration checked before any data is read: everything that is wrong with it, at once.

use std::fmt;

use scant_abi::{Kind, Schedule};
use schemars::schema_for;
use serde_json::{Map, Value};

use super::check_methods::check_methods;
use super::check_stages::check_built;
use super::components::check_augmentation;
use super::config::Configuration;
use super::methods::Described;
use super::resolve::fill_defaults;
use super::settings::{EVALUATE_KEYS, LOSS_KEYS, Settings};
use crate::Registry;
use crate::schema::{self, Problem};
use crate::suggest;

/// One method of a configuration, ready to be run.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name, where the file has several.
    pub name: Option<String>,
    /// Its settings.
    pub settings: Settings,
}

/// Something that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, variable or argument that says it.
    pub origin: Option<String>,
    /// The method, where the file has several.
    pub method: Option<String>,
    /// Where, and what.
    pub problem: Problem,
}

impl Finding {
    /// What is wrong with a configuration whatever the method.
    pub fn of(configuration: &Configuration, problem: Problem) -> Self {
        let origin = configuration.origin(&problem.path).map(str::to_owned);
        Self { origin, method: None, problem }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            // The argument names the key, or one above it: once is enough.
            Some(origin) if says_path(origin, &self.problem.path) => f.write_str("--set ")?,
            Some(origin) => write!(f, "{origin}: ")?,
            None => {}
        }
        if let Some(method) = &self.method {
            write!(f, "method '{method}': ")?;
        }
        write!(f, "{}", self.problem)
    }
}

fn says_path(origin: &str, path: &str) -> bool {
    origin.strip_prefix("--set ").is_some_and(|set| !set.is_empty() && path.starts_with(set))
}

/// The methods of a configuration, or everything that is wrong with it.
pub fn check(registry: &Registry, configuration: &Configuration) -> Result<Vec<Method>, Vec<Finding>> {
    let mut methods = Vec::new();
    let (described, problems) = configuration.methods();
    let problems = configuration.not_finite.iter().cloned().chain(problems);
    let mut findings: Vec<Finding> = problems.map(|problem| Finding::of(configuration, problem)).collect();
    findings.extend(check_methods(&described, configuration));
    for method in described {
        match check_one(registry, &method.value, configuration) {
            Ok(settings) => methods.push(Method { name: method.name, settings }),
            Err(problems) => {
                for problem in problems {
                    let finding = finding(configuration, &method, problem);
                    // What stands in the common part is wrong in every method, and said once.
                    if let Some(finding) = finding.filter(|finding| !findings.contains(finding)) {
                        findings.push(finding);
                    }
                }
            }
        }
    }
    if findings.is_empty() { Ok(methods) } else { Err(findings) }
}

/// A problem of a method as it is told, unless a number that is none has been told of at its place.
fn finding(configuration: &Configuration, method: &Described, problem: Problem) -> Option<Finding> {
    let Problem { path, message } = problem;
    let top = path.split(['.', '[']).next().unwrap_or_default();
    // A block's name is the method's, not the run's.
    let is_own = path != "name" && method.own.iter().any(|key| key == top);
    // What neither the block nor the file says is missing in the block, where blocks may say it.
    let is_nowhere = ["stage", "model"].contains(&top) && configuration.value.get(top).is_none();
    let block = method.block.as_ref().filter(|_| is_own || is_nowhere);
    let place = block.map_or(path.clone(), |block| format!("{block}.{path}"));
    if configuration.not_finite.iter().any(|known| known.path == place) {
        return None;
    }
    let origin = configuration.origin(&place).map(str::to_owned);
    let name = method.name.clone().filter(|_| block.is_some());
    let path = if name.is_some() { path } else { place };
    Some(Finding { origin, method: name, problem: Problem { path, message } })
}

fn check_one(
    registry: &Registry,
    value: &Value,
    configuration: &Configuration,
) -> Result<Settings, Vec<Problem>> {
    let mut problems = schema::check(&schema_for!(Settings).to_value(), value, "");
    for (kind, path, component, engine_keys) in uses(value) {
        problems.extend(check_component(registry, kind, &path, component, engine_keys));
    }
    problems.extend(check_optimizers(registry, value));
    problems.extend(check_weights(value));
    let sound = without(value, &problems);
    for (path, view) in views(value) {
        problems.extend(check_augmentation(registry, view, &path));
    }
    match serde_json::from_value::<Settings>(sound) {
        Ok(mut settings) => {
            problems.extend(check_built(registry, &settings, configuration, &problems));
            fill_defaults(registry, &mut settings);
            if problems.is_empty() { Ok(settings) } else { Err(problems) }
        }
        Err(error) => {
            if problems.is_empty() {
                problems.push(Problem { path: String::new(), message: error.to_string() });
            }
            Err(problems)
        }
    }
}

type Found<'a> = (Kind, String, &'a Value, &'static [&'static str]);

/// Every place of a configuration where a component stands, with the keys there that are the engine's.
fn uses<'a>(value: &'a Value) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'a>> = Vec::new();
    let mut add = |kind, path: String, value: Option<&'a Value>, keys: &'static [&'static str]| {
        found.extend(value.map(|value| (kind, path, value, keys)));
    };
    add(Kind::Dataset, "data.dataset".into(), value.pointer("/data/dataset"), &[]);
    add(Kind::Model, "model".into(), value.get("model"), &[]);
    for (number, stage) in items(value, "stage") {
        let path = format!("stage[{number}]");
        add(Kind::Trainer, format!("{path}.trainer"), stage.get("trainer"), &[]);
        add(Kind::Model, format!("{path}.model"), stage.get("model"), &[]);
        for (loss_number, loss) in items(stage, "loss") {
            add(Kind::Loss, format!("{path}.loss[{loss_number}]"), Some(loss), &LOSS_KEYS);
        }
    }
    for (number, evaluate) in items(value, "evaluate") {
        add(Kind::Evaluator, format!("evaluate[{number}]"), Some(evaluate), &EVALUATE_KEYS);
    }
    found
}

/// Every place of a configuration where an augmentation stands.
fn views(value: &Value) -> impl Iterator<Item = (String, &Value)> {
    items(value, "stage").flat_map(|(number, stage)| {
        let named = stage.get("views").and_then(Value::as_object).into_iter().flatten();
        let named = named.map(move |(name, view)| (format!("stage[{number}].views.{name}"), view));
        named.chain(stage.get("augment").map(|view| (format!("stage[{number}].augment"), view)))
    })
}

/// `value` less the keys that are wrong, so that what stands beside them can be looked at too.
fn without(value: &Value, problems: &[Problem]) -> Value {
    let mut value = value.clone();
    for problem in problems {
        // What is left of a choice from which a key is taken out is no choice.
        let choice = ["data.labels", "data.validation"].into_iter().find(|key| problem.path.starts_with(key));
        let weight = problem.path.find("].weight").map(|at| &problem.path[..at + "].weight".len()]);
        let path = choice.or(weight).unwrap_or(&problem.path);
        let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
        if let Some((table, key)) = pointer.rsplit_once('/')
            && let Some(table) = value.pointer_mut(table).and_then(Value::as_object_mut)
        {
            match key {
                // These must be there; anything will do to look at the rest.
                "batch" | "epochs" => _ = table.insert(key.to_owned(), Value::from(1)),
                "name" if problem.path == "name" => _ = table.insert(key.to_owned(), Value::from("nameless")),
                "trainer" | "dataset" => {
                    if !table.get(key).is_some_and(is_use) {
                        table.insert(key.to_owned(), Value::from(""));
                    }
                }
                "data" => _ = table.insert(key.to_owned(), serde_json::json!({"dataset": ""})),
                "stage" => _ = table.insert(key.to_owned(), Value::Array(Vec::new())),
                // A component without a name stays what it is: nothing else could be made of it.
                "model" if table.get(key).is_some_and(is_use) => {}
                _ => _ = table.remove(key),
            }
        }
    }
    value
}

fn is_use(value: &Value) -> bool {
    value.is_string() || value.is_object()
}

/// What a stage says of its trainer's optimiser, against the trainer's own schema.
fn check_optimizers(registry: &Registry, value: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, stage) in items(value, "stage") {
        let trainer = stage.get("trainer");
        let name = trainer.and_then(|trainer| trainer.as_str().or_else(|| trainer.get("use")?.as_str()));
        if let (Some(name), Some(optimizer)) = (name, stage.get("optimizer")) {
            let parameters = serde_json::json!({ "optimizer": optimizer });
            // A trainer that is not there has been told already: the one that was meant, it seems, stands for it.
            let known = registry.of_kind(Kind::Trainer).map(|found| found.description().name.as_str());
            let name = suggest::nearest(name, known).unwrap_or(name);
            let found = registry.check(Kind::Trainer, name, &parameters, &format!("stage[{number}]"));
            problems.extend(found.unwrap_or_default());
        }
    }
    problems
}

/// How much a stage's losses count: numbers or schedules.
fn check_weights(value: &Value) -> Vec<Problem> {
    let schema = schema_for!(Schedule).to_value();
    let mut problems = Vec::new();
    for (number, stage) in items(value, "stage") {
        for (loss_number, loss) in items(stage, "loss") {
            if let Some(weight) = loss.get("weight") {
                let path = format!("stage[{number}].loss[{loss_number}].weight");
                problems.extend(schema::check(&schema, weight, &path));
            }
        }
    }
    problems
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// The component's name, and its own parameters against its own schema.
fn check_component(
    registry: &Registry,
    kind: Kind,
    path: &str,
    value: &Value,
    engine_keys: &[&str],
) -> Vec<Problem> {
    let problem = |path: &str, message: String| vec![Problem { path: path.to_owned(), message }];
    let (name, parameters) = match value {
        Value::String(name) => (name.as_str(), Map::new()),
        Value::Object(table) => match table.get("use") {
            Some(Value::String(name)) => {
                let mut parameters = table.clone();
                parameters.retain(|key, _| key != "use" && !engine_keys.contains(&key.as_str()));
                (name.as_str(), parameters)
            }
            _ => return problem(path, format!("a {kind}'s name is needed: {{ use = \"...\" }}")),
        },
        // The schema of the whole says that this is of the wrong type.
        _ => return Vec::new(),
    };
    registry
        .check(kind, name, &Value::Object(parameters), path)
        .unwrap_or_else(|error| problem(path, error.to_string()))
}
