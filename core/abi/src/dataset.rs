//! Data sets: where images and labels come from.

use serde::{Deserialize, Serialize};

use crate::Result;

/// The two published parts of a data set; validation parts are cut from `Train` by the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// What may be trained on.
    Train,
    /// What is only measured on.
    Test,
}

/// What is known of a data set without decoding its images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// Channels, height and width of every image.
    pub image: [usize; 3],
    /// The names of the classes; a label is an index into them.
    pub classes: Vec<String>,
}

/// Images as 8-bit planes, with labels; read on demand, so that a data set may be larger than memory.
///
/// Construction only notes where things are, so that a configuration is checked without touching the data.
/// `open` looks at the files, once, before anything else is asked for but [`Dataset::info`].
pub trait Dataset: Send + Sync {
    /// The image size and the classes, known before `open` where the format fixes them.
    fn info(&self) -> Result<DatasetInfo>;

    /// Finds and verifies the files.
    fn open(&mut self) -> Result<()>;

    /// One label per image of `part`; -1 where an image has none.
    fn labels(&self, part: Part) -> Result<Vec<i64>>;

    /// The pixels of the images at `indices`, one image after another (channel, row, column), into `pixels`.
    fn read(&self, part: Part, indices: &[usize], pixels: &mut [u8]) -> Result<()>;
}
