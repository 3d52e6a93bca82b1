//! Keep, mark or delete: a decision with reasons for every point on every side.
//!
//! The dangerous half. Whatever keeps a point wins over whatever would let it go, and a point
//! goes in two phases. `check` holds the same rules, written apart.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, DeleteBar, Effect, Fate, Plan, Reason, Step, Subject, copies, snapshots};
use crate::{
    lineage::{Point, source_snapshot},
    model::{Disk, PointState, Policy, ResourceId, Side},
    status::target_side,
    tags,
};

pub(super) fn plan_retention(context: &Context<'_>, plan: &mut Plan) {
    for snapshot in &context.lineage.unplaced {
        let subject = Subject::Point(snapshot.id.clone());
        plan.decide(subject, Fate::Foreign, vec![Reason::Unplaced]);
    }
    let disks: BTreeMap<&str, &Disk> =
        context.inventory.disks.iter().map(|d| (d.unique_id.as_str(), d)).collect();
    for (unique_id, chain) in &context.lineage.chains {
        let disk = disks.get(unique_id.as_str()).copied();
        let guards = Guards::of(context, chain, disk);
        for point in chain {
            decide_point(context, disk, point, &guards, plan);
        }
    }
}

/// What must not go, whatever the rules say: worked out once for a chain.
struct Guards {
    floors: BTreeSet<ResourceId>,
    bases: BTreeMap<ResourceId, ResourceId>,
    copy_sources: BTreeMap<ResourceId, ResourceId>,
    wanted: BTreeMap<ResourceId, Side>,
    places: BTreeMap<ResourceId, usize>,
}

impl Guards {
    fn of(context: &Context<'_>, chain: &[Point<'_>], disk: Option<&Disk>) -> Self {
        let mut guards = Self {
            floors: BTreeSet::new(),
            bases: BTreeMap::new(),
            copy_sources: BTreeMap::new(),
            wanted: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        let mut newest_on: BTreeMap<Side, usize> = BTreeMap::new();
        let mut newest_in: BTreeSet<crate::Region> = BTreeSet::new();
        let mut rank: BTreeMap<(Side, &str), usize> = BTreeMap::new();
        for point in chain.iter().rev() {
            let snapshot = point.snapshot;
            if snapshot.is_copy
                && snapshot.state.is_under_way()
                && let Some(source) = &snapshot.source_id
            {
                guards.copy_sources.insert(source.clone(), snapshot.id.clone());
            }
            if !snapshot.state.is_ready() {
                continue;
            }
            let seen = newest_on.entry(point.side()).or_default();
            *seen += 1;
            if *seen == 1 {
                guards.floors.insert(snapshot.id.clone());
            }
            if snapshot.is_copy
                && newest_in.insert(snapshot.region.clone())
                && let Some(source) = source_snapshot(context.inventory, snapshot)
            {
                guards.bases.insert(source.id.clone(), snapshot.id.clone());
            }
            if let Some(policy) = snapshot.policy() {
                let place = rank.entry((point.side(), policy)).or_default();
                *place += 1;
                guards.places.insert(snapshot.id.clone(), *place);
            }
        }
        for policy in context.policies.iter().filter(|policy| policy.enabled) {
            let Some(disk) = disk.filter(|disk| policy.covers(&disk.id)) else { continue };
            if let Some(side) = target_side(policy, disk) {
                for point in copies::wanted(policy, chain, &side) {
                    guards.wanted.insert(point.snapshot.id.clone(), side.clone());
                }
            }
        }
        guards
    }
}

fn decide_point(
    context: &Context<'_>,
    disk: Option<&Disk>,
    point: &Point<'_>,
    guards: &Guards,
    plan: &mut Plan,
) {
    let subject = Subject::Point(point.snapshot.id.clone());
    let policy = match speaker(context, disk, point) {
        Err((fate, reason)) => return plan.decide(subject, fate, vec![reason]),
        Ok(policy) => policy,
    };
    let kept = keeping(policy, point, guards);
    let marked = point.snapshot.delete_after();
    if !kept.is_empty() {
        if marked.is_some() {
            push(policy, point, plan, |id, unique_id| Effect::UnmarkPoint { id, unique_id });
        }
        return plan.decide(subject, Fate::Keep, kept);
    }
    if let Some(bar) = bar(context) {
        return plan.decide(subject, Fate::Keep, vec![Reason::DeletesBarred { bar }]);
    }
    let grace = jiff::SignedDuration::from_hours(i64::from(context.limits.delete_after_hours));
    let fresh = context.now.checked_add(grace).unwrap_or(context.now);
    let delete_after = marked.unwrap_or(fresh);
    let reasons = vec![Reason::NotKept { delete_after }];
    match marked {
        None => {
            let mark = |id, unique_id| Effect::MarkPoint { id, unique_id, delete_after };
            push(policy, point, plan, mark);
            plan.decide(subject, Fate::Marked, reasons);
        }
        Some(at) if at > context.now => plan.decide(subject, Fate::Marked, reasons),
        Some(_) => {
            push(policy, point, plan, |id, unique_id| Effect::DeletePoint { id, unique_id });
            plan.decide(subject, Fate::Delete, reasons);
        }
    }
}

