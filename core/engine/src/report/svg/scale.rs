//! From values to places on an axis.

/// An axis: where values lie, and which of them are labelled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    step: Option<f64>,
    /// No two labels are nearer than this.
    least_step: f64,
    logarithmic: bool,
}

impl Scale {
    /// An axis from `from` to `to` that holds all finite `values`, widened to round numbers.
    pub(super) fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = bounds(values);
        let step = step(high - low, 5.0);
        let (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
        Self { low, high, from, to, step: Some(step), least_step: 0.0, logarithmic: false }
    }

    /// An axis that ends exactly at the outermost values; where all are whole, as epochs are, so are its labels.
    pub(super) fn exactly(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let (low, high) = bounds(values.clone());
        let whole = values.filter(|value| value.is_finite()).all(|value| value.fract() == 0.0);
        let least_step = if whole { 1.0 } else { 0.0 };
        Self { low, high, from, to, step: None, least_step, logarithmic: false }
    }

    /// An axis by powers of ten, where the values are positive and span more than three of them.
    pub(super) fn for_losses(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let (low, high) = bounds(values.clone());
        match low > 0.0 && high / low > 1000.0 {
            true => {
                let (low, high) = (low.log10().floor(), high.log10().ceil());
                Self { low, high, from, to, step: None, least_step: 0.0, logarithmic: true }
            }
            false => Self::around(values, from, to),
        }
    }

    /// Where `value` lies.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.logarithmic { value.log10() } else { value };
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Whether `value` lies on the axis.
    pub(super) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Round values within the axis, with their places; `about` so many where the axis does not end at round values.
    pub(super) fn ticks(&self, about: f64) -> Vec<(f64, f64)> {
        let step = match (self.logarithmic, self.step) {
            (true, _) => ((self.high - self.low) / about).ceil().max(1.0),
            (false, Some(step)) => step,
            (false, None) => step(self.high - self.low, about).max(self.least_step),
        };
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last)
            .map(|i| {
                let value = i as f64 * step;
                let value = if self.logarithmic { 10f64.powf(value) } else { value };
                (value, self.place(value))
            })
            .collect()
    }
}

/// The smallest and the largest finite value, set apart where they are one.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    match high - low {
        width if !width.is_finite() => (0.0, 1.0),
        width if width <= low.abs().max(1e-12) * 1e-9 => {
            let room = (low.abs() * 0.05).max(1e-3);
            (low - room, high + room)
        }
        _ => (low, high),
    }
}

/// 1, 2 or 5 times a power of ten: the step that cuts `width` into about so many parts.
fn step(width: f64, about: f64) -> f64 {
    let raw = width / about;
    let power = 10f64.powf(raw.log10().floor());
    match raw / power {
        part if part <= 1.0 => power,
        part if part <= 2.0 => 2.0 * power,
        part if part <= 5.0 => 5.0 * power,
        _ => 10.0 * power,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_lie_within() {
        let scale = Scale::around([0.13, 0.97].into_iter(), 0.0, 100.0);
        let ticks = scale.ticks(5.0);
        assert_eq!(ticks.first().unwrap().1, 0.0);
        assert_eq!(ticks.last().unwrap().1, 100.0);
        assert!((ticks[1].0 - 0.2).abs() < 1e-12, "{ticks:?}");
    }

    #[test]
    fn whole_values_have_whole_labels() {
        let labels = |values: &[f64]| {
            let scale = Scale::exactly(values.iter().copied(), 0.0, 100.0);
            scale.ticks(6.0).into_iter().map(|(value, _)| value).collect::<Vec<_>>()
        };
        assert_eq!(labels(&[3.0, 4.0, 5.0]), [3.0, 4.0, 5.0]);
        assert_eq!(labels(&[4.0]), [4.0]);
        assert!(labels(&[3.0, 4.5]).len() > 2);
    }

    #[test]
    fn one_value_and_none_still_make_an_axis() {
        for values in [vec![], vec![3.0], vec![0.0, 0.0], vec![f64::NAN, 2.0, f64::INFINITY]] {
            let scale = Scale::around(values.iter().copied(), 10.0, 20.0);
            assert!(scale.ticks(4.0).iter().all(|(value, place)| value.is_finite() && place.is_finite()));
            values.iter().filter(|v| v.is_finite()).for_each(|value| {
                assert!((10.0..=20.0).contains(&scale.place(*value)), "{value}");
            });
        }
    }

    #[test]
    fn losses_over_many_powers_of_ten_get_a_logarithmic_axis() {
        let scale = Scale::for_losses([360_000.0, 2.0].into_iter(), 0.0, 60.0);
        assert_eq!(scale.place(1.0), 0.0);
        assert_eq!(scale.place(1e6), 60.0);
        assert_eq!(scale.ticks(6.0).len(), 7);
    }
}
