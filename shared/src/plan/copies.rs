//! Which copies to start: in creation order in each region, one of a disk at a time over all its
//! targets, the one closest to breaking its RPO first, never a second full one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    Context, Effect, Fate, Plan, Reason, Step, Subject, View,
    force::Force,
    snapshots,
    wants::{Want, Wanted},
};
use crate::{
    lineage::Point,
    model::{Disk, PointState, Region, ResourceId, Side, Spent},
    names,
    status::source_side,
    tags,
};

/// A copy that Azure calls failed is started anew once, by itself.
const MAX_ATTEMPTS: usize = 2;

/// A target whose copy was given up comes after the disk's others for so long.
const PENANCE: SignedDuration = SignedDuration::from_hours(24);

/// A copy that may be started, or why none is.
type Next<'c, 'a> = Result<Start<'c, 'a>, (Fate, Reason)>;

/// A copy that a side would have next.
struct Start<'c, 'a> {
    effect: Effect,
    point: &'c Point<'a>,
    force: &'c Force<'a>,
    /// Whether the whole disk would travel.
    first: bool,
    /// Upper bound of what would travel.
    bytes: u64,
}

/// A side's turn.
struct Turn<'v, 'c, 'a> {
    view: &'v View<'c, 'a>,
    want: &'v Want<'c, 'a>,
    next: Next<'c, 'a>,
    /// Whether the side comes after the disk's others, as a copy to it was given up.
    penance: bool,
    /// When the first of the disk's sides in the region that can have a copy now breaks its RPO.
    deadline: Timestamp,
}

pub(super) fn plan_copies(
    context: &Context<'_>,
    views: &[View<'_, '_>],
    copying: BTreeSet<String>,
    plan: &mut Plan,
) {
    let mut room =
        Room { flights: in_flight_by_region(context), budget: Budget::of(context), copying };
    let mut turns: Vec<Turn<'_, '_, '_>> = vec![];
    for view in views {
        match view.chain.iter().find(|p| p.snapshot.is_copy && p.snapshot.state.is_under_way()) {
            Some(point) => under_way(context, view, point, plan),
            None => turns.extend(turns_of(context, view, &room)),
        }
    }
    turns.sort_by_cached_key(|turn| {
        let Turn { view, want, next, penance, deadline } = turn;
        let point_time = next.as_ref().ok().map(|start| start.point.point_time);
        let names = (view.disk.id.clone(), want.side.clone());
        (*penance, *deadline, point_time, want.deadline, names)
    });
    for Turn { view, want, next, .. } in turns {
        let (disk, side) = (view.disk, &want.side);
        let subject = Subject::Disk(disk.id.clone());
        let next = next.and_then(|start| match room.obstacle(context, disk, side, &start) {
            Some(obstacle) => Err(obstacle),
            None => Ok(start),
        });
        match next {
            Err((fate, reason)) => plan.decide(subject, fate, vec![reason]),
            Ok(start) => {
                room.take(disk, side, &start);
                let (point, region) = (start.point.snapshot.id.clone(), side.region.clone());
                plan.decide(subject, Fate::Act, vec![Reason::TargetLacks { point, region }]);
                let cause = snapshots::cause(start.force);
                plan.steps.push(Step { effect: start.effect, cause });
            }
        }
    }
}

/// The turns of a disk's sides. Those of one region come together, the oldest point first: a newer
/// one at any of them bars the older ones from all for good (compute-snapshots §1.6), and a side
/// that is seldom due would never get one. A side that can have no copy now hurries no other.
fn turns_of<'v, 'c, 'a>(
    context: &Context<'_>,
    view: &'v View<'c, 'a>,
    room: &Room,
) -> Vec<Turn<'v, 'c, 'a>> {
    let turn = |want: &'v Want<'c, 'a>| {
        let abandoned = context.history.abandoned(&view.disk.unique_id, &want.side);
        let penance = abandoned.is_some_and(|at| context.now.duration_since(at) < PENANCE);
        let next = next_copy(context, view, want);
        Turn { view, want, next, penance, deadline: want.deadline }
    };
    let mut turns: Vec<Turn<'_, '_, '_>> = view.wants.iter().map(turn).collect();
    let mut due: BTreeMap<(bool, &Region), Timestamp> = BTreeMap::new();
    for turn in &turns {
        let obstacle = |start| room.obstacle(context, view.disk, &turn.want.side, start);
        if turn.next.as_ref().is_ok_and(|start| obstacle(start).is_none()) {
            let due = due.entry((turn.penance, &turn.want.side.region)).or_insert(turn.deadline);
            *due = turn.deadline.min(*due);
        }
    }
    for turn in &mut turns {
        if let Some(due) = due.get(&(turn.penance, &turn.want.side.region)) {
            turn.deadline = *due;
        }
    }
    turns
}

