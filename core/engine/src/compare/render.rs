//! A comparison in each of its forms.

use std::path::Path;
use std::str::FromStr;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};
use scant_abi::{Error, ErrorKind, Result};

use super::sheet::{Sheet, in_brief, main_sheets, sheets};
use super::{Comparison, labels_in_words};
use crate::report::{RunReport, comparison_page};

/// The form in which a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Tables drawn with lines, as wide as they must be.
    Terminal,
    /// Tables for a README or an issue.
    Markdown,
    /// One line for each method and metric, numbers in full; neither tests nor the sources' numbers.
    Csv,
    /// Everything there is, numbers in full.
    Json,
    /// `tabular` environments.
    Latex,
    /// A page with figures.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Terminal, Self::Markdown, Self::Csv, Self::Json, Self::Latex, Self::Html];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Latex => "latex",
            Self::Html => "html",
        }
    }

    /// The form that a file's ending asks for.
    pub fn of_ending(ending: &str) -> Option<Self> {
        match ending {
            "txt" => Some(Self::Terminal),
            "md" => Some(Self::Markdown),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "tex" => Some(Self::Latex),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|format| format.name()).collect();
            Error::config(format!("there is no format '{text}'; there are {}", names.join(", ")))
        })
    }
}

/// The comparison as text; the `reports` of its runs give the page its figures and are not needed otherwise, nor is the
/// folder `place` of the page, from which it links to the runs' own pages.
pub fn render(
    comparison: &Comparison,
    reports: &[RunReport],
    format: Format,
    place: Option<&Path>,
) -> Result<String> {
    match format {
        Format::Terminal => Ok(terminal(comparison)),
        Format::Markdown => Ok(markdown(comparison)),
        Format::Csv => csv(comparison),
        Format::Json => serde_json::to_string_pretty(comparison)
            .map(|text| text + "\n")
            .map_err(|error| Error::caused_by(ErrorKind::Io, "cannot write the comparison as JSON", &error)),
        Format::Latex => Ok(latex(comparison)),
        Format::Html => Ok(comparison_page(comparison, reports, place)),
    }
}

fn terminal(comparison: &Comparison) -> String {
    let mut text = String::new();
    for mark in &comparison.marks {
        text.push_str(&format!("! {mark}\n"));
    }
    for sheet in main_sheets(comparison) {
        let mut table = Table::new();
        table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        for line in [
            TableComponent::HorizontalLines,
            TableComponent::MiddleIntersections,
            TableComponent::LeftBorderIntersections,
            TableComponent::RightBorderIntersections,
        ] {
            table.remove_style(line);
        }
        table.set_header(&sheet.headings);
        table.add_rows(&sheet.rows);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        text.push_str(&format!("\n{}\n{table}\n{}\n", sheet.title, sheet.note));
    }
    let brief = in_brief(comparison);
    if !brief.is_empty() && comparison.methods.len() > 1 {
        text.push_str(&format!(
            "\nOther tests; pair by pair with --test NAME, or as markdown, latex, html or json\n{}\n",
            brief.join("\n")
        ));
    }
    text
}

fn markdown(comparison: &Comparison) -> String {
    let escape = |cell: &String| {
        cell.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
    };
    let line =
        |cells: &[String]| format!("| {} |\n", cells.iter().map(escape).collect::<Vec<_>>().join(" | "));
    let mut text = String::new();
    for mark in &comparison.marks {
        text.push_str(&format!("> **{}**\n>\n", escape(mark)));
    }
    for Sheet { title, headings, rows, note } in sheets(comparison) {
        text.push_str(&format!("\n### {title}\n\n{}|{}\n", line(&headings), " --- |".repeat(headings.len())));
        rows.iter().for_each(|row| text.push_str(&line(row)));
        text.push_str(&format!("\n{note}\n"));
    }
    text
}

fn latex(comparison: &Comparison) -> String {
    let line = |cells: &[String]| {
        format!("{} \\\\\n", cells.iter().map(|cell| for_latex(cell)).collect::<Vec<_>>().join(" & "))
    };
    let mut text = String::new();
    // Set, not left as comments: a table whose numbers do not compare must not be printed without saying so.
    for mark in &comparison.marks {
        text.push_str(&format!("\\noindent\\textbf{{{}}}\\par\n", for_latex(mark)));
    }
    for Sheet { title, headings, rows, note } in sheets(comparison) {
        let columns = format!("l{}", "r".repeat(headings.len() - 1));
        text.push_str(&format!(
            "\n\\medskip\\noindent {}\\par\n\\begin{{tabular}}{{{columns}}}\n\\hline\n{}\\hline\n",
            for_latex(&title),
            line(&headings)
        ));
        rows.iter().for_each(|row| text.push_str(&line(row)));
        text.push_str(&format!(
            "\\hline\n\\end{{tabular}}\\par\n{{\\footnotesize {}\\par}}\n",
            for_latex(&note)
        ));
    }
    text
}

