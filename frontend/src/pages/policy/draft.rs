//! A policy while it is edited: what the fields hold, which may not be a policy yet.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{Timestamp, tz::TimeZone};
use leptos::prelude::*;
use shared::{
    Keep, NetworkAccess, Policy, Region, ResourceId, Schedule, Selection, Selector, SnapshotSku,
    Target,
};

use super::rules::RuleDraft;
use crate::{derive::suggest, forms};

/// The schedule's choice for an interval that is none of the presets.
pub(super) const OTHER: &str = "other";
/// The schedule's choice for cron.
pub(super) const CRON: &str = "cron";
/// The intervals that are offered, in minutes.
pub(super) const PRESETS: [u32; 9] = [15, 30, 60, 120, 240, 360, 720, 1440, 10_080];

/// One signal a field; Copy, so that every part of the form can hold it.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    /// What the fields do not hold stays as it was.
    base: RwSignal<Policy>,
    pub(super) name: RwSignal<String>,
    pub(super) enabled: RwSignal<bool>,
    /// `2026-12-01T06:00` in UTC; empty for not paused.
    pub(super) paused_until: RwSignal<String>,
    pub(super) disks: RwSignal<Vec<ResourceId>>,
    pub(super) include: RwSignal<Vec<RuleDraft>>,
    pub(super) exclude: RwSignal<Vec<RuleDraft>>,
    /// Minutes of a preset, [`OTHER`] or [`CRON`].
    pub(super) every: RwSignal<String>,
    pub(super) minutes: RwSignal<String>,
    pub(super) cron: RwSignal<String>,
    pub(super) time_zone: RwSignal<String>,
    pub(super) group: RwSignal<String>,
    pub(super) sku: RwSignal<String>,
    pub(super) network_access: RwSignal<String>,
    pub(super) keep: KeepDraft,
    pub(super) rpo_minutes: RwSignal<String>,
    pub(super) targets: RwSignal<Vec<TargetDraft>>,
    pub(super) stop_loss_gib: RwSignal<String>,
    pub(super) first_copies_gib_per_day: RwSignal<String>,
    pub(super) abandon_after_hours: RwSignal<String>,
}

/// A target's fields.
#[derive(Clone, Copy)]
pub(super) struct TargetDraft {
    /// Tells it from the others, whatever its place.
    pub(super) key: u32,
    pub(super) region: RwSignal<String>,
    pub(super) subscription: RwSignal<String>,
    pub(super) group: RwSignal<String>,
    pub(super) sku: RwSignal<String>,
    pub(super) encryption_set: RwSignal<String>,
    pub(super) keep: KeepDraft,
    pub(super) rpo_minutes: RwSignal<String>,
    pub(super) fast: RwSignal<bool>,
}

