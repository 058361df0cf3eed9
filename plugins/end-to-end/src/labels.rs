//! The classes that samples are said to be in, found by a sample's place in the training set.

use scant_abi::{EpochPlan, Key, Result, State, Tensor};
use scant_nn::cluster::{Contingency, normalized_mutual_information};
use scant_nn::train::{Places, part};

/// A class for every sample of the training set, in the set's own order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Labels {
    indices: Vec<u64>,
    classes: Vec<i64>,
    places: Places,
}

impl Labels {
    pub(crate) fn new(indices: Vec<u64>, classes: Vec<i64>) -> Self {
        Self { places: Places::new(&indices), indices, classes }
    }

    /// The classes of these samples.
    pub(crate) fn of(&self, indices: &[u64]) -> Result<Vec<i64>> {
        indices.iter().map(|index| Ok(self.classes[self.places.row(*index)?])).collect()
    }

    /// Says anew what these samples are.
    pub(crate) fn set(&mut self, indices: &[u64], classes: &[i64]) -> Result<()> {
        for (index, class) in indices.iter().zip(classes) {
            let row = self.places.row(*index)?;
            self.classes[row] = *class;
        }
        Ok(())
    }

    pub(crate) fn sizes(&self, classes: usize) -> Vec<usize> {
        let mut sizes = vec![0; classes];
        self.classes.iter().for_each(|class| sizes[*class as usize] += 1);
        sizes
    }

    /// Gives every empty class a random half of the largest one, as long as that has two samples.
    pub(crate) fn refill(&mut self, classes: usize, key: Key) {
        for filled in 0.. {
            let sizes = self.sizes(classes);
            let Some(empty) = sizes.iter().position(|size| *size == 0) else { return };
            let largest =
                (0..classes).fold(0, |best, next| if sizes[next] > sizes[best] { next } else { best });
            let mut members: Vec<usize> =
                (0..self.classes.len()).filter(|row| self.classes[*row] == largest as i64).collect();
            if members.len() < 2 {
                return;
            }
            key.fold(filled).rng().shuffle(&mut members);
            members[..members.len() / 2].iter().for_each(|row| self.classes[*row] = empty as i64);
        }
    }

    /// Batches drawn evenly over the classes, or every sample once.
    pub(crate) fn plan(&self, balanced: bool) -> EpochPlan {
        let groups =
            if balanced { self.classes.iter().map(|class| *class as u32).collect() } else { Vec::new() };
        EpochPlan { groups }
    }

    /// How much two labellings of the same samples say of each other.
    pub(crate) fn agreement(&self, other: &Self) -> Result<f64> {
        Ok(normalized_mutual_information(&Contingency::new(&self.classes, &other.classes)?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The labels as state, under names that start with `prefix`.
    pub(crate) fn state(&self, prefix: &str) -> Result<State> {
        let count = self.indices.len();
        let indices = self.indices.iter().map(|index| *index as i64).collect();
        Ok(State::from([
            (format!("{prefix}.indices"), Tensor::from_i64(indices, &[count])?),
            (format!("{prefix}.classes"), Tensor::from_i64(self.classes.clone(), &[count])?),
        ]))
    }

    pub(crate) fn from_state(prefix: &str, state: &State) -> Result<Self> {
        let part = |name: &str| part(state, &format!("{prefix}.{name}"))?.i64();
        let indices = part("indices")?.iter().map(|index| *index as u64).collect();
        Ok(Self::new(indices, part("classes")?.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_class_takes_half_of_the_largest() {
        let mut labels = Labels::new((0..10).collect(), vec![0, 0, 0, 0, 0, 0, 0, 0, 2, 2]);
        labels.refill(3, Key::new(1));
        assert_eq!(labels.sizes(3), [4, 4, 2]);
        let mut labels = Labels::new((0..8).collect(), vec![3; 8]);
        labels.refill(4, Key::new(1));
        assert_eq!(labels.sizes(4).iter().sum::<usize>(), 8);
        assert!(labels.sizes(4).iter().all(|size| *size > 0));
    }

    #[test]
    fn more_classes_than_samples_are_left_empty_without_end() {
        let mut labels = Labels::new(vec![0, 1], vec![0, 0]);
        labels.refill(5, Key::new(1));
        assert_eq!(labels.sizes(5).iter().sum::<usize>(), 2);
    }

    #[test]
    fn labels_are_found_by_place_and_survive_a_checkpoint() {
        let mut labels = Labels::new(vec![7, 3], vec![0, 1]);
        labels.set(&[3], &[2]).expect("set");
        assert_eq!(labels.of(&[3, 7]).expect("classes"), [2, 0]);
        assert!(labels.of(&[4]).is_err());
        assert_eq!(Labels::from_state("l", &labels.state("l").expect("state")).expect("labels"), labels);
    }
}
