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
    /// How many images there are, where that is known before they are read: splits are then checked early.
    #[serde(default)]
    pub counts: Option<Counts>,
}

/// How many images a data set has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Images of each class to train on.
    pub train: Vec<usize>,
    /// Images to train on that have no class.
    pub unlabelled: usize,
    /// Images that are only measured on.
    pub test: usize,
}

impl Counts {
    /// Every image to train on has a class.
    pub fn labelled(train: Vec<usize>, test: usize) -> Self {
        Self { train, unlabelled: 0, test }
    }
}

/// Whether a file is what was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is as it should be.
    Good,
    /// Nothing is known to compare it with.
    Unknown,
    /// It is not as it should be.
    Bad,
}

/// One thing that [`Dataset::verify`] looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at: a file, or a property such as the labels of a part.
    pub subject: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What was found, and what was expected where that differs.
    pub detail: String,
}

/// Images as 8-bit planes, with labels; read on demand, so that a data set may be larger than memory.
///
/// Construction only notes where things are, so that a configuration is checked without touching the data.
/// `open` looks at the files, once, before anything else is asked for but [`Dataset::info`].
pub trait Dataset: Send + Sync {
    /// The image size and the classes, known before `open` where the format fixes them.
    fn info(&self) -> Result<DatasetInfo>;

    /// Finds the files and makes sure that they can be read.
    fn open(&mut self) -> Result<()>;

    /// One label per image of `part`; -1 where an image has none.
    fn labels(&self, part: Part) -> Result<Vec<i64>>;

    /// The pixels of the images at `indices`, one image after another (channel, row, column), into `pixels`.
    fn read(&self, part: Part, indices: &[usize], pixels: &mut [u8]) -> Result<()>;

    /// Checks more than reading needs: sums, counts and labels. Works without `open`, and reports on every file.
    fn verify(&self) -> Result<Vec<Check>> {
        Ok(Vec::new())
    }
}
