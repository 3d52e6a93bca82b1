//! Keep rules, and which points of a side they keep: restic's `forget`, by point time.
//!
//! Each rule walks the points from the newest. `last` counts points; `hourly` to `yearly` count
//! periods of which there is a point, and keep the newest point of each; a rule that has not used
//! up its number keeps the oldest point, too, so that a young chain keeps its beginning. `within`
//! is reckoned from the newest point, not from now: a chain that stands still is not eaten up.
//! (restic's documentation, «Removing snapshots according to a policy»; `ApplyPolicy`.)

use jiff::{SignedDuration, Timestamp, civil::ISOWeekDate, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// What one side keeps. All empty keeps everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The last n points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// Every point of the last n hours before the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_hours: Option<u32>,
    /// The newest point of each of the last n hours that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly: Option<u32>,
    /// The same by days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<u32>,
    /// The same by ISO weeks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<u32>,
    /// The same by months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<u32>,
    /// The same by years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly: Option<u32>,
}

/// The name of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeepRule {
    /// `last`
    Last,
    /// `within_hours`
    Within,
    /// `hourly`
    Hourly,
    /// `daily`
    Daily,
    /// `weekly`
    Weekly,
    /// `monthly`
    Monthly,
    /// `yearly`
    Yearly,
}

impl KeepRule {
    /// The rule's unit, for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Within => "hours",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }

    /// The period that `at` is in; two points of one period have one number.
    fn period(self, at: Timestamp, zone: &TimeZone) -> i64 {
        let local = at.to_zoned(zone.clone());
        let date = local.date();
        let month = i64::from(date.year()) * 100 + i64::from(date.month());
        match self {
            Self::Last | Self::Within => at.as_second(),
            // The repeated hour of a change of clocks is one period, as in restic.
            Self::Hourly => (month * 100 + i64::from(date.day())) * 100 + i64::from(local.hour()),
            Self::Daily => month * 100 + i64::from(date.day()),
            Self::Weekly => {
                let week = ISOWeekDate::from(date);
                i64::from(week.year()) * 100 + i64::from(week.week())
            }
            Self::Monthly => month,
            Self::Yearly => i64::from(date.year()),
        }
    }
}

/// That a rule keeps a point: the point is number `place` of the `of` that the rule keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeptBy {
    /// The rule.
    pub rule: KeepRule,
    /// From 1, the newest first; for `within` 0.
    pub place: u32,
    /// The rule's number.
    pub of: u32,
}

impl Keep {
    /// The last `n` points.
    pub fn last(n: u32) -> Self {
        Self { last: Some(n), ..Self::default() }
    }

    /// Whether it keeps everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The rules that are set, with their numbers.
    pub fn rules(&self) -> impl Iterator<Item = (KeepRule, u32)> + use<> {
        [
            (KeepRule::Last, self.last),
            (KeepRule::Within, self.within_hours),
            (KeepRule::Hourly, self.hourly),
            (KeepRule::Daily, self.daily),
            (KeepRule::Weekly, self.weekly),
            (KeepRule::Monthly, self.monthly),
            (KeepRule::Yearly, self.yearly),
        ]
        .into_iter()
        .filter_map(|(rule, n)| Some((rule, n?)))
    }

    /// Which rules keep each of `times`, which go from the newest to the oldest.
    ///
    /// An answer without rules is a point that goes. Nothing may be asked of an empty `Keep`,
    /// which keeps all without a rule.
    pub fn kept(&self, times: &[Timestamp], zone: &TimeZone) -> Vec<Vec<KeptBy>> {
        let mut kept: Vec<Vec<KeptBy>> = times.iter().map(|_| vec![]).collect();
        self.walk(times, zone, |nth, by| {
            if let Some(rules) = kept.get_mut(nth) {
                rules.push(by);
            }
        });
        kept
    }

    /// Tells `keeps` of each point, by its place in `times`, and each rule that keeps it.
    pub fn walk(&self, times: &[Timestamp], zone: &TimeZone, mut keeps: impl FnMut(usize, KeptBy)) {
        let Some(newest) = times.first() else { return };
        for (rule, of) in self.rules() {
            if rule == KeepRule::Within {
                let span = SignedDuration::from_hours(i64::from(of));
                for (nth, at) in times.iter().enumerate() {
                    if newest.duration_since(*at) <= span {
                        keeps(nth, KeptBy { rule, place: 0, of });
                    }
                }
                continue;
            }
            let mut place = 0;
            let mut last = None;
            for (nth, at) in times.iter().enumerate() {
                if place >= of {
                    break;
                }
                let period = rule.period(*at, zone);
                let is_oldest = nth + 1 == times.len();
                if rule == KeepRule::Last || last != Some(period) || is_oldest {
                    place += 1;
                    last = Some(period);
                    keeps(nth, KeptBy { rule, place, of });
                }
            }
        }
    }
}
