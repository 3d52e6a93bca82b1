//! Which copies to start: in creation order, one of a disk at a time, never a second full one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Effect, Fate, Plan, Reason, Step, Subject, snapshots};
use crate::{
    lineage::{Point, source_snapshot},
    model::{Disk, NetworkAccess, PointState, Policy, Side},
    names,
    status::target_side,
    tags,
};

/// A copy that Azure calls failed is started anew once, by itself.
const MAX_ATTEMPTS: usize = 2;

pub(super) fn plan_copies(context: &Context<'_>, copying: &mut BTreeSet<String>, plan: &mut Plan) {
    let mut in_flight = in_flight_by_region(context);
    for (policy, id, disk) in context.covered() {
        let Some(disk) = disk else { continue };
        let Some(side) = target_side(policy, disk) else { continue };
        let subject = Subject::Disk(id.clone());
        let flights =
            in_flight.entry((side.subscription.clone(), side.region.clone())).or_default();
        match next_copy(context, policy, disk, &side, copying) {
            Err((fate, reason)) => plan.decide(subject, fate, vec![reason]),
            Ok(_) if *flights >= context.limits.copies_in_flight => {
                let reason = Reason::TooManyCopies { region: side.region };
                plan.decide(subject, Fate::Wait, vec![reason]);
            }
            Ok((effect, reason)) => {
                *flights += 1;
                copying.insert(disk.unique_id.clone());
                plan.decide(subject, Fate::Act, vec![reason]);
                plan.steps.push(Step { effect, cause: snapshots::cause(policy) });
            }
        }
    }
}

/// The points that a target wants and does not have, oldest first.
///
/// A target that keeps n wants no more than the newest n, and Azure copies in creation order, so
/// nothing older than the newest copied point (compute-snapshots §1.6).
pub(super) fn wanted<'p, 'a>(
    policy: &Policy,
    chain: &'p [Point<'a>],
    side: &Side,
) -> Vec<&'p Point<'a>> {
    let newest_copied = chain
        .iter()
        .filter(|p| p.snapshot.is_copy && p.snapshot.region == side.region)
        .filter(|p| !matches!(p.snapshot.state, PointState::Failed { .. }))
        .map(|p| p.point_time)
        .max();
    let mut wanted: Vec<&Point<'_>> = chain
        .iter()
        .filter(|p| !p.snapshot.is_copy && p.snapshot.incremental)
        .filter(|p| p.snapshot.policy() == Some(policy.id.as_str()))
        .filter(|p| !matches!(p.snapshot.state, PointState::Failed { .. }))
        .filter(|p| newest_copied.is_none_or(|newest| p.point_time > newest))
        .collect();
    let room = policy.keep_target.map_or(usize::MAX, |n| n as usize);
    wanted.drain(..wanted.len().saturating_sub(room));
    wanted
}

/// The copy to start for a disk, or why none is.
fn next_copy(
    context: &Context<'_>,
    policy: &Policy,
    disk: &Disk,
    side: &Side,
    copying: &BTreeSet<String>,
) -> Result<(Effect, Reason), (Fate, Reason)> {
    let chain = context.lineage.of(disk);
    let under_way = chain.iter().find(|p| p.snapshot.is_copy && p.snapshot.state.is_under_way());
    if let Some(point) = under_way {
        return Err((Fate::Wait, Reason::CopyUnderWay { copy: point.snapshot.id.clone() }));
    }
    let Some(point) = wanted(policy, chain, side).first().copied() else {
        return Err((Fate::Idle, Reason::TargetComplete));
    };
    if copying.contains(&disk.unique_id) {
        // Another step of this very plan copies the disk.
        return Err((Fate::Wait, Reason::CopyUnderWay { copy: point.snapshot.id.clone() }));
    }
    if !point.snapshot.state.is_ready() {
        return Err((Fate::Wait, Reason::SourceNotReady { point: point.snapshot.id.clone() }));
    }
    forbid_second_full_copy(context, chain, side)?;
    let id = free_name(context, disk, point, side)?;
    let target = policy.target.as_ref();
    let sku = snapshots::sku_in(context, target.and_then(|t| t.sku), &side.region);
    if let Some(reason) = context.place_obstacle(side, sku) {
        return Err((Fate::Blocked, reason));
    }
    let effect = Effect::StartCopy {
        id,
        region: side.region.clone(),
        source: point.snapshot.id.clone(),
        disk_unique_id: disk.unique_id.clone(),
        sku: sku.name().to_owned(),
        network_access: NetworkAccess::DenyAll,
        tags: copy_tags(context, policy, point),
    };
    let reason =
        Reason::TargetLacks { point: point.snapshot.id.clone(), region: side.region.clone() };
    Ok((effect, reason))
}

