//! The page of a comparison.

use std::path::{Component, Path};

use maud::{Markup, html};
use scant_abi::PastMetric;

use super::page::{facts, page, section, table};
use super::svg::{Dots, dots};
use super::{RunReport, artefact, curves, number};
use crate::compare::{Beside, Cell, Column, Comparison, Family, Method, PairTest, Tally, selection_in_words};
use crate::run::settings::Selection;

/// The page as HTML; the curves and figures of `reports` stand beneath the tables.
///
/// `place` is the folder in which the page will lie, where that is known: from there it links to the runs' own pages.
pub fn comparison_page(comparison: &Comparison, reports: &[RunReport], place: Option<&Path>) -> String {
    let names: Vec<&str> = comparison.methods.iter().map(|method| method.name.as_str()).collect();
    let title = match names.len() {
        0..=3 => names.join(" \u{b7} "),
        n => format!("{n} methods"),
    };
    let (loud, quiet): (Vec<&String>, Vec<&String>) = comparison.marks.iter().partition(|mark| is_loud(mark));
    let header = html! {
        p class="eyebrow" { "Comparison" }
        h1 { (title) }
        @for mark in loud { p class="alert" role="note" { (mark) } }
        @if !quiet.is_empty() { ul class="marks" { @for mark in quiet { li { (mark) } } } }
    };
    let sections = [
        section("Results", results(comparison)),
        section("Beside the sources", against(comparison)),
        section("Who differs from whom", tests(comparison)),
        section("Repeats", repeats(comparison)),
        section("Curves over epochs", curves(comparison, reports)),
        section("Figures", figures(comparison, reports)),
        section("Runs", runs(comparison, place)),
        section("Configuration", configuration(comparison, reports)),
        section("Environment", facts(&environment(reports))),
    ];
    page(&format!("Comparison: {title}"), header, &sections)
}

/// Whether a mark takes the numbers' worth away; all others only help to read them.
fn is_loud(mark: &str) -> bool {
    ["ORACLE", "DIFFERENT SPLITS", "EQUAL REPEATS"].iter().any(|word| mark.starts_with(word))
}

fn results(comparison: &Comparison) -> Markup {
    let mut headings = vec![html! { "method" }, html! { "n" }];
    headings.extend(comparison.columns.iter().map(|column| {
        html! { (column.metric) small { (column.by) " on " (column.split) " " (column.arrow()) } }
    }));
    headings.extend(
        ["epochs", "images seen", "wall time", "peak memory", "selected"].map(|name| html! { (name) }),
    );
    let best = comparison.best();
    let row = |(i, method): (usize, &Method)| {
        let mut cells = vec![html! { (method.name) }, repeats_cell(method)];
        cells.extend(method.cells.iter().zip(&best).map(|(cell, best)| value(cell, *best == Some(i))));
        cells.push(html! { (number::count(method.budget.epochs.round() as u64)) });
        cells.push(html! { (number::count(method.budget.images.round() as u64)) });
        cells.push(html! { (number::seconds(method.budget.seconds)) });
        cells.push(html! { (method.budget.peak_bytes.map_or("\u{2013}".to_owned(), number::bytes)) });
        cells.push(html! { span class=[(method.selection == Selection::Oracle).then_some("bad")] { (selection_in_words(method.selection)) } });
        cells
    };
    let rows: Vec<Vec<Markup>> = comparison.methods.iter().enumerate().map(row).collect();
    html! {
        (table(&headings, &rows))
        p class="note" { "Mean \u{b1} sample standard deviation over the n repeats that finished; a failed repeat is never averaged." }
        @if !comparison.more.is_empty() {
            details {
                summary { "All metrics" }
                (all_metrics(comparison))
            }
        }
    }
}

/// Every metric there is: metrics down, methods across.
fn all_metrics(comparison: &Comparison) -> Markup {
    let mut headings = vec![html! { "metric" }];
    headings.extend(comparison.methods.iter().map(|method| html! { (method.name) }));
    let columns = comparison.columns.iter().chain(&comparison.more);
    let row = |(i, column): (usize, &Column)| {
        let mut cells = vec![
            html! { (column.by) "/" (column.metric) " " (column.arrow()) small { "on " (column.split) } },
        ];
        cells.extend(comparison.methods.iter().map(|method| {
            let cell = method.cells.iter().chain(&method.more).nth(i);
            cell.map_or(html! {}, |cell| value(cell, false))
        }));
        cells
    };
    let rows: Vec<Vec<Markup>> = columns.enumerate().map(row).collect();
    html! {
        (table(&headings, &rows))
        p class="note" { "Looked at, not tested: the tests correct for the columns of the first table alone." }
    }
}

fn repeats_cell(method: &Method) -> Markup {
    let left_out = method.repeats.len() - method.finished();
    html! { (method.finished()) @if left_out > 0 { small class="bad" { (left_out) " not counted" } } }
}

fn value(cell: &Cell, best: bool) -> Markup {
    html! {
        span class=[best.then_some("best")] { (cell.mean.map_or("\u{2013}".to_owned(), number::metric)) }
        @if let Some(std) = cell.std { " \u{b1} " (number::metric(std)) }
    }
}

