//! A run on a terminal: a bar that moves; plain lines where there is no terminal.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::records::{EpochRecord, EvaluationRecord};
use super::watch::{Event, Watcher};

/// Shows a run to a person.
pub struct Progress {
    bar: Option<ProgressBar>,
    terminal: bool,
    stage: String,
    epochs: usize,
    steps: usize,
    shown: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            bar: None,
            terminal: std::io::stderr().is_terminal(),
            stage: String::new(),
            epochs: 0,
            steps: 0,
            shown: Instant::now(),
        }
    }
}

/// Plain lines come no oftener than this, but for the last of a stage.
const PAUSE: Duration = Duration::from_secs(5);

impl Progress {
    /// Shows a run in lines alone, on a terminal too.
    pub fn in_lines() -> Self {
        Self { terminal: false, ..Self::default() }
    }

    fn say(&self, level: log::Level, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| log::log!(level, "{text}")),
            None => log::log!(level, "{text}"),
        }
    }

    fn begin(&mut self, steps: usize, done: usize) {
        let style = ProgressStyle::with_template("{prefix} {bar:24} {percent:>3}% {eta:>4} {msg}");
        let bar = ProgressBar::new((self.epochs * steps) as u64).with_position((done * steps) as u64);
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(self.stage.clone());
        bar.reset_eta();
        self.bar = Some(bar);
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let last = record.epoch + 1 == self.epochs;
        if self.terminal || !(last || self.shown.elapsed() >= PAUSE) {
            return;
        }
        self.shown = Instant::now();
        let metrics: Vec<(String, f64)> =
            record.metrics.iter().map(|(name, value)| (name.clone(), value.0)).collect();
        let left = record.seconds * (self.epochs - record.epoch - 1) as f64;
        self.say(
            log::Level::Info,
            &format!(
                "{}: epoch {}/{}: {}, {:.0} images/s, {left:.0} s left",
                self.stage,
                record.epoch + 1,
                self.epochs,
                list(&metrics),
                record.images_per_second
            ),
        );
    }

    fn evaluation(&self, record: &EvaluationRecord) {
        // Those within a stage stand in the metrics; a person wants to see the bar.
        if !record.end {
            return;
        }
        let metrics: Vec<(String, f64)> = record
            .metrics
            .iter()
            .filter(|metric| metric.split != "train")
            .map(|metric| (format!("{} {}", metric.split, metric.name), metric.value.0))
            .collect();
        // An evaluator may find pictures alone.
        if !metrics.is_empty() {
            let text = format!("{}: {}: {}", self.stage, record.evaluator, list(&metrics));
            self.say(log::Level::Info, &text);
        }
    }
}

impl Watcher for Progress {
    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Trial { number, of, settings } => {
                let (label, seed) = (settings.label(), settings.seed);
                self.say(log::Level::Info, &format!("run {}/{of}: {label}, seed {seed}", number + 1));
            }
            Event::Stage { index, of, name, epochs, steps, done } => {
                self.stage = format!("{name} ({}/{of})", index + 1);
                (self.epochs, self.steps, self.shown) = (*epochs, *steps, Instant::now());
                if self.terminal {
                    self.begin(*steps, *done);
                } else {
                    let from = if *done > 0 { format!(", {done} of them done") } else { String::new() };
                    self.say(
                        log::Level::Info,
                        &format!("{}: {epochs} epochs of {steps} steps{from}", self.stage),
                    );
                }
            }
            Event::Step { epoch, step, images, means } => {
                if let Some(bar) = &self.bar {
                    let steps = bar.per_sec();
                    bar.set_position((epoch * self.steps + step + 1) as u64);
                    let speed = steps * *images as f64;
                    bar.set_message(format!("epoch {} {}, {speed:.0} images/s", epoch + 1, list(means)));
                }
            }
            Event::Epoch(record) => self.epoch(record),
            Event::Evaluation(record) => self.evaluation(record),
            Event::StageEnd => {
                if let Some(bar) = self.bar.take() {
                    bar.finish();
                }
            }
            Event::Checkpoint { name } => log::debug!("checkpoint {name}"),
            Event::Note(text) => self.say(log::Level::Info, text),
            Event::Warning(text) => self.say(log::Level::Warn, text),
            Event::Interrupted { folder } => {
                if let Some(bar) = self.bar.take() {
                    bar.abandon();
                }
                log::info!("stopped after the present step: {}", folder.display());
            }
        }
    }
}

fn list(metrics: &[(String, f64)]) -> String {
    let texts: Vec<String> = metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    texts.join(", ")
}
