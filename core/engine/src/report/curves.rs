//! Curves over epochs: one figure for each metric, one line for each split.

use std::collections::BTreeMap;

use maud::{Markup, html};
use scant_abi::PastMetric;

use super::svg::{LineChart, Series, line_chart};

/// More figures than this are folded away.
const OPEN: usize = 6;

/// All metrics of one run, split by split.
pub(super) fn of_run(history: &[PastMetric], stages: &[String]) -> Markup {
    let starts = stage_starts(history);
    let marks = marks(&starts, stages);
    let charts: Vec<(String, LineChart)> = names(history)
        .into_iter()
        .map(|name| {
            let mut lines: BTreeMap<&str, Vec<&PastMetric>> = BTreeMap::new();
            for past in history.iter().filter(|past| past.name == name) {
                lines
                    .entry(if past.split.is_empty() { "training" } else { &past.split })
                    .or_default()
                    .push(past);
            }
            let series = lines
                .into_iter()
                .map(|(split, line)| Series { name: split.to_owned(), points: points(&line, &starts) });
            (name.clone(), chart(&name, series.collect(), marks.clone()))
        })
        .collect();
    figures(&charts)
}

/// The points of a line, with a gap between stages: what one stage calls its loss is not what the next does.
fn points(line: &[&PastMetric], starts: &[usize]) -> Vec<[f64; 2]> {
    let mut points = Vec::with_capacity(line.len());
    let mut stage = None;
    for past in line {
        let x = epoch(past, starts);
        if stage.replace(past.stage).is_some_and(|before| before != past.stage) {
            points.push([x, f64::NAN]);
        }
        points.push([x, past.value]);
    }
    points
}

/// The metrics that several methods share, a line for each method: the mean over its repeats.
pub(super) fn of_methods(methods: &[(String, Vec<&[PastMetric]>)], wanted: &[(String, String)]) -> Markup {
    let charts: Vec<(String, LineChart)> = wanted
        .iter()
        .filter_map(|(name, split)| {
            let series: Vec<Series> = methods
                .iter()
                .map(|(method, histories)| Series {
                    name: method.clone(),
                    points: mean_line(histories, name, split),
                })
                .collect();
            let drawn = series.iter().any(|series| series.points.len() > 1);
            let heading = if split.is_empty() { name.clone() } else { format!("{name} on {split}") };
            drawn.then(|| (heading.clone(), chart(&heading, series, Vec::new())))
        })
        .collect();
    figures(&charts)
}

/// The mean over repeats, as far as every repeat goes.
fn mean_line(histories: &[&[PastMetric]], name: &str, split: &str) -> Vec<[f64; 2]> {
    let mut sums: Vec<(f64, f64, usize)> = Vec::new();
    for history in histories {
        let starts = stage_starts(history);
        for past in history.iter().filter(|past| past.name == name && past.split == split) {
            let x = epoch(past, &starts);
            match sums.iter_mut().find(|(at, _, _)| *at == x) {
                Some((_, sum, n)) => (*sum, *n) = (*sum + past.value, *n + 1),
                None => sums.push((x, past.value, 1)),
            }
        }
    }
    let whole = sums.into_iter().filter(|(_, _, n)| *n == histories.len());
    let mut line: Vec<[f64; 2]> = whole.map(|(x, sum, n)| [x, sum / n as f64]).collect();
    line.sort_by(|a, b| a[0].total_cmp(&b[0]));
    line
}

fn chart(y_name: &str, series: Vec<Series>, marks: Vec<(f64, String)>) -> LineChart {
    LineChart { x_name: "epoch".to_owned(), y_name: y_name.to_owned(), series, marks, fit: None }
}

fn figures(charts: &[(String, LineChart)]) -> Markup {
    let draw = |(name, chart): &(String, LineChart)| {
        html! { figure class="card" { figcaption { strong { (name) } } (line_chart(chart)) } }
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
fn names(history: &[PastMetric]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let reported = history.iter().filter(|past| past.split.is_empty());
    for past in reported.chain(history.iter().filter(|past| !past.split.is_empty())) {
        if !names.contains(&past.name) {
            names.push(past.name.clone());
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
        PastMetric { stage, epoch, split: split.into(), name: "loss".into(), value }
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
        assert_eq!(mean_line(&[&long, &short], "loss", ""), [[1.0, 2.0]]);
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
