//! Tables of one's own: `path,label`, one for training and one for testing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scant_abi::{Error, Result, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::{self, Places, in_file};
use crate::formats::picture::LONGEST_SIDE;
use crate::formats::table::{self, Row};
use crate::on_disk::{Listed, Listing, check_classes, check_files};
use crate::pictures::{Entry, Wanted};

/// Settings of `csv`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CsvConfig {
    /// The table to train on, below a data folder or absolute; its paths are relative to its own folder.
    pub train: PathBuf,
    /// The table to test on.
    pub test: PathBuf,
    /// Height and width to resize every image to; unset: all images must have the size of the first.
    #[schemars(inner(range(min = 1, max = LONGEST_SIDE)))]
    pub size: Option<[usize; 2]>,
    /// Whether images are read as one channel of luminance instead of three of colour.
    pub gray: bool,
    /// Decoded images of a part are kept up to this many MiB; a larger part is decoded each time anew.
    pub memory_mib: usize,
}

impl Default for CsvConfig {
    fn default() -> Self {
        Self { train: "train.csv".into(), test: "test.csv".into(), size: None, gray: false, memory_mib: 1024 }
    }
}

/// `csv`: images that two tables list, with a class or without.
#[derive(Debug)]
pub struct Csv {
    config: CsvConfig,
    places: Places,
}

impl Listing for Csv {
    const NAME: &'static str = "csv";
    const SUMMARY: &'static str =
        "Images listed as path,label in train.csv and test.csv; an empty label is none.";
    type Config = CsvConfig;

    fn new(config: CsvConfig, setup: &Setup) -> Result<Self> {
        let places = Places::new("csv", &setup.folders, None, &[]);
        Ok(Self { config, places })
    }

    fn wanted(&self) -> Wanted {
        let CsvConfig { size, gray, memory_mib, .. } = self.config;
        Wanted { size, gray, memory_mib }
    }

    fn list(&self) -> Result<Listed> {
        let train_path = self.places.find_file(&self.config.train)?;
        let test_path = self.places.find_file(&self.config.test)?;
        let (train, test) = (rows(&train_path)?, rows(&test_path)?);
        let classes = classes_of(&train_path, &train);
        let test_classes = classes_of(&test_path, &test);
        if !test_classes.is_empty() {
            check_classes(&classes, &test_classes)?;
        }
        let mut classes: Vec<String> = classes.into_keys().collect();
        // Numbers in their own order: 10 comes after 9.
        if classes.iter().all(|class| class.parse::<u64>().is_ok()) {
            classes.sort_by_key(|class| class.parse::<u64>().ok());
        }
        let train = entries(&train_path, train, &classes);
        let test = entries(&test_path, test, &classes);
        check_files(&train)?;
        check_files(&test)?;
        Ok(Listed { classes, train, test })
    }
}

fn rows(path: &Path) -> Result<Vec<Row>> {
    let rows = table::parse(&files::read_raw(path)?).map_err(|error| in_file(path, error))?;
    if rows.is_empty() { Err(Error::data(format!("{} lists no image", path.display()))) } else { Ok(rows) }
}

/// Where a row stands.
fn place(table: &Path, row: &Row) -> String {
    format!("{} row {}", table.display(), row.line)
}

/// The classes of a table, and the first row of each.
fn classes_of(table: &Path, rows: &[Row]) -> BTreeMap<String, String> {
    let mut classes = BTreeMap::new();
    for row in rows {
        if let Some(label) = &row.label {
            classes.entry(label.clone()).or_insert_with(|| place(table, row));
        }
    }
    classes
}

fn entries(table: &Path, rows: Vec<Row>, classes: &[String]) -> Vec<Entry> {
    let folder = table.parent().unwrap_or(Path::new(""));
    let label =
        |class: &String| classes.iter().position(|known| known == class).map_or(-1, |index| index as i64);
    rows.into_iter()
        .map(|row| Entry {
            path: folder.join(&row.path),
            label: row.label.as_ref().map_or(-1, label),
            named_in: place(table, &row),
        })
        .collect()
}