fn against(comparison: &Comparison) -> Markup {
    let row = |line: &Beside| {
        vec![
            html! { (line.method) },
            html! { (line.what) },
            html! { (number::spread(line.ours.mean, line.ours.std)) small { "n " (line.ours.values.len()) } },
            html! {
                (number::spread(Some(line.theirs), line.theirs_std))
                small { "n " (line.theirs_repeats.map_or("unstated".to_owned(), |n| n.to_string())) ", selected: " (line.theirs_selection) }
            },
            html! { (line.difference.map_or("\u{2013}".to_owned(), number::signed)) },
            html! { (line.caption) },
        ]
    };
    let headings = ["method", "metric", "ours", "theirs", "difference", "their table"].map(str::to_owned);
    html! {
        @if !comparison.against.is_empty() {
            (table(&headings, &comparison.against.iter().map(row).collect::<Vec<_>>()))
            p class="note" { "Difference: ours less theirs. All numbers as fractions." }
        }
    }
}

fn tests(comparison: &Comparison) -> Markup {
    let Some(deciding) = comparison.tests.deciding.filter(|_| comparison.methods.len() > 1) else {
        return html! {};
    };
    let tally = |tally: &Tally| {
        vec![
            html! { (tally.method) },
            html! { (tally.wins) },
            html! { (tally.ties) },
            html! { (tally.losses) },
        ]
    };
    let tallies: Vec<Vec<Markup>> = comparison.tests.tallies.iter().map(tally).collect();
    html! {
        (table(&["method", "win", "tie", "loss"].map(str::to_owned), &tallies))
        p class="note" { "By " (deciding) ": a difference is a corrected p below " (comparison.tests.level) "." }
        @for family in &comparison.tests.families {
            details open[family.kind == deciding] {
                summary { (family.kind) ", " (family.pairs.len()) " comparisons" }
                (pairs(family))
            }
        }
    }
}

fn pairs(family: &Family) -> Markup {
    let row = |test: &PairTest| {
        vec![
            html! { (test.first) " \u{2013} " (test.second) },
            html! { (test.what) },
            html! { (test.n) },
            html! { (number::signed(test.difference)) },
            html! { (number::p_value(test.p)) },
            html! { (number::p_value(test.corrected)) },
            html! { @match test.winner() { Some(better) => strong { (better) }, None => "\u{2013}" } },
        ]
    };
    let headings = ["pair", "what", "n", "difference", "p", "p corrected", "better"].map(str::to_owned);
    html! {
        (table(&headings, &family.pairs.iter().map(row).collect::<Vec<_>>()))
        p class="note" { (family.in_words()) }
    }
}

fn repeats(comparison: &Comparison) -> Markup {
    html! {
        @if !comparison.columns.is_empty() {
            div class="cards" {
                @for (i, column) in comparison.columns.iter().enumerate() {
                    @let methods: Vec<Dots> = comparison.methods.iter().map(|method| dots_of(method, i)).collect();
                    figure class="card" {
                        figcaption {
                            strong { (column.by) "/" (column.metric) }
                            span { "on " (column.split) ", " (column.direction()) }
                        }
                        (dots(&column.metric, &methods))
                    }
                }
            }
            p class="note" { "A circle is a repeat, the upright bar the mean, the line across one sample standard deviation to each side." }
        }
    }
}

fn dots_of(method: &Method, column: usize) -> Dots {
    let cell = &method.cells[column];
    Dots {
        name: method.name.clone(),
        values: cell.values.iter().map(|(_, value)| *value).collect(),
        mean: cell.mean,
        std: cell.std,
    }
}

/// The reports of each method, in the table's order.
fn by_method<'a>(comparison: &Comparison, reports: &'a [RunReport]) -> Vec<(String, Vec<&'a RunReport>)> {
    let of = |method: &Method| {
        let own = reports.iter().filter(|report| report.summary.method == method.name);
        (method.name.clone(), own.filter(|report| report.summary.is_finished()).collect::<Vec<_>>())
    };
    comparison.methods.iter().map(of).filter(|(_, own)| !own.is_empty()).collect()
}

fn curves(comparison: &Comparison, reports: &[RunReport]) -> Markup {
    let methods: Vec<(String, Vec<&[PastMetric]>)> = by_method(comparison, reports)
        .into_iter()
        .map(|(name, own)| (name, own.into_iter().map(|report| report.history.as_slice()).collect()))
        .collect();
    curves::of_methods(&methods, &comparison.columns)
}

