//! How fast a copy gets on and when it will be done, from percentages seen over time.
//!
//! Azure gives only a percentage: the pace is reckoned from what was seen, and there is none
//! rather than a guessed one.

use jiff::Timestamp;

/// As many changes as the pace is reckoned over: enough to be smooth, few enough to follow.
const MAX_OBSERVATIONS: usize = 30;

/// A copy whose percentage stands still for as long has no pace any more.
const STALLED_AFTER_SECONDS: i64 = 600;

/// The percentages seen of one copy, oldest first; equal ones are seen once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    changes: Vec<(Timestamp, f64)>,
}

/// How fast a copy gets on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Percent of the whole in a minute.
    pub percent_per_minute: f64,
    /// Seconds until it is at 100 %.
    pub eta_seconds: i64,
}

impl Progress {
    /// Takes in that the copy was at `percent` at `at`.
    ///
    /// A smaller percentage than before is another copy under the old name: it starts anew. An
    /// earlier time is a late answer and is passed over.
    pub fn observe(&mut self, at: Timestamp, percent: f64) {
        match self.changes.last() {
            Some((_, last)) if percent < *last => self.changes.clear(),
            Some((seen, last)) if at <= *seen || percent == *last => return,
            Some(_) | None => {}
        }
        self.changes.push((at, percent));
        if self.changes.len() > MAX_OBSERVATIONS {
            self.changes.remove(0);
        }
    }

    /// The pace at `now`; none until the percentage has changed once, or when it stands still.
    pub fn pace(&self, now: Timestamp) -> Option<Pace> {
        let ((first_at, first), (last_at, last)) = (self.changes.first()?, self.changes.last()?);
        let seconds = last_at.duration_since(*first_at).as_secs_f64();
        let idle = now.duration_since(*last_at).as_secs().max(0);
        if seconds <= 0.0 || last <= first || idle >= STALLED_AFTER_SECONDS {
            return None;
        }
        let per_second = (last - first) / seconds;
        let left = (100.0 - last).max(0.0) / per_second;
        // A float to integer cast saturates, so an absurd pace is a very long time.
        let eta_seconds = (left.ceil() as i64).saturating_sub(idle).max(1);
        Some(Pace { percent_per_minute: per_second * 60.0, eta_seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn seen(observations: &[(i64, f64)]) -> Progress {
        let mut progress = Progress::default();
        for (second, percent) in observations {
            progress.observe(at(*second), *percent);
        }
        progress
    }

    #[test]
    fn there_is_no_pace_until_two_percentages_differ() {
        assert_eq!(seen(&[]).pace(at(0)), None);
        assert_eq!(seen(&[(0, 10.0)]).pace(at(60)), None);
        assert_eq!(seen(&[(0, 10.0), (60, 10.0)]).pace(at(60)), None);
    }

    #[test]
    fn reckons_rate_and_time_left() {
        let pace = seen(&[(0, 10.0), (60, 40.0)]).pace(at(60)).unwrap();
        assert_eq!(pace, Pace { percent_per_minute: 30.0, eta_seconds: 120 });
        let later = seen(&[(0, 10.0), (60, 40.0)]).pace(at(90)).unwrap();
        assert_eq!(later.eta_seconds, 90);
    }

    #[test]
    fn a_copy_that_stands_still_has_no_pace() {
        let progress = seen(&[(0, 10.0), (60, 40.0), (120, 40.0)]);
        assert!(progress.pace(at(659)).is_some());
        assert_eq!(progress.pace(at(660)), None);
    }

    #[test]
    fn a_smaller_percentage_starts_anew_and_a_late_answer_is_passed_over() {
        assert_eq!(seen(&[(0, 10.0), (60, 40.0), (120, 5.0)]).pace(at(120)), None);
        let late = seen(&[(0, 10.0), (60, 40.0), (30, 50.0)]);
        assert_eq!(late, seen(&[(0, 10.0), (60, 40.0)]));
    }

    #[test]
    fn remembers_a_bounded_number_of_changes() {
        let many: Vec<(i64, f64)> = (0..100).map(|n| (n, n as f64)).collect();
        assert_eq!(seen(&many).changes.len(), MAX_OBSERVATIONS);
    }
}