/// A copy is seen, not awaited; one that has had its time is given up where the policy says so.
fn under_way(context: &Context<'_>, view: &View<'_, '_>, point: &Point<'_>, plan: &mut Plan) {
    let subject = Subject::Disk(view.disk.id.clone());
    let copy = point.snapshot;
    let stuck = view
        .covering
        .iter()
        .filter(|force| copy.is_of_policy(&force.policy.id))
        .filter_map(|force| Some((*force, force.policy.abandon_after_hours?)))
        .min_by_key(|(_, hours)| *hours)
        .filter(|(_, hours)| has_had(context, copy.created_at, *hours));
    match stuck {
        Some((force, hours))
            if !plan.steps.iter().any(|step| *step.effect.id() == copy.id)
                && copy.is_of(&context.limits.installation)
                && !copy.is_pinned()
                && context.bar().is_none()
                && context.inventory.lock_on(&copy.id).is_none()
                && context.refusal(&copy.id).is_none() =>
        {
            let effect = Effect::AbandonCopy {
                id: copy.id.clone(),
                unique_id: copy.unique_id.clone(),
                disk_unique_id: view.disk.unique_id.clone(),
                region: copy.region.clone(),
            };
            plan.steps.push(Step { effect, cause: snapshots::cause(force) });
            let reason = Reason::CopyStuck { copy: copy.id.clone(), hours };
            plan.decide(subject, Fate::Act, vec![reason]);
        }
        _ => {
            let reason = Reason::CopyUnderWay { copy: copy.id.clone() };
            plan.decide(subject, Fate::Wait, vec![reason]);
        }
    }
}

fn has_had(context: &Context<'_>, since: Option<Timestamp>, hours: u32) -> bool {
    let span = SignedDuration::from_hours(i64::from(hours));
    since.is_some_and(|since| context.now.duration_since(since) >= span)
}

/// The copy to start for a side, or why none is.
fn next_copy<'c, 'a>(
    context: &Context<'_>,
    view: &View<'_, '_>,
    want: &Want<'c, 'a>,
) -> Next<'c, 'a> {
    let Some(Wanted { force, .. }) = want.points.first() else {
        return Err((Fate::Idle, Reason::TargetComplete));
    };
    let (disk, side) = (view.disk, &want.side);
    if source_side(force.policy, disk) == *side {
        return Err((Fate::Blocked, Reason::TargetIsSource { region: side.region.clone() }));
    }
    let first = needs_full_copy(context, view, want)?;
    let (Wanted { point, force, target, .. }, id) = next_point(context, view, want, first)?;
    if let Some(reason) = context.refusal(&id) {
        return Err((Fate::Blocked, reason));
    }
    let sku = snapshots::sku_in(context, target.sku, &side.region);
    if let Some(reason) = context.place_obstacle(side, sku) {
        return Err((Fate::Blocked, reason));
    }
    let size = point.snapshot.size_bytes;
    let bytes = if first { size } else { size / 100 * context.limits.delta_percent };
    let effect = Effect::StartCopy {
        id,
        region: side.region.clone(),
        source: point.snapshot.id.clone(),
        disk_unique_id: disk.unique_id.clone(),
        sku: sku.name().to_owned(),
        network_access: snapshots::access(force.policy.network_access, disk),
        encryption_set: target.encryption_set.clone(),
        fast: target.fast,
        first,
        bytes,
        tags: copy_tags(context, point),
    };
    Ok(Start { effect, point, force, first, bytes })
}

/// Whether the whole disk would travel. It does so to a side once; a second time is a person's
/// decision.
fn needs_full_copy(
    context: &Context<'_>,
    view: &View<'_, '_>,
    want: &Want<'_, '_>,
) -> Result<bool, (Fate, Reason)> {
    let region = &want.side.region;
    let copies =
        || view.chain.iter().filter(|p| p.snapshot.is_copy && p.snapshot.region == *region);
    let newest = copies().rfind(|p| p.snapshot.state.is_ready());
    if let Some(newest) = newest {
        // The delta is reckoned from the region's newest point, which the source must have, too.
        return match context.index.source_of(newest.snapshot) {
            Some(_) => Ok(false),
            None => Err((Fate::Blocked, Reason::BaseGone { region: region.clone() })),
        };
    }
    if !context.inventory.lists_snapshots_of(&want.side.subscription) {
        return Err((Fate::Wait, Reason::TargetUnlisted { region: region.clone() }));
    }
    if !context.history.readable {
        return Err((Fate::Blocked, Reason::HistoryUnreadable));
    }
    let failed = copies().any(|p| {
        matches!(p.snapshot.state, PointState::Failed { .. })
            && context.history.is_whole(&view.disk.unique_id, &want.side, &p.snapshot.id)
    });
    if context.history.seeded(&view.disk.unique_id, &want.side) && !failed {
        return Err((Fate::Blocked, Reason::SecondFullCopy { region: region.clone() }));
    }
    Ok(true)
}

