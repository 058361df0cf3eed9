//! Images in files of their own, decoded when they are asked for.

use std::path::PathBuf;
use std::sync::OnceLock;

use rayon::prelude::*;
use scant_abi::{Check, Context, Error, Image, Result, Verdict, image_ops};

use crate::files::{self, in_file};
use crate::formats::picture::{self, Picture};
use crate::memory::check_request;

/// How the images of a part are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Height and width to resize every image to.
    pub size: Option<[usize; 2]>,
    /// One channel instead of three.
    pub gray: bool,
    /// Decoded images are kept up to this many MiB.
    pub memory_mib: usize,
}

/// One image file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Its class; -1 where it has none.
    pub label: i64,
    /// Where the file is named, for errors; empty where it was found in a folder.
    pub named_in: String,
}

/// The images of one part.
#[derive(Debug)]
pub(crate) struct Pictures {
    entries: Vec<Entry>,
    dims: [usize; 3],
    resized: bool,
    kept: Vec<OnceLock<Box<[u8]>>>,
}

impl Pictures {
    /// The images of a part; `dims` is the size that all have or are brought to.
    pub(crate) fn new(entries: Vec<Entry>, dims: [usize; 3], wanted: Wanted) -> Self {
        let bytes = entries.len().saturating_mul(dims.iter().product());
        let fits = bytes <= wanted.memory_mib.saturating_mul(1 << 20);
        let kept = if fits { entries.iter().map(|_| OnceLock::new()).collect() } else { Vec::new() };
        Self { entries, dims, resized: wanted.size.is_some(), kept }
    }

    pub(crate) fn labels(&self) -> Vec<i64> {
        self.entries.iter().map(|entry| entry.label).collect()
    }

    pub(crate) fn read(&self, indices: &[usize], pixels: &mut [u8]) -> Result<()> {
        let image_len = self.dims.iter().product::<usize>();
        check_request(self.entries.len(), image_len, indices, pixels)?;
        pixels.par_chunks_exact_mut(image_len).zip(indices).try_for_each(|(out, &index)| {
            let Some(cell) = self.kept.get(index) else {
                out.copy_from_slice(&self.decode(index)?);
                return Ok(());
            };
            let kept = match cell.get() {
                Some(kept) => kept,
                None => {
                    let decoded = self.decode(index)?.into_boxed_slice();
                    cell.get_or_init(|| decoded)
                }
            };
            out.copy_from_slice(kept);
            Ok(())
        })
    }

    /// Decodes every image, and reports those that fail.
    pub(crate) fn verify(&self, subject: &str) -> Vec<Check> {
        let failures: Vec<Error> =
            (0..self.entries.len()).into_par_iter().filter_map(|index| self.decode(index).err()).collect();
        let verdict = if failures.is_empty() { Verdict::Good } else { Verdict::Bad };
        let detail = format!("{} images, {} of them cannot be used", self.entries.len(), failures.len());
        let mut checks = vec![Check { subject: subject.to_owned(), verdict, detail }];
        checks.extend(failures.into_iter().map(|error| Check {
            subject: subject.to_owned(),
            verdict: Verdict::Bad,
            detail: error.to_string(),
        }));
        checks
    }

    fn decode(&self, index: usize) -> Result<Vec<u8>> {
        let entry = &self.entries[index];
        let picture = load(entry, self.dims[0] == 1)?;
        if picture.dims == self.dims {
            return Ok(picture.pixels);
        }
        let [_, height, width] = self.dims;
        if !self.resized {
            let [_, h, w] = picture.dims;
            let error = Error::data(format!(
                "{} is {h}x{w}, but the first image is {height}x{width}; set 'size' to resize all",
                entry.path.display()
            ));
            return Err(error).place(entry);
        }
        let values = picture.pixels.iter().map(|&pixel| f32::from(pixel)).collect();
        let [channels, h, w] = picture.dims;
        let image = Image::new(channels, h, w, values)?;
        let resized = image_ops::resize(&image, height, width, true)?;
        Ok(resized.pixels().iter().map(|&value| value.clamp(0.0, 255.0).round() as u8).collect())
    }
}

/// The size of an image: what the settings say, else what the file at hand has.
pub(crate) fn dims(wanted: Wanted, first: &Entry) -> Result<[usize; 3]> {
    let channels = if wanted.gray { 1 } else { 3 };
    match wanted.size {
        Some([height, width]) => Ok([channels, height, width]),
        None => Ok(load(first, wanted.gray)?.dims),
    }
}

/// Refuses a size that no image can have.
pub(crate) fn check_size(size: Option<[usize; 2]>) -> Result<()> {
    let longest = picture::LONGEST_SIDE as usize;
    match size {
        Some(sides) if sides.iter().any(|side| !(1..=longest).contains(side)) => {
            Err(Error::config(format!("size = {sides:?}; both sides must be from 1 to {longest} pixels")))
        }
        _ => Ok(()),
    }
}

fn load(entry: &Entry, gray: bool) -> Result<Picture> {
    files::read_raw(&entry.path)
        .and_then(|bytes| picture::decode(&bytes, gray).map_err(|error| in_file(&entry.path, error)))
        .place(entry)
}

trait Place<T> {
    /// Says where the file is named, if anywhere.
    fn place(self, entry: &Entry) -> Result<T>;
}

impl<T> Place<T> for Result<T> {
    fn place(self, entry: &Entry) -> Result<T> {
        if entry.named_in.is_empty() { self } else { self.context(|| entry.named_in.clone()) }
    }
}
