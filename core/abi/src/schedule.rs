//! Numbers that may change while training.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Clock, Error, Result};

/// A number, or the way in which it changes over the epochs of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Schedule {
    /// Always the same.
    Constant(f64),
    /// Changing.
    Changing(Change),
}

/// The ways in which a number changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// Written out: always the same.
    Constant(f64),
    /// In a straight line.
    Linear {
        /// The number at the start.
        from: f64,
        /// The number at the end, and from then on.
        to: f64,
        /// The epochs this takes; the whole stage where absent.
        epochs: Option<f64>,
    },
    /// Along the falling part of a cosine.
    Cosine {
        /// The number at the start.
        from: f64,
        /// The number at the end of a half wave.
        #[serde(default)]
        to: f64,
        /// The waves in the stage: 0.5 ends at `to`. FixMatch's `cos(7 pi k / 16 K)` is 7/32 of a wave with `to = -from`.
        #[serde(default = "half")]
        waves: f64,
    },
    /// Multiplied by a factor again and again.
    Step {
        /// The number at the start.
        from: f64,
        /// What it is multiplied by.
        factor: f64,
        /// The epochs between two multiplications.
        every: f64,
    },
    /// Rising and starting over (cyclical annealing).
    Cyclical {
        /// The number at the start of each period.
        from: f64,
        /// The number at the end of the rise.
        to: f64,
        /// The epochs of a period.
        period: f64,
        /// The fraction of a period that rises; the rest stays at `to`.
        #[serde(default = "half")]
        ramp: f64,
    },
}

fn half() -> f64 {
    0.5
}

impl From<f64> for Schedule {
    fn from(value: f64) -> Self {
        Self::Constant(value)
    }
}

impl Schedule {
    /// The number at this time.
    pub fn at(&self, clock: &Clock) -> f64 {
        let epochs = clock.epochs_done();
        match *self {
            Self::Constant(value) | Self::Changing(Change::Constant(value)) => value,
            Self::Changing(Change::Linear { from, to, epochs: over }) => {
                let over = over.unwrap_or(clock.epochs as f64);
                from + (to - from) * fraction(epochs, over)
            }
            Self::Changing(Change::Cosine { from, to, waves }) => {
                to + (from - to) * 0.5 * (1.0 + (2.0 * PI * waves * clock.progress()).cos())
            }
            Self::Changing(Change::Step { from, factor, every }) => {
                from * factor.powi((epochs / every).floor() as i32)
            }
            Self::Changing(Change::Cyclical { from, to, period, ramp }) => {
                from + (to - from) * fraction(epochs % period, period * ramp)
            }
        }
    }

    /// The numbers between which it moves, in no order; of a factor, those of its first step.
    pub fn extremes(&self) -> [f64; 2] {
        match *self {
            Self::Constant(value) | Self::Changing(Change::Constant(value)) => [value, value],
            Self::Changing(Change::Linear { from, to, .. } | Change::Cyclical { from, to, .. }) => [from, to],
            // Less than half a wave ends on its way.
            Self::Changing(Change::Cosine { from, to, waves }) => {
                let end = if waves.abs() < 0.5 { 0.5 * (1.0 + (2.0 * PI * waves).cos()) } else { 0.0 };
                [from, to + (from - to) * end]
            }
            Self::Changing(Change::Step { from, factor, .. }) => [from, from * factor],
        }
    }

    /// Refuses numbers with which a schedule makes no sense.
    pub fn check(&self, name: &str) -> Result<()> {
        let positive = |what: &str, value: f64| match value > 0.0 {
            true => Ok(()),
            false => Err(Error::config(format!("{name}: {what} must be above 0, not {value}"))),
        };
        match *self {
            Self::Changing(Change::Linear { epochs: Some(epochs), .. }) => positive("epochs", epochs),
            Self::Changing(Change::Step { every, .. }) => positive("every", every),
            Self::Changing(Change::Cyclical { period, ramp, .. }) => {
                positive("period", period)?;
                match ramp > 0.0 && ramp <= 1.0 {
                    true => Ok(()),
                    false => Err(Error::config(format!("{name}: ramp must lie in (0, 1], not {ramp}"))),
                }
            }
            _ => Ok(()),
        }
    }
}

fn fraction(done: f64, of: f64) -> f64 {
    if of > 0.0 { (done / of).clamp(0.0, 1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(schedule: &str, epoch: usize) -> f64 {
        let schedule: Schedule = serde_json::from_str(schedule).expect("a schedule");
        schedule.at(&Clock { epoch, epochs: 100, steps: 1, ..Clock::default() })
    }

    #[test]
    fn extremes_are_what_is_reached() {
        let extremes = |schedule: &str| serde_json::from_str::<Schedule>(schedule).expect("one").extremes();
        assert_eq!(extremes("0.5"), [0.5, 0.5]);
        assert_eq!(extremes(r#"{"cosine": {"from": 2.0, "to": 1.0, "waves": 0.5}}"#), [2.0, 1.0]);
        let [from, end] = extremes(r#"{"cosine": {"from": 1.0, "to": -1.0, "waves": 0.21875}}"#);
        assert!(from == 1.0 && (end - (7.0 * PI / 16.0).cos()).abs() < 1e-12, "{end}");
        assert_eq!(extremes(r#"{"step": {"from": 2.0, "factor": -0.5, "every": 1}}"#), [2.0, -1.0]);
    }

    #[test]
    fn each_way_of_changing_gives_its_textbook_numbers() {
        assert_eq!(at("0.5", 7), 0.5);
        assert_eq!(at(r#"{"constant": 2}"#, 7), 2.0);
        assert_eq!(at(r#"{"linear": {"from": 0, "to": 1}}"#, 25), 0.25);
        assert_eq!(at(r#"{"linear": {"from": 0, "to": 1, "epochs": 10}}"#, 25), 1.0);
        assert!((at(r#"{"cosine": {"from": 1}}"#, 50) - 0.5).abs() < 1e-12);
        assert_eq!(at(r#"{"step": {"from": 1, "factor": 0.5, "every": 10}}"#, 25), 0.25);
        let cyclical = r#"{"cyclical": {"from": 0, "to": 1.5, "period": 40, "ramp": 0.75}}"#;
        assert_eq!(
            [at(cyclical, 0), at(cyclical, 15), at(cyclical, 30), at(cyclical, 39)],
            [0.0, 0.75, 1.5, 1.5]
        );
        assert_eq!(at(cyclical, 40), 0.0);
    }

    #[test]
    fn senseless_numbers_are_refused_by_name() {
        let schedule: Schedule =
            serde_json::from_str(r#"{"step": {"from": 1, "factor": 0.5, "every": 0}}"#).expect("a schedule");
        let message = schedule.check("lr").expect_err("refused").to_string();
        assert_eq!(message, "lr: every must be above 0, not 0");
    }
}
