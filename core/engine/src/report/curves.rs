//! Curves over epochs: one figure for each metric, one line for each split.

use std::collections::BTreeMap;

use maud::{Markup, html};
use scant_abi::PastMetric;

use super::svg::{LineChart, Series, line_chart};
use crate::compare::Column;

/// More figures than this are folded away.
const OPEN: usize = 6;

/// A metric's identity: its evaluator, empty for training itself, and its name.
type Name = (String, String);

/// All metrics of one run, split by split.
pub(super) fn of_run(history: &[PastMetric], stages: &[String]) -> Markup {
    let starts = stage_starts(history);
    let marks = marks(&starts, stages);
    let charts: Vec<LineChart> = names(history)
        .into_iter()
        .map(|(by, name)| {
            let mut lines: BTreeMap<&str, Vec<&PastMetric>> = BTreeMap::new();
            for past in history.iter().filter(|past| past.by == by && past.name == name) {
                lines
                    .entry(if past.split.is_empty() { "training" } else { &past.split })
                    .or_default()
                    .push(past);
            }
            let series = lines
                .into_iter()
                .map(|(split, line)| Series { name: split.to_owned(), points: points(&line, &starts) });
            chart(heading(&by, &name, ""), series.collect(), marks.clone())
        })
        // What was judged once is a number, not a curve.
        .filter(|chart| chart.series.iter().any(|series| series.points.len() > 1))
        .collect();
    figures(&charts)
}

/// The points of a line in order of epochs, the last word on each; with a gap between stages, since what one stage
/// calls its loss is not what the next does.
fn points(line: &[&PastMetric], starts: &[usize]) -> Vec<[f64; 2]> {
    let by_epoch: BTreeMap<(usize, usize), &PastMetric> =
        line.iter().map(|past| ((past.stage, past.epoch), *past)).collect();
    let mut points = Vec::with_capacity(line.len());
    let mut stage = None;
    for past in by_epoch.into_values() {
        let x = epoch(past, starts);
        if stage.replace(past.stage).is_some_and(|before| before != past.stage) {
            points.push([x, f64::NAN]);
        }
        points.push([x, past.value]);
    }
    points
}

/// The loss and the `columns`, a line for each method: the mean over its repeats.
pub(super) fn of_methods(methods: &[(String, Vec<&[PastMetric]>)], columns: &[Column]) -> Markup {
    let loss = [("", "loss", "")];
    let wanted =
        loss.into_iter().chain(columns.iter().map(|c| (c.by.as_str(), c.metric.as_str(), c.split.as_str())));
    let charts: Vec<LineChart> = wanted
        .map(|(by, name, split)| {
            let line = |(method, histories): &(String, Vec<&[PastMetric]>)| Series {
                name: method.clone(),
                points: mean_line(histories, |past| {
                    past.by == by && past.name == name && past.split == split
                }),
            };
            chart(heading(by, name, split), methods.iter().map(line).collect(), Vec::new())
        })
        .filter(|chart| chart.series.iter().any(|series| series.points.len() > 1))
        .collect();
    figures(&charts)
}

/// The mean over repeats at each epoch that every repeat has.
fn mean_line(histories: &[&[PastMetric]], wanted: impl Fn(&PastMetric) -> bool) -> Vec<[f64; 2]> {
    let mut sums: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
    for history in histories {
        let starts = stage_starts(history);
        let own: BTreeMap<usize, f64> = history
            .iter()
            .filter(|past| wanted(past))
            .map(|past| (epoch(past, &starts) as usize, past.value))
            .collect();
        for (x, value) in own {
            let (sum, n) = sums.entry(x).or_default();
            (*sum, *n) = (*sum + value, *n + 1);
        }
    }
    let whole = sums.into_iter().filter(|(_, (_, n))| *n == histories.len());
    whole.map(|(x, (sum, n))| [x as f64, sum / n as f64]).collect()
}

fn heading(by: &str, name: &str, split: &str) -> String {
    let by = if by.is_empty() { String::new() } else { format!("{by}/") };
    let split = if split.is_empty() { String::new() } else { format!(" on {split}") };
    format!("{by}{name}{split}")
}

