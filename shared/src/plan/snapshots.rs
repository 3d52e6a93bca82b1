//! Which disks are due a snapshot: one for each slot, missed slots collapsed into the latest, one
//! snapshot for all policies that are due.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Cause, Context, Effect, Fate, Plan, Reason, Step, Subject, View, force::Force};
use crate::{
    lineage::Point,
    model::{Disk, NetworkAccess, PointState, Region, ResourceId, SnapshotSku},
    names,
    status::source_side,
    tags,
};

pub(super) fn plan_snapshots(context: &Context<'_>, views: &[View<'_, '_>], plan: &mut Plan) {
    decide_missing(context, plan);
    for view in views {
        decide_young(context, view.disk, plan);
        if view.covering.is_empty() {
            continue;
        }
        let subject = Subject::Disk(view.disk.id.clone());
        match due(context, view) {
            Err((fate, reason)) => plan.decide(subject, fate, vec![reason]),
            Ok((effect, slot, cause)) => {
                plan.decide(subject, Fate::Act, vec![Reason::SlotDue { slot }]);
                plan.steps.push(Step { effect, cause });
            }
        }
    }
}

/// Disks that a policy names and that are not there.
fn decide_missing(context: &Context<'_>, plan: &mut Plan) {
    let mut missing: Vec<&ResourceId> = context
        .forces
        .iter()
        .filter(|force| force.is_in_force)
        .flat_map(Force::named)
        .filter(|id| context.index.disk(id).is_none())
        .collect();
    missing.sort();
    missing.dedup();
    for id in missing {
        let complete = context.inventory.gaps.is_empty();
        let reason = if complete { Reason::DiskGone } else { Reason::DiskUnseen };
        plan.decide(Subject::Disk(id.clone()), Fate::Blocked, vec![reason]);
    }
}

/// Disks that a rule selects and that are too young.
fn decide_young(context: &Context<'_>, disk: &Disk, plan: &mut Plan) {
    let from = context
        .forces
        .iter()
        .filter(|force| force.is_in_force && force.selects(disk))
        .filter_map(|force| force.enrols_from(disk, context))
        .min();
    if let Some(from) = from {
        let subject = Subject::Disk(disk.id.clone());
        plan.decide(subject, Fate::Wait, vec![Reason::NotYetEnrolled { from }]);
    }
}

/// The snapshot that the slot wants, or why none is made.
fn due(
    context: &Context<'_>,
    view: &View<'_, '_>,
) -> Result<(Effect, Timestamp, Cause), (Fate, Reason)> {
    let own: Vec<&Point<'_>> = view
        .chain
        .iter()
        .filter(|p| !p.snapshot.is_copy && p.snapshot.is_of(&context.limits.installation))
        .collect();
    let due: Vec<(&Force<'_>, Timestamp)> = view
        .covering
        .iter()
        .filter_map(|force| Some((*force, force.slot?)))
        .filter(|(force, slot)| !own.iter().any(|point| fills(context, point, force, *slot)))
        .collect();
    // The latest slot stands for those before it: they would hold the same bytes.
    let Some(slot) = due.iter().map(|(_, slot)| *slot).max() else {
        return Err(idle(view));
    };
    let Some((lead, _)) = due.iter().find(|(_, of)| *of == slot) else { return Err(idle(view)) };
    // One snapshot of a slot, also where another policy put it into another group.
    let has_slot = |point: &&Point<'_>| {
        tags::read_time(&point.snapshot.tags, tags::SLOT) == Some(slot)
            && !matches!(point.snapshot.state, PointState::Failed { .. })
    };
    // It may be among what is not listed now, in a group that no policy names any more. Where it
    // is not, there is a newer one.
    let unseen = !context.inventory.gaps.is_empty()
        && context.history.took(&view.disk.unique_id, slot, context.now);
    if unseen || own.iter().any(has_slot) {
        return Err(idle(view));
    }
    let (policy, disk) = (lead.policy, view.disk);
    let side = source_side(policy, disk);
    let name = names::snapshot_name(&context.limits.installation, &disk.id, &disk.unique_id, slot);
    let id = ResourceId::snapshot(disk.id.subscription(), context.group_name(&side), &name);
    // It may be missed in another group, and still be there where rights to see it were taken away.
    if context.inventory.vanished.iter().any(|gone| gone.id != id && gone.id.name() == name) {
        return Err(idle(view));
    }
    if let Some(existing) = context.index.snapshot(&id) {
        return Err(match &existing.state {
            _ if !existing.is_of(&context.limits.installation) => {
                (Fate::Blocked, Reason::NameTaken { id })
            }
            PointState::Failed { .. } => {
                (Fate::Blocked, Reason::SnapshotFailed { id, next: lead.next })
            }
            PointState::Creating | PointState::Copying { .. } | PointState::Ready => idle(view),
        });
    }
    if context.history.deleted(&id) {
        return Err((Fate::Idle, Reason::SlotDeleted { slot }));
    }
    if let Some(reason) = context.refusal(&id) {
        return Err((Fate::Blocked, reason));
    }
    let snapshots = view.chain.iter().filter(|p| !p.snapshot.is_copy && p.snapshot.incremental);
    let count = snapshots.count();
    if count >= context.limits.snapshots_per_disk {
        return Err((Fate::Blocked, Reason::TooManySnapshots { count }));
    }
    let sku = sku_in(context, policy.sku, &disk.region);
    if let Some(reason) = context.place_obstacle(&side, sku) {
        return Err((Fate::Blocked, reason));
    }
    let effect = Effect::CreateSnapshot {
        id,
        region: disk.region.clone(),
        source: disk.id.clone(),
        incremental: true,
        sku: sku.name().to_owned(),
        network_access: access(policy.network_access, disk),
        tags: BTreeMap::from([
            (tags::INSTALLATION.to_owned(), context.limits.installation.clone()),
            (tags::DISK.to_owned(), disk.unique_id.clone()),
            (tags::POINT.to_owned(), tags::time(context.now)),
            (
                tags::POLICY.to_owned(),
                tags::policies(due.iter().map(|(f, _)| f.policy.id.as_str())),
            ),
            (tags::SLOT.to_owned(), slot.to_string()),
        ]),
    };
    Ok((effect, slot, cause(lead)))
}

/// Whether the point is what the policy's slot wants: taken since the slot began.
fn fills(context: &Context<'_>, point: &Point<'_>, force: &Force<'_>, slot: Timestamp) -> bool {
    let failed = matches!(point.snapshot.state, PointState::Failed { .. });
    !failed
        && point.point_time >= slot
        && context.is_past(point.point_time)
        && point.snapshot.is_of_policy(&force.policy.id)
}

fn idle(view: &View<'_, '_>) -> (Fate, Reason) {
    let slot = view.covering.iter().filter_map(|force| force.slot).max();
    let next = view.covering.iter().filter_map(|force| force.next).min();
    let slot = slot.unwrap_or(Timestamp::UNIX_EPOCH);
    (Fate::Idle, Reason::SlotDone { slot, next: next.unwrap_or(slot) })
}

/// Who may export the point: as the policy says, and never wider than the disk's own.
pub(super) fn access(asked: NetworkAccess, disk: &Disk) -> NetworkAccess {
    match (asked, disk.network_access) {
        (NetworkAccess::AllowAll, NetworkAccess::AllowAll) => NetworkAccess::AllowAll,
        // Private access would need a disk access resource, which snapshots do not inherit.
        _ => NetworkAccess::DenyAll,
    }
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

pub(super) fn cause(force: &Force<'_>) -> Cause {
    Cause::Policy { id: force.policy.id.clone(), version: force.policy.version }
}
