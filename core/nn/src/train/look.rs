//! A model's outputs over the whole training set.

use scant_abi::{Error, Forward, Model, Result, Source, TrainingSet};

/// Samples that go through the model at once: enough to fill the threads, few enough to stay in the cache.
const CHUNK: usize = 256;

/// What [`look`] saw, row by row in the set's own order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The place of each sample in the training set.
    pub indices: Vec<u64>,
    /// The label of each sample; -1 where it may not be seen.
    pub labels: Vec<i64>,
    /// The outputs that were asked for, each as one flat vector.
    pub outputs: Vec<Vec<f32>>,
}

/// The outputs called `names` of all samples of `source`.
///
/// The model measures and learns nothing: running statistics, no dropout, nothing recorded.
pub fn look(
    data: &mut dyn TrainingSet,
    model: &mut dyn Model,
    source: Source,
    view: &str,
    names: &[&str],
) -> Result<Seen> {
    let options = Forward { outputs: names, ..Forward::evaluation() };
    let count = data.len(source);
    let mut seen = Seen { outputs: vec![Vec::new(); names.len()], ..Seen::default() };
    while seen.indices.len() < count {
        let first = seen.indices.len();
        let batch = data.read(source, view, first, CHUNK)?;
        if batch.is_empty() {
            return Err(Error::data(format!("the training set ended at sample {first} of {count}")));
        }
        let pass = model.forward(batch.view(view)?.view(), &options)?;
        for (values, name) in seen.outputs.iter_mut().zip(names) {
            values.extend_from_slice(pass.output(name)?.f32()?);
        }
        seen.indices.extend(batch.indices);
        seen.labels.extend(batch.labels);
    }
    Ok(seen)
}
