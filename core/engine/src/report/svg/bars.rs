//! One bar for each name.

use maud::{Markup, html};

use super::{WIDTH, at, frame, short};
use crate::report::number;

/// Above this many bars they stand upright, without their names.
const NAMED: usize = 40;
const ROW: f64 = 20.0;
const UPRIGHT: f64 = 200.0;

/// The bars.
pub(in crate::report) fn bars(names: &[String], values: &[f64]) -> Markup {
    let described = format!("{} bars, the longest {}", values.len(), number::metric(largest(values)));
    match names.len() <= NAMED {
        true => lying(names, values, &described),
        false => upright(names, values, &described),
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max)
}

fn shown(value: f64) -> String {
    match value.fract() == 0.0 && (0.0..1e15).contains(&value) {
        true => number::count(value as u64),
        false => number::metric(value),
    }
}

fn length(value: f64, largest: f64, room: f64) -> f64 {
    match value.is_finite() && largest > 0.0 {
        true => (value / largest).clamp(0.0, 1.0) * room,
        false => 0.0,
    }
}

fn lying(names: &[String], values: &[f64], described: &str) -> Markup {
    let longest = names.iter().map(|name| name.chars().count().min(16)).max().unwrap_or(0) as f64;
    let left = 8.0 + longest * 6.2;
    let numbers = values.iter().map(|value| shown(*value).chars().count()).max().unwrap_or(0) as f64;
    let room = WIDTH - left - 10.0 - numbers * 6.6;
    let most = largest(values);
    frame(
        "bars",
        ROW * names.len() as f64 + 4.0,
        described,
        html! {
            @for (i, (name, value)) in names.iter().zip(values).enumerate() {
                @let y = ROW * i as f64;
                @let end = left + length(*value, most, room);
                text class="tick" x=(at(left - 6.0)) y=(at(y + 14.0)) text-anchor="end" { (short(name, 16)) }
                rect class="bar" x=(at(left)) y=(at(y + 3.0)) width=(at(end - left)) height=(at(ROW - 6.0)) rx="2" {}
                text class="count" x=(at(end + 5.0)) y=(at(y + 14.0)) font-size="11" { (shown(*value)) }
            }
        },
    )
}

fn upright(names: &[String], values: &[f64], described: &str) -> Markup {
    let most = largest(values);
    let width = (WIDTH - 8.0) / values.len() as f64;
    frame(
        "bars",
        UPRIGHT + 22.0,
        described,
        html! {
            text class="tick" x="4" y="11" { "largest " (shown(most)) }
            @for (i, value) in values.iter().enumerate() {
                @let tall = length(*value, most, UPRIGHT - 20.0);
                rect class="bar" x=(at(4.0 + width * i as f64)) y=(at(UPRIGHT - tall)) width=(at((width - 0.5).max(0.5)))
                    height=(at(tall)) { title { (names[i]) ": " (shown(*value)) } }
            }
            text class="tick" x="4" y=(at(UPRIGHT + 16.0)) { (short(&names[0], 20)) }
            text class="tick" x=(at(WIDTH - 4.0)) y=(at(UPRIGHT + 16.0)) text-anchor="end" { (short(&names[names.len() - 1], 20)) }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cluster_has_its_row_and_no_bar() {
        let text = bars(&["0".into(), "1".into()], &[120.0, 0.0]).into_string();
        assert!(text.contains(">120</text>") && text.contains(">0</text>"));
        assert!(text.contains("width=\"0\""));
    }

    #[test]
    fn many_bars_stand_upright() {
        let names: Vec<String> = (0..100).map(|i| i.to_string()).collect();
        let text = bars(&names, &vec![f64::NAN; 100]).into_string();
        assert_eq!(text.matches("<rect").count(), 100);
        assert!(!text.contains("NaN"));
    }
}
