//! What a simulation tells: counts, the last events, and the rule that was broken.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::Timestamp;

/// Events that are kept for the one who looks for the reason of a failure.
const KEPT: usize = 20_000;

/// A rule that did not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule's name.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
    /// The number of the event.
    pub event: u64,
    /// The simulated time.
    pub at: Timestamp,
}

/// What one seed did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Events.
    pub events: u64,
    /// Ticks that ran.
    pub ticks: u64,
    /// Calls to Azure.
    pub calls: u64,
    /// Points that were made, and that were deleted by us.
    pub made: u64,
    /// Points that were deleted by us.
    pub deleted: u64,
    /// Times that promises of copies and snapshots were looked at in calm weather.
    pub promises: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The first rule that did not hold.
    pub violation: Option<Violation>,
    /// The last events, the newest last.
    pub last: VecDeque<String>,
    /// What all calls and answers come to: equal for equal runs.
    pub fingerprint: u64,
}

impl Report {
    pub(crate) fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Notes an event.
    pub(crate) fn note(&mut self, at: Timestamp, what: String) {
        self.events += 1;
        self.mix(&what);
        if self.last.len() >= KEPT {
            self.last.pop_front();
        }
        self.last.push_back(format!("{:>6} {at:.0} {what}", self.events));
    }

    /// Takes something into the fingerprint.
    pub(crate) fn mix(&mut self, what: impl Hash) {
        let mut hasher = DefaultHasher::new();
        (self.fingerprint, what).hash(&mut hasher);
        self.fingerprint = hasher.finish();
    }

    /// Notes the first rule that does not hold.
    pub(crate) fn violate(&mut self, at: Timestamp, rule: &'static str, what: String) {
        if self.violation.is_none() {
            self.note(at, format!("!! {rule}: {what}"));
            self.violation = Some(Violation { rule, what, event: self.events, at });
        }
    }
}
