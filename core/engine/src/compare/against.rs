//! Our numbers beside a source's.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::columns::known;
use super::expected::{Expected, ExpectedTable};
use super::method::{Cell, Method};
use super::sheet::Sheet;
use super::{Column, Outcome, RunSummary};
use crate::report::number;
use crate::suggest;

/// One number of ours beside one of a source's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// The method.
    pub method: String,
    /// The metric and split.
    pub what: String,
    /// Ours.
    pub ours: Cell,
    /// The source's title.
    pub source: String,
    /// The source's table.
    pub table: String,
    /// What its table shows.
    pub caption: String,
    /// Its number, as a fraction.
    pub theirs: f64,
    /// Its standard deviation, as a fraction.
    pub theirs_std: Option<f64>,
    /// How many repeats it averaged, where it says so.
    pub theirs_repeats: Option<usize>,
    /// Which epoch's number it is.
    pub theirs_selection: String,
    /// Ours less theirs.
    pub difference: Option<f64>,
}

/// Every number of `expected` that one of the methods has too: same data set, same labels, same split.
pub(super) fn beside(
    expected: &[Expected],
    groups: &[(String, Vec<&RunSummary>)],
    methods: &[Method],
) -> (Vec<Beside>, Vec<String>) {
    let mut lines = Vec::new();
    let mut marks = Vec::new();
    for source in expected {
        let before = lines.len();
        for ((_, runs), method) in groups.iter().zip(methods) {
            for table in source.tables.iter().filter(|table| table.is_about(method)) {
                lines.extend(of_table(&source.source.title, table, method, runs, &mut marks));
            }
        }
        if lines.len() == before {
            marks.push(nothing_in_common(source, methods));
        }
    }
    (lines, marks)
}

impl ExpectedTable {
    fn is_about(&self, method: &Method) -> bool {
        let labelled = method.data.samples.get("labelled").map(|n| json!({ "count": n }));
        let same_labels = self.labels.as_ref().is_none_or(|labels| {
            // 25 of each of ten classes are 250 labels, however that is written.
            *labels == method.data.labels || labelled.as_ref() == Some(labels)
        });
        self.data == method.data.dataset && same_labels && self.row(&method.name).is_some()
    }
}

fn of_table(
    source: &str,
    table: &ExpectedTable,
    method: &Method,
    runs: &[&RunSummary],
    marks: &mut Vec<String>,
) -> Vec<Beside> {
    let finished: Vec<&RunSummary> =
        runs.iter().copied().filter(|run| run.outcome == Outcome::Finished).collect();
    let columns = known(finished.iter().copied());
    let row = table.row(&method.name).map(|row| &row.values);
    let mut line = |(name, figure): (&String, &super::expected::Figure)| {
        let ours = &table.metrics.get(name)?.ours;
        let is_ours = |column: &&Column| {
            format!("{}/{}", column.by, column.metric) == *ours && column.split == table.split
        };
        let column = columns.iter().find(is_ours);
        if column.is_none() {
            let (wanted, names) = (format!("{ours}@{}", table.split), columns.iter().map(Column::full_name));
            let names: Vec<String> = names.collect();
            marks.push(format!(
                "table '{}' of '{source}' stands beside {wanted}, which no finished run of '{}' has; {}",
                table.name,
                method.name,
                suggest::hint(&wanted, names.iter().map(String::as_str))
            ));
        }
        let cell = column.map(|column| Cell::new(&finished, column)).unwrap_or_default();
        let (mean, std) = figure.parts();
        let theirs = mean / table.unit.one();
        Some(Beside {
            method: method.name.clone(),
            what: format!("{ours}@{}", table.split),
            difference: cell.mean.map(|mean| mean - theirs),
            ours: cell,
            source: source.to_owned(),
            table: table.name.clone(),
            caption: table.caption.clone(),
            theirs,
            theirs_std: std.map(|std| std / table.unit.one()),
            theirs_repeats: table.repeats,
            theirs_selection: table.selection.in_words().to_owned(),
        })
    };
    row.into_iter().flatten().filter_map(&mut line).collect()
}