fn push(
    policy: &Policy,
    point: &Point<'_>,
    plan: &mut Plan,
    effect: impl FnOnce(ResourceId, String) -> Effect,
) {
    let effect = effect(point.snapshot.id.clone(), point.snapshot.unique_id.clone());
    plan.steps.push(Step { effect, cause: snapshots::cause(policy) });
}

/// The policy that speaks for a point, or why none does.
fn speaker<'a>(
    context: &Context<'a>,
    disk: Option<&Disk>,
    point: &Point<'_>,
) -> Result<&'a Policy, (Fate, Reason)> {
    let snapshot = point.snapshot;
    if !snapshot.is_of(&context.limits.installation) {
        return Err((Fate::Foreign, Reason::NotOurs));
    }
    let Some(id) = snapshot.policy() else {
        return Err((Fate::Keep, Reason::MadeByHand));
    };
    let named = id.to_owned();
    let Some(policy) = context.policies.iter().find(|policy| policy.id == id) else {
        return Err((Fate::Released, Reason::PolicyMissing { policy: named }));
    };
    if !policy.enabled {
        return Err((Fate::Released, Reason::PolicyDisabled { policy: named }));
    }
    let Some(disk) = disk.filter(|disk| policy.covers(&disk.id)) else {
        return Err((Fate::Released, Reason::DiskDeselected { policy: named }));
    };
    let on_target = target_side(policy, disk).is_some_and(|side| side == point.side());
    if snapshot.is_copy && !on_target {
        return Err((Fate::Released, Reason::SideDeselected { policy: named }));
    }
    Ok(policy)
}

/// Everything that keeps a point.
fn keeping(policy: &Policy, point: &Point<'_>, guards: &Guards) -> Vec<Reason> {
    let snapshot = point.snapshot;
    let id = &snapshot.id;
    let mut reasons = vec![];
    match &snapshot.state {
        PointState::Creating | PointState::Copying { .. } => reasons.push(Reason::UnderWay),
        PointState::Failed { message, .. } => {
            reasons.push(Reason::FailedInAzure { message: message.clone() });
        }
        PointState::Ready => {}
    }
    let keep = if snapshot.is_copy { policy.keep_target } else { policy.keep_source };
    match (keep, guards.places.get(id)) {
        (None, _) => reasons.push(Reason::KeptByNoLimit),
        (Some(of), Some(&place)) if place <= of as usize => {
            reasons.push(Reason::KeptAsLast { place, of });
        }
        (Some(_), _) => {}
    }
    if let Some(actor) = tags::read(&snapshot.tags, tags::PIN) {
        reasons.push(Reason::KeptByPin { actor: actor.to_owned() });
    }
    if guards.floors.contains(id) {
        reasons.push(Reason::KeptAsFloor);
    }
    if let Some(copy) = guards.bases.get(id) {
        reasons.push(Reason::KeptAsBase { copy: copy.clone() });
    }
    if let Some(copy) = guards.copy_sources.get(id) {
        reasons.push(Reason::KeptAsCopySource { copy: copy.clone() });
    }
    if let Some(side) = guards.wanted.get(id) {
        reasons.push(Reason::KeptForTarget { region: side.region.clone() });
    }
    reasons
}

fn bar(context: &Context<'_>) -> Option<DeleteBar> {
    if !context.inventory.is_complete() {
        Some(DeleteBar::InventoryIncomplete)
    } else if !context.history.readable {
        Some(DeleteBar::HistoryUnreadable)
    } else if !context.limits.clock_agrees {
        Some(DeleteBar::ClocksApart)
    } else {
        None
    }
}
