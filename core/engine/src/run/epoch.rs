//! One epoch: batches fetched ahead, steps made, numbers watched.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use scant_abi::{Context, Error, ErrorKind, Report, Result};

use super::checkpoint::Cursor;
use super::drive::{Driver, Position};
use super::order::{MOST_SAMPLES, Order};
use super::prefetch::{EpochBatches, Feed};
use super::records::{EpochRecord, Number, Record};
use super::stage::Stage;
use super::watch::Event;

/// How an epoch ended.
pub(crate) enum EpochEnd {
    /// All its steps were made, or the trainer asked to end the stage.
    Done,
    /// The run is to stop here, and go on later.
    Interrupted,
}

/// What the steps of an epoch showed.
struct Shown {
    /// Images of the first stream, since the epoch was begun or gone on with.
    now: usize,
    /// Images of all streams and views since the epoch's first step, also where a run was resumed within it.
    images: u64,
}

impl Driver<'_> {
    /// Makes the steps of the epoch at the cursor from its step on, and writes down what came of it.
    pub(crate) fn epoch(&mut self, stage: &mut Stage<'_>, cursor: &mut Cursor) -> Result<EpochEnd> {
        let begun = Instant::now();
        self.counted = begun;
        let epoch = cursor.epoch;
        let key = stage.key.fold(epoch as u64);
        if cursor.plan.is_none() {
            let clock = stage.clock(epoch, 0);
            let plan =
                stage.train(clock, key.named("begin"), |trainer, context| trainer.begin_epoch(context));
            cursor.plan = Some(plan.context(|| place(stage, epoch, None))?);
        }
        let (shown, end) = self.steps(stage, cursor)?;
        if let EpochEnd::Interrupted = end {
            self.count_time(cursor);
            return Ok(end);
        }
        let clock = stage.clock(epoch, stage.steps);
        let report = stage
            .train(clock, key.named("end"), |trainer, context| trainer.end_epoch(context))
            .context(|| format!("{}, its end", place(stage, epoch, None)))?;
        refuse_not_finite(&report, stage, epoch, None)?;
        let mut metrics: BTreeMap<String, Number> =
            means(&cursor.sums).into_iter().map(|(name, mean)| (name, Number(mean))).collect();
        metrics.extend(report.metrics.into_iter().map(|(name, value)| (name, Number(value))));
        cursor.stopped = cursor.stopped.take().or(report.stop);
        self.count_time(cursor);
        // What the losses weighed in the last step.
        let clock = stage.clock(epoch, cursor.step.saturating_sub(1));
        let [seconds, step_seconds] = cursor.seconds;
        self.train_seconds += seconds;
        let record = EpochRecord {
            stage: stage.index,
            name: stage.settings.name().to_owned(),
            epoch,
            steps: stage.steps,
            images: shown.images,
            metrics,
            weights: stage
                .losses
                .iter()
                .map(|loss| (loss.name.clone(), Number(loss.weight.at(&clock))))
                .collect(),
            seconds,
            step_seconds,
            images_per_second: shown.now as f64 / begun.elapsed().as_secs_f64(),
        };
        self.watcher.tell(&Event::Epoch(&record));
        self.record(Record::Epoch(record))?;
        (cursor.epoch, cursor.step, cursor.plan) = (epoch + 1, 0, None);
        cursor.seconds = [0.0; 2];
        cursor.sums.clear();
        Ok(EpochEnd::Done)
    }

    /// Adds to the epoch's time what has gone by since it was last done.
    fn count_time(&mut self, cursor: &mut Cursor) {
        let now = Instant::now();
        cursor.seconds[0] += now.duration_since(self.counted).as_secs_f64();
        self.counted = now;
    }

    fn steps(&mut self, stage: &mut Stage<'_>, cursor: &mut Cursor) -> Result<(Shown, EpochEnd)> {
        let plan = cursor.plan.clone().unwrap_or_default();
        let streams = stage.streams.clone();
        let orders = orders(stage, cursor.epoch, &plan.groups)?;
        // The samples are lent to the workers, so the stage goes on without them until the epoch ends.
        let samples = std::sync::Arc::clone(&stage.samples);
        let batches = EpochBatches {
            samples: &samples,
            streams: &streams,
            orders,
            epoch: cursor.epoch,
            first_step: cursor.step,
            steps: stage.steps,
        };
        let (workers, ahead) = (self.options.threads, self.options.prefetch);
        std::thread::scope(|scope| {
            let feed = Feed::start(scope, &batches, workers, ahead);
            let mut now = 0;
            while cursor.step < stage.steps && cursor.stopped.is_none() {
                if self.options.stop.load(Ordering::Relaxed) {
                    return Ok((Shown { now, images: 0 }, EpochEnd::Interrupted));
                }
                now += self.step(stage, cursor, &feed)?;
                let every = self.workshop.settings.checkpoint.steps;
                let going_on = cursor.step < stage.steps && cursor.stopped.is_none();
                if every > 0 && cursor.step.is_multiple_of(every) && going_on {
                    self.count_time(cursor);
                    self.checkpoint(stage, cursor, Position::Within)?;
                }
            }
            Ok((Shown { now, images: batches.images(cursor.step) }, EpochEnd::Done))
        })
    }

    fn step(&mut self, stage: &mut Stage<'_>, cursor: &mut Cursor, feed: &Feed<'_>) -> Result<usize> {
        let (epoch, step) = (cursor.epoch, cursor.step);
        let batches = feed.next(step).context(|| place(stage, epoch, Some(step)))?;
        let images = batches.first().map_or(0, scant_abi::Batch::len);
        let clock = stage.clock(epoch, step);
        let key = stage.key.fold(epoch as u64).fold(step as u64);
        let begun = Instant::now();
        let report = stage
            .train(clock, key, |trainer, context| trainer.step(&batches, context))
            .context(|| place(stage, epoch, Some(step)))?;
        cursor.seconds[1] += begun.elapsed().as_secs_f64();
        refuse_not_finite(&report, stage, epoch, Some(step))?;
        for (name, value) in report.metrics {
            match cursor.sums.iter_mut().find(|(n, ..)| *n == name) {
                Some((_, sum, count)) => (*sum, *count) = (*sum + value, *count + 1),
                None => cursor.sums.push((name, value, 1)),
            }
        }
        cursor.stopped = report.stop;
        cursor.step += 1;
        self.watcher.tell(&Event::Step { epoch, step, images, means: &means(&cursor.sums) });
        Ok(images)
    }
}

