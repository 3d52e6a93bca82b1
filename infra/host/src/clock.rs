//! The host's clock and the way it writes times. The only place that asks for the time.

use jiff::{Timestamp, tz::TimeZone};

/// Year one, which the host writes for "never" (functions-host §3.4).
pub(crate) const NEVER: &str = "0001-01-01T00:00:00";

/// Tells the time of day.
#[expect(clippy::disallowed_methods, reason = "the host stands outside the app and has a clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Writes a time as the local time of a host in UTC: up to seven fraction digits and `+00:00`.
pub(crate) fn local(at: Timestamp) -> String {
    format!("{}+00:00", digits(at))
}

/// Writes a time as HTTP does.
pub(crate) fn http(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Writes a time as `Metadata.sys.UtcNow` shows it.
pub(crate) fn utc(at: Timestamp) -> String {
    format!("{}Z", digits(at))
}

fn digits(at: Timestamp) -> String {
    let civil = at.to_zoned(TimeZone::UTC);
    let text = civil.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let ticks = civil.subsec_nanosecond() / 100;
    if ticks == 0 {
        return text;
    }
    format!("{text}.{}", format!("{ticks:07}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_at_most_seven_fraction_digits() {
        let at: Timestamp = "2024-11-30T14:43:50.46239Z".parse().unwrap();
        assert_eq!(utc(at), "2024-11-30T14:43:50.46239Z");
        assert_eq!(local(at), "2024-11-30T14:43:50.46239+00:00");
        let whole: Timestamp = "2024-11-30T14:45:51Z".parse().unwrap();
        assert_eq!(local(whole), "2024-11-30T14:45:51+00:00");
    }
}
