//! Images that are all in memory, 8 bits a channel.

use scant_abi::{Check, Component, Context, Dataset, DatasetInfo, Error, ErrorKind, Part, Result, Setup};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A data set that fits into memory: where it comes from, and what came from there.
#[derive(Debug)]
pub struct InMemory<S> {
    source: S,
    parts: Option<Parts>,
}

/// What is peculiar to one data set that fits into memory.
pub trait Source: Sized + Send + Sync + 'static {
    /// The component's name.
    const NAME: &'static str;
    /// One line for `scant list`.
    const SUMMARY: &'static str;
    /// The component's configuration.
    type Config: DeserializeOwned + Serialize + Default + JsonSchema;

    /// Notes where the images are; touches no file.
    fn new(config: Self::Config, setup: &Setup) -> Result<Self>;

    /// The image size and the classes.
    fn info(&self) -> DatasetInfo;

    /// Reads or draws all images.
    fn load(&self) -> Result<Parts>;

    /// Compares the files and labels with what was published.
    fn verify(&self) -> Vec<Check>;
}

impl<S: Source> Component for InMemory<S> {
    const NAME: &'static str = S::NAME;
    const SUMMARY: &'static str = S::SUMMARY;
    type Config = S::Config;

    fn new(config: S::Config, setup: &Setup) -> Result<Self> {
        Ok(Self { source: S::new(config, setup)?, parts: None })
    }
}

impl<S: Source> InMemory<S> {
    fn part(&self, part: Part) -> Result<&Images> {
        Ok(opened(&self.parts, S::NAME)?.get(part))
    }
}

impl<S: Source> Dataset for InMemory<S> {
    fn info(&self) -> Result<DatasetInfo> {
        Ok(self.source.info())
    }

    fn open(&mut self) -> Result<()> {
        self.parts = Some(self.source.load()?);
        Ok(())
    }

    fn labels(&self, part: Part) -> Result<Vec<i64>> {
        Ok(self.part(part)?.labels.clone())
    }

    fn read(&self, part: Part, indices: &[usize], pixels: &mut [u8]) -> Result<()> {
        self.part(part)?.read(indices, pixels).context(|| format!("cannot read from {}", S::NAME))
    }

    fn verify(&self) -> Result<Vec<Check>> {
        Ok(self.source.verify())
    }
}

/// The images and labels of one part.
#[derive(Debug, Default)]
pub struct Images {
    /// Pixels of one image, over all channels.
    pub image_len: usize,
    /// One image after another.
    pub pixels: Vec<u8>,
    /// One label per image; -1 where it has none.
    pub labels: Vec<i64>,
}

/// Both parts of a data set.
#[derive(Debug)]
pub struct Parts {
    /// What may be trained on.
    pub train: Images,
    /// What is only measured on.
    pub test: Images,
}

impl Parts {
    /// The images of `part`.
    pub fn get(&self, part: Part) -> &Images {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }
}

impl Images {
    fn read(&self, indices: &[usize], pixels: &mut [u8]) -> Result<()> {
        check_request(self.labels.len(), self.image_len, indices, pixels)?;
        for (&index, out) in indices.iter().zip(pixels.chunks_exact_mut(self.image_len.max(1))) {
            out.copy_from_slice(&self.pixels[index * self.image_len..][..self.image_len]);
        }
        Ok(())
    }
}

/// What `open` left, or an error if it was not called.
pub(crate) fn opened<'a, T>(parts: &'a Option<T>, dataset: &str) -> Result<&'a T> {
    parts.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("{dataset} was asked for images before it was opened"))
    })
}

/// Whether there are images at `indices`, and room for them.
pub(crate) fn check_request(count: usize, image_len: usize, indices: &[usize], pixels: &[u8]) -> Result<()> {
    if let Some(index) = indices.iter().find(|&&index| index >= count) {
        return Err(Error::shape(format!("there is no image {index} among {count}")));
    }
    if pixels.len() != indices.len() * image_len {
        return Err(Error::shape(format!(
            "{} images of {image_len} bytes do not fit into {} bytes",
            indices.len(),
            pixels.len()
        )));
    }
    Ok(())
}
