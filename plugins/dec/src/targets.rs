//! The targets of the whole training set, and when to stop renewing them.

use scant_abi::{Result, State, Tensor};
use scant_nn::train::{Places, part};

/// The target of each sample, found by its place in the training set, and the clusters at the last renewal.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TargetTable {
    places: Places,
    values: Vec<f32>,
    clusters: Vec<i64>,
}

impl TargetTable {
    /// Takes over new targets; returns the share of samples that changed their cluster since the last ones.
    pub(crate) fn renew(&mut self, indices: &[u64], values: Vec<f32>, clusters: Vec<i64>) -> f64 {
        self.places = Places::new(indices);
        let changed = match self.clusters.len() == clusters.len() {
            true => self.clusters.iter().zip(&clusters).filter(|(old, new)| old != new).count(),
            false => clusters.len(),
        };
        (self.values, self.clusters) = (values, clusters);
        changed as f64 / self.clusters.len().max(1) as f64
    }

    /// The targets of these samples, row by row.
    pub(crate) fn of(&self, indices: &[u64], clusters: usize) -> Result<Tensor> {
        let mut values = Vec::with_capacity(indices.len() * clusters);
        for index in indices {
            let start = self.places.row(*index)? * clusters;
            values.extend_from_slice(&self.values[start..start + clusters]);
        }
        Tensor::from_f32(values, &[indices.len(), clusters])
    }

    pub(crate) fn state(&self) -> Result<State> {
        let rows = self.places.rows();
        Ok(State::from([
            ("targets.rows".to_owned(), Tensor::from_i64(rows.to_vec(), &[rows.len()])?),
            ("targets.values".to_owned(), Tensor::from_f32(self.values.clone(), &[self.values.len()])?),
            ("targets.clusters".to_owned(), Tensor::from_i64(self.clusters.clone(), &[self.clusters.len()])?),
        ]))
    }

    pub(crate) fn from_state(state: &State) -> Result<Self> {
        Ok(Self {
            places: Places::from_rows(part(state, "targets.rows")?.i64()?.to_vec()),
            values: part(state, "targets.values")?.f32()?.to_vec(),
            clusters: part(state, "targets.clusters")?.i64()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_by_place_and_changes_counted() {
        let mut targets = TargetTable::default();
        assert_eq!(targets.renew(&[4, 1], vec![0.9, 0.1, 0.3, 0.7], vec![0, 1]), 1.0);
        assert_eq!(
            targets.of(&[1, 4, 1], 2).expect("rows").f32().expect("numbers"),
            [0.3, 0.7, 0.9, 0.1, 0.3, 0.7]
        );
        assert_eq!(targets.renew(&[4, 1], vec![0.9, 0.1, 0.8, 0.2], vec![0, 0]), 0.5);
        assert!(targets.of(&[2], 2).is_err());
        assert_eq!(TargetTable::from_state(&targets.state().expect("state")).expect("targets"), targets);
    }
}