fn for_latex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '±' => escaped.push_str("$\\pm$"),
            'β' => escaped.push_str("$\\beta$"),
            '↑' => escaped.push_str("$\\uparrow$"),
            '↓' => escaped.push_str("$\\downarrow$"),
            '\u{2212}' => escaped.push_str("$-$"),
            '\u{202f}' => escaped.push_str("\\,"),
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

fn csv(comparison: &Comparison) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let wrong =
        |error: &dyn std::error::Error| Error::new(ErrorKind::Io, format!("cannot write CSV: {error}"));
    writer
        .write_record([
            "method",
            "evaluator",
            "metric",
            "split",
            "higher_is_better",
            "mean",
            "std",
            "n",
            "failed",
            "unfinished",
            "dataset",
            "labels",
            "selection",
            "epochs",
            "images",
            "seconds",
            "peak_bytes",
            "different_splits",
        ])
        .map_err(|error| wrong(&error))?;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for method in &comparison.methods {
        let ended = |word: &str| method.repeats.iter().filter(|repeat| repeat.outcome.word() == word).count();
        for (column, cell) in comparison.columns.iter().zip(&method.cells) {
            writer
                .write_record([
                    method.name.clone(),
                    column.by.clone(),
                    column.metric.clone(),
                    column.split.clone(),
                    column.higher_is_better.map(|higher| higher.to_string()).unwrap_or_default(),
                    number(cell.mean),
                    number(cell.std),
                    cell.values.len().to_string(),
                    ended("failed").to_string(),
                    ended("unfinished").to_string(),
                    method.data.dataset.clone(),
                    labels_in_words(&method.data.labels),
                    method.selection.name().to_owned(),
                    method.budget.epochs.to_string(),
                    method.budget.images.to_string(),
                    method.budget.seconds.to_string(),
                    method.budget.peak_bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
                    comparison.different_splits.to_string(),
                ])
                .map_err(|error| wrong(&error))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| wrong(&error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{failed, run};
    use super::super::{Options, compare};
    use super::*;

    fn comparison() -> Comparison {
        let runs = [
            run("a & b_1 | <i>", 0, &[("top-1", 0.5), ("error", 0.5)]),
            run("a & b_1 | <i>", 1, &[("top-1", 0.7), ("error", 0.3)]),
            run("c", 0, &[("top-1", 0.9), ("error", 0.1)]),
            run("c", 1, &[("top-1", 0.8), ("error", 0.2)]),
            failed(run("c", 2, &[]), "out of\nmemory"),
        ];
        let metrics = vec!["top-1".to_owned(), "error".to_owned()];
        compare(&runs, &Options { metrics, ..Options::default() }).unwrap()
    }

    fn text(format: Format) -> String {
        render(&comparison(), &[], format, None).unwrap()
    }

    #[test]
    fn every_form_shows_means_repeats_failures_rule_and_tests() {
        for format in [Format::Terminal, Format::Markdown, Format::Latex] {
            let text = text(format);
            for wanted in [
                "0.6000",
                "0.1414",
                "2 (1 failed)",
                "last",
                "Win, tie, loss",
                "Holm",
                "2 comparisons",
                "300 MiB",
            ] {
                assert!(text.contains(wanted), "{} lacks {wanted}: {text}", format.name());
            }
            assert!(text.contains("failed with seed 2 and is not averaged"), "{text}");
        }
    }

    #[test]
    fn markdown_and_latex_escape_what_users_write() {
        let markdown = text(Format::Markdown);
        assert!(markdown.contains("a & b_1 \\| &lt;i>"), "{markdown}");
        assert!(markdown.lines().filter(|line| line.starts_with('|')).all(|line| line.ends_with('|')));
        let latex = text(Format::Latex);
        assert!(latex.contains("a \\& b\\_1 | \\textless{}i\\textgreater{}"), "{latex}");
        assert!(latex.contains("0.6000 $\\pm$ 0.1414"));
        assert!(
            latex.contains("\\noindent\\textbf{'c' failed with seed 2 and is not averaged: out of memory}")
        );
        let bare: String = latex.replace("\\{", "").replace("\\}", "");
        assert_eq!(bare.matches('{').count(), bare.matches('}').count());
        assert_eq!(latex.matches("\\begin{tabular}").count(), latex.matches("\\end{tabular}").count());
    }

    #[test]
    fn csv_has_a_line_for_each_method_and_metric_with_numbers_in_full() {
        let text = text(Format::Csv);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), 4);
        assert_eq!(&rows[0][0], "a & b_1 | <i>");
        assert!((rows[0][5].parse::<f64>().unwrap() - 0.6).abs() < 1e-15);
        assert_eq!((&rows[2][7], &rows[2][8], &rows[2][17]), ("2", "1", "false"));
    }

    #[test]
    fn json_is_read_back_as_it_was() {
        let comparison = comparison();
        let text = render(&comparison, &[], Format::Json, None).unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), comparison);
    }

    #[test]
    fn the_page_escapes_what_users_write() {
        let page = text(Format::Html);
        assert!(page.contains("a &amp; b_1 | &lt;i&gt;") && !page.contains("<i>"));
    }
}