fn chart(y_name: String, series: Vec<Series>, marks: Vec<(f64, String)>) -> LineChart {
    LineChart { x_name: "epoch".to_owned(), y_name, series, marks, fit: None }
}

fn figures(charts: &[LineChart]) -> Markup {
    let draw = |chart: &LineChart| {
        html! { figure class="card" { figcaption { strong { (chart.y_name) } } (line_chart(chart)) } }
    };
    let (open, folded) = charts.split_at(charts.len().min(OPEN));
    html! {
        @if !open.is_empty() { div class="cards" { @for chart in open { (draw(chart)) } } }
        @if !folded.is_empty() {
            details {
                summary { (folded.len()) " more curves" }
                div class="cards" { @for chart in folded { (draw(chart)) } }
            }
        }
    }
}

/// The metrics' names, those that training reported first, in the order in which they came up.
fn names(history: &[PastMetric]) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    let reported = history.iter().filter(|past| past.by.is_empty());
    for past in reported.chain(history.iter().filter(|past| !past.by.is_empty())) {
        let name = (past.by.clone(), past.name.clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The number of epochs before each stage.
fn stage_starts(history: &[PastMetric]) -> Vec<usize> {
    let stages = history.iter().map(|past| past.stage + 1).max().unwrap_or(0);
    let length = |stage| {
        history.iter().filter(|past| past.stage == stage).map(|past| past.epoch + 1).max().unwrap_or(0)
    };
    (0..stages).scan(0, |start, stage| Some(std::mem::replace(start, *start + length(stage)))).collect()
}

/// The epoch counted over all stages, from 1.
fn epoch(past: &PastMetric, starts: &[usize]) -> f64 {
    (starts.get(past.stage).copied().unwrap_or(0) + past.epoch + 1) as f64
}

fn marks(starts: &[usize], stages: &[String]) -> Vec<(f64, String)> {
    match starts.len() {
        0 | 1 => Vec::new(),
        _ => starts
            .iter()
            .zip(stages)
            .map(|(start, name)| (if *start == 0 { 1.0 } else { *start as f64 + 0.5 }, name.clone()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(stage: usize, epoch: usize, split: &str, value: f64) -> PastMetric {
        PastMetric { stage, epoch, by: String::new(), split: split.into(), name: "loss".into(), value }
    }

    #[test]
    fn epochs_go_on_over_stages() {
        let history = [past(0, 0, "", 3.0), past(0, 1, "", 2.0), past(1, 0, "", 1.0)];
        let starts = stage_starts(&history);
        assert_eq!(starts, [0, 2]);
        assert_eq!(history.iter().map(|past| epoch(past, &starts)).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        assert_eq!(marks(&starts, &["a".into(), "b".into()])[1], (2.5, "b".into()));
    }

    #[test]
    fn the_mean_over_repeats_ends_where_the_first_repeat_ends() {
        let long = [past(0, 0, "", 3.0), past(0, 1, "", 2.0)];
        let short = [past(0, 0, "", 1.0)];
        assert_eq!(mean_line(&[&long, &short], |_| true), [[1.0, 2.0]]);
    }

    #[test]
    fn an_epoch_that_is_judged_again_at_the_end_counts_once() {
        let (first, second, again) =
            (past(0, 0, "test", 1.0), past(0, 1, "test", 2.0), past(0, 0, "test", 3.0));
        assert_eq!(points(&[&first, &second, &again], &[0]), [[1.0, 3.0], [2.0, 2.0]]);
    }

    #[test]
    fn a_figure_has_a_line_for_each_split() {
        let history =
            [past(0, 0, "", 3.0), past(0, 1, "", 2.0), past(0, 0, "test", 4.0), past(0, 1, "test", 3.0)];
        let text = of_run(&history, &["train".into()]).into_string();
        assert_eq!(text.matches("<figure").count(), 1);
        assert!(text.contains(">test</li>") && text.contains(">training</li>"), "{text}");
    }
}
