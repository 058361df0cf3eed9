//! Numbers as people read them.

/// A metric's value: four places behind the point, fewer digits for large ones.
pub(crate) fn metric(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => if value.is_nan() { "not a number" } else { "infinite" }.to_owned(),
        size if size >= 1e6 || (size > 0.0 && size < 1e-4) => format!("{value:.2e}"),
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// A difference with its sign.
pub(crate) fn signed(value: f64) -> String {
    match value >= 0.0 {
        true => format!("+{}", metric(value)),
        false => format!("\u{2212}{}", metric(-value)),
    }
}

/// A mean with its standard deviation, as far as there are any.
pub(crate) fn spread(mean: Option<f64>, std: Option<f64>) -> String {
    match (mean, std) {
        (None, _) => "-".to_owned(),
        (Some(mean), None) => metric(mean),
        (Some(mean), Some(std)) => format!("{} ± {}", metric(mean), metric(std)),
    }
}

/// A probability of a test.
pub(crate) fn p_value(p: f64) -> String {
    match p {
        p if p.is_nan() => "n/a".to_owned(),
        p if p < 0.001 => format!("{p:.1e}"),
        _ => format!("{p:.3}"),
    }
}

/// A count with thin spaces between its thousands.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut shown = digits[..first].to_owned();
    for place in (first..digits.len()).step_by(3) {
        if !shown.is_empty() {
            shown.push('\u{202f}');
        }
        shown.push_str(&digits[place..place + 3]);
    }
    shown
}

/// A span of time.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// An amount of memory.
pub(crate) fn bytes(bytes: u64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    match bytes as f64 / MIB {
        mib if mib < 1024.0 => format!("{mib:.0} MiB"),
        mib => format!("{:.1} GiB", mib / 1024.0),
    }
}

/// An axis label: as short as its value allows.
pub(crate) fn tick(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.0e}"),
        _ => {
            let text = format!("{value:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(metric(0.97126), "0.9713");
        assert_eq!(metric(12.345), "12.35");
        assert_eq!(metric(3.6e6), "3.60e6");
        assert_eq!(metric(f64::NAN), "not a number");
        assert_eq!(signed(-0.5), "\u{2212}0.5000");
        assert_eq!(signed(0.0), "+0.0000");
        assert_eq!(spread(Some(0.5), Some(0.01)), "0.5000 ± 0.0100");
        assert_eq!(p_value(0.0412), "0.041");
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(seconds(90.0), "90 s");
        assert_eq!(seconds(36_000.0), "10.0 h");
        assert_eq!(bytes(3 << 30), "3.0 GiB");
        assert_eq!(tick(0.25), "0.25");
        assert_eq!(tick(-20.0), "-20");
        assert_eq!(tick(1e-5), "1e-5");
    }
}
