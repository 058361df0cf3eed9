//! Tables with a row for each sample, found by the sample's place in the training set.

use scant_abi::{Error, Result};

/// The row of each place; places that no row was made for have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<i64>);

impl Places {
    /// Row after row, the place that it belongs to.
    pub fn new(indices: &[u64]) -> Self {
        let size = indices.iter().max().map_or(0, |last| *last as usize + 1);
        let mut rows = vec![-1; size];
        for (row, index) in indices.iter().enumerate() {
            rows[*index as usize] = row as i64;
        }
        Self(rows)
    }

    /// The row of the sample at `index`.
    pub fn row(&self, index: u64) -> Result<usize> {
        let row = self.0.get(index as usize).copied().unwrap_or(-1);
        usize::try_from(row).map_err(|_| {
            Error::data(format!(
                "sample {index} is new: it was not in the training set when that was looked at"
            ))
        })
    }

    /// The row of each place, -1 where it has none: what a state can hold.
    pub fn rows(&self) -> &[i64] {
        &self.0
    }

    /// What [`Places::rows`] gave.
    pub fn from_rows(rows: Vec<i64>) -> Self {
        Self(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_place() {
        let places = Places::new(&[4, 1]);
        assert_eq!((places.row(4).expect("a row"), places.row(1).expect("a row")), (0, 1));
        assert!(places.row(2).is_err() && places.row(9).is_err());
        assert_eq!(Places::from_rows(places.rows().to_vec()), places);
    }
}
