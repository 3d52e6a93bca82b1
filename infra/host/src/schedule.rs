//! NCRONTAB as the timer trigger reads it (functions-host §5.1): six fields, in UTC.
//!
//! Written by hand because cron crates disagree with it: ranges swap rather than wrap, Sunday is
//! only 0, both day fields must match, names may be any prefix. `TimeSpan` schedules and five
//! fields are refused, since they do not work on every plan.

use anyhow::{Result, bail};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The Gregorian calendar's weekdays repeat after 28 years, or 40 across a skipped leap year.
const SEARCH_DAYS: u32 = 366 * 41;

/// When a timer is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

impl Schedule {
    /// Reads six fields, or fails with the host's own text.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match Self::fields(text) {
            Some(schedule) => Ok(schedule),
            None => bail!(
                "The schedule expression '{text}' was not recognized as a valid cron expression or timespan string."
            ),
        }
    }

    fn fields(text: &str) -> Option<Self> {
        // The host splits on spaces only: a tab is part of a field and spoils it.
        let mut fields = text.split(' ').filter(|field| !field.is_empty());
        let schedule = Self {
            seconds: field(fields.next()?, 0, 59, &[])?,
            minutes: field(fields.next()?, 0, 59, &[])?,
            hours: field(fields.next()?, 0, 23, &[])?,
            days: field(fields.next()?, 1, 31, &[])?,
            months: field(fields.next()?, 1, 12, &MONTHS)?,
            weekdays: field(fields.next()?, 0, 6, &WEEKDAYS)?,
        };
        fields.next().is_none().then_some(schedule)
    }

    /// Finds the first due time strictly after `base`, or none if the schedule never fires.
    pub(crate) fn next_after(&self, base: Timestamp) -> Option<Timestamp> {
        let whole = Timestamp::from_second(base.as_second().checked_add(1)?).ok()?;
        let start = whole.to_zoned(TimeZone::UTC).datetime();
        let (mut date, mut from) = (start.date(), start.time());
        for _ in 0..SEARCH_DAYS {
            if self.has_date(date)
                && let Some(time) = self.time_from(from)
            {
                let due = DateTime::from_parts(date, time);
                return due.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
            }
            date = date.tomorrow().ok()?;
            from = Time::midnight();
        }
        None
    }

    /// Tells whether it fires more than once a minute, which turns monitoring off (§6.1).
    pub(crate) fn is_frequent(&self, from: Timestamp) -> bool {
        let mut last = self.next_after(from);
        for _ in 0..5 {
            let Some(at) = last else { return false };
            let next = self.next_after(at);
            if next.is_some_and(|next| next.as_second() - at.as_second() < 60) {
                return true;
            }
            last = next;
        }
        false
    }

    fn has_date(&self, date: Date) -> bool {
        has(self.days, date.day())
            && has(self.months, date.month())
            && has(self.weekdays, date.weekday().to_sunday_zero_offset())
    }

    fn time_from(&self, from: Time) -> Option<Time> {
        for hour in from.hour()..24 {
            if !has(self.hours, hour) {
                continue;
            }
            let same_hour = hour == from.hour();
            for minute in if same_hour { from.minute() } else { 0 }..60 {
                if !has(self.minutes, minute) {
                    continue;
                }
                let same_minute = same_hour && minute == from.minute();
                let first = if same_minute { from.second() } else { 0 };
                if let Some(second) = (first..60).find(|second| has(self.seconds, *second)) {
                    return Time::new(hour, minute, second, 0).ok();
                }
            }
        }
        None
    }
}

fn has(set: u64, value: i8) -> bool {
    set & (1 << value) != 0
}

/// Reads a comma-separated field into the set of its values.
fn field(text: &str, min: u32, max: u32, names: &[&str]) -> Option<u64> {
    text.split(',').try_fold(0, |set, part| Some(set | range(part, min, max, names)?))
}

fn range(text: &str, min: u32, max: u32, names: &[&str]) -> Option<u64> {
    let (span, step) = match text.split_once('/') {
        Some((span, step)) => (span, Some(step.parse::<i32>().ok()?)),
        None => (text, None),
    };
    let (first, last) = if span == "*" {
        (min, max)
    } else if let Some((first, last)) = span.split_once('-') {
        let (first, last) = (value(first, min, max, names)?, value(last, min, max, names)?);
        // The host swaps a backward range; it does not wrap around.
        (first.min(last), first.max(last))
    } else {
        let first = value(span, min, max, names)?;
        (first, if step.is_some() { max } else { first })
    };
    let step = usize::try_from(step.unwrap_or(1).max(1)).ok()?;
    Some((first..=last).step_by(step).fold(0, |set, value| set | (1 << value)))
}

fn value(text: &str, min: u32, max: u32, names: &[&str]) -> Option<u32> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return text.parse().ok().filter(|value| (min..=max).contains(value));
    }
    if text.is_empty() {
        return None;
    }
    let named = names.iter().position(|name| {
        name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text))
    })?;
    Some(min + u32::try_from(named).ok()?)
}

#[cfg(test)]
mod tests;
