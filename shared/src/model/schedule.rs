//! When snapshots are due: every so often, or by cron in a time zone.
//!
//! Cron fields are civil time. The cron library walks them as if there were no zones; jiff's own
//! database says which instant each is, so that a firing happens once on either day of a change of
//! clocks: in the gap at its end, in the repeated hour at its first pass. Where every hour is
//! asked for, the repeated hour counts as two.

use std::str::FromStr;

use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};

/// The shortest interval: seven snapshots of a disk are allowed in five minutes, and a tick may
/// come every five (compute-snapshots §1.3).
pub const MIN_EVERY_MINUTES: u32 = 15;

/// The longest interval: a snapshot a month or so.
pub const MAX_EVERY_MINUTES: u32 = 31 * 24 * 60;

/// When snapshots are due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// At a steady interval, counted from midnight UTC of 1970-01-01.
    Every {
        /// Minutes between two slots.
        minutes: u32,
    },
    /// By five cron fields: minute, hour, day of month, month, day of week. Days must match both
    /// fields, as in Azure's own timers.
    Cron {
        /// The fields.
        expression: String,
    },
}

/// Why a schedule cannot be followed, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The interval is out of range.
    #[error(
        "`minutes` of the schedule is {0}; choose {MIN_EVERY_MINUTES} to {MAX_EVERY_MINUTES} (31 days)"
    )]
    Minutes(u32),
    /// The expression cannot be read.
    #[error(
        "`{expression}` is not a cron expression: {problem}; write five fields, minute hour day month \
         weekday, such as `0 6 * * MON-FRI`"
    )]
    Cron {
        /// The expression.
        expression: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The expression never fires.
    #[error("`{0}` never fires; there is no such day")]
    Never(String),
    /// The expression fires too often.
    #[error("`{0}` fires more often than every {MIN_EVERY_MINUTES} minutes")]
    TooOften(String),
    /// The time zone is not known.
    #[error("`{0}` is not a time zone; choose one such as `Europe/Berlin` or `UTC`")]
    Zone(String),
}

/// A schedule made ready to be asked.
#[derive(Clone, Debug)]
pub struct Slots {
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    Every {
        seconds: i64,
    },
    Cron {
        cron: Box<jiff_cron::Schedule>,
        zone: TimeZone,
        every_hour: bool,
        longest_gap_seconds: i64,
    },
}

/// Clocks are changed by less than this.
const CHANGE_OF_CLOCKS: SignedDuration = SignedDuration::from_hours(3);

/// Firings that are looked at to find out how often a schedule fires.
const SAMPLE: usize = 200;

/// The time zone of that name, from the database that is built in: the same in every process.
pub fn time_zone(name: &str) -> Result<TimeZone, ScheduleError> {
    let zone = TimeZoneDatabase::bundled().get(name);
    zone.map_err(|_| ScheduleError::Zone(name.chars().take(60).collect()))
}

impl Schedule {
    /// The schedule in `zone`, ready to be asked.
    pub fn slots(&self, zone: &TimeZone) -> Result<Slots, ScheduleError> {
        match self {
            Self::Every { minutes } => {
                if !(MIN_EVERY_MINUTES..=MAX_EVERY_MINUTES).contains(minutes) {
                    return Err(ScheduleError::Minutes(*minutes));
                }
                Ok(Slots { rule: Rule::Every { seconds: i64::from(*minutes) * 60 } })
            }
            Self::Cron { expression } => {
                let (cron, every_hour) = cron(expression)?;
                let short: String = expression.chars().take(100).collect();
                let firings = sample(&cron, zone, every_hour);
                if firings.is_empty() {
                    return Err(ScheduleError::Never(short));
                }
                let gaps = firings.windows(2).map(|pair| pair[1].as_second() - pair[0].as_second());
                if gaps.clone().any(|gap| gap < i64::from(MIN_EVERY_MINUTES) * 60) {
                    return Err(ScheduleError::TooOften(short));
                }
                // A schedule that fires once in the sample is a yearly one or rarer.
                let longest_gap_seconds = gaps.max().unwrap_or(366 * 86_400);
                let (cron, zone) = (Box::new(cron), zone.clone());
                Ok(Slots { rule: Rule::Cron { cron, zone, every_hour, longest_gap_seconds } })
            }
        }
    }
}

