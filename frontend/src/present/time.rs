//! Times and spans for people: always with their zone, ages in the one unit that matters.

use jiff::{Timestamp, tz::TimeZone};

/// `2026-11-23 06:00 UTC`
pub(crate) fn minute(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `2026-11-23 06:00:20 UTC`
pub(crate) fn second(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `06:00:20 UTC`
pub(crate) fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S UTC").to_string()
}

/// `23 Nov 06:00`, for an axis.
pub(crate) fn axis(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %b %H:%M").to_string()
}

/// `Mon 2026-11-23 07:00 CET`
pub(crate) fn in_zone(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}

/// A sentence whose times, `2026-11-23T06:00:00Z`, are written as `2026-11-23 06:00 UTC`.
pub(crate) fn readable(sentence: &str) -> String {
    let word = |word: &str| {
        let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let time = core.ends_with('Z').then(|| core.parse().ok()).flatten();
        time.map_or_else(|| word.to_owned(), |at| word.replace(core, &minute(at)))
    };
    sentence.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// `20261123T0600Z`, for names.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%MZ").to_string()
}

/// `5 min ago`, `just now`, `in 2 h`. What the page calls now may be ten seconds old.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    match seconds {
        -10..10 => "just now".to_owned(),
        10.. => format!("{} ago", span(seconds)),
        _ => format!("in {}", span(-seconds)),
    }
}

/// `40 s`, `5 min`, `3 h 20 min`, `2 d 4 h`, `40 d`
pub(crate) fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let and = |rest: i64, unit: &str| {
        if rest == 0 { String::new() } else { format!(" {rest} {unit}") }
    };
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h{}", and(minutes % 60, "min")),
        86_400..864_000 => format!("{days} d{}", and(hours % 24, "h")),
        _ => format!("{days} d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_carries_its_zone() {
        let time = at("2026-11-23T06:05:09Z");
        assert_eq!(minute(time), "2026-11-23 06:05 UTC");
        assert_eq!(second(time), "2026-11-23 06:05:09 UTC");
        assert_eq!(clock(time), "06:05:09 UTC");
        assert_eq!(stamp(time), "20261123T0605Z");
    }

    #[test]
    fn times_in_a_sentence_are_written_for_people() {
        let text =
            "The slot of 2026-11-23T06:00:00Z is done; the next begins at 2026-11-24T06:00:00Z.";
        let expected =
            "The slot of 2026-11-23 06:00 UTC is done; the next begins at 2026-11-24 06:00 UTC.";
        assert_eq!(readable(text), expected);
        assert_eq!(readable(" No Z here. "), " No Z here. ");
        let zoned: Timestamp = at("2027-03-28T00:30:00Z");
        let berlin = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
        assert_eq!(in_zone(zoned, &berlin), "Sun 2027-03-28 01:30 CET");
    }

    #[test]
    fn spans_name_two_units_at_most() {
        let spans = [0, 59, 60, 3599, 3600, 12_000, 86_400, 187_200, 4_000_000].map(span);
        let expected =
            ["0 s", "59 s", "1 min", "59 min", "1 h", "3 h 20 min", "1 d", "2 d 4 h", "46 d"];
        assert_eq!(spans, expected);
    }

    #[test]
    fn says_which_way_a_time_lies() {
        let now = at("2026-11-23T06:00:00Z");
        assert_eq!(relative(at("2026-11-23T05:55:00Z"), now), "5 min ago");
        assert_eq!(relative(at("2026-11-23T08:00:00Z"), now), "in 2 h");
        assert_eq!(relative(at("2026-11-23T06:00:10Z"), now), "just now");
        assert_eq!(relative(at("2026-11-23T05:59:50Z"), now), "10 s ago");
    }
}