/// The keep rules of one side; each empty for no such rule.
#[derive(Clone, Copy)]
pub(super) struct KeepDraft {
    pub(super) last: RwSignal<String>,
    pub(super) within_hours: RwSignal<String>,
    pub(super) hourly: RwSignal<String>,
    pub(super) daily: RwSignal<String>,
    pub(super) weekly: RwSignal<String>,
    pub(super) monthly: RwSignal<String>,
    pub(super) yearly: RwSignal<String>,
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
            paused_until: text(),
            disks: RwSignal::new(vec![]),
            include: RwSignal::new(vec![]),
            exclude: RwSignal::new(vec![]),
            every: text(),
            minutes: text(),
            cron: text(),
            time_zone: text(),
            group: text(),
            sku: text(),
            network_access: text(),
            keep: KeepDraft::of(&Keep::default()),
            rpo_minutes: text(),
            targets: RwSignal::new(vec![]),
            stop_loss_gib: text(),
            first_copies_gib_per_day: text(),
            abandon_after_hours: text(),
        };
        draft.take(policy);
        draft
    }

    /// Fills every field from `policy`.
    pub(super) fn take(&self, policy: &Policy) {
        self.base.set(policy.clone());
        self.name.set(policy.name.clone());
        self.enabled.set(policy.enabled);
        self.paused_until.set(policy.paused_until.map(moment).unwrap_or_default());
        self.disks.set(policy.disks.ids().into_iter().cloned().collect());
        let by_rule = |selector: &&Selector| !matches!(selector, Selector::Disk { .. });
        self.include.set(policy.disks.include.iter().filter(by_rule).map(RuleDraft::of).collect());
        self.exclude.set(policy.disks.exclude.iter().map(RuleDraft::of).collect());
        match &policy.schedule {
            Schedule::Every { minutes } => {
                let preset = PRESETS.contains(minutes);
                self.every.set(if preset { minutes.to_string() } else { OTHER.to_owned() });
                self.minutes.set(minutes.to_string());
                self.cron.set("0 6 * * *".to_owned());
            }
            Schedule::Cron { expression } => {
                self.every.set(CRON.to_owned());
                self.minutes.set("90".to_owned());
                self.cron.set(expression.clone());
            }
        }
        self.time_zone.set(policy.time_zone.clone());
        self.group.set(policy.group.clone().unwrap_or_default());
        self.sku.set(sku_name(policy.sku));
        self.network_access.set(policy.network_access.name().to_owned());
        self.keep.take(&policy.keep);
        self.rpo_minutes.set(digits(policy.rpo_minutes));
        self.targets.set(policy.targets.iter().map(TargetDraft::of).collect());
        self.stop_loss_gib.set(digits(policy.stop_loss_gib));
        self.first_copies_gib_per_day.set(digits(policy.first_copies_gib_per_day));
        self.abandon_after_hours.set(digits(policy.abandon_after_hours));
    }

    /// The policy that the fields make; what is no number becomes one that `problems` names.
    pub(super) fn policy(&self, original: Option<&Policy>, known: &[Policy]) -> Policy {
        let base = self.base.get();
        let name = self.name.get();
        let named = self.disks.get().into_iter().map(|id| Selector::Disk { id });
        let rules = self.include.get().into_iter().filter_map(|rule| rule.selector());
        let include = in_the_order_of(&base.disks.include, named.chain(rules).collect());
        let exclude = self.exclude.get().into_iter().filter_map(|rule| rule.selector()).collect();
        let minutes = |text: String| Schedule::Every { minutes: number(&text).unwrap_or(0) };
        let schedule = match self.every.get().as_str() {
            CRON => Schedule::Cron { expression: self.cron.get().trim().to_owned() },
            OTHER => minutes(self.minutes.get()),
            preset => minutes(preset.to_owned()),
        };
        Policy {
            id: original.map_or_else(|| suggest::policy_id(&name, known), |o| o.id.clone()),
            version: original.map_or(0, |o| o.version),
            name: name.trim().to_owned(),
            enabled: self.enabled.get(),
            paused_until: until(&self.paused_until.get(), base.paused_until),
            disks: Selection { include, exclude },
            schedule,
            time_zone: self.time_zone.get().trim().to_owned(),
            group: some(self.group.get()),
            sku: sku(&self.sku.get()),
            network_access: forms::access(&self.network_access.get()),
            keep: self.keep.keep(),
            rpo_minutes: number(&self.rpo_minutes.get()),
            targets: self.targets.get().iter().map(TargetDraft::target).collect(),
            stop_loss_gib: number(&self.stop_loss_gib.get()),
            first_copies_gib_per_day: number(&self.first_copies_gib_per_day.get()),
            abandon_after_hours: number(&self.abandon_after_hours.get()),
            rules_before: original.map(|o| o.rules_before.clone()).unwrap_or_default(),
        }
    }
}

impl TargetDraft {
    pub(super) fn of(target: &Target) -> Self {
        Self {
            key: next_key(),
            region: RwSignal::new(target.region.to_string()),
            subscription: RwSignal::new(target.subscription.clone().unwrap_or_default()),
            group: RwSignal::new(target.group.clone().unwrap_or_default()),
            sku: RwSignal::new(sku_name(target.sku)),
            encryption_set: RwSignal::new(target.encryption_set.clone().unwrap_or_default()),
            keep: KeepDraft::of(&target.keep),
            rpo_minutes: RwSignal::new(digits(target.rpo_minutes)),
            fast: RwSignal::new(target.fast),
        }
    }

    /// A target in `region` that keeps the last thirty.
    pub(super) fn new(region: &str) -> Self {
        Self::of(&Target {
            region: Region::new(region),
            subscription: None,
            group: None,
            sku: None,
            encryption_set: None,
            keep: Keep::last(30),
            rpo_minutes: None,
            fast: false,
        })
    }

    fn target(&self) -> Target {
        Target {
            region: Region::new(&self.region.get()),
            subscription: some(self.subscription.get()),
            group: some(self.group.get()),
            sku: sku(&self.sku.get()),
            encryption_set: some(self.encryption_set.get()),
            keep: self.keep.keep(),
            rpo_minutes: number(&self.rpo_minutes.get()),
            fast: self.fast.get(),
        }
    }

    /// Whether something is set that the folded part holds.
    pub(super) fn is_special(&self) -> bool {
        let texts = [self.sku, self.encryption_set, self.rpo_minutes];
        self.fast.get_untracked() || texts.iter().any(|text| !text.with_untracked(String::is_empty))
    }
}

impl KeepDraft {
    fn of(keep: &Keep) -> Self {
        let text = || RwSignal::new(String::new());
        let draft = Self {
            last: text(),
            within_hours: text(),
            hourly: text(),
            daily: text(),
            weekly: text(),
            monthly: text(),
            yearly: text(),
        };
        draft.take(keep);
        draft
    }

