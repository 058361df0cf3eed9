//! Configurations in layers: files, each upon those it extends, then the environment, then the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat, ValueKind};
use scant_abi::{Context, Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::layers::{lay, put};
use crate::schema::Problem;

/// A configuration with the place from which each of its values comes.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// What it says.
    pub value: Value,
    /// The file, variable or argument of each value, by the value's path.
    origins: BTreeMap<String, String>,
    /// The folders of its files: other files that it names are looked for there.
    pub folders: Vec<PathBuf>,
    /// Numbers that are none; text stands in their places.
    pub(super) not_finite: Vec<Problem>,
    /// The file that was asked for: what is missing is missing there.
    file: Option<String>,
}

/// The beginning of the environment's variables: `SCANT__SEED=3`, `SCANT__STAGE__0__EPOCHS=5`.
pub const ENVIRONMENT: &str = "SCANT__";

/// The variables of the environment that are meant for a configuration.
pub fn environment() -> Result<Vec<(String, String)>> {
    let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(ENVIRONMENT));
    ours.map(|(name, value)| {
        let name = name.to_string_lossy().into_owned();
        let text = value.into_string().map_err(|_| Error::config(format!("{name}: is no text in UTF-8")))?;
        Ok((name, text))
    })
    .collect()
}

impl Configuration {
    /// Later files over earlier ones, `environment` over all files, `sets` (`a.b=c`) over everything.
    pub fn load(
        files: &[PathBuf],
        environment: impl IntoIterator<Item = (String, String)>,
        sets: &[String],
    ) -> Result<Self> {
        let mut paths = Vec::new();
        for file in files {
            add_with_bases(file, &mut Vec::new(), &mut paths)?;
        }
        let mut value = nothing();
        let mut file = None;
        for path in &paths {
            let layer = layer(path)?.cache;
            file = first_origin(&layer).or_else(|| Some(path.display().to_string()));
            lay(&mut value, layer, "");
        }
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in paths.iter().rev().filter_map(|path| path.parent()) {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            if !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_owned());
            }
        }
        Ok(Self { file, ..Self::overridden(value, environment, sets, folders)? })
    }

    /// TOML that came with the program, under the file name `name`; `environment` and `sets` as in [`Self::load`].
    pub fn built_in(
        name: &str,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
        sets: &[String],
    ) -> Result<Self> {
        let layer = File::from_str(text, FileFormat::Toml);
        let config = Config::builder().add_source(layer).build().map_err(|error| {
            let refused = refuse(&error);
            refused.context(format!("the built-in {name}"))
        })?;
        Self::overridden(config.cache, environment, sets, vec![PathBuf::from(".")])
    }

    fn overridden(
        mut layers: config::Value,
        environment: impl IntoIterator<Item = (String, String)>,
        sets: &[String],
        folders: Vec<PathBuf>,
    ) -> Result<Self> {
        let mut variables: Vec<(String, String)> =
            environment.into_iter().filter(|(name, _)| name.starts_with(ENVIRONMENT)).collect();
        variables.sort();
        for (name, text) in variables {
            set_text(&mut layers, &variable_path(&name), &text, &name)?;
        }
        for set in sets {
            let (path, text) = set.split_once('=').ok_or_else(|| {
                Error::config(format!("--set {set}: a key and a value are needed, such as seed=3"))
            })?;
            set_text(&mut layers, path.trim(), text.trim(), &format!("--set {}", path.trim()))?;
        }
        let mut configuration = Self { folders, ..Self::default() };
        let mut value = configuration.take(layers, "");
        if let Value::Object(table) = &mut value {
            table.remove("extends");
        }
        configuration.value = value;
        Ok(configuration)
    }

    /// Where the value at `path`, or the nearest one around it, comes from; else the file that was asked for.
    pub fn origin(&self, path: &str) -> Option<&str> {
        self.nearest_origin(path).or(self.file.as_deref())
    }

    fn nearest_origin(&self, path: &str) -> Option<&str> {
        let mut path = path;
        loop {
            let within = |(at, _): &(&String, &String)| at.starts_with(path);
            if let Some(origin) = self.origins.get(path) {
                return Some(origin);
            }
            // A table comes from where its first value comes from.
            if !path.is_empty()
                && let Some((_, origin)) = self.origins.range(path.to_owned()..).next().filter(within)
            {
                return Some(origin);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// Has files that the configuration names looked for in these folders first.
    pub fn look_in(&mut self, folders: Vec<PathBuf>) {
        self.folders.splice(0..0, folders);
    }

    /// Where files that the configuration names are looked for: beside it, here, and in `data`.
    pub fn search_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.folders.clone();
        for folder in [".", "data"].map(PathBuf::from) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }

    /// The libraries, or folders of them, that the configuration names.
    pub fn plugins(&self) -> Vec<PathBuf> {
        let named = self.value.get("plugins").and_then(Value::as_array).into_iter().flatten();
        places(named.filter_map(Value::as_str), &self.search_folders())
    }

    /// The value at `path` with all that it holds, whose origins are noted.
    pub(super) fn take(&mut self, value: config::Value, path: &str) -> Value {
        if let Some(origin) = value.origin() {
            self.origins.insert(path.to_owned(), origin.to_owned());
        }
        match value.kind {
            ValueKind::Nil => Value::Null,
            ValueKind::Boolean(value) => Value::from(value),
            ValueKind::I64(value) => Value::from(value),
            ValueKind::U64(value) => Value::from(value),
            ValueKind::I128(value) => Value::from(value as f64),
            ValueKind::U128(value) => Value::from(value as f64),
            // JSON, in which configurations are checked and handed on, would make nothing of it, and so drop the key.
            ValueKind::Float(value) if !value.is_finite() => {
                let message = format!("must be a finite number, not {value}");
                self.not_finite.push(Problem { path: path.to_owned(), message });
                Value::from(value.to_string())
            }
            ValueKind::Float(value) => Value::from(value),
            ValueKind::String(value) => Value::from(value),
            ValueKind::Table(table) => {
                let mut map = Map::new();
                let mut entries: Vec<(String, config::Value)> = table.into_iter().collect();
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                for (key, value) in entries {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    // JSON and YAML can write null, which says the same as saying nothing.
                    match self.take(value, &path) {
                        Value::Null => {}
                        value => drop(map.insert(key, value)),
                    }
                }
                Value::Object(map)
            }
            ValueKind::Array(items) => items
                .into_iter()
                .enumerate()
                .map(|(number, item)| self.take(item, &format!("{path}[{number}]")))
                .collect(),
        }
    }
}

/// Each name as it is found in `folders`, or as it stands.
pub(crate) fn places<'a>(names: impl Iterator<Item = &'a str>, folders: &[PathBuf]) -> Vec<PathBuf> {
    let place = |name: &str| {
        let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.exists());
        found.unwrap_or_else(|| PathBuf::from(name))
    };
    names.map(place).collect()
}

