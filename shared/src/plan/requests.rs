//! Steps for what people asked for, once nothing stands against it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, Context, Effect, Fate, Plan, Reason, Step, Subject};
use crate::{
    lineage::Point,
    model::{Action, AdoptPoint, CopySnapshot, CreateSnapshot, Request, ResourceId, RestoreDisk},
    preconditions::preconditions,
    tags,
};

pub(super) fn plan_requests(
    context: &Context<'_>,
    requests: &[Request],
    copying: &mut BTreeSet<String>,
    plan: &mut Plan,
) {
    let mut requests: Vec<&Request> = requests.iter().collect();
    requests.sort_by(|a, b| (a.asked_at, &a.id).cmp(&(b.asked_at, &b.id)));
    for request in requests {
        if matches!(request.action, Action::ApproveDeletions(_)) {
            // Decided with the deletions themselves.
            continue;
        }
        let subject = Subject::Request(request.id.clone());
        let asked = Reason::Asked { actor: request.actor.clone() };
        if let Action::AcknowledgeVanished(action) = &request.action {
            // Nothing is done in Azure: later runs read it in this one's record.
            let reason = Reason::Acknowledged { points: action.points.clone() };
            plan.decide(subject, Fate::Idle, vec![asked, reason]);
            continue;
        }
        match step(context, request, copying) {
            Ok(effect) => {
                plan.decide(subject, Fate::Act, vec![asked]);
                plan.steps.push(Step { effect, cause: Cause::Request { id: request.id.clone() } });
            }
            Err((fate, mut reasons)) => {
                reasons.insert(0, asked);
                plan.decide(subject, fate, reasons);
            }
        }
    }
}

fn step(
    context: &Context<'_>,
    request: &Request,
    copying: &mut BTreeSet<String>,
) -> Result<Effect, (Fate, Vec<Reason>)> {
    let Some(result) = request.action.result() else { return Err(vanished()) };
    if made_for(context, request, &result) {
        return Err((Fate::Idle, vec![Reason::AlreadyDone { id: result }]));
    }
    let obstacles = preconditions(&request.action, context.inventory, context.limits);
    if !obstacles.is_empty() {
        let reasons = obstacles.into_iter().map(Reason::Obstacle).collect();
        return Err((Fate::Blocked, reasons));
    }
    match &request.action {
        Action::CreateSnapshot(action) => create(context, request, action, result),
        Action::CopySnapshot(action) => copy(context, request, action, result, copying),
        Action::RestoreDisk(action) => restore(context, request, action, result),
        Action::KeepPoint(action) => {
            let point = context.index.snapshot(&action.snapshot).ok_or_else(vanished)?;
            Ok(Effect::PinPoint {
                id: point.id.clone(),
                unique_id: point.unique_id.clone(),
                actor: request.actor.clone(),
            })
        }
        Action::AdoptPoint(action) => adopt(context, request, action),
        Action::AbandonCopy(action) => {
            let copy = context.index.snapshot(&action.copy).ok_or_else(vanished)?;
            let point = point_of(context, &copy.id).ok_or_else(vanished)?;
            Ok(Effect::AbandonCopy {
                id: copy.id.clone(),
                unique_id: copy.unique_id.clone(),
                disk_unique_id: point.disk_unique_id.to_owned(),
                region: copy.region.clone(),
            })
        }
        Action::ApproveDeletions(_) | Action::AcknowledgeVanished(_) => Err(vanished()),
    }
}

/// Whether the request's resource exists and carries its tag: the request was carried out before.
fn made_for(context: &Context<'_>, request: &Request, result: &ResourceId) -> bool {
    let found = match &request.action {
        Action::RestoreDisk(_) => {
            context.index.disk(result).and_then(|disk| tags::read(&disk.tags, tags::REQUEST))
        }
        Action::CreateSnapshot(_) | Action::CopySnapshot(_) | Action::AdoptPoint(_) => {
            let made = context.index.snapshot(result);
            made.and_then(|snapshot| tags::read(&snapshot.tags, tags::REQUEST))
        }
        Action::KeepPoint(_)
        | Action::AbandonCopy(_)
        | Action::ApproveDeletions(_)
        | Action::AcknowledgeVanished(_) => None,
    };
    found == Some(request.id.as_str())
}

