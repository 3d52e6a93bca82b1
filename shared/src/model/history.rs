//! What past runs taught, folded to what a plan needs and Azure itself does not tell.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Outcome, ResourceId, Run, Side, StepOutcome};
use crate::{
    plan::{Cause, Effect, Reason},
    tags,
};

/// How long what a run deleted, was refused or gave up is remembered.
const MEMORY: SignedDuration = SignedDuration::from_hours(40 * 24);

/// What Azure answers where another copy stands in the way (compute-snapshots §3.4).
const CONFLICT: &str = "OperationNotAllowed";

/// A bounded fold of stored runs.
///
/// It grows with the estate (a line for each disk and target that has ever had a full copy), not
/// with the number of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Whether the stored runs could be read. If not: no deletes and no full copies.
    pub readable: bool,
    /// The points that earlier runs deleted, by the key of their id.
    #[serde(default)]
    pub deleted: BTreeMap<String, Gone>,
    /// The sides that a full copy of a disk has been sent to, by the disk's unique id.
    #[serde(default)]
    pub seeded: BTreeMap<String, BTreeSet<Side>>,
    /// The copy that was sent whole to a side last, by the disk's unique id and the side: its key.
    #[serde(default)]
    pub whole: BTreeMap<String, BTreeMap<String, String>>,
    /// What copies of a policy may have moved, by policy and day of UTC.
    #[serde(default)]
    pub spent: BTreeMap<String, BTreeMap<Date, Spent>>,
    /// What Azure refused for reasons that last, by the key of the step's resource.
    #[serde(default)]
    pub refused: BTreeMap<String, Refused>,
    /// Copies that Azure did not begin as others stood in their way, by the key of their id, and when.
    #[serde(default)]
    pub declined: BTreeMap<String, Timestamp>,
    /// When copies to a side were given up, by the disk's unique id.
    #[serde(default)]
    pub abandoned: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// The policy versions whose shorter retention a person approved.
    #[serde(default)]
    pub accepted: BTreeMap<String, u32>,
    /// The slot of the last snapshot that a policy had made, by the disk's unique id.
    #[serde(default)]
    pub slots: BTreeMap<String, Timestamp>,
    /// Points that may be missed, by unique id, and when a person said so.
    #[serde(default)]
    pub acknowledged: BTreeMap<String, Timestamp>,
}

/// A point that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Its unique id.
    pub unique_id: String,
    /// When.
    pub at: Timestamp,
}

/// What copies may have moved: upper bounds, as Azure tells no delta's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// First, full copies.
    pub first_bytes: u64,
    /// Later ones.
    pub delta_bytes: u64,
}

/// Something that Azure refuses for a reason that does not pass by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Azure's code.
    pub code: String,
    /// When it last said so.
    pub at: Timestamp,
}

impl History {
    /// A readable history of nothing.
    pub fn none() -> Self {
        Self { readable: true, ..Self::default() }
    }

    /// A history of which nothing is known.
    pub fn unreadable() -> Self {
        Self::default()
    }

    /// Whether an earlier run deleted this point.
    pub fn deleted(&self, id: &ResourceId) -> bool {
        self.deleted.contains_key(id.key())
    }

    /// Whether a full copy of the disk has been sent to `side`.
    pub fn seeded(&self, disk_unique_id: &str, side: &Side) -> bool {
        self.seeded.get(disk_unique_id).is_some_and(|sides| sides.contains(side))
    }

    /// Whether `copy` is the one that was sent whole to its side: should it fail, it is started anew
    /// once, which counts as the same copy.
    pub fn is_whole(&self, disk_unique_id: &str, side: &Side, copy: &ResourceId) -> bool {
        let sides = self.whole.get(disk_unique_id);
        sides.and_then(|sides| sides.get(&side.to_string())).is_some_and(|key| key == copy.key())
    }

    /// Whether policies had a snapshot of the disk made for `slot` or for a later one before `now`.
    ///
    /// One of a slot to come was made while a clock was wrong, and says nothing.
    pub fn took(&self, disk_unique_id: &str, slot: Timestamp, now: Timestamp) -> bool {
        self.slots.get(disk_unique_id).is_some_and(|last| (slot..=now).contains(last))
    }

    /// When a copy of the disk to `side` was last given up.
    pub fn abandoned(&self, disk_unique_id: &str, side: &Side) -> Option<Timestamp> {
        self.abandoned.get(disk_unique_id)?.get(&side.to_string()).copied()
    }

