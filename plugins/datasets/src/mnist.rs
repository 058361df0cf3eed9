//! MNIST and Fashion-MNIST: 28x28, one channel, ten classes, in four IDX files.

use std::path::PathBuf;

use scant_abi::{Check, Counts, DatasetInfo, Error, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::{self, Places, Published, in_file};
use crate::formats::idx;
use crate::memory::{Images, Parts, Source};
use crate::verify;

const SIDE: usize = 28;

/// What tells one of the two from the other.
#[derive(Debug)]
struct Edition {
    name: &'static str,
    folders: &'static [&'static str],
    /// Images and labels to train on, then those to test on.
    files: [Published; 4],
    classes: [&'static str; 10],
    counts: [[usize; 10]; 2],
}

const MNIST: Edition = Edition {
    name: "mnist",
    folders: &["mnist", "MNIST/raw"],
    files: [
        Published {
            name: "train-images-idx3-ubyte.gz",
            bytes: 9_912_422,
            md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        },
        Published {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 28_881,
            md5: "d53e105ee54ea40749a09fcbcd1e9432",
        },
        Published {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 1_648_877,
            md5: "9fb629c4189551a2d022fa330f9573f3",
        },
        Published {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 4_542,
            md5: "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ],
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    counts: [
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    ],
};

const FASHION: Edition = Edition {
    name: "fashion-mnist",
    folders: &["fashion-mnist", "FashionMNIST/raw"],
    files: [
        Published {
            name: "train-images-idx3-ubyte.gz",
            bytes: 26_421_880,
            md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        },
        Published {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 29_515,
            md5: "25c81989df183df01b3e8a0aad5dffbe",
        },
        Published {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 4_422_102,
            md5: "bef4ecab320f06d8554ea6380940ec79",
        },
        Published {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 5_148,
            md5: "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ],
    classes: [
        "t-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ],
    counts: [[6000; 10], [1000; 10]],
};

/// Settings of `mnist`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MnistConfig {
    /// Folder of the files, below a data folder or absolute; unset: `mnist`, or the data folder itself.
    pub folder: Option<PathBuf>,
}

/// Settings of `fashion-mnist`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FashionMnistConfig {
    /// Folder of the files, below a data folder or absolute; unset: `fashion-mnist`, or the data folder itself.
    pub folder: Option<PathBuf>,
}

/// `mnist`: 60,000 and 10,000 handwritten digits.
#[derive(Debug)]
pub struct Mnist(IdxFiles);

/// `fashion-mnist`: 60,000 and 10,000 pieces of clothing.
#[derive(Debug)]
pub struct FashionMnist(IdxFiles);

impl Source for Mnist {
    const NAME: &'static str = MNIST.name;
    const SUMMARY: &'static str = "Handwritten digits: 60,000 and 10,000 images of 28x28, 10 classes.";
    type Config = MnistConfig;

    fn new(config: MnistConfig, setup: &Setup) -> Result<Self> {
        Ok(Self(IdxFiles::new(&MNIST, config.folder, &setup.folders)))
    }

    fn info(&self) -> DatasetInfo {
        self.0.info()
    }

    fn load(&self) -> Result<Parts> {
        self.0.load()
    }

    fn verify(&self) -> Vec<Check> {
        self.0.verify()
    }
}

impl Source for FashionMnist {
    const NAME: &'static str = FASHION.name;
    const SUMMARY: &'static str = "Pieces of clothing: 60,000 and 10,000 images of 28x28, 10 classes.";
    type Config = FashionMnistConfig;

    fn new(config: FashionMnistConfig, setup: &Setup) -> Result<Self> {
        Ok(Self(IdxFiles::new(&FASHION, config.folder, &setup.folders)))
    }

    fn info(&self) -> DatasetInfo {
        self.0.info()
    }

    fn load(&self) -> Result<Parts> {
        self.0.load()
    }

    fn verify(&self) -> Vec<Check> {
        self.0.verify()
    }
}

#[derive(Debug)]
struct IdxFiles {
    edition: &'static Edition,
    places: Places,
}

impl IdxFiles {
    fn new(edition: &'static Edition, folder: Option<PathBuf>, data_dirs: &[PathBuf]) -> Self {
        let places = Places::new(edition.name, data_dirs, folder.as_deref(), edition.folders);
        Self { edition, places }
    }

    fn info(&self) -> DatasetInfo {
        DatasetInfo {
            image: [1, SIDE, SIDE],
            classes: self.edition.classes.map(str::to_owned).to_vec(),
            counts: Some(Counts::labelled(
                self.edition.counts[0].to_vec(),
                self.edition.counts[1].iter().sum(),
            )),
        }
    }

    fn load(&self) -> Result<Parts> {
        let paths = self.edition.files.each_ref().map(|file| self.places.find(file.name));
        let [Some(train_images), Some(train_labels), Some(test_images), Some(test_labels)] = paths else {
            let absent = self.edition.files.iter().zip(&paths).filter(|(_, path)| path.is_none());
            return Err(self.places.missing(absent.map(|(file, _)| file)));
        };
        let (train, test) =
            rayon::join(|| load_part(train_images, train_labels), || load_part(test_images, test_labels));
        let parts = Parts { train: train?, test: test? };
        self.refuse_the_other(&parts)?;
        Ok(parts)
    }

    /// Both editions have the same file names: a search in one folder may find the other's.
    fn refuse_the_other(&self, parts: &Parts) -> Result<()> {
        let counts = [&parts.train, &parts.test].map(|images| verify::count(&images.labels, 10));
        match [&MNIST, &FASHION].into_iter().find(|edition| edition.counts.map(Vec::from) == counts) {
            Some(edition) if edition.name != self.edition.name => {
                let mut message =
                    format!("{}: the files found are those of {}", self.edition.name, edition.name);
                self.places.add_places(&mut message);
                Err(Error::data(message))
            }
            _ => Ok(()),
        }
    }

    fn verify(&self) -> Vec<Check> {
        let mut checks: Vec<Check> = self
            .edition
            .files
            .iter()
            .map(|file| match self.places.find(file.name) {
                Some(path) => verify::file(&path, file),
                None => verify::absent(file.name),
            })
            .collect();
        let [train, test] = &self.edition.counts;
        checks.extend(verify::labels(&self.load(), 10, train, test));
        checks
    }
}

fn load_part(images: PathBuf, labels: PathBuf) -> Result<Images> {
    let read = |path: &PathBuf, rank| {
        let bytes = files::read(path)?;
        idx::parse(bytes, rank).map_err(|error| in_file(path, error))
    };
    let pictures = read(&images, 3)?;
    let marks = read(&labels, 1)?;
    if pictures.dims[1..] != [SIDE, SIDE] {
        let (h, w) = (pictures.dims[1], pictures.dims[2]);
        let error = Error::data(format!("byte 8: its images are {h}x{w}, not {SIDE}x{SIDE}"));
        return Err(in_file(&images, error));
    }
    if pictures.dims[0] != marks.dims[0] {
        let (images, labels) = (images.display(), labels.display());
        return Err(Error::data(format!(
            "{images} has {} images, but {labels} has {} labels",
            pictures.dims[0], marks.dims[0]
        )));
    }
    if let Some(index) = marks.data.iter().position(|&label| label > 9) {
        let label = marks.data[index];
        let error = Error::data(format!("byte {}: label {label}; there are 10 classes", 8 + index));
        return Err(in_file(&labels, error));
    }
    Ok(Images {
        image_len: SIDE * SIDE,
        pixels: pictures.data,
        labels: marks.data.into_iter().map(i64::from).collect(),
    })
}
