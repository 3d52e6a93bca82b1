//! Policies made ready to be asked: their zone, slots and selection.

use std::{collections::BTreeSet, sync::Arc};

use foldhash::HashSet;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Context, Reason};
use crate::model::{Disk, Policy, ResourceId, Selector, Slots};

/// A policy and what is worked out once from it.
pub(super) struct Force<'a> {
    pub(super) policy: &'a Policy,
    /// The policy's id, as reasons share it.
    pub(super) id: Arc<str>,
    /// Enabled, not paused, and with a schedule that can be followed.
    pub(super) is_in_force: bool,
    pub(super) zone: TimeZone,
    /// The slot that is due.
    pub(super) slot: Option<Timestamp>,
    /// The slot after it.
    pub(super) next: Option<Timestamp>,
    /// The longest time between two slots.
    pub(super) gap_seconds: i64,
    ids: HashSet<&'a str>,
    excluded: HashSet<&'a str>,
    rules: Vec<&'a Selector>,
    excluding: Vec<&'a Selector>,
}

/// Every policy, by id.
pub(super) fn forces(policies: &[Policy], now: Timestamp) -> Vec<Force<'_>> {
    let mut policies: Vec<&Policy> = policies.iter().collect();
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    policies.into_iter().map(|policy| Force::of(policy, now)).collect()
}

impl<'a> Force<'a> {
    fn of(policy: &'a Policy, now: Timestamp) -> Self {
        let slots = policy.slots();
        let (ids, rules) = split(&policy.disks.include);
        let (excluded, excluding) = split(&policy.disks.exclude);
        Self {
            policy,
            id: policy.id.as_str().into(),
            is_in_force: policy.is_in_force(now) && slots.is_some(),
            zone: policy.zone(),
            slot: slots.as_ref().and_then(|slots| slots.at_or_before(now)),
            next: slots.as_ref().and_then(|slots| slots.after(now)),
            gap_seconds: slots.as_ref().map_or(0, Slots::longest_gap_seconds),
            ids,
            excluded,
            rules,
            excluding,
        }
    }

    /// Whether it selects `disk`, whatever the disk's age.
    pub(super) fn selects(&self, disk: &Disk) -> bool {
        let is_excluded = self.excluded.contains(disk.id.key())
            || self.excluding.iter().any(|selector| selector.matches(disk));
        !is_excluded
            && (self.ids.contains(disk.id.key())
                || self.rules.iter().any(|selector| selector.matches(disk)))
    }

    /// From when a rule enrols `disk`, if that is still to come.
    pub(super) fn enrols_from(&self, disk: &Disk, context: &Context<'_>) -> Option<Timestamp> {
        if self.ids.contains(disk.id.key()) {
            return None;
        }
        let age = SignedDuration::from_hours(i64::from(context.limits.enrol_after_hours));
        let from = disk.created_at?.checked_add(age).ok()?;
        (from > context.now).then_some(from)
    }

    /// Whether it protects `disk` now.
    pub(super) fn enrols(&self, disk: &Disk, context: &Context<'_>) -> bool {
        self.selects(disk) && self.enrols_from(disk, context).is_none()
    }

    /// The disks that it names by id.
    pub(super) fn named(&self) -> BTreeSet<&'a ResourceId> {
        self.policy.disks.ids()
    }

    /// How old the newest point of a side may become.
    pub(super) fn rpo_seconds(&self, minutes: Option<u32>) -> i64 {
        minutes.map_or(2 * self.gap_seconds, |minutes| i64::from(minutes) * 60)
    }

    /// The reason why it does not speak at all.
    pub(super) fn silence(&self, now: Timestamp) -> Option<Reason> {
        let policy = self.policy.id.clone();
        match self.policy.paused_until.filter(|until| *until > now) {
            _ if !self.policy.enabled => Some(Reason::PolicyDisabled { policy }),
            Some(until) => Some(Reason::PolicyPaused { policy, until }),
            None if !self.is_in_force => Some(Reason::PolicyMissing { policy }),
            None => None,
        }
    }
}

fn split(selectors: &[Selector]) -> (HashSet<&str>, Vec<&Selector>) {
    let id = |selector: &'_ Selector| matches!(selector, Selector::Disk { .. });
    let ids = selectors
        .iter()
        .filter_map(|selector| match selector {
            Selector::Disk { id } => Some(id.key()),
            Selector::Group { .. } | Selector::Subscription { .. } | Selector::Tag { .. } => None,
        })
        .collect();
    (ids, selectors.iter().filter(|selector| !id(selector)).collect())
}
