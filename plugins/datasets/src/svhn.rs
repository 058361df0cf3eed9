//! SVHN: house numbers cut to 32x32, in MATLAB files.

use std::path::{Path, PathBuf};

use scant_abi::{Check, Counts, DatasetInfo, Error, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::{self, Places, Published, in_file};
use crate::formats::mat::{self, Array, Values};
use crate::memory::{Images, Parts, Source};
use crate::verify;

const SIDE: usize = 32;
const IMAGE: usize = 3 * SIDE * SIDE;

const TRAIN: Published =
    Published { name: "train_32x32.mat", bytes: 182_040_794, md5: "e26dedcc434d2e4c54c9b2d4a06d8373" };
const TEST: Published =
    Published { name: "test_32x32.mat", bytes: 64_275_384, md5: "eb5a983be6a315427106f1b164d9cef3" };
const EXTRA: Published =
    Published { name: "extra_32x32.mat", bytes: 1_329_278_602, md5: "a93ce644f1a588dc4d68dda5feec44a7" };

const TRAIN_COUNTS: [usize; 10] = [4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659];
const TEST_COUNTS: [usize; 10] = [1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595];

/// Settings of `svhn`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SvhnConfig {
    /// Folder of the files, below a data folder or absolute; unset: `svhn`, or the data folder itself.
    pub folder: Option<PathBuf>,
    /// Whether the 531,131 easier images of `extra_32x32.mat` are trained on too.
    pub extra: bool,
}

/// `svhn`: 73,257 and 26,032 digits of house numbers, in colour.
#[derive(Debug)]
pub struct Svhn {
    extra: bool,
    places: Places,
}

impl Svhn {
    /// The published files that are to be read, those to train on first.
    fn wanted(&self) -> Vec<&'static Published> {
        if self.extra { vec![&TRAIN, &EXTRA, &TEST] } else { vec![&TRAIN, &TEST] }
    }

    /// How often each class occurs in training, where that is published.
    fn train_counts(&self) -> Option<&'static [usize]> {
        (!self.extra).then_some(&TRAIN_COUNTS)
    }
}

impl Source for Svhn {
    const NAME: &'static str = "svhn";
    const SUMMARY: &'static str =
        "Digits of house numbers: 73,257 and 26,032 images of 32x32, colour, 10 classes.";
    type Config = SvhnConfig;

    fn new(config: SvhnConfig, setup: &Setup) -> Result<Self> {
        let places = Places::new("svhn", &setup.folders, config.folder.as_deref(), &["svhn", "SVHN"]);
        Ok(Self { extra: config.extra, places })
    }

    fn info(&self) -> DatasetInfo {
        DatasetInfo {
            image: [3, SIDE, SIDE],
            classes: (0..10).map(|digit| digit.to_string()).collect(),
            counts: self
                .train_counts()
                .map(|train| Counts::labelled(train.to_vec(), TEST_COUNTS.iter().sum())),
        }
    }

    fn load(&self) -> Result<Parts> {
        let wanted = self.wanted();
        let found: Vec<Option<PathBuf>> = wanted.iter().map(|file| self.places.find(file.name)).collect();
        if found.iter().any(Option::is_none) {
            let absent = wanted.into_iter().zip(&found).filter(|(_, path)| path.is_none());
            return Err(self.places.missing(absent.map(|(file, _)| file)));
        }
        let mut parts =
            found.iter().flatten().map(|path| load_file(path)).collect::<Result<Vec<Images>>>()?;
        let test = parts.pop().unwrap_or_default();
        let mut train = Images { image_len: IMAGE, ..Images::default() };
        for part in parts {
            if train.labels.is_empty() {
                train = part;
            } else {
                train.pixels.extend_from_slice(&part.pixels);
                train.labels.extend_from_slice(&part.labels);
            }
        }
        Ok(Parts { train, test })
    }

    fn verify(&self) -> Vec<Check> {
        let mut checks: Vec<Check> = self
            .wanted()
            .into_iter()
            .map(|file| match self.places.find(file.name) {
                Some(path) => verify::file(&path, file),
                None => verify::absent(file.name),
            })
            .collect();
        checks.extend(verify::labels(
            &self.load(),
            10,
            self.train_counts().unwrap_or_default(),
            &TEST_COUNTS,
        ));
        checks
    }
}

fn load_file(path: &Path) -> Result<Images> {
    let bytes = files::read(path)?;
    let arrays = mat::parse(&bytes, &["X", "y"]);
    arrays
        .and_then(|mut arrays| images(arrays.take("X")?, arrays.take("y")?))
        .map_err(|error| in_file(path, error))
}

fn images(pictures: Array, labels: Array) -> Result<Images> {
    // A last axis of length 1 is left out by MATLAB.
    if !pictures.dims.starts_with(&[SIDE, SIDE, 3]) || pictures.dims.len() > 4 {
        return Err(Error::data(format!("array 'X' is {:?}, not [32, 32, 3, images]", pictures.dims)));
    }
    let Values::Bytes(mut pixels) = pictures.values else {
        return Err(Error::data("array 'X' does not hold bytes"));
    };
    let numbers = match labels.values {
        Values::Bytes(bytes) => bytes.into_iter().map(f64::from).collect(),
        Values::Numbers(numbers) => numbers,
    };
    let count = pixels.len() / IMAGE;
    if numbers.len() != count {
        return Err(Error::data(format!(
            "array 'X' has {count} images, but 'y' has {} labels",
            numbers.len()
        )));
    }
    let labels = numbers
        .iter()
        .enumerate()
        .map(|(row, &number)| match number {
            10.0 => Ok(0),
            1.0 | 2.0 | 3.0 | 4.0 | 5.0 | 6.0 | 7.0 | 8.0 | 9.0 => Ok(number as i64),
            _ => Err(Error::data(format!(
                "array 'y', row {row}: label {number}; they go from 1 to 10, 10 for 0"
            ))),
        })
        .collect::<Result<Vec<i64>>>()?;
    // MATLAB runs down the columns first.
    for plane in pixels.chunks_exact_mut(SIDE * SIDE) {
        for row in 0..SIDE {
            for column in 0..row {
                plane.swap(row * SIDE + column, column * SIDE + row);
            }
        }
    }
    Ok(Images { image_len: IMAGE, pixels, labels })
}