/// What the evaluators of each method's first repeat found at its end, side by side.
fn figures(comparison: &Comparison, reports: &[RunReport]) -> Markup {
    let methods = by_method(comparison, reports);
    let mut names: Vec<(&str, &str)> = Vec::new();
    for found in methods.iter().flat_map(|(_, own)| own[0].last_stage()) {
        let name = (found.by.as_str(), found.artefact.name.as_str());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    html! {
        @for (by, name) in names {
            details open[!name.starts_with("by-class")] {
                summary { (artefact::title(name)) " (" (by) ")" }
                div class="cards" {
                    @for (method, own) in &methods {
                        @for found in own[0].last_stage().filter(|found| found.by == by && found.artefact.name == name) {
                            @let caption = format!("seed {}: {}", own[0].summary.seed, found.artefact.caption);
                            (artefact::figure(method, &caption, &found.artefact.content))
                        }
                    }
                }
            }
        }
    }
}

fn runs(comparison: &Comparison, place: Option<&Path>) -> Markup {
    let rows: Vec<Vec<Markup>> = comparison
        .methods
        .iter()
        .flat_map(|method| method.repeats.iter().map(move |repeat| (method, repeat)))
        .map(|(method, repeat)| {
            vec![
                html! { (method.name) },
                html! { (repeat.seed) },
                super::page::outcome_badge(&repeat.outcome),
                html! { (method.data.dataset) },
                html! {
                    @match place.and_then(|place| link(place, Path::new(&repeat.folder))) {
                        Some(link) => a href=(link) { code { (repeat.folder) } },
                        None => code { (repeat.folder) },
                    }
                },
            ]
        })
        .collect();
    table(&["method", "seed", "ended", "data set", "run folder"].map(str::to_owned), &rows)
}

/// From `place` to the page of the run in `folder`, if it has one: relative, so that both may be moved together.
fn link(place: &Path, folder: &Path) -> Option<String> {
    let page = folder.join("report.html");
    if !page.is_file() {
        return None;
    }
    let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
    let whole = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    let (place, page) = (whole(place)?, whole(&page)?);
    let common = place.components().zip(page.components()).take_while(|(a, b)| a == b).count();
    let up = place.components().skip(common).map(|_| "..".to_owned());
    let down = page.components().skip(common).filter_map(|part| match part {
        Component::Normal(name) => Some(in_url(&name.to_string_lossy())),
        Component::ParentDir => Some("..".to_owned()),
        _ => None,
    });
    Some(up.chain(down).collect::<Vec<_>>().join("/"))
}

/// A file's name as a part of an address.
fn in_url(name: &str) -> String {
    let of_byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(of_byte).collect()
}

/// What each method was told, as its first repeat has it.
fn configuration(comparison: &Comparison, reports: &[RunReport]) -> Markup {
    let first = |method: &Method| {
        let own = reports.iter().find(|report| report.summary.method == method.name)?;
        (!own.configuration.is_empty()).then_some((method.name.clone(), own))
    };
    html! {
        @for (method, report) in comparison.methods.iter().filter_map(first) {
            details {
                summary { (method) ", seed " (report.summary.seed) }
                div class="box" tabindex="0" { pre { (report.configuration) } }
            }
        }
    }
}

/// What the runs were made with; where they differ, everything that they had.
fn environment(reports: &[RunReport]) -> Vec<(String, String)> {
    let mut facts: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, value) in reports.iter().flat_map(|report| &report.environment) {
        match facts.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) if values.contains(&value.as_str()) => {}
            Some((_, values)) => values.push(value),
            None => facts.push((name.clone(), vec![value])),
        }
    }
    facts.into_iter().map(|(name, values)| (name, values.join(" / "))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::RunReport;
    use super::*;
    use crate::compare::{Options, compare, samples};

    fn report(method: &str, folder: &Path, machine: &str) -> RunReport {
        let mut summary = samples::run(method, 0, &[("top-1", 0.5)]);
        summary.folder = folder.display().to_string();
        RunReport {
            summary,
            stages: Vec::new(),
            history: Vec::new(),
            artefacts: Vec::new(),
            configuration: format!("label = \"{method}\" # <i>"),
            environment: vec![("scant".into(), "0.1.0".into()), ("machine".into(), machine.into())],
        }
    }

    #[test]
    fn the_page_holds_configurations_and_environments_and_leads_to_the_runs_that_have_pages() {
        let place = tempfile::tempdir().expect("a folder");
        let folders = ["first #1", "second"].map(|name| place.path().join("runs").join(name));
        std::fs::create_dir_all(&folders[0]).expect("made");
        std::fs::write(folders[0].join("report.html"), "").expect("written");
        let reports = [report("a", &folders[0], "x86"), report("b", &folders[1], "arm")];
        let runs: Vec<_> = reports.iter().map(|report| report.summary.clone()).collect();
        let comparison = compare(&runs, &Options::default()).expect("compared");
        let pages = place.path().join("pages");
        let page = comparison_page(&comparison, &reports, Some(&pages));
        assert_eq!(page.matches("<a href=").count(), 1, "the second has no page");
        assert!(page.contains("<a href=\"../runs/first%20%231/report.html\">"), "{page}");
        assert!(page.contains("label = &quot;a&quot; # &lt;i&gt;") && page.contains("label = &quot;b&quot;"));
        assert!(page.contains("x86 / arm") && page.matches("0.1.0 / 0.1.0").count() == 0);
        assert!(!comparison_page(&comparison, &reports, None).contains("<a href="));
    }
}