    fn take(&self, keep: &Keep) {
        self.last.set(digits(keep.last));
        self.within_hours.set(digits(keep.within_hours));
        self.hourly.set(digits(keep.hourly));
        self.daily.set(digits(keep.daily));
        self.weekly.set(digits(keep.weekly));
        self.monthly.set(digits(keep.monthly));
        self.yearly.set(digits(keep.yearly));
    }

    fn keep(&self) -> Keep {
        Keep {
            last: number(&self.last.get()),
            within_hours: number(&self.within_hours.get()),
            hourly: number(&self.hourly.get()),
            daily: number(&self.daily.get()),
            weekly: number(&self.weekly.get()),
            monthly: number(&self.monthly.get()),
            yearly: number(&self.yearly.get()),
        }
    }

    /// Whether a rule is set beside the last n.
    pub(super) fn has_more(&self) -> bool {
        let more =
            [self.within_hours, self.hourly, self.daily, self.weekly, self.monthly, self.yearly];
        more.iter().any(|text| !text.with_untracked(String::is_empty))
    }
}

/// A number for rows, so that what somebody types stays with its row when another one goes.
pub(super) fn next_key() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(super) fn some(text: String) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn digits(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// None for an empty text; 0, which no field allows, for what is no number.
fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    (!text.is_empty()).then(|| {
        let number: u64 = text.parse().unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    })
}

fn sku_name(sku: Option<SnapshotSku>) -> String {
    sku.map(|sku| sku.name().to_owned()).unwrap_or_default()
}

fn sku(name: &str) -> Option<SnapshotSku> {
    [SnapshotSku::StandardLrs, SnapshotSku::StandardZrs].into_iter().find(|sku| sku.name() == name)
}

/// What a `datetime-local` field shows.
fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// What it says; the seconds of `was`, which it does not show, stay.
fn until(text: &str, was: Option<Timestamp>) -> Option<Timestamp> {
    was.filter(|at| moment(*at) == text).or_else(|| format!("{text}:00Z").parse().ok())
}

/// The selectors in the order in which they were saved, so that only a change is one.
fn in_the_order_of(saved: &[Selector], mut selectors: Vec<Selector>) -> Vec<Selector> {
    let place = |selector: &Selector| {
        saved.iter().position(|known| known == selector).unwrap_or(saved.len())
    };
    selectors.sort_by_key(place);
    selectors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_empty_or_itself_and_nonsense_is_what_no_field_allows() {
        let read = ["", " 7 ", "seven", "-1", "99999999999"].map(number);
        assert_eq!(read, [None, Some(7), Some(0), Some(0), Some(u32::MAX)]);
    }

    #[test]
    fn a_pause_keeps_the_seconds_that_its_field_does_not_show() {
        let was: Timestamp = "2026-12-01T06:00:30Z".parse().unwrap();
        assert_eq!(until("2026-12-01T06:00", Some(was)), Some(was));
        assert_eq!(until("2026-12-01T07:00", Some(was)), "2026-12-01T07:00:00Z".parse().ok());
        assert_eq!(until("", Some(was)), None);
    }

    #[test]
    fn an_unchanged_policy_stays_as_it_was() {
        let text = r#"{"id": "gold", "version": 3, "name": "Gold", "enabled": true,
            "paused_until": "2026-12-01T06:00:30Z", "time_zone": "Europe/Berlin",
            "disks": {"include": [{"kind": "tag", "name": "backup", "value": "gold"},
                {"kind": "disk", "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/b"},
                {"kind": "subscription", "subscription": "s"},
                {"kind": "group", "subscription": "s", "group": "g"}],
              "exclude": [{"kind": "tag", "name": "scratch"},
                {"kind": "disk", "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/c"}]},
            "schedule": {"kind": "cron", "expression": "30 2 * * *"},
            "group": "snapshots", "sku": "Standard_ZRS", "network_access": "AllowAll",
            "keep": {"last": 3, "within_hours": 48, "hourly": 24, "daily": 7, "weekly": 4,
                "monthly": 12, "yearly": 3},
            "rpo_minutes": 2880,
            "targets": [{"region": "northeurope", "group": "dr", "keep": {"daily": 30}},
                {"region": "eastus2", "subscription": "t", "sku": "Standard_LRS", "fast": true,
                 "encryption_set": "/subscriptions/t/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/e",
                 "keep": {"yearly": 5}, "rpo_minutes": 4320}],
            "stop_loss_gib": 500, "first_copies_gib_per_day": 100, "abandon_after_hours": 48,
            "rules_before": [{"replaced_by": 3, "time_zone": "UTC", "keep": {"last": 9},
                "targets": []}]}"#;
        let policy: Policy = serde_json::from_str(text).unwrap();
        let owner = Owner::new();
        owner.with(|| assert_eq!(Draft::of(&policy).policy(Some(&policy), &[]), policy));
        let every = Policy { schedule: Schedule::Every { minutes: 90 }, ..policy };
        owner.with(|| assert_eq!(Draft::of(&every).policy(Some(&every), &[]), every));
    }
}
