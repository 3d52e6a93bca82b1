//! A policy while it is edited: what the fields hold, which may not be a policy yet.

use leptos::prelude::*;
use shared::{
    Keep, NetworkAccess, Policy, Region, ResourceId, Schedule, Selection, Selector, SnapshotSku,
    Target,
};

use crate::derive::suggest;

/// One signal a field; Copy, so that every part of the form can hold it.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    /// What the fields do not hold: further targets, rules and limits stay as they were.
    base: RwSignal<Policy>,
    pub(super) name: RwSignal<String>,
    pub(super) enabled: RwSignal<bool>,
    pub(super) disks: RwSignal<Vec<ResourceId>>,
    pub(super) every_hours: RwSignal<String>,
    pub(super) group: RwSignal<String>,
    pub(super) sku: RwSignal<String>,
    /// Empty for no copies.
    pub(super) target_region: RwSignal<String>,
    pub(super) target_subscription: RwSignal<String>,
    pub(super) target_group: RwSignal<String>,
    pub(super) target_sku: RwSignal<String>,
    /// Empty for everything.
    pub(super) keep_source: RwSignal<String>,
    pub(super) keep_target: RwSignal<String>,
}

impl Draft {
    /// What a new policy begins with: a snapshot every four hours, of a disk if one is named.
    pub(super) fn new(disk: Option<ResourceId>) -> Self {
        let policy = Policy {
            id: String::new(),
            version: 0,
            name: String::new(),
            enabled: true,
            paused_until: None,
            disks: Selection::of_disks(disk),
            schedule: Schedule::Every { minutes: 240 },
            time_zone: "UTC".to_owned(),
            group: None,
            sku: None,
            network_access: NetworkAccess::DenyAll,
            keep: Keep::last(12),
            rpo_minutes: None,
            targets: vec![],
            stop_loss_gib: None,
            first_copies_gib_per_day: None,
            abandon_after_hours: None,
            rules_before: vec![],
        };
        Self::of(&policy)
    }

    pub(super) fn of(policy: &Policy) -> Self {
        let text = || RwSignal::new(String::new());
        let draft = Self {
            base: RwSignal::new(policy.clone()),
            name: text(),
            enabled: RwSignal::new(false),
            disks: RwSignal::new(vec![]),
            every_hours: text(),
            group: text(),
            sku: text(),
            target_region: text(),
            target_subscription: text(),
            target_group: text(),
            target_sku: text(),
            keep_source: text(),
            keep_target: text(),
        };
        draft.take(policy);
        draft
    }

    /// Fills every field from `policy`.
    pub(super) fn take(&self, policy: &Policy) {
        let sku = |sku: Option<SnapshotSku>| sku.map(|s| s.name().to_owned()).unwrap_or_default();
        let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
        let target = policy.targets.first();
        self.base.set(policy.clone());
        self.name.set(policy.name.clone());
        self.enabled.set(policy.enabled);
        self.disks.set(policy.disks.ids().into_iter().cloned().collect());
        self.every_hours.set(match &policy.schedule {
            Schedule::Every { minutes } => (f64::from(*minutes) / 60.0).to_string(),
            Schedule::Cron { expression } => expression.clone(),
        });
        self.group.set(policy.group.clone().unwrap_or_default());
        self.sku.set(sku(policy.sku));
        self.target_region.set(target.map(|t| t.region.to_string()).unwrap_or_default());
        self.target_subscription
            .set(target.and_then(|t| t.subscription.clone()).unwrap_or_default());
        self.target_group.set(target.and_then(|t| t.group.clone()).unwrap_or_default());
        self.target_sku.set(sku(target.and_then(|t| t.sku)));
        self.keep_source.set(number(policy.keep.last));
        self.keep_target.set(number(target.map_or(Some(30), |target| target.keep.last)));
    }

    /// The policy that the fields make; what is no number becomes one that `problems` names.
    pub(super) fn policy(&self, original: Option<&Policy>, known: &[Policy]) -> Policy {
        let some = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let sku = |name: String| match name.as_str() {
            "" => None,
            name if name == SnapshotSku::StandardZrs.name() => Some(SnapshotSku::StandardZrs),
            _ => Some(SnapshotSku::StandardLrs),
        };
        let number = |text: String| some(text).map(|text| text.parse().unwrap_or(0));
        let name = self.name.get();
        let base = self.base.get();
        let mut targets = base.targets.clone();
        let first = (!targets.is_empty()).then(|| targets.remove(0));
        let target = some(self.target_region.get()).map(|region| Target {
            region: Region::new(&region),
            subscription: some(self.target_subscription.get()),
            group: some(self.target_group.get()),
            sku: sku(self.target_sku.get()),
            encryption_set: first.as_ref().and_then(|target| target.encryption_set.clone()),
            keep: Keep {
                last: number(self.keep_target.get()),
                ..first.as_ref().map(|target| target.keep.clone()).unwrap_or_default()
            },
            rpo_minutes: first.as_ref().and_then(|target| target.rpo_minutes),
            fast: first.as_ref().is_some_and(|target| target.fast),
        });
        let of_rules = |selector: &Selector| !matches!(selector, Selector::Disk { .. });
        let rules = base.disks.include.iter().filter(|s| of_rules(s)).cloned();
        let named = self.disks.get().into_iter().map(|id| Selector::Disk { id });
        Policy {
            id: original.map_or_else(|| suggest::policy_id(&name, known), |o| o.id.clone()),
            version: original.map_or(0, |o| o.version),
            name: name.trim().to_owned(),
            enabled: self.enabled.get(),
            disks: Selection { include: named.chain(rules).collect(), exclude: base.disks.exclude },
            schedule: schedule(&self.every_hours.get()),
            group: some(self.group.get()),
            sku: sku(self.sku.get()),
            keep: Keep { last: number(self.keep_source.get()), ..base.keep },
            targets: target.into_iter().chain(targets).collect(),
            ..base
        }
    }
}

/// Hours, or cron's five fields; what is neither becomes one that `problems` names.
fn schedule(text: &str) -> Schedule {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(hours) => Schedule::Every { minutes: (hours * 60.0).round().max(0.0) as u32 },
        Err(_) if text.is_empty() => Schedule::Every { minutes: 0 },
        Err(_) => Schedule::Cron { expression: text.to_owned() },
    }
}
