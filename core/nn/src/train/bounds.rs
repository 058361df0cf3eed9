//! What a configuration's numbers must be, said by their keys.

use std::fmt::Display;

use scant_abi::{Change, Error, Result, Schedule};

/// Refuses a probability that is none.
pub fn check_probability<N: Into<f64> + Display + Copy>(key: &str, value: N) -> Result<()> {
    match (0.0..=1.0).contains(&value.into()) {
        true => Ok(()),
        false => Err(Error::config(format!("{key} must lie in [0, 1], not {value}"))),
    }
}

/// Refuses a weight below 0, which would make large what is to be made small, and one that is no number.
pub fn check_weight<N: Into<f64> + Display + Copy>(key: &str, value: N) -> Result<()> {
    let number: f64 = value.into();
    match number.is_finite() && number >= 0.0 {
        true => Ok(()),
        false => Err(Error::config(format!("{key} must be 0 or more, not {value}"))),
    }
}

/// The same for a weight that may change: none of the numbers between which it does may be below 0.
pub fn check_weights(key: &str, schedule: &Schedule) -> Result<()> {
    schedule.check(key)?;
    let (from, to) = match *schedule {
        Schedule::Constant(value) | Schedule::Changing(Change::Constant(value)) => (value, value),
        Schedule::Changing(Change::Step { from, factor, .. }) => (from, factor),
        Schedule::Changing(
            Change::Linear { from, to, .. }
            | Change::Cosine { from, to, .. }
            | Change::Cyclical { from, to, .. },
        ) => (from, to),
    };
    check_weight(key, from)?;
    check_weight(key, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key() {
        let said = |result: Result<()>| result.expect_err("refused").to_string();
        assert_eq!(said(check_probability("tau", 1.5)), "tau must lie in [0, 1], not 1.5");
        assert!(check_probability("tau", f32::NAN).is_err() && check_probability("tau", 1.0f32).is_ok());
        assert_eq!(said(check_weight("w", -0.5f32)), "w must be 0 or more, not -0.5");
        assert!(check_weight("w", f64::INFINITY).is_err() && check_weight("w", f64::NAN).is_err());
        let falling = Change::Linear { from: 1.0, to: -1.0, epochs: None };
        assert_eq!(said(check_weights("w", &Schedule::Changing(falling))), "w must be 0 or more, not -1");
        assert!(check_weights("w", &Schedule::Constant(0.0)).is_ok());
    }
}