/// Puts the files that `path` extends, and then itself, behind `found`.
fn add_with_bases(path: &Path, within: &mut Vec<PathBuf>, found: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_file() {
        let what = if path.is_dir() { "this is a folder, no file" } else { "there is no such file" };
        return Err(Error::config(format!("{}: {what}", path.display())));
    }
    let same = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if within.contains(&same) {
        return Err(Error::config(format!("{}: extends itself", path.display())));
    }
    within.push(same);
    let names_no_file =
        || Error::config(format!("{}: extends must name a file, or a list of them", path.display()));
    let alone = layer(path)?;
    let bases: Vec<String> = match alone.get::<config::Value>("extends").map(|value| value.kind) {
        Err(_) => Vec::new(),
        Ok(ValueKind::String(base)) => vec![base],
        Ok(ValueKind::Array(bases)) => bases
            .into_iter()
            .map(|base| match base.kind {
                ValueKind::String(base) => Ok(base),
                _ => Err(names_no_file()),
            })
            .collect::<Result<_>>()?,
        Ok(_) => return Err(names_no_file()),
    };
    for base in bases {
        let base = path.parent().unwrap_or(Path::new("")).join(base);
        add_with_bases(&base, within, found).context(|| format!("{}: extends", path.display()))?;
    }
    within.pop();
    found.push(path.to_owned());
    Ok(())
}

