//! Batches made ahead of the step that needs them, by threads of their own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use scant_abi::{Batch, Error, ErrorKind, Result, StreamRequest};

use super::data::{RawBatch, Samples};
use super::order::{Order, Shown};

/// What one epoch's batches are made of.
pub(crate) struct EpochBatches<'a> {
    pub(crate) samples: &'a Samples<'a>,
    pub(crate) streams: &'a [StreamRequest],
    pub(crate) orders: Vec<Order>,
    pub(crate) epoch: usize,
    pub(crate) first_step: usize,
    pub(crate) steps: usize,
}

impl EpochBatches<'_> {
    /// The images in the epoch's first `steps` steps, views counted one by one.
    pub(crate) fn images(&self, steps: usize) -> u64 {
        let of_stream = |(request, order): (&StreamRequest, &Order)| {
            let samples: usize = (0..steps).map(|step| order.step(step).len()).sum();
            (samples * request.views.len()) as u64
        };
        self.streams.iter().zip(&self.orders).map(of_stream).sum()
    }

    fn make(&self, step: usize, ahead: bool) -> Result<Vec<RawBatch>> {
        let streams = self.streams.iter().zip(&self.orders);
        streams
            .map(|(request, order)| {
                let place = |shown: &Shown| (self.samples.place(request.source, shown.sample), shown.round);
                let shown: Vec<(u64, u32)> = order.step(step).iter().map(place).collect();
                let views: Vec<String> = request.views.iter().map(|view| view.name.clone()).collect();
                match ahead {
                    true => self.samples.batch_caught(&shown, &views, self.epoch),
                    false => self.samples.batch(&shown, &views, self.epoch, true),
                }
            })
            .collect()
    }
}

/// Gives the batches of an epoch in order, however many threads make them.
pub(crate) enum Feed<'a> {
    /// Made when asked for.
    Now(&'a EpochBatches<'a>),
    /// Made by workers; worker `step % workers` makes the batches of `step`, so the order needs no sorting.
    Ahead(Vec<Receiver<Result<Vec<RawBatch>>>>),
}

impl<'a> Feed<'a> {
    /// Starts `workers` threads that keep `ahead` batches ready between them; none where `ahead` is 0.
    pub(crate) fn start<'s>(
        scope: &'s Scope<'s, 'a>,
        batches: &'a EpochBatches<'a>,
        workers: usize,
        ahead: usize,
    ) -> Self {
        let workers = workers.min(ahead);
        if workers == 0 {
            return Self::Now(batches);
        }
        let start = |worker: usize| {
            // A worker holds one finished batch in its hand besides those in the channel.
            let (sender, receiver) = sync_channel((ahead / workers).saturating_sub(1));
            scope.spawn(move || work(batches, worker, workers, &sender));
            receiver
        };
        Self::Ahead((0..workers).map(start).collect())
    }

    /// The batches of step `step`; steps must be asked for in order.
    pub(crate) fn next(&self, step: usize) -> Result<Vec<Batch>> {
        let made = match self {
            Self::Now(batches) => batches.make(step, false)?,
            Self::Ahead(receivers) => receivers[step % receivers.len()].recv().unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Panic, "the thread that makes batches ended before its time"))
            })?,
        };
        made.into_iter().map(RawBatch::into_batch).collect()
    }
}

fn work(
    batches: &EpochBatches<'_>,
    worker: usize,
    workers: usize,
    sender: &SyncSender<Result<Vec<RawBatch>>>,
) {
    for step in (batches.first_step..batches.steps).filter(|step| step % workers == worker) {
        let made = batches.make(step, true);
        let failed = made.is_err();
        // Nobody listens any more once the epoch has been left.
        if sender.send(made).is_err() || failed {
            return;
        }
    }
}
