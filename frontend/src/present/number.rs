//! Sizes, percentages and paces for people.

use shared::progress::Pace;

use super::time;

/// `128 GiB`; Azure sizes disks in GiB and so do its pages.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit < UNITS.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    let text = if value.fract() < 0.05 { format!("{value:.0}") } else { format!("{value:.1}") };
    format!("{text} {}", UNITS[unit])
}

/// `42 %`, `99.4 %`: never rounds up to a 100 that is not there yet.
pub(crate) fn percent(value: f64) -> String {
    let tenths = (value * 10.0).floor() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0} %") } else { format!("{tenths:.1} %") }
}

/// `3.2 %/min, about 12 min left`
pub(crate) fn pace(pace: Pace) -> String {
    let rate = pace.percent_per_minute;
    let rate = if rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.1}") };
    format!("{rate} %/min, about {} left", time::span(pace.eta_seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_binary_units() {
        let sizes = [0, 1023, 1 << 30, 128 << 30, (1 << 40) + (1 << 39)].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1 GiB", "128 GiB", "1.5 TiB"]);
    }

    #[test]
    fn a_percentage_is_a_hundred_only_when_it_is() {
        let all = [0.0, 42.0, 99.96, 100.0].map(percent);
        assert_eq!(all, ["0 %", "42 %", "99.9 %", "100 %"]);
    }

    #[test]
    fn a_pace_has_rate_and_time_left() {
        let text = pace(Pace { percent_per_minute: 3.24, eta_seconds: 720 });
        assert_eq!(text, "3.2 %/min, about 12 min left");
    }
}