fn layer(path: &Path) -> Result<Config> {
    let known =
        path.extension().is_some_and(|ending| ["toml", "yaml", "yml", "json"].iter().any(|e| ending == *e));
    if !known {
        return Err(Error::config(format!("{}: must end in .toml, .yaml or .json", path.display())));
    }
    Config::builder().add_source(File::from(path)).build().map_err(|error| refuse(&error))
}

/// Where the first value of a layer comes from, in the words in which it is said of all of them.
fn first_origin(value: &config::Value) -> Option<String> {
    let inner = || match &value.kind {
        ValueKind::Table(table) => table.values().find_map(first_origin),
        ValueKind::Array(items) => items.iter().find_map(first_origin),
        _ => None,
    };
    value.origin().map(str::to_owned).or_else(inner)
}

fn nothing() -> config::Value {
    config::Value::new(None, ValueKind::Table(config::Map::new()))
}

/// Puts `text` at `path`: a TOML value, or text where it is none, so that --set name=trial needs no quotes.
fn set_text(layers: &mut config::Value, path: &str, text: &str, origin: &str) -> Result<()> {
    let written = toml::from_str::<toml::Table>(&format!("value = {text}")).ok();
    let value = written.and_then(|mut written| written.remove("value"));
    let value = value.unwrap_or_else(|| toml::Value::String(text.to_owned()));
    let top = path.split(['.', '[']).next().unwrap_or_default();
    if top == "extends" {
        return Err(Error::config(format!("{origin}: only a file can extend another")));
    }
    let lacks_list = ["stage", "evaluate"].contains(&top) && !has(layers, top) && path.contains('[');
    if lacks_list && has(layers, "method") {
        return Err(Error::config(format!(
            "{origin}: every method has its own {top}: name the one that is meant, method[0].{path}"
        )));
    }
    put(layers, path, from_toml(value, &origin.to_owned())).context(|| origin.to_owned())
}

fn has(value: &config::Value, key: &str) -> bool {
    matches!(&value.kind, ValueKind::Table(table) if table.contains_key(key))
}

/// `SCANT__STAGE__0__EPOCHS` is `stage[0].epochs`.
fn variable_path(name: &str) -> String {
    let segments = name[ENVIRONMENT.len()..].split("__").map(str::to_lowercase);
    segments.fold(String::new(), |path, segment| match segment.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) if path.is_empty() => segment,
        Err(_) => format!("{path}.{segment}"),
    })
}

fn from_toml(value: toml::Value, origin: &String) -> config::Value {
    let kind = match value {
        toml::Value::Boolean(value) => ValueKind::Boolean(value),
        toml::Value::Integer(value) => ValueKind::I64(value),
        toml::Value::Float(value) => ValueKind::Float(value),
        toml::Value::String(value) => ValueKind::String(value),
        toml::Value::Datetime(value) => ValueKind::String(value.to_string()),
        toml::Value::Array(items) => {
            ValueKind::Array(items.into_iter().map(|item| from_toml(item, origin)).collect())
        }
        toml::Value::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(key, value)| (key, from_toml(value, origin))).collect())
        }
    };
    config::Value::new(Some(origin), kind)
}

pub(super) fn from_json(value: Value) -> config::Value {
    let kind = match value {
        Value::Null => ValueKind::Nil,
        Value::Bool(value) => ValueKind::Boolean(value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => ValueKind::I64(value),
            (None, Some(value)) => ValueKind::U64(value),
            (None, None) => ValueKind::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(value) => ValueKind::String(value),
        Value::Array(items) => ValueKind::Array(items.into_iter().map(from_json).collect()),
        Value::Object(map) => {
            ValueKind::Table(map.into_iter().map(|(key, value)| (key, from_json(value))).collect())
        }
    };
    config::Value::new(None, kind)
}

fn refuse(error: &config::ConfigError) -> Error {
    Error::new(ErrorKind::Config, error.to_string())
}
