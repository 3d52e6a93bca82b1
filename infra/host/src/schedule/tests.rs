//! The vectors of functions-host §5.1.

use super::*;

fn next(schedule: &str, after: &str) -> String {
    let schedule = Schedule::parse(schedule).unwrap();
    schedule.next_after(after.parse().unwrap()).map_or("never".into(), |at| at.to_string())
}

#[test]
fn fires_strictly_after_the_base() {
    assert_eq!(next("0 */5 * * * *", "2025-01-01T10:00:00Z"), "2025-01-01T10:05:00Z");
    assert_eq!(next("0 */5 * * * *", "2025-01-01T10:04:59.9Z"), "2025-01-01T10:05:00Z");
    assert_eq!(next("* * * * * *", "2025-12-31T23:59:59.5Z"), "2026-01-01T00:00:00Z");
}

#[test]
fn skips_short_months() {
    assert_eq!(next("0 0 0 31 * *", "2025-04-01T00:00:00Z"), "2025-05-31T00:00:00Z");
    assert_eq!(next("30 59 23 28-31 2 *", "2025-02-28T23:59:30Z"), "2026-02-28T23:59:30Z");
    assert_eq!(next("0 0 0 31 2 *", "2025-01-01T00:00:00Z"), "never");
    assert_eq!(next("0 0 0 29 2 1", "2025-01-01T00:00:00Z"), "2044-02-29T00:00:00Z");
}

#[test]
fn needs_both_day_fields() {
    assert_eq!(next("0 0 0 13 * 5", "2025-01-01T00:00:00Z"), "2025-06-13T00:00:00Z");
}

#[test]
fn swaps_backward_ranges_and_steps_from_a_start() {
    assert_eq!(
        Schedule::parse("0 0 17-9 * * *").unwrap(),
        Schedule::parse("0 0 9-17 * * *").unwrap()
    );
    assert_eq!(
        Schedule::parse("5/20 0 0 * * *").unwrap(),
        Schedule::parse("5,25,45 0 0 * * *").unwrap()
    );
    assert_eq!(Schedule::parse("0 */0 * * * *").unwrap(), Schedule::parse("0 * * * * *").unwrap());
}

#[test]
fn takes_any_prefix_of_a_name() {
    for (short, number) in [("J", "1"), ("Ma", "3"), ("dec", "12")] {
        let named = Schedule::parse(&format!("0 0 0 1 {short} *")).unwrap();
        assert_eq!(named, Schedule::parse(&format!("0 0 0 1 {number} *")).unwrap());
    }
    for (short, number) in [("T", "2"), ("S", "0"), ("mon-fri", "1-5")] {
        let named = Schedule::parse(&format!("0 0 0 * * {short}")).unwrap();
        assert_eq!(named, Schedule::parse(&format!("0 0 0 * * {number}")).unwrap());
    }
}

#[test]
fn refuses_what_is_not_six_plain_fields() {
    for text in [
        "00:30:00",
        "*/5 * * * *",
        "0 0 0 * * 7",
        "0 0 0 ? * *",
        "0 0 0 L * *",
        "@daily",
        "",
        "60 * * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0\t0 0 * * *",
        "0 0 0 * * *  *",
    ] {
        let error = Schedule::parse(text).unwrap_err().to_string();
        assert!(error.contains("was not recognized as a valid cron expression"), "{text}: {error}");
    }
    assert!(Schedule::parse("0  0   0 * * *").is_ok(), "runs of spaces are fine");
}

#[test]
fn knows_a_frequent_schedule() {
    let now = "2025-01-01T00:00:00Z".parse().unwrap();
    assert!(Schedule::parse("*/10 * * * * *").unwrap().is_frequent(now));
    assert!(!Schedule::parse("0 * * * * *").unwrap().is_frequent(now));
}