fn create(
    context: &Context<'_>,
    request: &Request,
    action: &CreateSnapshot,
    id: ResourceId,
) -> Result<Effect, (Fate, Vec<Reason>)> {
    let disk = context.index.disk(&action.disk).ok_or_else(vanished)?;
    let mut tags = own_tags(context, request, &action.tags);
    tags.insert(tags::DISK.to_owned(), disk.unique_id.clone());
    tags.insert(tags::POINT.to_owned(), tags::time(context.now));
    Ok(Effect::CreateSnapshot {
        id,
        region: disk.region.clone(),
        source: disk.id.clone(),
        incremental: action.incremental,
        sku: action.sku.name().to_owned(),
        network_access: action.network_access,
        tags,
    })
}

fn copy(
    context: &Context<'_>,
    request: &Request,
    action: &CopySnapshot,
    id: ResourceId,
    copying: &mut BTreeSet<String>,
) -> Result<Effect, (Fate, Vec<Reason>)> {
    let source = context.index.snapshot(&action.source).ok_or_else(vanished)?;
    let point = point_of(context, &source.id);
    let mut tags = own_tags(context, request, &action.tags);
    let disk_unique_id = match point {
        Some(point) => {
            tags.insert(tags::DISK.to_owned(), point.disk_unique_id.to_owned());
            tags.insert(tags::POINT.to_owned(), point.point_time.to_string());
            point.disk_unique_id.to_owned()
        }
        None => source.unique_id.clone(),
    };
    if !copying.insert(disk_unique_id.clone()) {
        return Err((Fate::Wait, vec![Reason::CopyUnderWay { copy: source.id.clone() }]));
    }
    let chain = context.lineage.chains.get(&disk_unique_id).map_or(&[][..], Vec::as_slice);
    let first = !chain.iter().any(|p| {
        p.snapshot.is_copy && p.snapshot.region == action.region && p.snapshot.state.is_ready()
    });
    let share = if first { 100 } else { context.limits.delta_percent };
    Ok(Effect::StartCopy {
        id,
        region: action.region.clone(),
        source: source.id.clone(),
        disk_unique_id,
        sku: action.sku.name().to_owned(),
        network_access: action.network_access,
        encryption_set: None,
        fast: false,
        first,
        bytes: source.size_bytes / 100 * share,
        tags,
    })
}

fn adopt(
    context: &Context<'_>,
    request: &Request,
    action: &AdoptPoint,
) -> Result<Effect, (Fate, Vec<Reason>)> {
    let snapshot = context.index.snapshot(&action.snapshot).ok_or_else(vanished)?;
    let point = point_of(context, &snapshot.id).ok_or_else(vanished)?;
    let tags = BTreeMap::from([
        (tags::INSTALLATION.to_owned(), context.limits.installation.clone()),
        (tags::REQUEST.to_owned(), request.id.clone()),
        (tags::DISK.to_owned(), point.disk_unique_id.to_owned()),
        (tags::POINT.to_owned(), point.point_time.to_string()),
        (tags::POLICY.to_owned(), action.policy.clone()),
        // Whatever it was marked for by another installation is not ours.
        (tags::DELETE_AFTER.to_owned(), String::new()),
    ]);
    Ok(Effect::AdoptPoint { id: snapshot.id.clone(), unique_id: snapshot.unique_id.clone(), tags })
}

fn restore(
    context: &Context<'_>,
    request: &Request,
    action: &RestoreDisk,
    id: ResourceId,
) -> Result<Effect, (Fate, Vec<Reason>)> {
    let source = context.index.snapshot(&action.source).ok_or_else(vanished)?;
    Ok(Effect::CreateDisk {
        id,
        region: source.region.clone(),
        source: source.id.clone(),
        sku: action.sku.clone(),
        zone: action.zone.clone(),
        tags: own_tags(context, request, &action.tags),
    })
}

fn point_of<'c, 'a>(context: &'c Context<'a>, id: &ResourceId) -> Option<&'c Point<'a>> {
    context.lineage.chains.values().flatten().find(|point| point.snapshot.id == *id)
}

fn own_tags(
    context: &Context<'_>,
    request: &Request,
    tags: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut tags = tags.clone();
    tags.insert(tags::INSTALLATION.to_owned(), context.limits.installation.clone());
    tags.insert(tags::REQUEST.to_owned(), request.id.clone());
    tags
}

/// The preconditions have looked for the source, so this is not met.
fn vanished() -> (Fate, Vec<Reason>) {
    (Fate::Blocked, vec![Reason::DiskUnseen])
}