fn nothing_in_common(source: &Expected, methods: &[Method]) -> String {
    let about = |method: &Method| {
        let labels = super::labels_in_words(&method.data.labels);
        format!("'{}' on {} (labels: {labels})", method.name, method.data.dataset)
    };
    let ours: Vec<String> = methods.iter().map(about).collect();
    format!("'{}' has no number for {}", source.source.title, ours.join(", "))
}

/// The table of all lines; nothing where there are none.
pub(super) fn sheet(lines: &[Beside]) -> Option<Sheet> {
    let row = |line: &Beside| {
        vec![
            line.method.clone(),
            line.what.clone(),
            number::spread(line.ours.mean, line.ours.std),
            line.ours.values.len().to_string(),
            number::spread(Some(line.theirs), line.theirs_std),
            line.theirs_repeats.map_or("-".to_owned(), |n| n.to_string()),
            line.difference.map_or("-".to_owned(), number::signed),
            line.theirs_selection.clone(),
            line.table.clone(),
        ]
    };
    (!lines.is_empty()).then(|| Sheet {
        title: "Beside the sources".to_owned(),
        headings: [
            "method",
            "metric",
            "ours",
            "n",
            "theirs",
            "their n",
            "difference",
            "they selected",
            "their table",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: lines.iter().map(row).collect(),
        note: "Difference: ours less theirs. All numbers as fractions.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::run;
    use super::super::{Options, compare};
    use super::*;

    const FILE: &str = r#"
        source = { title = "A source", authors = "a", published = "p" }
        [[table]]
        name = "one"
        caption = "c"
        data = "mnist"
        labels = { per_class = 25 }
        repeats = 5
        selection = "best-on-test"
        unit = "percent"
        metrics = { accuracy = { ours = "classification/top-1" } }
        rows = [{ method = "vat", accuracy = [90.0, 0.5] }]
    "#;

    #[test]
    fn ours_stands_beside_theirs_with_the_difference() {
        let options = Options { against: vec![Expected::parse(FILE).unwrap()], ..Options::default() };
        let runs = [run("VAT", 0, &[("top-1", 0.91)]), run("VAT", 1, &[("top-1", 0.93)])];
        let line = &compare(&runs, &options).unwrap().against[0];
        assert!((line.difference.unwrap() - 0.02).abs() < 1e-12, "{line:?}");
        assert_eq!((line.theirs, line.theirs_repeats, line.ours.values.len()), (0.9, Some(5), 2));
        assert_eq!(line.theirs_selection, "best on test (oracle)");
    }

    #[test]
    fn a_metric_that_no_run_has_is_said_to_be_missing() {
        let file = FILE.replace("classification/top-1", "clasification/top-1");
        let options = Options { against: vec![Expected::parse(&file).unwrap()], ..Options::default() };
        let comparison = compare(&[run("VAT", 0, &[("top-1", 0.91)])], &options).unwrap();
        assert_eq!(comparison.against[0].difference, None);
        let said = "stands beside clasification/top-1@test, which no finished run of 'VAT' has; \
                    did you mean 'classification/top-1@test'?";
        assert!(comparison.marks[0].contains(said), "{:?}", comparison.marks);
    }

    #[test]
    fn other_labels_are_another_experiment() {
        let options = Options { against: vec![Expected::parse(FILE).unwrap()], ..Options::default() };
        let mut other = run("VAT", 0, &[("top-1", 0.91)]);
        other.data.labels = json!("all");
        let comparison = compare(&[other], &options).unwrap();
        assert!(comparison.against.is_empty());
        assert!(
            comparison.marks[0].contains("has no number for 'VAT' on mnist (labels: all)"),
            "{:?}",
            comparison.marks
        );
    }
}
