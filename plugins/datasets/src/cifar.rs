//! CIFAR-10 and CIFAR-100 in their binary version: single files, each plain or gzipped, or the published archive.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use scant_abi::{Check, Counts, DatasetInfo, Error, ErrorKind, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cifar_classes::{CIFAR_10, CIFAR_100_COARSE, CIFAR_100_FINE};
use crate::files::{self, Places, Published, in_file};
use crate::formats::archive;
use crate::formats::cifar::{self, Layout, PIXELS};
use crate::memory::{Images, Parts, Source};
use crate::verify;

/// Images that both data sets measure on.
const TEST_IMAGES: usize = 10_000;

const ARCHIVE_10: Published =
    Published { name: "cifar-10-binary.tar.gz", bytes: 170_052_171, md5: "c32a1d4ab5d03f1284b67883e8d87530" };

const ARCHIVE_100: Published = Published {
    name: "cifar-100-binary.tar.gz",
    bytes: 168_513_733,
    md5: "03b5dce01913d631647c71ecec9e9cb8",
};

/// Settings of `cifar-10`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cifar10Config {
    /// Folder of the files, below a data folder or absolute; unset: `cifar-10-batches-bin`, or the data folder.
    pub folder: Option<PathBuf>,
    /// Which of the five training batches to use, 10,000 images each.
    #[schemars(length(min = 1), inner(range(min = 1, max = 5)))]
    pub batches: Vec<u8>,
}

impl Default for Cifar10Config {
    fn default() -> Self {
        Self { folder: None, batches: vec![1, 2, 3, 4, 5] }
    }
}

/// Which of the two labels of CIFAR-100 counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelKind {
    /// 100 classes.
    #[default]
    Fine,
    /// 20 groups of five classes.
    Coarse,
}

/// Settings of `cifar-100`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cifar100Config {
    /// Folder of the files, below a data folder or absolute; unset: `cifar-100-binary`, or the data folder.
    pub folder: Option<PathBuf>,
    /// `fine` for 100 classes, `coarse` for 20 groups of them.
    pub labels: LabelKind,
}

/// `cifar-10`: 50,000 and 10,000 colour photographs, 32x32, of ten classes.
#[derive(Debug)]
pub struct Cifar10(Batches);

/// `cifar-100`: 50,000 and 10,000 colour photographs, 32x32, of 100 classes or 20 groups.
#[derive(Debug)]
pub struct Cifar100(Batches);

impl Source for Cifar10 {
    const NAME: &'static str = "cifar-10";
    const SUMMARY: &'static str = "Colour photographs: 50,000 and 10,000 images of 32x32, 10 classes.";
    type Config = Cifar10Config;