/// The oldest wanted point that has not failed twice, and the name of its copy.
fn next_point<'c, 'a>(
    context: &Context<'_>,
    view: &View<'_, '_>,
    want: &Want<'c, 'a>,
    first: bool,
) -> Result<(Wanted<'c, 'a>, ResourceId), (Fate, Reason)> {
    let mut given_up = None;
    for wanted in &want.points {
        let point = wanted.point;
        if !point.snapshot.state.is_ready() {
            return Err((Fate::Wait, Reason::SourceNotReady { point: point.snapshot.id.clone() }));
        }
        match free_name(context, view, want, point) {
            Ok(id) => match barred(context, view, want, point) {
                None => return Ok((*wanted, id)),
                Some(reason) => given_up = given_up.or(Some((Fate::Blocked, reason))),
            },
            // A full copy is not begun a third time, nor beside what has its name. A delta is left out:
            // the next one holds its changes.
            Err(failure) if first => return Err(failure),
            Err(failure) => given_up = given_up.or(Some(failure)),
        }
    }
    Err(given_up.unwrap_or((Fate::Idle, Reason::TargetComplete)))
}

/// Why the copy of a point is left out for a while: a later point's copy has failed, and Azure did not
/// begin one of an earlier point since. The failed one may count in the order (no document says so);
/// the next copy holds the same changes.
fn barred(
    context: &Context<'_>,
    view: &View<'_, '_>,
    want: &Want<'_, '_>,
    point: &Point<'_>,
) -> Option<Reason> {
    if context.history.declined.is_empty() {
        return None;
    }
    let region = &want.side.region;
    let copies = view.chain.iter().filter(|p| p.snapshot.is_copy && p.snapshot.region == *region);
    let mut failed = copies.filter(|p| matches!(p.snapshot.state, PointState::Failed { .. }));
    let failed = failed.rfind(|p| p.point_time > point.point_time)?;
    let earlier = want.points.iter().filter(|w| w.point.point_time < failed.point_time);
    let declined = earlier.filter_map(|wanted| {
        let id = copy_id(context, view, want, wanted.point, 1);
        context.history.declined.get(id.key()).copied()
    });
    let until = declined.filter(|at| context.is_past(*at)).max()?.checked_add(context.pause());
    let until = until.ok().filter(|until| *until > context.now)?;
    Some(Reason::BehindFailedCopy { copy: failed.snapshot.id.clone(), until })
}

/// The id of an attempt to copy a point.
fn copy_id(
    context: &Context<'_>,
    view: &View<'_, '_>,
    want: &Want<'_, '_>,
    point: &Point<'_>,
    attempt: usize,
) -> ResourceId {
    let slot = tags::read_time(&point.snapshot.tags, tags::SLOT).unwrap_or(point.point_time);
    let (disk, side) = (view.disk, &want.side);
    let installation = &context.limits.installation;
    let name = names::copy_name(installation, disk.id.name(), &disk.unique_id, slot, side, attempt);
    ResourceId::snapshot(&side.subscription, context.group_name(side), &name)
}

/// The name of the first attempt that has not failed.
fn free_name(
    context: &Context<'_>,
    view: &View<'_, '_>,
    want: &Want<'_, '_>,
    point: &Point<'_>,
) -> Result<ResourceId, (Fate, Reason)> {
    let mut failure = None;
    for attempt in 1..=MAX_ATTEMPTS {
        let id = copy_id(context, view, want, point, attempt);
        match context.index.snapshot(&id) {
            None => return Ok(id),
            Some(existing) => match &existing.state {
                PointState::Failed { message, .. } => failure = Some((id, message.clone())),
                PointState::Creating | PointState::Copying { .. } | PointState::Ready => {
                    let ours = existing.is_of(&context.limits.installation);
                    return Err(if ours {
                        (Fate::Idle, Reason::SlotCopied { copy: id })
                    } else {
                        (Fate::Blocked, Reason::NameTaken { id })
                    });
                }
            },
        }
    }
    match failure {
        Some((copy, message)) => Err((Fate::Blocked, Reason::CopyFailedTwice { copy, message })),
        None => Err((Fate::Idle, Reason::TargetComplete)),
    }
}