fn orders(stage: &Stage<'_>, epoch: usize, groups: &[u32]) -> Result<Vec<Order>> {
    let draw = |(number, request): (usize, &scant_abi::StreamRequest)| {
        let samples = stage.samples.count(request.source);
        let groups = if number == 0 { groups } else { &[] };
        if !groups.is_empty() && groups.len() != samples {
            return Err(Error::shape(format!(
                "the trainer '{}' grouped {} samples, its first stream has {samples}",
                stage.settings.trainer.name(),
                groups.len()
            )));
        }
        if stage.steps.checked_mul(request.batch).is_none_or(|all| all > MOST_SAMPLES) {
            return Err(Error::config(format!(
                "{} steps with batches of {} are more than {MOST_SAMPLES} samples in an epoch: make it shorter",
                stage.steps, request.batch
            )));
        }
        let key = stage.order_key.fold(epoch as u64).fold(number as u64);
        let once = number == 0 && stage.settings.steps_per_epoch.is_none();
        Ok(Order::draw(request, once, samples, stage.steps, groups, key))
    };
    stage.streams.iter().enumerate().map(draw).collect()
}

fn means(sums: &[(String, f64, u64)]) -> Vec<(String, f64)> {
    sums.iter().map(|(name, sum, count)| (name.clone(), sum / *count as f64)).collect()
}

/// A place in a run in words, counted from 1 as people do, and the progress bar.
pub(crate) fn place(stage: &Stage<'_>, epoch: usize, step: Option<usize>) -> String {
    let step = step.map(|step| format!(", step {}", step + 1)).unwrap_or_default();
    format!("stage '{}', epoch {}{step}", stage.settings.name(), epoch + 1)
}

/// A number that is NaN or infinite ends the run: every later one would be worthless.
fn refuse_not_finite(report: &Report, stage: &Stage<'_>, epoch: usize, step: Option<usize>) -> Result<()> {
    let bad: Vec<&(String, f64)> = report.metrics.iter().filter(|(_, value)| !value.is_finite()).collect();
    // The sum follows from its parts: where a part is at fault, the part is named.
    let culprit = bad.iter().find(|(name, _)| name != "loss").or(bad.first());
    let Some((name, value)) = culprit else { return Ok(()) };
    let end = if step.is_none() { ", its end" } else { "" };
    Err(Error::new(
        ErrorKind::Numeric,
        format!(
            "{}{end}: '{name}' became {value}; a smaller learning rate may help, in a run of its own",
            place(stage, epoch, step)
        ),
    ))
}