    /// Adds a run. Runs are added in the order of the chain.
    pub fn fold(&mut self, run: &Run) {
        for outcome in &run.steps {
            match &outcome.outcome {
                Outcome::Done | Outcome::Accepted => self.fold_done(outcome, run.now),
                Outcome::Blocked { code, .. } => {
                    let refused = Refused { code: code.clone(), at: run.now };
                    self.refused.insert(outcome.step.effect.id().key().to_owned(), refused);
                }
                Outcome::Failed { code, .. } => {
                    self.fold_failed(&outcome.step.effect, code, run.now)
                }
                Outcome::Skipped { .. } => {}
            }
        }
        for reason in run.decisions.iter().flat_map(|decision| &decision.reasons) {
            self.fold_reason(reason, run.now);
        }
        self.forget(run.now);
    }

    /// Some decisions are themselves what later runs have to know.
    fn fold_reason(&mut self, reason: &Reason, now: Timestamp) {
        if let Reason::Approved { policies, .. } = reason {
            for (policy, version) in policies {
                let accepted = self.accepted.entry(policy.clone()).or_default();
                *accepted = (*accepted).max(*version);
            }
        } else if let Reason::CopiesSeen { disk_unique_id, sides } = reason {
            let seeded = self.seeded.entry(disk_unique_id.clone()).or_default();
            seeded.extend(sides.iter().cloned());
        } else if let Reason::SlotSeen { disk_unique_id, slot } = reason {
            self.slots.insert(disk_unique_id.clone(), *slot);
        } else if let Reason::Acknowledged { points } = reason {
            self.acknowledged.extend(points.iter().map(|point| (point.clone(), now)));
        }
    }

    fn fold_failed(&mut self, effect: &Effect, code: &str, now: Timestamp) {
        if matches!(effect, Effect::StartCopy { .. }) && code == CONFLICT {
            self.declined.insert(effect.id().key().to_owned(), now);
        }
    }

    fn fold_done(&mut self, outcome: &StepOutcome, now: Timestamp) {
        self.refused.remove(outcome.step.effect.id().key());
        self.declined.remove(outcome.step.effect.id().key());
        match &outcome.step.effect {
            Effect::DeletePoint { id, unique_id } => {
                let gone = Gone { unique_id: unique_id.clone(), at: now };
                self.deleted.insert(id.key().to_owned(), gone);
            }
            Effect::AbandonCopy { id, unique_id, disk_unique_id, region } => {
                let gone = Gone { unique_id: unique_id.clone(), at: now };
                self.deleted.insert(id.key().to_owned(), gone);
                let side = Side::of(id, region).to_string();
                self.abandoned.entry(disk_unique_id.clone()).or_default().insert(side, now);
            }
            Effect::StartCopy { id, region, disk_unique_id, first, bytes, .. } => {
                let sides = self.seeded.entry(disk_unique_id.clone()).or_default();
                sides.insert(Side::of(id, region));
                if *first {
                    let sides = self.whole.entry(disk_unique_id.clone()).or_default();
                    sides.insert(Side::of(id, region).to_string(), id.key().to_owned());
                }
                if let Cause::Policy { id: policy, .. } = &outcome.step.cause {
                    let day = now.to_zoned(TimeZone::UTC).date();
                    let days = self.spent.entry(policy.clone()).or_default();
                    let spent = days.entry(day).or_default();
                    let sum = if *first { &mut spent.first_bytes } else { &mut spent.delta_bytes };
                    *sum = sum.saturating_add(*bytes);
                }
            }
            Effect::CreateSnapshot { tags, .. } => {
                let disk = tags::read(tags, tags::DISK);
                if let (Some(disk), Some(slot)) = (disk, tags::read_time(tags, tags::SLOT)) {
                    self.slots.insert(disk.to_owned(), slot);
                }
            }
            Effect::CreateDisk { .. }
            | Effect::MarkPoint { .. }
            | Effect::UnmarkPoint { .. }
            | Effect::PinPoint { .. }
            | Effect::AdoptPoint { .. } => {}
        }
    }

    fn forget(&mut self, now: Timestamp) {
        let Ok(since) = now.checked_sub(MEMORY) else { return };
        self.deleted.retain(|_, gone| gone.at >= since);
        self.refused.retain(|_, refused| refused.at >= since);
        self.declined.retain(|_, at| *at >= since);
        self.slots.retain(|_, slot| *slot >= since);
        // Once acknowledged, a point is in no later inventory's list of the missed.
        self.acknowledged.retain(|_, at| *at >= since);
        for sides in self.abandoned.values_mut() {
            sides.retain(|_, at| *at >= since);
        }
        self.abandoned.retain(|_, sides| !sides.is_empty());
        let day = since.to_zoned(TimeZone::UTC).date();
        for days in self.spent.values_mut() {
            days.retain(|at, _| *at >= day);
        }
        self.spent.retain(|_, days| !days.is_empty());
    }
}
