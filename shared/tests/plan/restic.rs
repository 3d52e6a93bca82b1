//! The keep rules against restic's own expectations: the snapshots of restic's `TestApplyPolicy`
//! (`internal/data/snapshot_policy_test.go`) and what its files `policy_keep_snapshots_*` keep of
//! them, in our words.
//!
//! A month stands before its days; what was not made at 10:20:30 has its hour and minute, and the
//! second of two on one day at that time, a tenth of a second later, has `.1`.

use jiff::{Timestamp, tz::TimeZone};
use shared::Keep;

/// The days of the four months of 2014 and of 2015, all at 10:20:30.
const MONTHS: [(u8, &str); 4] = [
    (8, "08 10 12 13 13.1 15 18 20 21 22"),
    (9, "01 02 05 06 08 09 10 11 20 22"),
    (10, "01 02 05 06 08 09 10 11 20 22"),
    (11, "08 10 12 13 13.1 15 18 20 21 22"),
];

const JANUARY: &str = "01T01:02 01T01:03 01T07:08 03T07:02 04T10:23 04T11:23 04T12:23 04T12:24 04T12:28 \
     04T12:30 04T16:23 05T09:02 06T08:02 07T10:02 08T20:02 09T21:02 12T21:02 12T21:08 18T12:02";

const NONE: Keep = Keep {
    last: None,
    within_hours: None,
    hourly: None,
    daily: None,
    weekly: None,
    monthly: None,
    yearly: None,
};

/// Rules, and what restic keeps by them, the newest first. The number is that of restic's file.
const KEPT: &[(u8, Keep, &str)] = &[
    (
        1,
        Keep { last: Some(10), ..NONE },
        "2016-01 18T12:02 12T21:08 12T21:02 09T21:02 08T20:02 07T10:02 06T08:02 05T09:02 04T16:23 \
         04T12:30",
    ),
    (
        5,
        Keep { hourly: Some(20), ..NONE },
        "2016-01 18T12:02 12T21:08 09T21:02 08T20:02 07T10:02 06T08:02 05T09:02 04T16:23 04T12:30 \
         04T11:23 04T10:23 03T07:02 01T07:08 01T01:03 2015-11 22 21 20 18 15 13.1",
    ),
    (6, Keep { daily: Some(3), ..NONE }, "2016-01 18T12:02 12T21:08 09T21:02"),
    (
        7,
        Keep { daily: Some(10), ..NONE },
        "2016-01 18T12:02 12T21:08 09T21:02 08T20:02 07T10:02 06T08:02 05T09:02 04T16:23 03T07:02 \
         01T07:08",
    ),
    (
        8,
        Keep { daily: Some(30), ..NONE },
        "2016-01 18T12:02 12T21:08 09T21:02 08T20:02 07T10:02 06T08:02 05T09:02 04T16:23 03T07:02 \
         01T07:08 2015-11 22 21 20 18 15 13.1 12 10 08 2015-10 22 20 11 10 09 08 06 05 02 01 \
         2015-09 22",
    ),
    (
        9,
        Keep { last: Some(5), daily: Some(5), ..NONE },
        "2016-01 18T12:02 12T21:08 12T21:02 09T21:02 08T20:02 07T10:02",
    ),
    (
        10,
        Keep { last: Some(2), daily: Some(10), ..NONE },
        "2016-01 18T12:02 12T21:08 09T21:02 08T20:02 07T10:02 06T08:02 05T09:02 04T16:23 03T07:02 \
         01T07:08",
    ),
    (11, Keep { weekly: Some(2), ..NONE }, "2016-01 18T12:02 12T21:08"),
    (12, Keep { weekly: Some(4), ..NONE }, "2016-01 18T12:02 12T21:08 09T21:02 03T07:02"),
    (
        13,
        Keep { daily: Some(3), weekly: Some(4), ..NONE },
        "2016-01 18T12:02 12T21:08 09T21:02 03T07:02",
    ),
    (
        14,
        Keep { monthly: Some(6), ..NONE },
        "2016-01 18T12:02 2015-11 22 2015-10 22 2015-09 22 2015-08 22 2014-11 22",
    ),
    (
        15,
        Keep { daily: Some(2), weekly: Some(2), monthly: Some(6), ..NONE },
        "2016-01 18T12:02 12T21:08 2015-11 22 2015-10 22 2015-09 22 2015-08 22 2014-11 22",
    ),
    // The oldest, too, as the rule has numbers left.
    (16, Keep { yearly: Some(10), ..NONE }, "2016-01 18T12:02 2015-11 22 2014-11 22 2014-08 08"),
    (21, Keep { within_hours: Some(24), ..NONE }, "2016-01 18T12:02"),
    (22, Keep { within_hours: Some(2 * 24), ..NONE }, "2016-01 18T12:02"),
    (23, Keep { within_hours: Some(7 * 24), ..NONE }, "2016-01 18T12:02 12T21:08 12T21:02"),
    // restic's `1m` before 18 January is 31 days.
    (
        24,
        Keep { within_hours: Some(31 * 24), ..NONE },
        "2016-01 18T12:02 12T21:08 12T21:02 09T21:02 08T20:02 07T10:02 06T08:02 05T09:02 04T16:23 \
         04T12:30 04T12:28 04T12:24 04T12:23 04T11:23 04T10:23 03T07:02 01T07:08 01T01:03 01T01:02",
    ),
    (
        27,
        Keep { within_hours: Some(13 * 24 + 23), ..NONE },
        "2016-01 18T12:02 12T21:08 12T21:02 09T21:02 08T20:02 07T10:02 06T08:02 05T09:02 04T16:23",
    ),
];

/// restic's snapshots, the newest first.
fn times() -> Vec<Timestamp> {
    let mut times: Vec<Timestamp> = vec![];
    for year in [2014, 2015] {
        for (month, days) in MONTHS {
            for day in days.split_whitespace() {
                let (day, tenth) = day.split_once('.').unwrap_or((day, "0"));
                let text = format!("{year}-{month:02}-{day}T10:20:30.{tenth}Z");
                times.push(text.parse().unwrap());
            }
        }
    }
    // Five were made at one moment.
    times.extend(["2015-10-22T10:20:30Z"; 4].map(|text| text.parse::<Timestamp>().unwrap()));
    for minute in JANUARY.split_whitespace() {
        times.push(format!("2016-01-{minute}:03Z").parse().unwrap());
    }
    times.sort();
    times.reverse();
    times
}

/// The times in the notation of this file.
fn words(times: impl Iterator<Item = Timestamp>) -> String {
    let (mut words, mut last_month) = (vec![], String::new());
    for at in times {
        let at = at.to_zoned(TimeZone::UTC);
        let month = at.strftime("%Y-%m").to_string();
        if month != last_month {
            words.push(month.clone());
            last_month = month;
        }
        let format = match (at.hour(), at.minute(), at.subsec_nanosecond()) {
            (10, 20, 0) => "%d",
            (10, 20, _) => "%d.1",
            _ => "%dT%H:%M",
        };
        words.push(at.strftime(format).to_string());
    }
    words.join(" ")
}

#[test]
fn every_policy_of_restics_tests_keeps_what_restic_keeps() {
    let times = times();
    assert_eq!(times.len(), 103);
    for (number, keep, expected) in KEPT {
        let kept = keep.kept(&times, &TimeZone::UTC);
        let kept = times.iter().zip(kept).filter(|(_, rules)| !rules.is_empty());
        assert_eq!(words(kept.map(|(at, _)| *at)), *expected, "{number}");
    }
}
