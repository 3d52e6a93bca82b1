//! Reads .NET's `TimeSpan` text as host.json uses it: `hh:mm:ss`, `d.hh:mm:ss`, and `-1` for no limit.

use std::time::Duration;

/// Reads `[d.]hh:mm:ss[.fffffff]`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut parts = text.trim().split(':');
    let (first, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = match first.split_once('.') {
        Some((days, hours)) => (days.parse::<u64>().ok()?, hours.parse::<u64>().ok()?),
        None => (0, first.parse::<u64>().ok()?),
    };
    let minutes = minutes.parse::<u64>().ok()?;
    let seconds = seconds.parse::<f64>().ok()?;
    if hours > 23 || minutes > 59 || !(0.0..60.0).contains(&seconds) {
        return None;
    }
    Some(
        Duration::from_secs(((days * 24 + hours) * 60 + minutes) * 60)
            + Duration::from_secs_f64(seconds),
    )
}

/// Reads a limit, where `-1` stands for none.
pub(crate) fn parse_limit(text: &str) -> Option<Option<Duration>> {
    match text.trim() {
        "-1" | "-00:00:00.0010000" => Some(None),
        other => parse(other).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hours_days_and_fractions() {
        assert_eq!(parse("00:05:00"), Some(Duration::from_secs(300)));
        assert_eq!(parse("1.00:00:01"), Some(Duration::from_secs(86401)));
        assert_eq!(parse("00:00:00.5"), Some(Duration::from_millis(500)));
        assert_eq!(parse("00:61:00"), None);
        assert_eq!(parse_limit("-1"), Some(None));
    }
}
