//! The images of a run: read, prepared, augmented.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use scant_abi::{
    Augmentation, Batch, CLEAN, Dataset, DatasetInfo, Error, ErrorKind, Image, Key, Part, Result, Source,
    Tensor, TrainingSet,
};

use super::hash;
use super::splits::Splits;
use crate::prepare::{Measure, Preparation};

/// Bytes of pixels that are worth a thread of their own.
const SHARE: usize = 1 << 15;

/// The images of each part by which data are recognised.
const HASHED: usize = 32;

/// How each view other than the clean one is made.
pub(crate) type Views = BTreeMap<String, Arc<dyn Augmentation>>;

/// An opened data set with its splits.
pub(crate) struct Data {
    pub(crate) dataset: Box<dyn Dataset>,
    pub(crate) info: DatasetInfo,
    pub(crate) preparation: Preparation,
    /// Channels, rows and columns after preparation.
    pub(crate) dims: [usize; 3],
    pub(crate) splits: Splits,
    pub(crate) labels: [Vec<i64>; 2],
}

impl Data {
    /// The true labels of a part.
    pub(crate) fn labels(&self, part: Part) -> &[i64] {
        &self.labels[usize::from(part == Part::Test)]
    }

    /// The images at `places` of `part` as augmentations see them, handed one by one to `each` with its row.
    ///
    /// Rows are shared out over the threads of the pool where `parallel` is set; each row's bits are the same.
    fn fill(
        &self,
        part: Part,
        places: &[usize],
        parallel: bool,
        rows: &mut [f32],
        each: impl Fn(usize, Image, &mut [f32]) -> Result<()> + Sync,
    ) -> Result<()> {
        let [channels, height, width] = self.info.image;
        let raw = channels * height * width;
        let mut pixels = vec![0u8; raw * places.len()];
        self.dataset.read(part, places, &mut pixels)?;
        let row = rows.len() / places.len().max(1);
        let one = |(index, (bytes, out)): (usize, (&[u8], &mut [f32]))| {
            let values = bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect();
            let image = Image::new(channels, height, width, values)?;
            each(index, self.preparation.before(image)?, out)
        };
        if parallel {
            // Waking another thread costs more than a few small images do.
            let least = (SHARE / raw.max(1)).max(1);
            let pairs = pixels.par_chunks(raw.max(1)).zip(rows.par_chunks_mut(row.max(1)));
            pairs.enumerate().with_min_len(least).try_for_each(one)
        } else {
            pixels.chunks(raw.max(1)).zip(rows.chunks_mut(row.max(1))).enumerate().try_for_each(one)
        }
    }

    /// Measures mean and deviation of the training samples, where a step of the preparation wants them.
    pub(crate) fn measure(&mut self) -> Result<()> {
        if !self.preparation.wants_moments() {
            return Ok(());
        }
        let mut places: Vec<usize> =
            self.splits.labelled.iter().chain(&self.splits.unlabelled).copied().collect();
        places.sort_unstable();
        let [channels, height, width] = self.info.image;
        let mut pixels = vec![0u8; channels * height * width];
        let mut measure = Measure::default();
        for place in places {
            self.dataset.read(Part::Train, &[place], &mut pixels)?;
            let values = pixels.iter().map(|byte| f32::from(*byte) / 255.0).collect();
            measure.add(&self.preparation.before(Image::new(channels, height, width, values)?)?);
        }
        self.preparation.set_moments(&measure.moments());
        Ok(())
    }

    /// A hash over some images of both parts, spread evenly: enough to tell another data set, cheap for a large one.
    pub(crate) fn images_hash(&self) -> Result<String> {
        let mut bytes = Vec::new();
        for part in [Part::Train, Part::Test] {
            let count = self.labels(part).len();
            let hashed = count.min(HASHED);
            let places: Vec<usize> = (0..hashed).map(|number| number * count / hashed).collect();
            let mut pixels = vec![0u8; self.info.image.iter().product::<usize>() * hashed];
            if hashed > 0 {
                self.dataset.read(part, &places, &mut pixels)?;
            }
            bytes.extend(pixels);
        }
        Ok(hash::sha256(&bytes))
    }

    /// The prepared images at `places` of `part`, as one tensor.
    pub(crate) fn clean(&self, part: Part, places: &[usize]) -> Result<Tensor> {
        let [channels, height, width] = self.dims;
        let mut values = vec![0.0; channels * height * width * places.len()];
        self.fill(part, places, true, &mut values, |_, image, out| self.copy(image, out))?;
        Tensor::from_f32(values, &[places.len(), channels, height, width])
    }

    /// What comes after augmentation, and into the batch.
    fn copy(&self, image: Image, out: &mut [f32]) -> Result<()> {
        let image = self.preparation.after(image)?;
        if image.dims() != self.dims {
            return Err(Error::shape(format!(
                "an image came out as {:?}, not {:?}: an augmentation may not change the size, `data.prepare` may",
                image.dims(),
                self.dims
            )));
        }
        out.copy_from_slice(image.pixels());
        Ok(())
    }
}

/// A batch on its way between threads, which tensors may not cross.
pub(crate) struct RawBatch {
    indices: Vec<u64>,
    labels: Vec<i64>,
    views: Vec<(String, Vec<f32>)>,
    image: [usize; 3],
}

impl RawBatch {
    /// The batch for a trainer.
    pub(crate) fn into_batch(self) -> Result<Batch> {
        let [channels, height, width] = self.image;
        let dims = [self.indices.len(), channels, height, width];
        let tensor = |(name, values)| Ok((name, Tensor::from_f32(values, &dims)?));
        let views = self.views.into_iter().map(tensor).collect::<Result<_>>()?;
        Ok(Batch { indices: self.indices, labels: self.labels, views })
    }
}

