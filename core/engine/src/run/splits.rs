//! Which samples training may see, which labels of them, and which are held out.

use std::collections::BTreeMap;

use scant_abi::{Error, Key, Result, Source};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::settings::{Amount, DataSettings, Labels};

/// The parts of a data set's training part, as places in it, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splits {
    /// The seed it was drawn with.
    pub seed: u64,
    /// Samples whose labels may be seen.
    pub labelled: Vec<usize>,
    /// Samples whose labels may not be seen.
    pub unlabelled: Vec<usize>,
    /// Samples held out to choose epochs by.
    pub validation: Vec<usize>,
    /// One hash over each of these, and over the labels of both parts of the data.
    pub hashes: BTreeMap<String, String>,
}

impl Splits {
    /// The splits that `settings` describe, over a training and a test part with these labels.
    pub fn draw(
        settings: &DataSettings,
        train: &[i64],
        test: &[i64],
        seed: u64,
        index_file: impl Fn(&str) -> Result<String>,
    ) -> Result<Self> {
        let key = Key::new(seed).named("split");
        let mut free = Pool::new(train, key.named("limit"));
        if let Some(limit) = settings.limit {
            let kept = free.take(&Amount::Count(limit), "data.limit")?;
            free = Pool::of(train, kept, Vec::new());
        }
        free.shuffle(key.named("validation"));
        let validation = match &settings.validation {
            Some(amount) => free.take(amount, "data.validation")?,
            None => Vec::new(),
        };
        free.shuffle(key.named("labels"));
        let labelled = match &settings.labels {
            Labels::All => free.take_labelled(),
            Labels::None => Vec::new(),
            Labels::PerClass(n) => free.take(&Amount::PerClass(*n), "data.labels")?,
            Labels::Count(n) => free.take(&Amount::Count(*n), "data.labels")?,
            Labels::Fraction(f) => free.take(&Amount::Fraction(*f), "data.labels")?,
            Labels::IndexFile(name) => free.take_listed(&index_file(name)?, name, train)?,
        };
        let unlabelled = free.rest();
        let hashes = [
            ("labelled", hash_places(&labelled)),
            ("unlabelled", hash_places(&unlabelled)),
            ("validation", hash_places(&validation)),
            ("train-labels", hash_labels(train)),
            ("test-labels", hash_labels(test)),
        ];
        let hashes = hashes.into_iter().map(|(name, hash)| (name.to_owned(), hash)).collect();
        Ok(Self { seed, labelled, unlabelled, validation, hashes })
    }

    /// The number of samples of a source.
    pub fn len(&self, source: Source) -> usize {
        match source {
            Source::Labelled => self.labelled.len(),
            Source::Unlabelled => self.unlabelled.len(),
            Source::All => self.labelled.len() + self.unlabelled.len(),
        }
    }

    /// Refuses to go on with data other than these splits were drawn from.
    pub fn same_as(&self, recorded: &Self) -> Result<()> {
        let differing: Vec<&str> = self
            .hashes
            .iter()
            .filter(|(name, hash)| recorded.hashes.get(*name) != Some(hash))
            .map(|(name, _)| name.as_str())
            .collect();
        match differing.is_empty() {
            true => Ok(()),
            false => Err(Error::data(format!(
                "the data is not what the run began with ({} differ): restore it, or start a new run",
                differing.join(", ")
            ))),
        }
    }
}

/// Samples by class, each class in random order; those without a class apart.
struct Pool {
    classes: BTreeMap<i64, Vec<usize>>,
    unknown: Vec<usize>,
}

impl Pool {
    fn new(labels: &[i64], key: Key) -> Self {
        let (known, unknown) = (0..labels.len()).partition(|place| labels[*place] >= 0);
        let mut pool = Self::of(labels, known, unknown);
        pool.shuffle(key);
        pool
    }

    fn of(labels: &[i64], known: Vec<usize>, unknown: Vec<usize>) -> Self {
        let mut classes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        known.into_iter().for_each(|place| classes.entry(labels[place]).or_default().push(place));
        Self { classes, unknown }
    }

