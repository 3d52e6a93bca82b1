//! What a policy leads to: which points would exist on a day to come, and the most that its
//! copies may move. Arithmetic over its slots; nothing is looked up and nothing decided.

use jiff::{SignedDuration, Timestamp};

use crate::{
    lineage::lineage,
    model::{Disk, Inventory, Keep, KeptBy, Limits, Policy, Region, Selected, Slots},
};

/// The most slots that are looked back over: 200 days of one every 15 minutes.
pub const MOST_SLOTS: usize = 20_000;

/// A month, as far as an upper bound is concerned.
const MONTH: SignedDuration = SignedDuration::from_hours(31 * 24);

/// The slots after `from` up to `until`, the newest first; [`MOST_SLOTS`] at most.
pub fn slots_between(slots: &Slots, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let mut found = vec![];
    let mut next = slots.at_or_before(until);
    while let Some(at) = next.filter(|at| *at > from && found.len() < MOST_SLOTS) {
        found.push(at);
        let before = at.checked_sub(SignedDuration::from_secs(1)).ok();
        next = before.and_then(|before| slots.at_or_before(before));
    }
    found
}

/// The points that one side would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The target's region; none for the source.
    pub region: Option<Region>,
    /// The newest first, each with the rules that keep it; no rules where the side keeps all.
    pub points: Vec<(Timestamp, Vec<KeptBy>)>,
}

/// What each side would have if a snapshot was taken at each of `slots`, which go from the newest
/// to the oldest, and every copy had arrived. The source comes first.
pub fn expected(policy: &Policy, slots: &[Timestamp]) -> Vec<Expected> {
    let zone = policy.zone();
    let points = |keep: &Keep| -> Vec<(Timestamp, Vec<KeptBy>)> {
        if keep.is_empty() {
            return slots.iter().map(|at| (*at, vec![])).collect();
        }
        let kept = keep.kept(slots, &zone);
        slots.iter().copied().zip(kept).filter(|(_, rules)| !rules.is_empty()).collect()
    };
    let targets = policy.targets.iter().map(|target| Expected {
        region: Some(target.region.clone()),
        points: points(&target.keep),
    });
    std::iter::once(Expected { region: None, points: points(&policy.keep) })
        .chain(targets)
        .collect()
}

/// The most that a policy's copies may move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyBound {
    /// Disks that it selects today.
    pub disks: usize,
    /// Bytes of first copies, which are whole, to the regions that have no copy yet.
    pub first_bytes: u64,
    /// Bytes of the later copies of a month.
    pub month_bytes: u64,
    /// Slots in that month.
    pub slots: usize,
}

/// The most that copies of `policy` may move in the month from `now` on: first ones whole, later
/// ones the part of the disk's size that the stop-loss reckons with, one for each slot and target.
pub fn copy_bound(
    policy: &Policy,
    inventory: &Inventory,
    limits: &Limits,
    now: Timestamp,
) -> CopyBound {
    let lineage = lineage(inventory);
    let until = now.checked_add(MONTH).unwrap_or(Timestamp::MAX);
    let slots = policy.slots().map_or(0, |slots| slots_between(&slots, now, until).len());
    let mut bound = CopyBound { slots, ..CopyBound::default() };
    let selects = |disk: &&Disk| policy.disks.selects(disk) != Selected::No;
    for disk in inventory.disks.iter().filter(selects) {
        bound.disks += 1;
        let chain = lineage.of(disk);
        let has_copy = |region: &Region| {
            chain.iter().any(|p| p.snapshot.is_copy && p.snapshot.region == *region)
        };
        let later = disk.size_bytes / 100 * limits.delta_percent;
        for target in &policy.targets {
            if !has_copy(&target.region) {
                bound.first_bytes = bound.first_bytes.saturating_add(disk.size_bytes);
            }
            let all = later.saturating_mul(slots as u64);
            bound.month_bytes = bound.month_bytes.saturating_add(all);
        }
    }
    bound
}

/// What speaks against a policy that may be saved all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caution {
    /// Snapshots go to the group that some of its disks are in, and would be deleted with it.
    DieWithTheirDisks {
        /// How many disks.
        disks: usize,
    },
    /// It selects no disk that exists today.
    SelectsNothing,
}

impl std::fmt::Display for Caution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DieWithTheirDisks { disks } => write!(
                f,
                "Snapshots of {disks} of its disks go to the group that the disk is in: whoever \
                 deletes that group deletes them, too. Give the snapshots a group of their own."
            ),
            Self::SelectsNothing => {
                f.write_str("It selects no disk that exists today; nothing is protected by it.")
            }
        }
    }
}

