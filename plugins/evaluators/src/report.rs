//! What is reported of any classifier: metrics, confusion matrix, a table by class, and the predictions.

use scant_abi::{Artefact, Content, Evaluation, Findings, Result, Split};
use scant_nn::Rows;

use crate::metrics::{Confusion, calibration_error, top_k};
use crate::sample::{argmax, less_is_better, more_is_better};

/// How many stretches of confidence the calibration error has.
const BINS: usize = 15;

/// Adds what a classifier's `scores` of `split`'s rows are worth; `probabilities` are the same as shares of 1.
pub(crate) fn add(
    findings: &mut Findings,
    evaluation: &Evaluation,
    split: &Split,
    scores: Rows,
    probabilities: &[f32],
) -> Result<()> {
    let classes = scores.width();
    let said = argmax(scores.values(), classes);
    findings.predictions.push((split.name.clone(), said.clone()));
    let known: Vec<usize> = (0..scores.len()).filter(|&i| split.labels[i] >= 0).collect();
    if known.is_empty() {
        return Ok(());
    }
    let truth: Vec<i64> = known.iter().map(|&i| split.labels[i]).collect();
    let of_known = |values: &[f32]| -> Vec<f32> {
        known.iter().flat_map(|&i| &values[i * classes..(i + 1) * classes]).copied().collect()
    };
    let said: Vec<i64> = known.iter().map(|&i| said[i]).collect();
    let confusion = Confusion::new(&truth, &said, classes)?;
    let (weighted, plain) = (confusion.weighted_scores(), confusion.macro_scores());
    for (name, value) in [
        ("top-1", confusion.accuracy()),
        ("balanced-accuracy", confusion.balanced_accuracy()),
        ("precision", weighted.precision),
        ("recall", weighted.recall),
        ("f1", weighted.f1),
        ("precision-macro", plain.precision),
        ("recall-macro", plain.recall),
        ("f1-macro", plain.f1),
    ] {
        findings.metrics.push(more_is_better(split, name, value));
    }
    if classes > 5 {
        let value = top_k(&of_known(scores.values()), &truth, classes, 5);
        findings.metrics.push(more_is_better(split, "top-5", value));
    }
    findings.metrics.push(less_is_better(split, "error", 1.0 - confusion.accuracy()));
    let gap = calibration_error(&of_known(probabilities), &truth, classes, BINS);
    findings.metrics.push(less_is_better(split, "calibration-error", gap));
    let names = class_names(evaluation, classes);
    findings.artefacts.push(by_class(split, &confusion, &names));
    findings.artefacts.push(Artefact {
        name: format!("confusion-{}", split.name),
        caption: format!("True class against said class, {}", split.name),
        content: Content::Confusion { classes: names, counts: confusion.rows() },
    });
    Ok(())
}

/// The classes' names, numbered where the data set has fewer names than the scores have columns.
pub(crate) fn class_names(evaluation: &Evaluation, classes: usize) -> Vec<String> {
    (0..classes)
        .map(|class| evaluation.classes.get(class).cloned().unwrap_or_else(|| class.to_string()))
        .collect()
}

fn by_class(split: &Split, confusion: &Confusion, names: &[String]) -> Artefact {
    let row = |(class, name): (usize, &String)| {
        let scores = confusion.scores(class);
        let shares = [scores.precision, scores.recall, scores.f1].map(|share| format!("{share:.4}"));
        [vec![name.clone()], shares.to_vec(), vec![confusion.support(class).to_string()]].concat()
    };
    Artefact {
        name: format!("by-class-{}", split.name),
        caption: format!("Precision, recall and F1 of each class, {}", split.name),
        content: Content::Table {
            columns: ["class", "precision", "recall", "f1", "samples"].map(str::to_owned).to_vec(),
            rows: names.iter().enumerate().map(row).collect(),
        },
    }
}
