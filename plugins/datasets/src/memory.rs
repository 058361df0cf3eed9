//! Images that are all in memory, 8 bits a channel.

use scant_abi::{Error, ErrorKind, Part, Result};

/// The images and labels of one part.
#[derive(Debug, Default)]
pub(crate) struct Images {
    pub(crate) image_len: usize,
    pub(crate) pixels: Vec<u8>,
    pub(crate) labels: Vec<i64>,
}

/// Both parts of a data set.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) train: Images,
    pub(crate) test: Images,
}

impl Parts {
    pub(crate) fn get(&self, part: Part) -> &Images {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }
}

impl Images {
    pub(crate) fn read(&self, indices: &[usize], pixels: &mut [u8]) -> Result<()> {
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