    fn new(config: Cifar10Config, setup: &Setup) -> Result<Self> {
        let mut batches = config.batches;
        batches.sort_unstable();
        batches.dedup();
        if batches.is_empty() || batches.iter().any(|batch| !(1..=5).contains(batch)) {
            return Err(Error::config(format!("cifar-10: batches = {batches:?}; choose from 1, 2, 3, 4, 5")));
        }
        let usual = ["cifar-10-batches-bin", "cifar-10"];
        Ok(Self(Batches {
            name: "cifar-10",
            archive: &ARCHIVE_10,
            layout: Layout::TEN,
            classes: &CIFAR_10,
            // Classes are even over all five batches, not within one.
            train_counts: (batches.len() == 5).then(|| vec![5000; 10]),
            train: batches.iter().map(|batch| format!("data_batch_{batch}.bin")).collect(),
            test: "test_batch.bin".to_owned(),
            places: Places::new("cifar-10", &setup.folders, config.folder.as_deref(), &usual),
        }))
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

impl Source for Cifar100 {
    const NAME: &'static str = "cifar-100";
    const SUMMARY: &'static str =
        "Colour photographs: 50,000 and 10,000 images of 32x32, 100 classes or 20 groups.";
    type Config = Cifar100Config;

    fn new(config: Cifar100Config, setup: &Setup) -> Result<Self> {
        let (layout, classes): (_, &[&str]) = match config.labels {
            LabelKind::Fine => (Layout::FINE, &CIFAR_100_FINE),
            LabelKind::Coarse => (Layout::COARSE, &CIFAR_100_COARSE),
        };
        let usual = ["cifar-100-binary", "cifar-100"];
        Ok(Self(Batches {
            name: "cifar-100",
            archive: &ARCHIVE_100,
            layout,
            classes,
            train_counts: Some(vec![50_000 / classes.len(); classes.len()]),
            train: vec!["train.bin".to_owned()],
            test: "test.bin".to_owned(),
            places: Places::new("cifar-100", &setup.folders, config.folder.as_deref(), &usual),
        }))
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
struct Batches {
    name: &'static str,
    archive: &'static Published,
    layout: Layout,
    classes: &'static [&'static str],
    /// How often each class occurs in training, where that is published.
    train_counts: Option<Vec<usize>>,
    train: Vec<String>,
    test: String,
    places: Places,
}

impl Batches {
    fn info(&self) -> DatasetInfo {
        let classes = self.classes.iter().map(|&class| class.to_owned()).collect();
        let counts = self.train_counts.clone().map(|train| Counts::labelled(train, TEST_IMAGES));
        DatasetInfo { image: [3, 32, 32], classes, counts }
    }

    fn load(&self) -> Result<Parts> {
        let mut batches = self.read()?;
        let test = batches.pop().unwrap_or_default();
        let mut train = Images { image_len: PIXELS, ..Images::default() };
        train.pixels.reserve_exact(batches.iter().map(|batch| batch.pixels.len()).sum());
        for batch in batches {
            train.pixels.extend_from_slice(&batch.pixels);
            train.labels.extend_from_slice(&batch.labels);
        }
        Ok(Parts { train, test })
    }

    /// Every batch to train on, then the one to test on.
    fn read(&self) -> Result<Vec<Images>> {
        let names: Vec<&str> = self.train.iter().chain([&self.test]).map(String::as_str).collect();
        let found: Vec<Option<PathBuf>> = names.iter().map(|name| self.places.find(name)).collect();
        if found.iter().all(Option::is_some) {
            let paths: Vec<PathBuf> = found.into_iter().flatten().collect();
            return paths.into_par_iter().map(|path| self.parse(&path, &files::read(&path)?)).collect();
        }
        let Some(archive) = self.places.find(self.archive.name) else {
            let absent = names.into_iter().zip(&found).filter(|(_, path)| path.is_none());
            return Err(self.missing(absent.map(|(name, _)| name)));
        };
        let file = File::open(&archive).map_err(|error| {
            Error::caused_by(ErrorKind::Io, format!("cannot read {}", archive.display()), &error)
        })?;
        archive::extract(BufReader::new(file), &names)
            .map_err(|error| in_file(&archive, error))?
            .into_par_iter()
            .zip(&names)
            .map(|(bytes, name)| self.parse(&archive.join(name), &bytes))
            .collect()
    }

    fn parse(&self, path: &Path, bytes: &[u8]) -> Result<Images> {
        let mut images = Images { image_len: PIXELS, ..Images::default() };
        cifar::parse(bytes, self.layout, &mut images.pixels, &mut images.labels)
            .map_err(|error| in_file(path, error))?;
        Ok(images)
    }

    fn missing<'a>(&self, names: impl Iterator<Item = &'a str>) -> Error {
        let names: Vec<&str> = names.collect();
        let Published { name, bytes, md5 } = self.archive;
        let record = self.layout.label_bytes + PIXELS;
        let images = if self.name == "cifar-10" { "10,000 images" } else { "50,000 or 10,000 images" };
        let mut message = format!(
            "{}: not found: {} (plain or .gz, {images} of {record} bytes each),\n  nor the archive {name} ({bytes} \
             bytes, MD5 {md5})",
            self.name,
            names.join(", ")
        );
        self.places.add_places(&mut message);
        Error::data(message)
    }

    fn verify(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        if let Some(archive) = self.places.find(self.archive.name) {
            checks.push(verify::file(&archive, self.archive));
        } else {
            for name in self.train.iter().chain([&self.test]) {
                checks.push(match self.places.find(name) {
                    Some(path) => verify::file(&path, self.archive),
                    None => verify::absent(name),
                });
            }
        }
        let classes = self.classes.len();
        let test_counts = vec![TEST_IMAGES / classes; classes];
        let train_counts = self.train_counts.as_deref().unwrap_or_default();
        checks.extend(verify::labels(&self.load(), classes, train_counts, &test_counts));
        checks
    }
}
