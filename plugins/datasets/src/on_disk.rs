//! Data sets whose images are files of their own, listed by a folder or a table.

use std::collections::BTreeSet;

use rayon::prelude::*;
use scant_abi::{
    Check, Component, Context, Dataset, DatasetInfo, Error, ErrorKind, Part, Result, Setup, Verdict,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::memory::opened;
use crate::pictures::{self, Entry, Pictures, Wanted};
use crate::verify;

/// A data set that is read from disk image by image: what lists the images, and what the list says.
#[derive(Debug)]
pub struct OnDisk<L> {
    listing: L,
    opened: Option<Opened>,
}

#[derive(Debug)]
struct Opened {
    info: DatasetInfo,
    train: Pictures,
    test: Pictures,
}

/// The images of both parts and the names of their classes.
#[derive(Debug)]
pub struct Listed {
    /// The names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// What may be trained on.
    pub train: Vec<Entry>,
    /// What is only measured on.
    pub test: Vec<Entry>,
}

/// What is peculiar to one way of listing images.
pub trait Listing: Sized + Send + Sync + 'static {
    /// The component's name.
    const NAME: &'static str;
    /// One line for `scant list`.
    const SUMMARY: &'static str;
    /// The component's configuration.
    type Config: DeserializeOwned + Serialize + Default + JsonSchema;

    /// Notes where the images are; touches no file.
    fn new(config: Self::Config, setup: &Setup) -> Result<Self>;

    /// How the images are wanted.
    fn wanted(&self) -> Wanted;

    /// Finds all images, without decoding any.
    fn list(&self) -> Result<Listed>;
}

impl<L: Listing> Component for OnDisk<L> {
    const NAME: &'static str = L::NAME;
    const SUMMARY: &'static str = L::SUMMARY;
    type Config = L::Config;

    fn new(config: L::Config, setup: &Setup) -> Result<Self> {
        let listing = L::new(config, setup)?;
        pictures::check_size(listing.wanted().size)?;
        Ok(Self { listing, opened: None })
    }
}

impl<L: Listing> OnDisk<L> {
    fn load(&self) -> Result<Opened> {
        let wanted = self.listing.wanted();
        let Listed { classes, train, test } = self.listing.list()?;
        let Some(first) = train.first() else {
            return Err(Error::data(format!("{}: there is no image to train on", L::NAME)));
        };
        let dims = pictures::dims(wanted, first)?;
        Ok(Opened {
            info: DatasetInfo { image: dims, classes, train_counts: Vec::new() },
            train: Pictures::new(train, dims, wanted),
            test: Pictures::new(test, dims, wanted),
        })
    }

    fn part(&self, part: Part) -> Result<&Pictures> {
        let opened = opened(&self.opened, L::NAME)?;
        Ok(match part {
            Part::Train => &opened.train,
            Part::Test => &opened.test,
        })
    }
}

impl<L: Listing> Dataset for OnDisk<L> {
    fn info(&self) -> Result<DatasetInfo> {
        match &self.opened {
            Some(opened) => Ok(opened.info.clone()),
            None => Err(Error::new(
                ErrorKind::Unsupported,
                format!("the images and classes of {} are known once it was opened", L::NAME),
            )),
        }
    }

    fn open(&mut self) -> Result<()> {
        self.opened = Some(self.load()?);
        Ok(())
    }

    fn labels(&self, part: Part) -> Result<Vec<i64>> {
        Ok(self.part(part)?.labels())
    }

    fn read(&self, part: Part, indices: &[usize], pixels: &mut [u8]) -> Result<()> {
        self.part(part)?.read(indices, pixels).context(|| format!("cannot read from {}", L::NAME))
    }

    fn verify(&self) -> Result<Vec<Check>> {
        let opened = self.load()?;
        let mut checks = Vec::new();
        for (subject, part) in [("images to train on", &opened.train), ("images to test on", &opened.test)] {
            checks.extend(part.verify(subject));
            let counts = verify::count(&part.labels(), opened.info.classes.len());
            let detail = format!("by class {counts:?} of {:?}", opened.info.classes);
            checks.push(Check { subject: subject.to_owned(), verdict: Verdict::Unknown, detail });
        }
        Ok(checks)
    }
}

/// Refuses a class that only one part has: such a run could not be measured.
pub(crate) fn check_classes(train: &BTreeSet<String>, test: &BTreeSet<String>) -> Result<()> {
    let lonely = |here: &BTreeSet<String>, there: &BTreeSet<String>| here.difference(there).next().cloned();
    if let Some(class) = lonely(train, test) {
        return Err(Error::data(format!("class '{class}' is in train, but not in test")));
    }
    match lonely(test, train) {
        Some(class) => Err(Error::data(format!("class '{class}' is in test, but not in train"))),
        None => Ok(()),
    }
}

/// The first of the listed files that is not there.
pub(crate) fn check_files(entries: &[Entry]) -> Result<()> {
    match entries.par_iter().find_first(|entry| !entry.path.is_file()) {
        Some(entry) => {
            Err(Error::data(format!("{}: there is no file {}", entry.named_in, entry.path.display())))
        }
        None => Ok(()),
    }
}
