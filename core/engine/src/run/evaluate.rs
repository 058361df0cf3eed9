//! Splits run through a model, and shown to evaluators.

use std::collections::BTreeMap;
use std::time::Instant;

use scant_abi::{
    Context, Data as Numbers, Error, Evaluation, Findings, Forward, INPUT, Key, Loss, Part, PastMetric,
    Result, Split, Tensor,
};

use super::components::Workshop;
use super::data::Data;
use super::settings::EvaluateSettings;
use super::stage::Stage;

/// What one evaluator found, and how long everything for it took.
pub(crate) struct Judgement {
    pub(crate) evaluator: String,
    /// What it found; an evaluator that fails takes nothing from the others.
    pub(crate) findings: Result<Findings>,
    pub(crate) seconds: f64,
}

/// Samples in one forward pass; fixed, so that it cannot change a bit of the results.
const ROWS: usize = 256;

/// Shows the stage's model to the evaluators of these blocks.
pub(crate) fn judge(
    workshop: &Workshop<'_>,
    data: &Data,
    stage: &mut Stage<'_>,
    blocks: &[(String, &EvaluateSettings)],
    history: &[PastMetric],
) -> Result<Vec<Judgement>> {
    if blocks.is_empty() {
        return Ok(Vec::new());
    }
    stage.trainer.enter_evaluation(stage.model.as_mut())?;
    let judged = judge_as_it_is(workshop, data, stage, blocks, history);
    stage.trainer.leave_evaluation(stage.model.as_mut())?;
    judged
}

/// The same for a model that is all there is left, as the trainer would have put it in for evaluation: refused where an
/// evaluator reads what only trainer or losses can say.
pub(crate) fn judge_model(
    workshop: &Workshop<'_>,
    data: &Data,
    stage: &mut Stage<'_>,
    blocks: &[(String, &EvaluateSettings)],
    history: &[PastMetric],
) -> Result<Vec<Judgement>> {
    for (name, block) in blocks {
        let reads = workshop.evaluator(block, &stage.outputs)?.reads();
        let own = |output: &str| output == INPUT || stage.outputs.iter().any(|known| known.name == output);
        if let Some(reading) = reads.iter().find(|reading| !own(&reading.output)) {
            return Err(Error::data(format!(
                "evaluator '{name}' reads '{}', which the model alone does not give: train the run again",
                reading.output
            )));
        }
    }
    judge_as_it_is(workshop, data, stage, blocks, history)
}

fn judge_as_it_is(
    workshop: &Workshop<'_>,
    data: &Data,
    stage: &mut Stage<'_>,
    blocks: &[(String, &EvaluateSettings)],
    history: &[PastMetric],
) -> Result<Vec<Judgement>> {
    // Blocks that look at the same splits share the passes over them.
    let mut groups: Vec<(&[String], Vec<usize>)> = Vec::new();
    for (number, (_, block)) in blocks.iter().enumerate() {
        match groups.iter_mut().find(|(splits, _)| *splits == block.splits) {
            Some((_, numbers)) => numbers.push(number),
            None => groups.push((&block.splits, vec![number])),
        }
    }
    let mut judged: BTreeMap<usize, Judgement> = BTreeMap::new();
    for (splits, numbers) in groups {
        let begun = Instant::now();
        let mut evaluators = Vec::new();
        let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
        for number in numbers {
            let evaluator = workshop.evaluator(blocks[number].1, &stage.outputs)?;
            for reading in evaluator.reads() {
                let rows = wanted.entry(reading.output).or_default();
                *rows = reading.rows.unwrap_or(usize::MAX).max(*rows);
            }
            evaluators.push((number, evaluator));
        }
        let evaluation = Evaluation {
            splits: pass_splits(data, stage, splits, &wanted)?,
            classes: data.info.classes.clone(),
            history: history.to_vec(),
            key: Key::new(workshop.settings.seeds().split).named("evaluation"),
        };
        let shared = begun.elapsed().as_secs_f64() / evaluators.len() as f64;
        for (number, mut evaluator) in evaluators {
            let begun = Instant::now();
            let name = &blocks[number].0;
            let findings = evaluator.evaluate(&evaluation).context(|| format!("evaluator '{name}'"));
            let seconds = shared + begun.elapsed().as_secs_f64();
            judged.insert(number, Judgement { evaluator: name.clone(), findings, seconds });
        }
    }
    Ok(judged.into_values().collect())
}