/// A full copy of a disk travels to a region once. A second one is a person's decision.
fn forbid_second_full_copy(
    context: &Context<'_>,
    chain: &[Point<'_>],
    side: &Side,
) -> Result<(), (Fate, Reason)> {
    let mut there = chain
        .iter()
        .filter(|p| p.snapshot.is_copy && p.snapshot.region == side.region)
        .filter(|p| p.snapshot.state.is_ready())
        .peekable();
    if there.peek().is_none() {
        let unknown = !context.history.readable;
        return if unknown { Err((Fate::Blocked, Reason::HistoryUnreadable)) } else { Ok(()) };
    }
    if there.any(|copy| source_snapshot(context.inventory, copy.snapshot).is_some()) {
        return Ok(());
    }
    Err((Fate::Blocked, Reason::BaseGone { region: side.region.clone() }))
}

/// The name of the first attempt that has not failed.
fn free_name(
    context: &Context<'_>,
    disk: &Disk,
    point: &Point<'_>,
    side: &Side,
) -> Result<crate::ResourceId, (Fate, Reason)> {
    let slot = tags::read_time(&point.snapshot.tags, tags::SLOT).unwrap_or(point.point_time);
    let mut failure = None;
    for attempt in 1..=MAX_ATTEMPTS {
        let name = names::copy_name(disk.id.name(), &disk.unique_id, slot, side, attempt);
        let group = context.inventory.group(&side.subscription, &side.group);
        let group = group.map_or(side.group.as_str(), |g| g.name.as_str());
        let id = crate::ResourceId::snapshot(&side.subscription, group, &name);
        match context.inventory.snapshot(&id) {
            None => return Ok(id),
            Some(existing) => match &existing.state {
                PointState::Failed { message, .. } => failure = Some((id, message.clone())),
                PointState::Creating | PointState::Copying { .. } | PointState::Ready => {
                    return Err((Fate::Blocked, Reason::NameTaken { id }));
                }
            },
        }
    }
    match failure {
        Some((copy, message)) => Err((Fate::Blocked, Reason::CopyFailedTwice { copy, message })),
        None => Err((Fate::Idle, Reason::TargetComplete)),
    }
}

fn copy_tags(
    context: &Context<'_>,
    policy: &Policy,
    point: &Point<'_>,
) -> BTreeMap<String, String> {
    let slot = tags::read(&point.snapshot.tags, tags::SLOT).unwrap_or_default();
    BTreeMap::from([
        (tags::INSTALLATION.to_owned(), context.limits.installation.clone()),
        (tags::DISK.to_owned(), point.disk_unique_id.clone()),
        (tags::POINT.to_owned(), point.point_time.to_string()),
        (tags::POLICY.to_owned(), policy.id.clone()),
        (tags::SLOT.to_owned(), slot.to_owned()),
    ])
}

fn in_flight_by_region(context: &Context<'_>) -> BTreeMap<(String, crate::Region), usize> {
    let mut flights = BTreeMap::new();
    for copy in context.inventory.snapshots.iter().filter(|s| s.is_copy && s.state.is_under_way()) {
        let side = copy.side();
        *flights.entry((side.subscription, side.region)).or_default() += 1;
    }
    flights
}
