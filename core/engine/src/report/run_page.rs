//! The page of one run.

use maud::{Markup, html};

use super::page::{facts, outcome_badge, page, section, selection_badge, table};
use super::{Found, RunReport, artefact, curves, number};
use crate::compare::{Outcome, RunSummary, Score, labels_in_words};
use crate::run::settings::Selection;

/// The number of metrics that stand large above the table.
const TILES: usize = 4;

/// The page as HTML.
pub fn run_page(report: &RunReport) -> String {
    let run = &report.summary;
    let header = html! {
        p class="eyebrow" { "Run report" }
        h1 { (run.method) }
        p class="badges" {
            (outcome_badge(&run.outcome)) (selection_badge(run.selection))
            span class="badge" { (run.data.dataset) }
            span class="badge" { "labels: " (labels_in_words(&run.data.labels)) }
            span class="badge" { "seed " (run.seed) }
        }
        p class="folder" { (run.folder) }
        @if let Outcome::Failed(error) = &run.outcome { p class="alert" role="alert" { strong { "This run failed. " } (error) } }
        @if run.selection == Selection::Oracle {
            p class="alert" role="alert" { "The test split chose the epoch: these numbers are no honest result." }
        }
    };
    let configuration = html! {
        @if !report.configuration.is_empty() { div class="box" tabindex="0" { pre { (report.configuration) } } }
    };
    let sections = [
        section("Results", results(&run.scores)),
        section("Curves over epochs", curves::of_run(&report.history, &report.stages)),
        section("Figures", figures(report)),
        section("Budget", facts(&budget(run))),
        section("Splits", splits(run)),
        section("Configuration", configuration),
        section("Environment", facts(&report.environment)),
    ];
    page(&format!("{} \u{b7} seed {}", run.method, run.seed), header, &sections)
}

fn results(scores: &[Score]) -> Markup {
    let mut splits = distinct(scores.iter().map(|score| score.split.as_str()));
    // What is asked first stands first: a narrow screen shows no more than the first columns.
    splits.sort_by_key(|split| *split != "test");
    let mut names: Vec<(&str, &str)> = Vec::new();
    for score in scores {
        if !names.contains(&(&score.by, &score.name)) {
            names.push((&score.by, &score.name));
        }
    }
    let headline = splits.first();
    let tiles = in_turns(scores.iter().filter(|score| Some(&score.split.as_str()) == headline))
        .into_iter()
        .take(TILES);
    let headings: Vec<String> = ["metric"]
        .into_iter()
        .chain(splits.iter().copied())
        .chain(["better", "found by"])
        .map(str::to_owned)
        .collect();
    let row = |(by, name): &(&str, &str)| {
        let own: Vec<&Score> = scores.iter().filter(|score| score.by == *by && score.name == *name).collect();
        let better = match own[0].higher_is_better {
            Some(true) => "higher",
            Some(false) => "lower",
            None => "\u{2013}",
        };
        let mut cells = vec![html! { (name) }];
        cells.extend(splits.iter().map(|split| {
            let found = own.iter().find(|score| score.split == *split);
            html! { (found.map_or("\u{2013}".to_owned(), |score| number::metric(score.value))) }
        }));
        cells.extend([html! { (better) }, html! { (by) }]);
        cells
    };
    html! {
        @if !scores.is_empty() {
            div class="tiles" {
                @for score in tiles {
                    div class="tile" {
                        span { (score.name) } strong { (number::metric(score.value)) } span { (score.by) " on " (score.split) }
                    }
                }
            }
            (table(&headings, &names.iter().map(row).collect::<Vec<_>>()))
        }
    }
}

/// Each evaluator's first score, then each one's second, and so on: what is asked most comes first.
fn in_turns<'a>(scores: impl Iterator<Item = &'a Score>) -> Vec<&'a Score> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let turn = |score: &'a Score| match counts.iter_mut().find(|(by, _)| *by == score.by) {
        Some((_, count)) => {
            *count += 1;
            (*count, score)
        }
        None => {
            counts.push((&score.by, 0));
            (0, score)
        }
    };
    let mut turns: Vec<(usize, &Score)> = scores.map(turn).collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, score)| score).collect()
}

/// The figures of the last stage, and those of earlier stages folded away.
fn figures(report: &RunReport) -> Markup {
    let cards = |found: &[&Found]| {
        let mut found = found.to_vec();
        found.sort_by_key(|found| artefact::rank(&found.artefact.content));
        html! {
            div class="cards" {
                @for found in found {
                    @let caption = format!("{} ({})", found.artefact.caption, found.by);
                    (artefact::figure(&artefact::title(&found.artefact.name), &caption, &found.artefact.content))
                }
            }
        }
    };
    let last: Vec<&Found> = report.last_stage().collect();
    let earlier = 0..last.first().map_or(0, |found| found.stage);
    let of_stage = |stage| report.artefacts.iter().filter(|found| found.stage == stage).collect::<Vec<_>>();
    html! {
        @if !last.is_empty() { (cards(&last)) }
        @for (stage, found) in earlier.map(|stage| (stage, of_stage(stage))).filter(|(_, found)| !found.is_empty()) {
            details {
                summary { "After stage '" (report.stages.get(stage).map_or("?", |name| name)) "'" }
                (cards(&found))
            }
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