impl Slots {
    /// The latest slot that began at or before `now`.
    pub fn at_or_before(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every { seconds } => {
                Timestamp::from_second(now.as_second().div_euclid(*seconds) * seconds).ok()
            }
            Rule::Cron { cron, zone, every_hour, .. } => {
                let civil = now.to_zoned(zone.clone()).datetime();
                let from = civil.checked_add(CHANGE_OF_CLOCKS).ok()?;
                let until = civil.checked_sub(CHANGE_OF_CLOCKS).ok()?;
                let mut best = None;
                for firing in cron.after(as_utc(from)?).rev() {
                    let firing = firing.datetime();
                    best = instants(firing, zone, *every_hour)
                        .into_iter()
                        .flatten()
                        .filter(|at| *at <= now)
                        .chain(best)
                        .max();
                    if best.is_some() && firing < until {
                        break;
                    }
                }
                best
            }
        }
    }

    /// The first slot that begins after `now`.
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every { seconds } => {
                Timestamp::from_second((now.as_second().div_euclid(*seconds) + 1) * seconds).ok()
            }
            Rule::Cron { cron, zone, every_hour, .. } => {
                let civil = now.to_zoned(zone.clone()).datetime();
                let from = civil.checked_sub(CHANGE_OF_CLOCKS).ok()?;
                let until = civil.checked_add(CHANGE_OF_CLOCKS).ok()?;
                let mut best = None;
                for firing in cron.after(as_utc(from)?) {
                    let firing = firing.datetime();
                    best = instants(firing, zone, *every_hour)
                        .into_iter()
                        .flatten()
                        .filter(|at| *at > now)
                        .chain(best)
                        .min();
                    if best.is_some() && firing > until {
                        break;
                    }
                }
                best
            }
        }
    }

    /// The longest time between two slots, in seconds.
    pub fn longest_gap_seconds(&self) -> i64 {
        match &self.rule {
            Rule::Every { seconds } => *seconds,
            Rule::Cron { longest_gap_seconds, .. } => *longest_gap_seconds,
        }
    }
}

/// The first firings from a fixed day on.
///
/// They are walked at one go: plans ask for it, and finding each anew from the one before costs
/// several times as much.
fn sample(cron: &jiff_cron::Schedule, zone: &TimeZone, every_hour: bool) -> Vec<Timestamp> {
    let Some(start) = as_utc(DateTime::constant(2026, 1, 1, 0, 0, 0, 0)) else { return vec![] };
    let civil = cron.after(start).take(SAMPLE).map(|firing| firing.datetime());
    let mut firings: Vec<Timestamp> =
        civil.flat_map(|firing| instants(firing, zone, every_hour)).flatten().collect();
    // At a change of clocks two civil times may be one instant, or stand the other way round.
    firings.sort();
    firings.dedup();
    firings
}

/// The instants of a civil firing.
fn instants(firing: DateTime, zone: &TimeZone, every_hour: bool) -> [Option<Timestamp>; 2] {
    let ambiguous = zone.to_ambiguous_timestamp(firing);
    let first = ambiguous.compatible().ok();
    let second = match ambiguous.offset() {
        AmbiguousOffset::Fold { .. } if every_hour => ambiguous.later().ok(),
        AmbiguousOffset::Fold { .. }
        | AmbiguousOffset::Gap { .. }
        | AmbiguousOffset::Unambiguous { .. } => None,
    };
    [first, second]
}

fn as_utc(civil: DateTime) -> Option<jiff::Zoned> {
    civil.to_zoned(TimeZone::UTC).ok()
}