    fn shuffle(&mut self, key: Key) {
        for (class, places) in &mut self.classes {
            places.sort_unstable();
            key.fold(*class as u64).rng().shuffle(places);
        }
    }

    fn take(&mut self, amount: &Amount, path: &str) -> Result<Vec<usize>> {
        let wanted = self.shares(amount, path)?;
        let mut taken = Vec::new();
        for ((class, places), n) in self.classes.iter_mut().zip(wanted) {
            if n > places.len() {
                return Err(Error::config(format!(
                    "{path}: {n} samples of class {class} are wanted, {} are there",
                    places.len()
                )));
            }
            taken.extend(places.drain(places.len() - n..));
        }
        taken.sort_unstable();
        Ok(taken)
    }

    /// How many of each class.
    fn shares(&self, amount: &Amount, path: &str) -> Result<Vec<usize>> {
        let sizes: Vec<usize> = self.classes.values().map(Vec::len).collect();
        let total: usize = sizes.iter().sum();
        match *amount {
            Amount::PerClass(n) => Ok(vec![n; sizes.len()]),
            Amount::Fraction(f) => Ok(sizes.iter().map(|n| (*n as f64 * f).round() as usize).collect()),
            Amount::Count(n) if n > total => {
                Err(Error::config(format!("{path}: {n} samples are wanted, {total} with a label are there")))
            }
            Amount::Count(n) => Ok(even_shares(n, &sizes)),
        }
    }

    fn take_labelled(&mut self) -> Vec<usize> {
        let mut taken: Vec<usize> = std::mem::take(&mut self.classes).into_values().flatten().collect();
        taken.sort_unstable();
        taken
    }

    fn take_listed(&mut self, text: &str, name: &str, labels: &[i64]) -> Result<Vec<usize>> {
        let mut taken = Vec::new();
        for (line, place) in listed(text, name)? {
            let wrong = |what: &str| Error::data(format!("{name}, line {line}: {what}"));
            let class = labels.get(place).filter(|class| **class >= 0);
            let class = class.ok_or_else(|| wrong(&format!("there is no labelled sample {place}")))?;
            let places = self.classes.get_mut(class).map(|places| {
                let before = places.len();
                places.retain(|p| *p != place);
                before > places.len()
            });
            if places != Some(true) {
                return Err(wrong(&format!(
                    "sample {place} is held out for validation, or beyond `data.limit`"
                )));
            }
            taken.push(place);
        }
        taken.sort_unstable();
        Ok(taken)
    }

    fn rest(self) -> Vec<usize> {
        let mut rest: Vec<usize> = self.classes.into_values().flatten().chain(self.unknown).collect();
        rest.sort_unstable();
        rest
    }
}

/// The places that the index file `name` lists, each with its line.
pub(crate) fn listed(text: &str, name: &str) -> Result<Vec<(usize, usize)>> {
    let mut lines: BTreeMap<usize, usize> = BTreeMap::new();
    let mut listed = Vec::new();
    // Some editors begin a file with a mark of its byte order.
    let text = text.trim_start_matches('\u{feff}');
    for (number, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let wrong = |what: &str| Error::data(format!("{name}, line {number}: {what}"));
        let place: usize =
            text.trim().parse().map_err(|_| wrong(&format!("'{text}' is no place in the training part")))?;
        if let Some(first) = lines.insert(place, number) {
            return Err(wrong(&format!("sample {place} stands in line {first} already")));
        }
        listed.push((number, place));
    }
    Ok(listed)
}

/// `count` spread over the classes as evenly as their sizes allow.
fn even_shares(count: usize, sizes: &[usize]) -> Vec<usize> {
    let mut shares = vec![0; sizes.len()];
    let mut left = count;
    while left > 0 {
        for (share, size) in shares.iter_mut().zip(sizes) {
            if left > 0 && *share < *size {
                *share += 1;
                left -= 1;
            }
        }
    }
    shares
}

fn hash_places(places: &[usize]) -> String {
    let mut hasher = Sha256::new();
    places.iter().for_each(|place| hasher.update((*place as u64).to_le_bytes()));
    super::hash::hex(&hasher.finalize())
}

