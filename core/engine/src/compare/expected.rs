//! The numbers of a source, as data: `expected.toml` beside its recipes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use scant_abi::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The numbers of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Where they come from.
    pub source: Source,
    /// Its tables.
    #[serde(rename = "table")]
    pub tables: Vec<ExpectedTable>,
}

/// A paper or report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub authors: String,
    /// Where it was published.
    pub published: String,
    /// What must be known to read its numbers.
    #[serde(default)]
    pub note: String,
}

/// Numbers under the same conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedTable {
    /// Its name, unique within the file.
    pub name: String,
    /// What it shows, and under which number the source has it.
    pub caption: String,
    /// The data set.
    pub data: String,
    /// Which labels training may see, written as in a configuration; where absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Value>,
    /// The split.
    #[serde(default = "test")]
    pub split: String,
    /// How many repeats were averaged, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<usize>,
    /// Which epoch's numbers they are.
    pub selection: SourceSelection,
    /// Whether the numbers are fractions or percentages.
    pub unit: Unit,
    /// The metrics by the names that the rows use.
    pub metrics: BTreeMap<String, ExpectedMetric>,
    /// The numbers.
    pub rows: Vec<ExpectedRow>,
}

fn test() -> String {
    "test".to_owned()
}

/// Which epoch's numbers a source gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceSelection {
    /// The last epoch's.
    Last,
    /// Those of the epoch that was best on the validation split.
    BestOnValidation,
    /// The best on the test split: an oracle.
    BestOnTest,
    /// It does not say.
    Unstated,
}

impl SourceSelection {
    /// In words for tables.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::BestOnValidation => "best on validation",
            Self::BestOnTest => "best on test (oracle)",
            Self::Unstated => "unstated",
        }
    }
}

/// How a source writes its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// As they are.
    Fraction,
    /// A hundred times as large.
    Percent,
}

impl Unit {
    /// One in this unit.
    pub fn one(self) -> f64 {
        match self {
            Self::Fraction => 1.0,
            Self::Percent => 100.0,
        }
    }
}

/// A metric of a source, and ours that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedMetric {
    /// Our metric: `evaluator/metric`.
    pub ours: String,
    /// Whether it may lie outside of 0 to 1.
    #[serde(default)]
    pub unbounded: bool,
}

/// The numbers of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedRow {
    /// The method, as our tables call it.
    pub method: String,
    /// One number for each metric, as far as the source gives it.
    #[serde(flatten)]
    pub values: BTreeMap<String, Figure>,
}

/// A number of a source.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figure {
    /// By itself.
    Value(f64),
    /// Mean and standard deviation.
    Spread([f64; 2]),
}

impl Figure {
    /// Mean, and standard deviation where the source gives it.
    pub fn parts(self) -> (f64, Option<f64>) {
        match self {
            Self::Value(mean) => (mean, None),
            Self::Spread([mean, std]) => (mean, Some(std)),
        }
    }
}

impl Expected {
    /// The numbers in the file at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::caused_by(scant_abi::ErrorKind::Io, format!("cannot read {}", path.display()), &error)
        })?;
        Self::parse(&text).context(|| format!("in {}", path.display()))
    }

    /// The numbers in `text`, checked.
    pub fn parse(text: &str) -> Result<Self> {
        let expected: Self = toml::from_str(text).map_err(|error| Error::config(error.to_string()))?;
        let mut names = BTreeSet::new();
        for table in &expected.tables {
            if !names.insert(&table.name) {
                return Err(Error::config(format!("there are two tables called '{}'", table.name)));
            }
            table.check().context(|| format!("table '{}'", table.name))?;
        }
        Ok(expected)
    }
}

impl ExpectedTable {
    fn check(&self) -> Result<()> {
        if let Some(metric) = self.metrics.values().find(|metric| !metric.ours.contains('/')) {
            return Err(Error::config(format!("'{}' is no metric: write evaluator/metric", metric.ours)));
        }
        let mut methods = BTreeSet::new();
        for row in &self.rows {
            if !methods.insert(plain(&row.method)) {
                return Err(Error::config(format!("'{}' has two rows", row.method)));
            }
            for (name, figure) in &row.values {
                let Some(metric) = self.metrics.get(name) else {
                    return Err(Error::config(format!(
                        "row '{}' has '{name}', which [table.metrics] does not name",
                        row.method
                    )));
                };
                let (mean, std) = figure.parts();
                let (mean, std) = (mean / self.unit.one(), std.unwrap_or(0.0) / self.unit.one());
                let within = metric.unbounded || (0.0..=1.0).contains(&mean);
                if !mean.is_finite() || !within || !(0.0..=1.0).contains(&std) {
                    return Err(Error::config(format!(
                        "row '{}': {name} = {mean} ± {std} cannot be: is the unit right?",
                        row.method
                    )));
                }
            }
        }
        Ok(())
    }

    /// The row for `method`, whatever its letters' case and its signs.
    pub(super) fn row(&self, method: &str) -> Option<&ExpectedRow> {
        self.rows.iter().find(|row| plain(&row.method) == plain(method))
    }
}

/// A name by its letters and digits alone.
pub(super) fn plain(name: &str) -> String {
    let spelt = name.replace('β', "beta").replace('+', "and");
    spelt.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(row: &str) -> Result<Expected> {
        Expected::parse(&format!(
            r#"
            source = {{ title = "t", authors = "a", published = "p" }}
            [[table]]
            name = "one"
            caption = "c"
            data = "mnist"
            selection = "unstated"
            unit = "percent"
            metrics = {{ accuracy = {{ ours = "linear-probe/top-1" }} }}
            rows = [{row}]
            "#
        ))
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        assert!(table(r#"{ method = "B-AE", accuracy = [96.7, 0.3] }"#).is_ok());
        for (row, complaint) in [
            (r#"{ method = "B-AE", accuracy = 196.7 }"#, "cannot be"),
            (r#"{ method = "B-AE", acuracy = 96.7 }"#, "does not name"),
            (r#"{ method = "B-AE", accuracy = 1 }, { method = "b ae", accuracy = 2 }"#, "two rows"),
        ] {
            let error = table(row).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn methods_are_found_however_they_are_spelt() {
        let expected = table(r#"{ method = "β-VAE + DEC", accuracy = 60 }"#).unwrap();
        assert!(expected.tables[0].row("beta-vae and dec").is_some());
        assert!(expected.tables[0].row("VAE + DEC").is_none());
    }
}
