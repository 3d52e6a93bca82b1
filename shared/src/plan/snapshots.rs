//! Which disks are due a snapshot: one for each slot, missed slots collapsed into the latest.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Cause, Context, Effect, Fate, Plan, Reason, Step, Subject};
use crate::{
    model::{Disk, NetworkAccess, Policy, Region, ResourceId, SnapshotSku},
    names,
    status::source_side,
    tags,
};

/// The latest slot that began at or before `now`; slots are counted from the Unix epoch.
pub fn slot_at(every_hours: u32, now: Timestamp) -> Timestamp {
    let length = i64::from(every_hours.max(1)) * 3600;
    let begun = now.as_second().div_euclid(length) * length;
    Timestamp::from_second(begun).unwrap_or(now)
}

/// The first slot that begins after `now`.
pub fn next_slot(every_hours: u32, now: Timestamp) -> Timestamp {
    let length = jiff::SignedDuration::from_hours(i64::from(every_hours.max(1)));
    slot_at(every_hours, now).checked_add(length).unwrap_or(now)
}

pub(super) fn plan_snapshots(context: &Context<'_>, plan: &mut Plan) {
    // Two policies with a slot in common share its snapshot.
    let mut planned: BTreeSet<ResourceId> = BTreeSet::new();
    for (policy, id, disk) in context.covered() {
        let subject = Subject::Disk(id.clone());
        let Some(disk) = disk else {
            let complete = context.inventory.is_complete();
            let reason = if complete { Reason::DiskGone } else { Reason::DiskUnseen };
            plan.decide(subject, Fate::Blocked, vec![reason]);
            continue;
        };
        let slot = slot_at(policy.every_hours, context.now);
        match due(context, policy, disk, slot) {
            Err((fate, reason)) => plan.decide(subject, fate, vec![reason]),
            Ok(effect) => {
                plan.decide(subject, Fate::Act, vec![Reason::SlotDue { slot }]);
                if planned.insert(effect.id().clone()) {
                    plan.steps.push(Step { effect, cause: cause(policy) });
                }
            }
        }
    }
}

/// The snapshot that the slot wants, or why none is made.
fn due(
    context: &Context<'_>,
    policy: &Policy,
    disk: &Disk,
    slot: Timestamp,
) -> Result<Effect, (Fate, Reason)> {
    let name = names::snapshot_name(&disk.id, &disk.unique_id, slot);
    let group = policy.group.as_deref().unwrap_or(disk.id.group());
    let id = ResourceId::snapshot(disk.id.subscription(), group, &name);
    let slot_text = slot.to_string();
    let chain = context.lineage.of(disk);
    let has_slot = chain.iter().any(|point| {
        !point.snapshot.is_copy
            && point.snapshot.is_of(&context.limits.installation)
            && tags::read(&point.snapshot.tags, tags::SLOT) == Some(&slot_text)
    });
    let existing = context.inventory.snapshot(&id);
    if has_slot || existing.is_some_and(|s| s.is_of(&context.limits.installation)) {
        let next = next_slot(policy.every_hours, context.now);
        return Err((Fate::Idle, Reason::SlotDone { slot, next }));
    }
    if existing.is_some() {
        return Err((Fate::Blocked, Reason::NameTaken { id }));
    }
    if context.history.deleted(&id) {
        return Err((Fate::Idle, Reason::SlotDeleted { slot }));
    }
    let count = chain.iter().filter(|p| !p.snapshot.is_copy && p.snapshot.incremental).count();
    if count >= context.limits.snapshots_per_disk {
        return Err((Fate::Blocked, Reason::TooManySnapshots { count }));
    }
    let sku = sku_in(context, policy.sku, &disk.region);
    if let Some(reason) = context.place_obstacle(&source_side(policy, disk), sku) {
        return Err((Fate::Blocked, reason));
    }
    Ok(Effect::CreateSnapshot {
        id,
        region: disk.region.clone(),
        source: disk.id.clone(),
        incremental: true,
        sku: sku.name().to_owned(),
        network_access: NetworkAccess::DenyAll,
        tags: BTreeMap::from([
            (tags::INSTALLATION.to_owned(), context.limits.installation.clone()),
            (tags::DISK.to_owned(), disk.unique_id.clone()),
            (tags::POINT.to_owned(), tags::time(context.now)),
            (tags::POLICY.to_owned(), policy.id.clone()),
            (tags::SLOT.to_owned(), slot_text),
        ]),
    })
}

/// The redundancy asked for, or else ZRS where the region offers it.
pub(super) fn sku_in(
    context: &Context<'_>,
    asked: Option<SnapshotSku>,
    region: &Region,
) -> SnapshotSku {
    let zones = context.inventory.region(region).is_some_and(|info| info.zones);
    asked.unwrap_or(if zones { SnapshotSku::StandardZrs } else { SnapshotSku::StandardLrs })
}

pub(super) fn cause(policy: &Policy) -> Cause {
    Cause::Policy { id: policy.id.clone(), version: policy.version }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_begins_on_its_first_second() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(slot_at(6, at("2026-11-23T06:00:00Z")), at("2026-11-23T06:00:00Z"));
        assert_eq!(slot_at(6, at("2026-11-23T05:59:59.9Z")), at("2026-11-23T00:00:00Z"));
        assert_eq!(next_slot(6, at("2026-11-23T06:00:00Z")), at("2026-11-23T12:00:00Z"));
    }
}
