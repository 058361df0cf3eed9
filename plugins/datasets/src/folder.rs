//! A folder of one's own: `train/<class>/*` and `test/<class>/*`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use scant_abi::{Error, ErrorKind, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::Places;
use crate::formats::picture;
use crate::on_disk::{Listed, Listing, check_classes};
use crate::pictures::{Entry, Wanted};

/// Settings of `folder`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FolderConfig {
    /// The folder, below a data folder or absolute; it holds `train` and `test`, and those one folder a class.
    pub path: PathBuf,
    /// Name of the folder within `train` whose images have no label, if there is one.
    pub unlabelled: Option<String>,
    /// Height and width to resize every image to; unset: all images must have the size of the first.
    #[schemars(inner(range(min = 1, max = picture::LONGEST_SIDE)))]
    pub size: Option<[usize; 2]>,
    /// Whether images are read as one channel of luminance instead of three of colour.
    pub gray: bool,
    /// Decoded images of a part are kept up to this many MiB; a larger part is decoded each time anew.
    pub memory_mib: usize,
}

impl Default for FolderConfig {
    fn default() -> Self {
        Self { path: PathBuf::new(), unlabelled: None, size: None, gray: false, memory_mib: 1024 }
    }
}

/// `folder`: PNG, JPEG, WebP and BMP files, one folder a class.
#[derive(Debug)]
pub struct Folder {
    config: FolderConfig,
    places: Places,
}

impl Listing for Folder {
    const NAME: &'static str = "folder";
    const SUMMARY: &'static str = "PNG, JPEG, WebP and BMP files in train/<class>/ and test/<class>/.";
    type Config = FolderConfig;

    fn new(config: FolderConfig, setup: &Setup) -> Result<Self> {
        let places = Places::new("folder", &setup.folders, Some(&config.path), &[]);
        Ok(Self { config, places })
    }

    fn wanted(&self) -> Wanted {
        let FolderConfig { size, gray, memory_mib, .. } = self.config;
        Wanted { size, gray, memory_mib }
    }

    fn list(&self) -> Result<Listed> {
        let train = self.places.find_folder("train")?;
        let test = self.places.find_folder("test")?;
        let unlabelled = self.config.unlabelled.as_deref();
        let mut classes = folders_in(&train)?;
        if let Some(name) = unlabelled
            && classes.remove(name).is_none()
        {
            return Err(Error::data(format!(
                "there is no folder {}, which 'unlabelled' names",
                train.join(name).display()
            )));
        }
        check_classes(&classes, &folders_in(&test)?)?;
        let classes: Vec<String> = classes.into_keys().collect();
        let mut listed = Listed { classes, train: Vec::new(), test: Vec::new() };
        for (label, class) in (0_i64..).zip(&listed.classes) {
            listed.train.extend(entries(&train.join(class), label)?);
            listed.test.extend(entries(&test.join(class), label)?);
        }
        if let Some(name) = unlabelled {
            listed.train.extend(entries(&train.join(name), -1)?);
        }
        Ok(listed)
    }

    fn left_out(&self) -> Result<Vec<PathBuf>> {
        let mut left_out = Vec::new();
        for part in ["train", "test"] {
            let part = self.places.find_folder(part)?;
            for class in folders_in(&part)?.into_keys() {
                let paths = paths_in(&part.join(class))?;
                left_out.extend(paths.into_iter().filter(|path| !is_picture(path)));
            }
        }
        Ok(left_out)
    }
}

/// The names in a folder, sorted, so that no file system's order matters.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let failed = |error: &std::io::Error| {
        Error::caused_by(ErrorKind::Io, format!("cannot list {}", folder.display()), error)
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(&error))? {
        let name = entry.map_err(|error| failed(&error))?.file_name();
        match name.into_string() {
            Ok(name) if !name.starts_with('.') => names.push(name),
            Ok(_) => {}
            Err(name) => {
                let path = folder.join(name);
                return Err(Error::data(format!("the name of {} is not UTF-8; rename it", path.display())));
            }
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn paths_in(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(names_in(folder)?.into_iter().map(|name| folder.join(name)).collect())
}

/// The folders in a folder: their names, and where they are.
fn folders_in(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut names = names_in(folder)?;
    names.retain(|name| folder.join(name).is_dir());
    Ok(names.into_iter().map(|name| (name.clone(), folder.join(name).display().to_string())).collect())
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    picture::ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn entries(folder: &Path, label: i64) -> Result<Vec<Entry>> {
    let mut paths = paths_in(folder)?;
    paths.retain(|path| is_picture(path));
    if paths.is_empty() {
        let endings = picture::ENDINGS.join(", ");
        return Err(Error::data(format!("{} holds no image ({endings})", folder.display())));
    }
    Ok(paths.into_iter().map(|path| Entry { path, label, named_in: String::new() }).collect())
}