/// Everything that speaks against `policy` although it may be saved.
pub fn cautions(policy: &Policy, inventory: &Inventory) -> Vec<Caution> {
    let selects = |disk: &&Disk| policy.disks.selects(disk) != Selected::No;
    let selected: Vec<&Disk> = inventory.disks.iter().filter(selects).collect();
    if selected.is_empty() {
        return vec![Caution::SelectsNothing];
    }
    let beside = |disk: &&&Disk| {
        policy.group.as_ref().is_none_or(|group| group.eq_ignore_ascii_case(disk.id.group()))
    };
    let disks = selected.iter().filter(beside).count();
    (disks > 0).then_some(Caution::DieWithTheirDisks { disks }).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Writes;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn policy(schedule: &str, keep: &str, targets: &str) -> Policy {
        let text = format!(
            r#"{{"id": "p", "name": "P", "enabled": true, "schedule": {schedule}, "keep": {keep},
                "disks": {{"include": [{{"kind": "tag", "name": "backup"}}]}},
                "targets": {targets}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    const DAILY: &str = r#"{"kind": "every", "minutes": 1440}"#;
    const NOW: &str = "2026-11-23T00:00:00Z";

    fn on(policy: &Policy, day: &str) -> Vec<Expected> {
        let slots = policy.slots().unwrap();
        expected(policy, &slots_between(&slots, at(NOW), at(day)))
    }

    #[test]
    fn a_side_has_what_its_rules_keep_on_that_day() {
        let targets = r#"[{"region": "northeurope", "keep": {"monthly": 3}},
                          {"region": "eastus2"}]"#;
        let policy = policy(DAILY, r#"{"last": 2, "weekly": 2}"#, targets);
        let sides = on(&policy, "2027-02-24T12:00:00Z");
        let days = |side: &Expected| -> Vec<String> {
            side.points.iter().map(|(at, _)| at.to_string()[..10].to_owned()).collect()
        };
        assert_eq!(days(&sides[0]), ["2027-02-24", "2027-02-23", "2027-02-21"]);
        assert_eq!(sides[0].points[0].1.len(), 2);
        assert_eq!(days(&sides[1]), ["2027-02-24", "2027-01-31", "2026-12-31"]);
        assert_eq!(sides[2].points.len(), 93);
    }

    #[test]
    fn nothing_is_there_before_the_first_slot() {
        let policy = policy(DAILY, r#"{"last": 2}"#, "[]");
        assert!(on(&policy, NOW)[0].points.is_empty());
        assert_eq!(on(&policy, "2026-11-24T00:00:00Z")[0].points.len(), 1);
    }

    #[test]
    fn no_more_slots_are_looked_back_over_than_said() {
        let often = policy(r#"{"kind": "every", "minutes": 15}"#, "{}", "[]");
        assert_eq!(on(&often, "2036-11-23T00:00:00Z")[0].points.len(), MOST_SLOTS);
    }

    #[test]
    fn a_bound_takes_first_copies_whole_and_later_ones_in_part() {
        let targets = r#"[{"region": "northeurope"}, {"region": "eastus2"}]"#;
        let daily = policy(DAILY, "{}", targets);
        let disk = |name: &str, tags: &str| -> Disk {
            let id = format!(
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/{name}"
            );
            let text = format!(
                r#"{{"id": "{id}", "unique_id": "{name}", "region": "westeurope", "sku": "",
                    "size_bytes": 107374182400, "zones": [], "state": "",
                    "network_access": "DenyAll", "tags": {tags}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let mut inventory = Inventory::empty(at(NOW));
        inventory.disks = vec![disk("a", r#"{"Backup": "yes"}"#), disk("b", "{}")];
        let limits = Limits::new("i", Writes::Everywhere);
        let bound = copy_bound(&daily, &inventory, &limits, at(NOW));
        let later = (100_u64 << 30) / 100 * 10;
        let month_bytes = 31 * 2 * later;
        assert_eq!(cautions(&daily, &inventory), [Caution::DieWithTheirDisks { disks: 1 }]);
        let apart = Policy { group: Some("snapshots".to_owned()), ..daily.clone() };
        assert_eq!(cautions(&apart, &inventory), []);
        assert_eq!(cautions(&daily, &Inventory::empty(at(NOW))), [Caution::SelectsNothing]);
        assert_eq!(bound, CopyBound { disks: 1, first_bytes: 200 << 30, month_bytes, slots: 31 });
    }
}