fn hash_labels(labels: &[i64]) -> String {
    let mut hasher = Sha256::new();
    labels.iter().for_each(|label| hasher.update(label.to_le_bytes()));
    super::hash::hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::settings::Use;

    fn data(labels: Labels, validation: Option<Amount>) -> DataSettings {
        DataSettings {
            dataset: Use::Name("any".into()),
            labels,
            validation,
            limit: None,
            prepare: Vec::new(),
        }
    }

    /// 100 samples of class 0, 50 of class 1, 10 of class 2, 5 of none.
    fn labels() -> Vec<i64> {
        let sizes = [(0, 100), (1, 50), (2, 10), (-1, 5)];
        let mut labels: Vec<i64> = sizes.iter().flat_map(|(class, n)| vec![*class; *n]).collect();
        Key::new(3).rng().shuffle(&mut labels);
        labels
    }

    fn draw(settings: &DataSettings, seed: u64) -> Result<Splits> {
        Splits::draw(settings, &labels(), &[0, 1], seed, |name| {
            Ok(if name == "some.txt" { "4\n2\n\n7\n" } else { "3\nfour\n" }.to_owned())
        })
    }

    fn counts(places: &[usize]) -> [usize; 3] {
        let labels = labels();
        [0, 1, 2].map(|class| places.iter().filter(|place| labels[**place] == class).count())
    }

    #[test]
    fn amounts_are_what_they_say() {
        let of = |amount| draw(&data(amount, None), 0).expect("drawn");
        assert_eq!(counts(&of(Labels::PerClass(7)).labelled), [7, 7, 7]);
        assert_eq!(counts(&of(Labels::Count(8)).labelled), [3, 3, 2]);
        assert_eq!(counts(&of(Labels::Count(50)).labelled), [20, 20, 10]);
        assert_eq!(counts(&of(Labels::Fraction(0.2)).labelled), [20, 10, 2]);
        assert_eq!(of(Labels::All).unlabelled.len(), 5);
        assert_eq!(of(Labels::None).unlabelled.len(), 165);
        assert_eq!(of(Labels::IndexFile("some.txt".into())).labelled, [2, 4, 7]);
    }

    #[test]
    fn parts_are_disjoint_and_cover_everything() {
        let splits = draw(&data(Labels::Fraction(0.1), Some(Amount::PerClass(4))), 0).expect("drawn");
        assert_eq!(counts(&splits.validation), [4, 4, 4]);
        let mut all = [splits.labelled, splits.unlabelled, splits.validation].concat();
        all.sort_unstable();
        assert_eq!(all, (0..165).collect::<Vec<_>>());
    }

    #[test]
    fn the_seed_alone_decides() {
        let settings = data(Labels::PerClass(5), Some(Amount::Fraction(0.1)));
        assert_eq!(draw(&settings, 1).expect("drawn"), draw(&settings, 1).expect("drawn"));
        assert_ne!(draw(&settings, 1).expect("drawn").labelled, draw(&settings, 2).expect("drawn").labelled);
        // How many are labelled does not change which are held out.
        let more = data(Labels::PerClass(6), Some(Amount::Fraction(0.1)));
        assert_eq!(draw(&settings, 1).expect("drawn").validation, draw(&more, 1).expect("drawn").validation);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let error = |labels| draw(&data(labels, None), 0).expect_err("refused").to_string();
        assert_eq!(
            error(Labels::PerClass(11)),
            "data.labels: 11 samples of class 2 are wanted, 10 are there"
        );
        assert_eq!(
            error(Labels::Count(161)),
            "data.labels: 161 samples are wanted, 160 with a label are there"
        );
        assert_eq!(
            error(Labels::IndexFile("bad.txt".into())),
            "bad.txt, line 2: 'four' is no place in the training part"
        );
    }

    #[test]
    fn a_limit_keeps_the_classes_even() {
        let settings = DataSettings { limit: Some(30), ..data(Labels::PerClass(2), None) };
        let splits = draw(&settings, 0).expect("drawn");
        assert_eq!(counts(&[splits.labelled, splits.unlabelled].concat()), [10, 10, 10]);
    }
}