/// The training samples as one stage sees them: in its views, with only those labels that may be seen.
pub(crate) struct Samples<'a> {
    data: &'a Data,
    /// The places in the data set's training part, in ascending order.
    all: Vec<usize>,
    /// The label of each of these, -1 where it may not be seen.
    seen: Vec<i64>,
    /// The places in `all` of the samples with a seen label, and of the others.
    by_label: [Vec<u32>; 2],
    views: Views,
    key: Key,
}

impl<'a> Samples<'a> {
    /// `key` is the root of this stage's augmentations.
    pub(crate) fn new(data: &'a Data, views: Views, key: Key) -> Self {
        let splits = &data.splits;
        let labels = data.labels(Part::Train);
        let mut known: Vec<(usize, i64)> =
            splits.labelled.iter().map(|place| (*place, labels[*place])).collect();
        known.extend(splits.unlabelled.iter().map(|place| (*place, -1)));
        known.sort_unstable();
        let (all, seen): (Vec<usize>, Vec<i64>) = known.into_iter().unzip();
        let (with, without) =
            (0..all.len() as u32).partition(|row| splits.labelled.binary_search(&all[*row as usize]).is_ok());
        Self { data, all, seen, by_label: [with, without], views, key }
    }

    /// The number of samples of a source.
    pub(crate) fn count(&self, source: Source) -> usize {
        match source {
            Source::Labelled => self.by_label[0].len(),
            Source::Unlabelled => self.by_label[1].len(),
            Source::All => self.all.len(),
        }
    }

    /// The place in the training set of the sample that is number `index` of `source`.
    pub(crate) fn place(&self, source: Source, index: u32) -> u64 {
        u64::from(match source {
            Source::Labelled => self.by_label[0][index as usize],
            Source::Unlabelled => self.by_label[1][index as usize],
            Source::All => index,
        })
    }

    /// The samples at these places of the training set, each shown so often before in this epoch, in these views; on this
    /// thread alone unless `parallel`.
    pub(crate) fn batch(
        &self,
        shown: &[(u64, u32)],
        views: &[String],
        epoch: usize,
        parallel: bool,
    ) -> Result<RawBatch> {
        let [channels, height, width] = self.data.dims;
        let plane = channels * height * width;
        let samples: Vec<usize> = shown.iter().map(|(place, _)| self.all[*place as usize]).collect();
        let wanted: Vec<(Option<&dyn Augmentation>, Key)> = views
            .iter()
            .map(|name| Ok((self.view(name)?, self.key.fold(epoch as u64).named(name))))
            .collect::<Result<_>>()?;
        // One row holds a sample in all its views, so that each sample is read and prepared once.
        let mut rows = vec![0.0f32; plane * views.len() * shown.len()];
        self.data.fill(Part::Train, &samples, parallel, &mut rows, |index, image, row| {
            for ((augmentation, key), out) in wanted.iter().zip(row.chunks_exact_mut(plane)) {
                match augmentation {
                    None => self.data.copy(image.clone(), out)?,
                    Some(augmentation) => {
                        let key = key.fold(samples[index] as u64);
                        let key = match shown[index].1 {
                            0 => key,
                            round => key.fold(u64::from(round)),
                        };
                        self.data.copy(augmentation.apply(image.clone(), key)?, out)?;
                    }
                }
            }
            Ok(())
        })?;
        let views = match views {
            [only] => vec![(only.clone(), rows)],
            _ => views
                .iter()
                .enumerate()
                .map(|(number, name)| {
                    let view = rows.chunks_exact(plane).skip(number).step_by(views.len()).flatten();
                    (name.clone(), view.copied().collect())
                })
                .collect(),
        };
        let indices: Vec<u64> = shown.iter().map(|(place, _)| *place).collect();
        let labels = indices.iter().map(|place| self.seen[*place as usize]).collect();
        Ok(RawBatch { indices, labels, views, image: self.data.dims })
    }

    /// As [`Samples::batch`], for threads of their own: a panic in a component comes back as an error.
    pub(crate) fn batch_caught(
        &self,
        shown: &[(u64, u32)],
        views: &[String],
        epoch: usize,
    ) -> Result<RawBatch> {
        let made =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.batch(shown, views, epoch, false)));
        made.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Panic, "a data set or an augmentation panicked while a batch was made"))
        })
    }

    fn view(&self, name: &str) -> Result<Option<&dyn Augmentation>> {
        match self.views.get(name) {
            Some(augmentation) => Ok(Some(augmentation.as_ref())),
            None if name == CLEAN => Ok(None),
            None => Err(Error::config(format!("the trainer did not ask for the view '{name}'"))),
        }
    }
}

/// What a trainer sees of the training set outside its streams, in one epoch.
pub(crate) struct Look<'a, 'b> {
    pub(crate) samples: &'a Samples<'b>,
    pub(crate) epoch: usize,
}

impl TrainingSet for Look<'_, '_> {
    fn len(&self, source: Source) -> usize {
        self.samples.count(source)
    }

    fn read(&mut self, source: Source, view: &str, first: usize, count: usize) -> Result<Batch> {
        let end = first.saturating_add(count).min(self.len(source));
        let shown: Vec<(u64, u32)> =
            (first.min(end)..end).map(|index| (self.samples.place(source, index as u32), 0)).collect();
        self.samples.batch(&shown, &[view.to_owned()], self.epoch, true)?.into_batch()
    }
}