/// The splits there are: name, part, places, and whether training saw the label of each.
pub(crate) fn splits(data: &Data) -> Vec<(&'static str, Part, Vec<usize>, Vec<bool>)> {
    let splits = &data.splits;
    let mut train: Vec<(usize, bool)> = splits.labelled.iter().map(|place| (*place, true)).collect();
    train.extend(splits.unlabelled.iter().map(|place| (*place, false)));
    train.sort_unstable();
    let (places, labelled) = train.into_iter().unzip();
    let test: Vec<usize> = (0..data.labels(Part::Test).len()).collect();
    let validation = splits.validation.clone();
    let held_out = vec![false; validation.len()];
    let unseen = vec![false; test.len()];
    let mut all = vec![
        ("train", Part::Train, places, labelled),
        ("validation", Part::Train, validation, held_out),
        ("test", Part::Test, test, unseen),
    ];
    all.retain(|(_, _, places, _)| !places.is_empty());
    all
}

/// The evaluators that are to be shown a split of which there is no sample: where that stands, and what is wrong.
pub(crate) fn unseen(blocks: &[EvaluateSettings], there: &[&str]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        for split in block.splits.iter().filter(|split| !there.contains(&split.as_str())) {
            problems.push((format!("evaluate[{index}].splits"), format!("the data have no {split} image")));
        }
        if block.splits.is_empty() && !there.contains(&"test") {
            let message =
                "the data have no test image; say which splits it is to be shown, splits = [\"train\"]";
            problems.push((format!("evaluate[{index}]"), message.to_owned()));
        }
    }
    problems
}

fn pass_splits(
    data: &Data,
    stage: &mut Stage<'_>,
    only: &[String],
    wanted: &BTreeMap<String, usize>,
) -> Result<Vec<Split>> {
    splits(data)
        .into_iter()
        .filter(|(name, ..)| only.is_empty() || only.iter().any(|wanted| wanted == name))
        .map(|(name, part, places, labelled)| {
            let labels = places.iter().map(|place| data.labels(part)[*place]).collect();
            let outputs = pass(data, stage, part, &places, wanted)
                .context(|| format!("cannot run the split '{name}' through the model"))?;
            Ok(Split { name: name.to_owned(), labels, labelled, outputs })
        })
        .collect()
}

/// The wanted outputs over the samples at `places`, batch after batch.
fn pass(
    data: &Data,
    stage: &mut Stage<'_>,
    part: Part,
    places: &[usize],
    wanted: &BTreeMap<String, usize>,
) -> Result<Vec<(String, Tensor)>> {
    let own = |name: &str| stage.outputs.iter().any(|output| output.name == name);
    let annotated = wanted.keys().any(|name| name != INPUT && !own(name));
    // Annotations may be made from any output.
    let from_model: Vec<String> = wanted.keys().filter(|name| !annotated && own(name)).cloned().collect();
    let names: Vec<&str> = from_model.iter().map(String::as_str).collect();
    let mut gathered: BTreeMap<&str, Gathered> = BTreeMap::new();
    let rows = wanted.values().copied().max().unwrap_or(0).min(places.len());
    for first in (0..rows).step_by(ROWS) {
        let chunk = &places[first..(first + ROWS).min(rows)];
        let images = data.clean(part, chunk)?;
        let mut outputs = Vec::new();
        if annotated || !names.is_empty() {
            let options = Forward { outputs: &names, ..Forward::evaluation() };
            let pass = stage.model.forward(images.view(), &options)?;
            for loss in &mut stage.losses {
                outputs.extend(loss.loss.annotate(&pass)?);
            }
            outputs.extend(stage.trainer.annotate(&pass)?);
            outputs.extend(pass.outputs);
        }
        outputs.push((INPUT.to_owned(), images));
        for (name, rows) in wanted {
            let output = outputs.iter().find(|(n, _)| n == name).map(|(_, tensor)| tensor);
            let output = output.ok_or_else(|| {
                let known: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
                Error::config(format!("nothing gives the output '{name}'; there are {}", known.join(", ")))
            })?;
            let left = rows.saturating_sub(first).min(chunk.len());
            if left > 0 {
                gathered.entry(name).or_default().add(output, left)?;
            }
        }
    }
    gathered.into_iter().map(|(name, rows)| Ok((name.to_owned(), rows.tensor()?))).collect()
}

/// Rows of one output, put one behind another.
#[derive(Default)]
struct Gathered {
    dims: Vec<usize>,
    floats: Vec<f32>,
    integers: Vec<i64>,
    rows: usize,
}

impl Gathered {
    fn add(&mut self, output: &Tensor, rows: usize) -> Result<()> {
        let view = output.view().rows(0..rows)?;
        self.dims = view.shape().to_vec();
        self.rows += rows;
        match view.data() {
            Numbers::I64(values) => self.integers.extend_from_slice(values),
            _ => self.floats.extend_from_slice(view.f32()?),
        }
        Ok(())
    }

    fn tensor(mut self) -> Result<Tensor> {
        self.dims[0] = self.rows;
        match self.integers.is_empty() {
            true => Tensor::from_f32(self.floats, &self.dims),
            false => Tensor::from_i64(self.integers, &self.dims),
        }
    }
}
