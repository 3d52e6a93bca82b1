//! A policy while it is edited: what the fields hold, which may not be a policy yet.

use leptos::prelude::*;
use shared::{Policy, Region, ResourceId, SnapshotSku, Target};

use crate::derive::suggest;

/// One signal a field; Copy, so that every part of the form can hold it.
#[derive(Clone, Copy)]
pub(super) struct Draft {
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
            disks: disk.into_iter().collect(),
            every_hours: 4,
            group: None,
            sku: None,
            target: None,
            keep_source: Some(12),
            keep_target: Some(30),
        };
        Self::of(&policy)
    }

    pub(super) fn of(policy: &Policy) -> Self {
        let text = || RwSignal::new(String::new());
        let draft = Self {
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
        let target = policy.target.as_ref();
        self.name.set(policy.name.clone());
        self.enabled.set(policy.enabled);
        self.disks.set(policy.disks.clone());
        self.every_hours.set(policy.every_hours.to_string());
        self.group.set(policy.group.clone().unwrap_or_default());
        self.sku.set(sku(policy.sku));
        self.target_region.set(target.map(|t| t.region.to_string()).unwrap_or_default());
        self.target_subscription
            .set(target.and_then(|t| t.subscription.clone()).unwrap_or_default());
        self.target_group.set(target.and_then(|t| t.group.clone()).unwrap_or_default());
        self.target_sku.set(sku(target.and_then(|t| t.sku)));
        self.keep_source.set(number(policy.keep_source));
        self.keep_target.set(number(policy.keep_target));
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
        let target = some(self.target_region.get()).map(|region| Target {
            region: Region::new(&region),
            subscription: some(self.target_subscription.get()),
            group: some(self.target_group.get()),
            sku: sku(self.target_sku.get()),
        });
        Policy {
            id: original.map_or_else(|| suggest::policy_id(&name, known), |o| o.id.clone()),
            version: original.map_or(0, |o| o.version),
            name: name.trim().to_owned(),
            enabled: self.enabled.get(),
            disks: self.disks.get(),
            every_hours: self.every_hours.get().trim().parse().unwrap_or(0),
            group: some(self.group.get()),
            sku: sku(self.sku.get()),
            keep_source: number(self.keep_source.get()),
            // A number without a target would say nothing.
            keep_target: target.as_ref().and_then(|_| number(self.keep_target.get())),
            target,
        }
    }
}
