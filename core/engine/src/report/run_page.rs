//! The page of one run.

use maud::{Markup, html};
use scant_abi::Metric;

use super::page::{facts, outcome_badge, page, section, selection_badge, table};
use super::{RunReport, artefact, curves, number};
use crate::compare::{Outcome, RunSummary, labels_in_words};

/// The number of metrics that stand large above the table.
const TILES: usize = 4;

/// The page as HTML.
pub fn run_page(report: &RunReport) -> String {
    let run = &report.summary;
    let header = html! {
        p class="eyebrow" { "Run report" }
        h1 { (run.method) }
        p class="badges" {
            (outcome_badge(&run.outcome)) (selection_badge(&run.selection))
            span class="badge" { (run.data.dataset) }
            span class="badge" { "labels: " (labels_in_words(&run.data.labels)) }
            span class="badge" { "seed " (run.seed) }
        }
        p class="folder" { (run.folder) }
        @if let Outcome::Failed(error) = &run.outcome { p class="alert" role="alert" { strong { "This run failed. " } (error) } }
        @if run.selection.is_oracle() {
            p class="alert" role="alert" { "The test split chose the epoch: these numbers are no honest result." }
        }
    };
    let pictures = html! {
        @if !report.artefacts.is_empty() {
            div class="cards" { @for found in &report.artefacts { (artefact::figure(found)) } }
        }
    };
    let configuration = html! {
        @if !report.configuration.is_empty() { div class="box" tabindex="0" { pre { (report.configuration) } } }
    };
    let sections = [
        section("Results", results(&run.metrics)),
        section("Curves over epochs", curves::of_run(&report.history, &report.stages)),
        section("Figures", pictures),
        section("Budget", facts(&budget(run))),
        section("Splits", splits(run)),
        section("Configuration", configuration),
        section("Environment", facts(&report.environment)),
    ];
    page(&format!("{} \u{b7} seed {}", run.method, run.seed), header, &sections)
}

fn results(metrics: &[Metric]) -> Markup {
    let splits = distinct(metrics.iter().map(|metric| metric.split.as_str()));
    let names = distinct(metrics.iter().map(|metric| metric.name.as_str()));
    let headline = splits.iter().find(|split| **split == "test").or(splits.first());
    let tiles = metrics.iter().filter(|metric| Some(&metric.split.as_str()) == headline).take(TILES);
    let headings: Vec<String> =
        ["metric", "better"].into_iter().chain(splits.iter().copied()).map(str::to_owned).collect();
    let row = |name: &&str| {
        let better =
            metrics.iter().find(|metric| metric.name == **name).is_none_or(|metric| metric.higher_is_better);
        let mut cells = vec![html! { (name) }, html! { (if better { "higher" } else { "lower" }) }];
        cells.extend(splits.iter().map(|split| {
            let found = metrics.iter().find(|metric| metric.name == **name && metric.split == **split);
            html! { @match found { Some(metric) => (number::metric(metric.value)), None => "\u{2013}" } }
        }));
        cells
    };
    html! {
        @if !metrics.is_empty() {
            div class="tiles" {
                @for metric in tiles {
                    div class="tile" {
                        span { (metric.name) } strong { (number::metric(metric.value)) } span { "on " (metric.split) }
                    }
                }
            }
            (table(&headings, &names.iter().map(row).collect::<Vec<_>>()))
        }
    }
}

fn budget(run: &RunSummary) -> Vec<(String, String)> {
    let cost = &run.budget;
    let mut facts = vec![
        ("epochs".to_owned(), number::count(cost.epochs)),
        ("images seen".to_owned(), number::count(cost.images)),
        ("wall time".to_owned(), number::seconds(cost.seconds)),
    ];
    facts.extend(cost.peak_bytes.map(|bytes| ("peak memory".to_owned(), number::bytes(bytes))));
    facts
}

fn splits(run: &RunSummary) -> Markup {
    let names = distinct(run.data.samples.keys().chain(run.data.hashes.keys()).map(String::as_str));
    let rows: Vec<Vec<Markup>> = names
        .iter()
        .map(|name| {
            let samples = run.data.samples.get(*name).map(|n| number::count(*n as u64));
            let hash = run.data.hashes.get(*name).map(|hash| hash.chars().take(16).collect::<String>());
            vec![
                html! { (name) },
                html! { (samples.unwrap_or_else(|| "\u{2013}".to_owned())) },
                html! { code { (hash.unwrap_or_else(|| "\u{2013}".to_owned())) } },
            ]
        })
        .collect();
    match rows.is_empty() {
        true => html! {},
        false => table(&["part", "samples", "hash (first 16 digits)"].map(str::to_owned), &rows),
    }
}

/// Each name once, in the order in which they come up.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut once = Vec::new();
    names.for_each(|name| {
        if !once.contains(&name) {
            once.push(name);
        }
    });
    once
}
