//! Which samples each step of an epoch gets. A function of the key alone, so that it need not be stored.

use std::collections::BTreeMap;

use scant_abi::{EpochPlan, Key, StreamRequest};

/// The steps of an epoch whose first stream is `first`, over `samples` samples.
pub(crate) fn steps(first: &StreamRequest, samples: usize, wanted: Option<usize>) -> usize {
    let batch = first.batch.max(1);
    // Where a full batch needs more samples than there are, the only batch goes round the set again.
    let natural = if first.full_batches { (samples / batch).max(1) } else { samples.div_ceil(batch) };
    wanted.unwrap_or(natural)
}

/// More samples in an epoch are a slip of the finger: the order alone would fill the memory.
pub(crate) const MOST_SAMPLES: usize = 1 << 30;

/// A sample, and how often its stream has shown it before in this epoch: each time it is augmented anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) sample: u32,
    pub(crate) round: u32,
}

/// The samples of one stream in one epoch, step after step.
pub(crate) struct Order {
    samples: Vec<Shown>,
    batch: usize,
}

impl Order {
    /// The order in which `samples` samples come in `steps` batches of the stream number `stream`.
    ///
    /// The first stream of an epoch without a wanted number of steps shows each sample once; all others go round
    /// their samples, in a new order each time, until the steps are done.
    pub(crate) fn draw(
        request: &StreamRequest,
        once: bool,
        samples: usize,
        steps: usize,
        groups: &[u32],
        key: Key,
    ) -> Self {
        let batch = request.batch.max(1);
        let full = steps.saturating_mul(batch);
        let count = if once && !request.full_batches { full.min(samples) } else { full };
        let samples = match groups.is_empty() {
            true => rounds((0..samples as u32).collect(), key).take(count).collect(),
            false => evenly(groups, count, key),
        };
        Self { samples, batch }
    }

    /// The samples of step `step`.
    pub(crate) fn step(&self, step: usize) -> &[Shown] {
        let start = (step * self.batch).min(self.samples.len());
        &self.samples[start..(start + self.batch).min(self.samples.len())]
    }
}

/// `items` in random order, again and again.
fn rounds(mut items: Vec<u32>, key: Key) -> impl Iterator<Item = Shown> {
    let mut round = 0;
    let mut next = items.len();
    std::iter::from_fn(move || {
        if items.is_empty() {
            return None;
        }
        if next == items.len() {
            items.sort_unstable();
            key.fold(u64::from(round)).rng().shuffle(&mut items);
            round += 1;
            next = 0;
        }
        next += 1;
        Some(Shown { sample: items[next - 1], round: round - 1 })
    })
}

/// `count` samples, as many from each group as from any other, each group in rounds of its own.
fn evenly(groups: &[u32], count: usize, key: Key) -> Vec<Shown> {
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (sample, group) in groups.iter().enumerate().filter(|(_, group)| **group != EpochPlan::LEFT_OUT) {
        members.entry(*group).or_default().push(sample as u32);
    }
    let within = key.named("group");
    let mut members: Vec<_> =
        members.into_iter().map(|(group, members)| rounds(members, within.fold(u64::from(group)))).collect();
    let turns = rounds((0..members.len() as u32).collect(), key.named("turn"));
    turns.filter_map(|turn| members[turn.sample as usize].next()).take(count).collect()
}

#[cfg(test)]
mod tests {
    use scant_abi::Source;

    use super::*;

    fn request(batch: usize, full_batches: bool) -> StreamRequest {
        StreamRequest { source: Source::All, batch, views: Vec::new(), full_batches }
    }

    fn samples(order: &Order, steps: usize) -> Vec<u32> {
        (0..steps).flat_map(|step| order.step(step)).map(|shown| shown.sample).collect()
    }

    #[test]
    fn an_epoch_shows_each_sample_once() {
        let request = request(4, false);
        assert_eq!(steps(&request, 10, None), 3);
        let order = Order::draw(&request, true, 10, 3, &[], Key::new(1));
        let mut seen = samples(&order, 3);
        assert_eq!(order.step(2).len(), 2);
        assert_ne!(seen, (0..10).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn samples_that_are_left_out_are_never_drawn() {
        let order = Order::draw(&request(4, true), true, 4, 1, &[0, EpochPlan::LEFT_OUT, 0, 1], Key::new(1));
        let mut seen = samples(&order, 1);
        seen.sort_unstable();
        assert!(seen.len() == 4 && !seen.contains(&1), "{seen:?}");
    }

    #[test]
    fn other_streams_go_round() {
        let order = Order::draw(&request(4, false), false, 6, 3, &[], Key::new(1));
        let mut first = samples(&order, 3);
        assert_eq!(first.len(), 12);
        let rounds: Vec<u32> = (0..3).flat_map(|step| order.step(step)).map(|shown| shown.round).collect();
        assert_eq!(rounds, [[0; 6], [1; 6]].concat());
        first.truncate(6);
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_batch_larger_than_the_set_is_filled_by_going_round() {
        let request = request(8, true);
        assert_eq!(steps(&request, 3, None), 1);
        assert_eq!(Order::draw(&request, true, 3, 1, &[], Key::new(1)).step(0).len(), 8);
    }

    #[test]
    fn groups_of_any_size_come_equally_often() {
        let groups: Vec<u32> = (0..100).map(|i| u32::from(i >= 90) + 2 * u32::from(i == 99)).collect();
        let order = Order::draw(&request(30, true), true, 100, 3, &groups, Key::new(1));
        for step in 0..3 {
            let mut counts = BTreeMap::new();
            for shown in order.step(step) {
                *counts.entry(groups[shown.sample as usize]).or_insert(0) += 1;
            }
            assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 10, 10]);
        }
        let last =
            order.step(2).iter().rev().find(|shown| shown.sample == 99).expect("it is all of its group");
        assert!(last.round >= 20, "{last:?}");
    }
}
