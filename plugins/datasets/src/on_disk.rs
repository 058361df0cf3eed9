//! Data sets whose images are files of their own, listed by a folder or a table.

use std::collections::BTreeMap;
use std::path::PathBuf;

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

    /// What lies among the images and is not taken for one.
    fn left_out(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }
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
            info: DatasetInfo { image: dims, classes, counts: None },
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
        let left_out = self.listing.left_out()?;
        if let Some(first) = left_out.first() {
            let (count, first) = (left_out.len(), first.display());
            let detail = format!("{count}, such as {first}: only images directly in a class's folder count");
            checks.push(Check { subject: "left out".to_owned(), verdict: Verdict::Unknown, detail });
        }
        Ok(checks)
    }
}

/// Refuses a class that only one part has: such a run could not be measured. Beside each class stands where it is named.
pub(crate) fn check_classes(train: &BTreeMap<String, String>, test: &BTreeMap<String, String>) -> Result<()> {
    let check =
        |here: &BTreeMap<String, String>, there: &BTreeMap<String, String>, parts: [&str; 2]| match here
            .iter()
            .find(|(class, _)| !there.contains_key(*class))
        {
            Some((class, place)) => Err(Error::data(format!(
                "{place}: class '{class}' is in {}, but not in {}",
                parts[0], parts[1]
            ))),
            None => Ok(()),
        };
    check(train, test, ["train", "test"])?;
    check(test, train, ["test", "train"])
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
