//! The labels that a model gave itself.

use std::collections::BTreeMap;

use scant_abi::{EpochPlan, Result, State, Tensor};
use scant_nn::train::{Seen, part, predictions};

/// The class of each unlabelled sample of which the model is sure, by the sample's place in the training set.
#[derive(Debug, Default, PartialEq)]
pub struct PseudoLabels {
    classes: BTreeMap<u64, i64>,
}

impl PseudoLabels {
    /// Keeps the predictions that are at least `cutoff` probable, and says which samples the coming epoch draws: the
    /// labelled ones never, of the others those that have a label now, each class equally often if `balanced`.
    pub fn choose(seen: &Seen, classes: usize, cutoff: f32, balanced: bool) -> (Self, EpochPlan) {
        let mut chosen = BTreeMap::new();
        let found = predictions(&seen.outputs[0], classes);
        let group = |(index, (class, probability)): (&u64, (usize, f32))| {
            if probability < cutoff {
                return EpochPlan::LEFT_OUT;
            }
            chosen.insert(*index, class as i64);
            if balanced { class as u32 } else { 0 }
        };
        let groups: Vec<u32> = seen.indices.iter().zip(found).map(group).collect();
        let plan = if chosen.is_empty() { EpochPlan::default() } else { EpochPlan { groups } };
        (Self { classes: chosen }, plan)
    }

    /// The number of samples that have a label.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether no sample has one.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The labels of these samples; -1 for those that have none.
    pub fn of(&self, indices: &[u64]) -> Vec<i64> {
        indices.iter().map(|index| self.classes.get(index).copied().unwrap_or(-1)).collect()
    }

    /// The labels as state.
    pub fn state(&self) -> Result<State> {
        let indices: Vec<i64> = self.classes.keys().map(|&index| index as i64).collect();
        let classes: Vec<i64> = self.classes.values().copied().collect();
        let count = indices.len();
        Ok(State::from([
            ("pseudo.indices".to_owned(), Tensor::from_i64(indices, &[count])?),
            ("pseudo.classes".to_owned(), Tensor::from_i64(classes, &[count])?),
        ]))
    }

    /// The labels that [`PseudoLabels::state`] gave.
    pub fn from_state(state: &State) -> Result<Self> {
        let indices = part(state, "pseudo.indices")?.i64()?.iter().map(|&index| index as u64);
        let classes = part(state, "pseudo.classes")?.i64()?.iter().copied();
        Ok(Self { classes: indices.zip(classes).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        // Probabilities of class 1: 0.5, 0.9, 0.1.
        let logits = vec![0.0, 0.0, 0.0, 9f32.ln(), 9f32.ln(), 0.0];
        Seen { indices: vec![10, 20, 30], labels: vec![-1; 3], outputs: vec![logits] }
    }

    #[test]
    fn only_confident_samples_get_a_label_and_are_drawn() {
        let (labels, plan) = PseudoLabels::choose(&seen(), 2, 0.8, false);
        assert_eq!(labels.of(&[10, 20, 30, 40]), [-1, 1, 0, -1]);
        assert_eq!(plan.groups, [EpochPlan::LEFT_OUT, 0, 0]);
        let (_, plan) = PseudoLabels::choose(&seen(), 2, 0.8, true);
        assert_eq!(plan.groups, [EpochPlan::LEFT_OUT, 1, 0]);
    }

    #[test]
    fn where_nothing_is_confident_everything_may_be_drawn_and_nothing_counts() {
        let (labels, plan) = PseudoLabels::choose(&seen(), 2, 0.95, false);
        assert!(labels.is_empty() && plan.groups.is_empty());
    }

    #[test]
    fn labels_survive_a_checkpoint() {
        let (labels, _) = PseudoLabels::choose(&seen(), 2, 0.8, false);
        assert_eq!(PseudoLabels::from_state(&labels.state().expect("state")).expect("labels"), labels);
    }
}