/// The expression as the library takes it, and whether it asks for every hour.
fn cron(expression: &str) -> Result<(jiff_cron::Schedule, bool), ScheduleError> {
    let wrong = |problem: &str| ScheduleError::Cron {
        expression: expression.chars().take(100).collect(),
        problem: problem.to_owned(),
    };
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return Err(wrong(&format!("it has {} fields", fields.len())));
    };
    let weekday = weekdays(weekday).ok_or_else(|| wrong("the weekday is not one"))?;
    let six = format!("0 {minute} {hour} {day} {month} {weekday}");
    let parsed = jiff_cron::Schedule::from_str(&six).map_err(|error| {
        let text = error.to_string();
        wrong(text.lines().next_back().unwrap_or_default().trim())
    })?;
    Ok((parsed, hour.starts_with('*')))
}

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Spells weekdays out: to the library 1 is Sunday, to cron it is Monday, and a week may end on
/// Sunday.
fn weekdays(field: &str) -> Option<String> {
    if field == "*" || field == "?" {
        return Some("*".to_owned());
    }
    let day = |text: &str| {
        let number = text.parse::<usize>().ok().filter(|n| *n <= 7);
        number.or_else(|| WEEKDAYS.iter().position(|name| name.eq_ignore_ascii_case(text)))
    };
    let mut days = vec![];
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((from, to)) => (day(from)?, day(to)?),
            None => (day(range)?, day(range)?),
        };
        let to = if to < from { to + 7 } else { to };
        days.extend((from..=to).step_by(step).map(|n| WEEKDAYS[n % 7]));
    }
    days.dedup();
    Some(days.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn slots(expression: &str, zone: &str) -> Slots {
        let schedule = Schedule::Cron { expression: expression.to_owned() };
        schedule.slots(&time_zone(zone).unwrap()).unwrap()
    }

    fn firings(slots: &Slots, from: &str, until: &str) -> Vec<String> {
        let mut found = vec![];
        let mut now = at(from);
        while let Some(next) = slots.after(now).filter(|next| *next <= at(until)) {
            found.push(next.to_string());
            now = next;
        }
        found
    }

    #[test]
    fn a_steady_slot_begins_on_its_first_second() {
        let slots = Schedule::Every { minutes: 360 }.slots(&TimeZone::UTC).unwrap();
        let six = at("2026-11-23T06:00:00Z");
        assert_eq!(slots.at_or_before(six), Some(six));
        let before = at("2026-11-23T05:59:59.9Z");
        assert_eq!(slots.at_or_before(before), Some(at("2026-11-23T00:00:00Z")));
        assert_eq!(slots.after(six), Some(at("2026-11-23T12:00:00Z")));
    }

    #[test]
    fn a_nightly_slot_in_the_gap_fires_once_at_its_end() {
        let nightly = slots("30 2 * * *", "Europe/Berlin");
        let found = firings(&nightly, "2027-03-27T12:00:00Z", "2027-03-29T12:00:00Z");
        assert_eq!(found, ["2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"]);
    }

    #[test]
    fn a_nightly_slot_in_the_repeated_hour_fires_once_at_its_first_pass() {
        let nightly = slots("30 2 * * *", "Europe/Berlin");
        let found = firings(&nightly, "2027-10-30T12:00:00Z", "2027-11-01T12:00:00Z");
        assert_eq!(found, ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]);
        // Ten past two, the second time: the slot is the first pass's, though its clock reads later.
        let now = at("2027-10-31T01:10:00Z");
        assert_eq!(nightly.at_or_before(now), Some(at("2027-10-31T00:30:00Z")));
    }

    #[test]
    fn an_hourly_slot_leaves_no_hour_out_and_doubles_none() {
        let hourly = slots("0 * * * *", "Europe/Berlin");
        for (from, until) in [
            ("2027-10-30T20:30:00Z", "2027-10-31T06:00:00Z"),
            ("2027-03-27T20:30:00Z", "2027-03-28T06:00:00Z"),
        ] {
            let found = firings(&hourly, from, until);
            assert_eq!(found.len(), 10, "{found:?}");
        }
    }

    #[test]
    fn looking_back_finds_what_looking_ahead_did() {
        for expression in ["30 2 * * *", "*/15 * * * *", "0 */2 * * *", "0 6 1 * *", "5 4 * * SUN"]
        {
            for zone in ["Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe"] {
                let slots = slots(expression, zone);
                let mut now = at("2027-03-01T00:00:00Z");
                for _ in 0..400 {
                    let next = slots.after(now).unwrap();
                    assert_eq!(slots.at_or_before(next), Some(next), "{expression} {zone}");
                    let before = next - SignedDuration::from_secs(1);
                    let earlier = slots.at_or_before(before).unwrap();
                    assert_eq!(slots.after(earlier), Some(next), "{expression} {zone} {earlier}");
                    now = next;
                }
            }
        }
    }

    #[test]
    fn weekdays_are_crons_not_the_librarys() {
        assert_eq!(weekdays("1-5").unwrap(), "MON,TUE,WED,THU,FRI");
        assert_eq!(weekdays("FRI-SUN").unwrap(), "FRI,SAT,SUN");
        assert_eq!(weekdays("0,7").unwrap(), "SUN");
        assert_eq!(weekdays("*/2").unwrap(), "SUN,TUE,THU,SAT");
        assert_eq!(weekdays("8"), None);
        let mondays = slots("0 6 * * 1", "UTC");
        // 2026-11-23 is a Monday.
        let next = mondays.after(at("2026-11-20T00:00:00Z"));
        assert_eq!(next, Some(at("2026-11-23T06:00:00Z")));
    }

    #[test]
    fn what_cannot_be_followed_says_why() {
        let problem = |expression: &str| {
            let schedule = Schedule::Cron { expression: expression.to_owned() };
            schedule.slots(&TimeZone::UTC).unwrap_err()
        };
        assert!(matches!(problem("0 6 * *"), ScheduleError::Cron { .. }));
        assert!(matches!(problem("0 25 * * *"), ScheduleError::Cron { .. }));
        assert!(matches!(problem("0 6 * * FUNDAY"), ScheduleError::Cron { .. }));
        assert!(matches!(problem("0 6 31 2 *"), ScheduleError::Never(_)));
        assert!(matches!(problem("*/5 * * * *"), ScheduleError::TooOften(_)));
        assert!(matches!(time_zone("Mars/Olympus"), Err(ScheduleError::Zone(_))));
        let often = Schedule::Every { minutes: 5 };
        assert!(matches!(often.slots(&TimeZone::UTC), Err(ScheduleError::Minutes(5))));
    }

    #[test]
    fn a_leap_day_is_a_slot() {
        let leap = slots("0 0 29 2 *", "UTC");
        let next = leap.after(at("2027-03-01T00:00:00Z"));
        assert_eq!(next, Some(at("2028-02-29T00:00:00Z")));
    }
}