/// A copy is the policies' that its source is, so that what one of them lets go another may keep.
fn copy_tags(context: &Context<'_>, point: &Point<'_>) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::from([
        (tags::INSTALLATION.to_owned(), context.limits.installation.clone()),
        (tags::DISK.to_owned(), point.disk_unique_id.to_owned()),
        (tags::POINT.to_owned(), point.point_time.to_string()),
        (tags::POLICY.to_owned(), tags::policies(point.snapshot.policies())),
    ]);
    if let Some(slot) = tags::read(&point.snapshot.tags, tags::SLOT) {
        tags.insert(tags::SLOT.to_owned(), slot.to_owned());
    }
    tags
}

fn in_flight_by_region(context: &Context<'_>) -> BTreeMap<(String, Region), usize> {
    let mut flights = BTreeMap::new();
    let moving = context.inventory.snapshots.iter();
    for copy in moving.filter(|s| s.is_copy && s.state.is_under_way()) {
        let place = (copy.id.subscription().to_ascii_lowercase(), copy.region.clone());
        *flights.entry(place).or_default() += 1;
    }
    flights
}

/// What this plan may still start.
struct Room {
    /// Copies on their way, by subscription and region.
    flights: BTreeMap<(String, Region), usize>,
    budget: Budget,
    /// The disks that a step of this plan copies, by unique id.
    copying: BTreeSet<String>,
}

impl Room {
    fn obstacle(
        &self,
        context: &Context<'_>,
        disk: &Disk,
        side: &Side,
        start: &Start<'_, '_>,
    ) -> Option<(Fate, Reason)> {
        if self.copying.contains(&disk.unique_id) {
            let copy = start.point.snapshot.id.clone();
            return Some((Fate::Wait, Reason::CopyUnderWay { copy }));
        }
        let flights = self.flights.get(&place(side)).copied().unwrap_or_default();
        if flights >= context.limits.copies_in_flight {
            let region = side.region.clone();
            return Some((Fate::Wait, Reason::TooManyCopies { region }));
        }
        self.budget.obstacle(context, start)
    }

    fn take(&mut self, disk: &Disk, side: &Side, start: &Start<'_, '_>) {
        self.copying.insert(disk.unique_id.clone());
        *self.flights.entry(place(side)).or_default() += 1;
        self.budget.take(start);
    }
}

/// Where copies are counted: a subscription and its region.
fn place(side: &Side) -> (String, Region) {
    (side.subscription.clone(), side.region.clone())
}

/// What policies may still move, this plan's copies counted.
struct Budget {
    month: BTreeMap<String, u64>,
    first_today: BTreeMap<String, u64>,
}

impl Budget {
    fn of(context: &Context<'_>) -> Self {
        let today = context.now.to_zoned(TimeZone::UTC).date();
        let mut budget = Self { month: BTreeMap::new(), first_today: BTreeMap::new() };
        for (policy, days) in &context.history.spent {
            let in_month =
                days.iter().filter(|(day, _)| day.first_of_month() == today.first_of_month());
            let sum = in_month.map(|(_, spent)| spent.first_bytes + spent.delta_bytes).sum();
            budget.month.insert(policy.clone(), sum);
            let first = days.get(&today).map_or(0, |Spent { first_bytes, .. }| *first_bytes);
            budget.first_today.insert(policy.clone(), first);
        }
        budget
    }

    /// Which limit stands against a copy's bytes.
    fn obstacle(&self, context: &Context<'_>, start: &Start<'_, '_>) -> Option<(Fate, Reason)> {
        let Start { force, first, bytes, .. } = start;
        let of_policy = |sums: &BTreeMap<String, u64>| sums.get(&force.policy.id).copied();
        let month = of_policy(&self.month).unwrap_or_default();
        let today = of_policy(&self.first_today).unwrap_or_default();
        if let Some(limit_gib) = force.policy.stop_loss_gib {
            if !context.history.readable {
                return Some((Fate::Blocked, Reason::HistoryUnreadable));
            }
            if month + bytes > u64::from(limit_gib) << 30 {
                let (policy, spent_gib) = (force.policy.id.clone(), month >> 30);
                return Some((Fate::Blocked, Reason::StopLoss { policy, spent_gib, limit_gib }));
            }
        }
        // The first of a day goes whatever its size: a disk may be larger than the share.
        let limit_gib = force.policy.first_copies_gib_per_day.filter(|_| *first && today > 0)?;
        let fits = today + bytes <= u64::from(limit_gib) << 30;
        let policy = force.policy.id.clone();
        (!fits).then_some((Fate::Wait, Reason::StagedForLater { policy, limit_gib }))
    }

    fn take(&mut self, start: &Start<'_, '_>) {
        let policy = &start.force.policy.id;
        *self.month.entry(policy.clone()).or_default() += start.bytes;
        if start.first {
            *self.first_today.entry(policy.clone()).or_default() += start.bytes;
        }
    }
}
