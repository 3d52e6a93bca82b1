//! Keep, mark or delete: a decision with reasons for every point on every side.
//!
//! The dangerous half. Whatever keeps a point wins over whatever would let it go, a point goes in
//! two phases, and the brake holds up what the policies did not foretell. `check` holds the same
//! rules, written apart.

use std::collections::BTreeMap;

use foldhash::HashMap;
use jiff::{SignedDuration, Timestamp};

use super::{
    Batch, Context, Effect, Fate, Held, Plan, Reason, Step, Subject, View, brake,
    force::Force,
    guards::{Guard, guards},
    snapshots,
};
use crate::{
    lineage::Point,
    model::{Action, Disk, Keep, LockLevel, Request, ResourceId, Side, time_zone},
    status::target_side,
    tags,
};

pub(super) fn plan_retention(
    context: &Context<'_>,
    views: &[View<'_, '_>],
    requests: &[Request],
    plan: &mut Plan,
) {
    for snapshot in &context.lineage.unplaced {
        let subject = Subject::Point(snapshot.id.clone());
        plan.decide(subject, Fate::Foreign, vec![Reason::Unplaced]);
    }
    let by_unique_id: HashMap<&str, &View<'_, '_>> =
        views.iter().map(|view| (view.disk.unique_id.as_str(), view)).collect();
    // What a step of this very plan pins stays, too.
    let pinned: HashMap<ResourceId, String> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.effect {
            Effect::PinPoint { id, actor, .. } => Some((id.clone(), actor.clone())),
            _ => None,
        })
        .collect();
    let mut leaving = Leaving::default();
    for (unique_id, chain) in &context.lineage.chains {
        let view = by_unique_id.get(unique_id.as_str()).copied();
        let guards = guards(context, chain, view, &pinned);
        let verdicts = Verdicts::of(context, chain, view.map(|view| view.disk));
        leaving.foretold += verdicts.foretold;
        for ((point, guard), verdict) in chain.iter().zip(&guards).zip(verdicts.of) {
            decide_point(context, point, guard, verdict, &mut leaving, plan);
        }
    }
    leave(context, leaving, requests, plan);
}

/// What policies say about the points of a chain.
#[derive(Default)]
struct Verdicts<'c, 'a> {
    /// One for each point of the chain, in its order; none for what is not ours.
    of: Vec<Option<Verdict<'c, 'a>>>,
    /// Points that the rules let go of in the last 24 hours.
    foretold: usize,
}

/// What the policies of one point say about it.
#[derive(Default)]
struct Verdict<'c, 'a> {
    /// The first policy that speaks for it.
    speaker: Option<&'c Force<'a>>,
    /// The others that do.
    others: Vec<&'c Force<'a>>,
    /// Why a policy of it does not: nothing is deleted then.
    silent: Vec<Reason>,
    kept: Vec<Reason>,
    /// Policies whose rules before an edit keep it, with the version that edited them.
    kept_before: Vec<(&'c Force<'a>, u32)>,
}

impl<'c, 'a> Verdicts<'c, 'a> {
    fn of(context: &'c Context<'a>, chain: &'c [Point<'a>], disk: Option<&'a Disk>) -> Self {
        let mut verdicts = Self { of: Vec::with_capacity(chain.len()), foretold: 0 };
        let places = disk.map(|disk| places(context, disk));
        for point in chain {
            let ours = point.snapshot.is_of(&context.limits.installation);
            let verdict = ours.then(|| {
                let mut verdict = Verdict::default();
                for policy in point.snapshot.policies() {
                    match speaker(context, places.as_deref(), point, policy) {
                        Ok(force) if verdict.speaker.is_none() => verdict.speaker = Some(force),
                        Ok(force) => verdict.others.push(force),
                        Err(reason) => verdict.silent.push(reason),
                    }
                }
                verdict
            });
            verdicts.of.push(verdict);
        }
        let Some(disk) = disk else { return verdicts };
        for (force, places) in context.forces.iter().zip(places.iter().flatten()) {
            if let Some((_, sides)) = places {
                verdicts.ask(context, chain, disk, force, sides);
            }
        }
        verdicts
    }

    /// Asks one policy, whose targets are on `targets`, about all points that it speaks for, side
    /// by side.
    fn ask(
        &mut self,
        context: &Context<'_>,
        chain: &'c [Point<'a>],
        disk: &Disk,
        force: &'c Force<'a>,
        targets: &[Side],
    ) {
        let speaks = |verdict: &Verdict<'_, '_>| {
            let mut speakers = verdict.speaker.iter().chain(&verdict.others);
            speakers.any(|speaker| std::ptr::eq(*speaker, force))
        };
        // Ready points by where they stand; all snapshots of the disk are one side, whichever
        // group they went to.
        let mut sides: BTreeMap<Option<&'c Side>, Vec<(usize, &'c Point<'a>)>> = BTreeMap::new();
        for (at, point) in chain.iter().enumerate().rev() {
            let heard = self.of.get(at).and_then(Option::as_ref).is_some_and(speaks);
            if heard && point.snapshot.state.is_ready() {
                let side = point.snapshot.is_copy.then(|| point.side());
                sides.entry(side).or_default().push((at, point));
            }
        }
        for (side, points) in sides {
            let policy = force.policy;
            let Some(keep) = (match side {
                None => Some(&policy.keep),
                Some(side) => {
                    let place = targets.iter().position(|target| target == side);
                    place.and_then(|at| policy.targets.get(at)).map(|target| &target.keep)
                }
            }) else {
                continue;
            };
            self.judge(context, force, keep, &points);
            for before in &policy.rules_before {
                let accepted = context.history.accepted.get(&policy.id);
                if accepted.is_some_and(|version| *version >= before.replaced_by) {
                    continue;
                }
                let keep = match side {
                    None => Some(&before.keep),
                    Some(side) => before
                        .targets
                        .iter()
                        .find(|target| target_side(policy, target, disk) == *side)
                        .map(|target| &target.keep),
                };
                let zone = time_zone(&before.time_zone).unwrap_or_else(|_| force.zone.clone());
                let times: Vec<Timestamp> = points.iter().map(|(_, p)| p.point_time).collect();
                let kept: Vec<bool> = match keep {
                    Some(keep) if !keep.is_empty() => {
                        keep.kept(&times, &zone).iter().map(|rules| !rules.is_empty()).collect()
                    }
                    // What had no rules kept everything.
                    _ => vec![true; times.len()],
                };
                for ((at, _), _) in points.iter().zip(kept).filter(|(_, kept)| *kept) {
                    self.at(*at, |verdict| verdict.kept_before.push((force, before.replaced_by)));
                }
            }
        }
    }

    fn judge(
        &mut self,
        context: &Context<'_>,
        force: &'c Force<'a>,
        keep: &Keep,
        points: &[(usize, &'c Point<'a>)],
    ) {
        if keep.is_empty() {
            for (at, _) in points {
                self.at(*at, |verdict| verdict.kept.push(Reason::KeptByNoLimit));
            }
            return;
        }
        let times: Vec<Timestamp> = points.iter().map(|(_, p)| p.point_time).collect();
        let mut is_kept = vec![false; times.len()];
        keep.walk(&times, &force.zone, |nth, by| {
            if let (Some(is_kept), Some((at, _))) = (is_kept.get_mut(nth), points.get(nth)) {
                *is_kept = true;
                self.at(*at, |verdict| {
                    // Hundreds of thousands of points have one reason or two.
                    verdict.kept.reserve_exact(1);
                    verdict.kept.push(Reason::KeptByRule { policy: force.id.clone(), by });
                });
            }
        });
        // What the same rules kept a day ago, of the points that were there. What is new since
        // would have been kept.
        let start = brake::window_start(context.now);
        let new = times.iter().take_while(|at| **at > start).count();
        let mut was_kept = vec![true; new];
        was_kept.resize(times.len(), false);
        keep.walk(times.get(new..).unwrap_or_default(), &force.zone, |nth, _| {
            if let Some(was_kept) = was_kept.get_mut(new + nth) {
                *was_kept = true;
            }
        });
        self.foretold += is_kept.iter().zip(&was_kept).filter(|(is, was)| !**is && **was).count();
    }

    fn at(&mut self, at: usize, change: impl FnOnce(&mut Verdict<'c, 'a>)) {
        if let Some(Some(verdict)) = self.of.get_mut(at) {
            change(verdict);
        }
    }
}

/// Where each policy that selects the disk has points of it: the source's region and the targets'
/// sides, in the order of the policies; none for a policy that does not select it.
type Places<'a> = Option<(&'a crate::Region, Vec<Side>)>;

fn places<'a>(context: &Context<'_>, disk: &'a Disk) -> Vec<Places<'a>> {
    let of = |force: &Force<'_>| {
        let sides = force.policy.targets.iter().map(|t| target_side(force.policy, t, disk));
        force.selects(disk).then(|| (&disk.region, sides.collect()))
    };
    context.forces.iter().map(of).collect()
}

/// The policy of that id, if it speaks for the point; else why not.
fn speaker<'c, 'a>(
    context: &'c Context<'a>,
    places: Option<&[Places<'_>]>,
    point: &Point<'_>,
    policy: &str,
) -> Result<&'c Force<'a>, Reason> {
    let named = || policy.to_owned();
    let at = context.forces.binary_search_by(|force| force.policy.id.as_str().cmp(policy));
    let Some((at, force)) = at.ok().and_then(|at| Some((at, context.forces.get(at)?))) else {
        return Err(Reason::PolicyMissing { policy: named() });
    };
    if let Some(reason) = force.silence(context.now) {
        return Err(reason);
    }
    let Some((region, sides)) = places.and_then(|places| places.get(at)?.as_ref()) else {
        return Err(Reason::DiskDeselected { policy: named() });
    };
    if point.snapshot.is_copy {
        // A copy that another policy's target asked for is that one's alone.
        if !sides.contains(point.side()) {
            return Err(Reason::SideDeselected { policy: named() });
        }
    } else if point.snapshot.region != **region {
        return Err(Reason::SideDeselected { policy: named() });
    }
    Ok(force)
}

/// Points that no rule keeps, and nothing else.
#[derive(Default)]
struct Leaving<'c, 'a> {
    foretold: usize,
    unmarked: Vec<Unmarked<'c, 'a>>,
}

struct Unmarked<'c, 'a> {
    point: &'c Point<'a>,
    force: &'c Force<'a>,
    reasons: Vec<Reason>,
    held: Option<(String, u32)>,
}

fn decide_point<'c, 'a>(
    context: &Context<'_>,
    point: &'c Point<'a>,
    guard: &Guard<'_>,
    verdict: Option<Verdict<'c, 'a>>,
    leaving: &mut Leaving<'c, 'a>,
    plan: &mut Plan,
) {
    let snapshot = point.snapshot;
    let subject = Subject::Point(snapshot.id.clone());
    let Some(verdict) = verdict else {
        return plan.decide(subject, Fate::Foreign, vec![Reason::NotOurs]);
    };
    let Some(force) = verdict.speaker else {
        let by_hand = verdict.silent.is_empty();
        let (fate, reasons) = if by_hand {
            (Fate::Keep, vec![Reason::MadeByHand])
        } else {
            (Fate::Released, verdict.silent)
        };
        return plan.decide(subject, fate, reasons);
    };
    // Another target's policy that the point is no copy of has no say here; any other silence has.
    let silent = verdict.silent.iter().filter(|r| !matches!(r, Reason::SideDeselected { .. }));
    let mut kept = verdict.kept;
    guard.add_reasons(point, &mut kept);
    kept.extend(silent.cloned());
    let marked = snapshot.delete_after();
    if !kept.is_empty() {
        // A pin by this plan takes the mark back by itself. While nothing is deleted, marks stay: what is
        // kept only because a list is missing would lose its mark, and get it anew, with each gap.
        let unmarks =
            (snapshot.is_pinned() || guard.pinned_by.is_none()) && context.bar().is_none();
        if marked.is_some() && unmarks && takes_tags(context, point) {
            push(force, point, plan, |id, unique_id| Effect::UnmarkPoint { id, unique_id });
        }
        return plan.decide(subject, Fate::Keep, kept);
    }
    if let Some(bar) = context.bar() {
        return plan.decide(subject, Fate::Keep, vec![Reason::DeletesBarred { bar }]);
    }
    if let Some(reason) = lock(context, point) {
        return plan.decide(subject, Fate::Blocked, vec![reason]);
    }
    let mut reasons = vec![];
    if let Some(side) = guard.given_up_for {
        reasons.push(Reason::GivenUp { region: side.region.clone() });
    }
    let approved = tags::read(&snapshot.tags, tags::APPROVED).is_some();
    let held = verdict.kept_before.first().filter(|_| !(approved && marked.is_some()));
    match marked {
        Some(_) if held.is_some() => {
            // Marked before the edit was made; the rules before it keep the point.
            push(force, point, plan, |id, unique_id| Effect::UnmarkPoint { id, unique_id });
            plan.decide(subject, Fate::Held, held_by_edit(held));
        }
        Some(at) if at > context.now => {
            reasons.push(Reason::NotKept { delete_after: at });
            plan.decide(subject, Fate::Marked, reasons);
        }
        Some(at) => {
            reasons.push(Reason::NotKept { delete_after: at });
            push(force, point, plan, |id, unique_id| Effect::DeletePoint { id, unique_id });
            plan.decide(subject, Fate::Delete, reasons);
        }
        None => {
            let held = held.map(|(force, version)| (force.policy.id.clone(), *version));
            leaving.unmarked.push(Unmarked { point, force, reasons, held });
        }
    }
}

fn held_by_edit(held: Option<&(&Force<'_>, u32)>) -> Vec<Reason> {
    held.map(|(force, version)| Reason::HeldByEdit {
        policy: force.policy.id.clone(),
        version: *version,
    })
    .into_iter()
    .collect()
}

/// Why Azure would not let the point go.
fn lock(context: &Context<'_>, point: &Point<'_>) -> Option<Reason> {
    let snapshot = point.snapshot;
    if let Some(until) = snapshot.immutable_until.filter(|until| *until > context.now) {
        return Some(Reason::Immutable { until });
    }
    if let Some(lock) = context.inventory.lock_on(&snapshot.id) {
        return Some(Reason::Locked { lock: lock.name.clone(), scope: lock.scope.clone() });
    }
    context.refusal(&snapshot.id)
}

/// Whether Azure would let the point's tags change: a mark that is to be taken back waits where not,
/// and nothing goes meanwhile. What Azure is at work on may be a point that it is deleting for another
/// run: without its mark, it would count as deleted by somebody else.
fn takes_tags(context: &Context<'_>, point: &Point<'_>) -> bool {
    if point.snapshot.state.is_under_way() {
        return false;
    }
    let id = &point.snapshot.id;
    let lock = context.inventory.lock_on(id).filter(|lock| lock.level == LockLevel::ReadOnly);
    lock.is_none() && context.refusal(id).is_none()
}

/// Marks what may go, oldest first; holds the rest.
fn leave(context: &Context<'_>, leaving: Leaving<'_, '_>, requests: &[Request], plan: &mut Plan) {
    let grace = SignedDuration::from_hours(i64::from(context.limits.delete_after_hours));
    let delete_after = context.now.checked_add(grace).unwrap_or(Timestamp::MAX);
    let allowed = brake::allowance(context, leaving.foretold);
    let mut unmarked = leaving.unmarked;
    // A stable sort: those of one time stay as they came, by the disk's unique id.
    unmarked.sort_by_key(|item| item.point.point_time);
    let mut left = allowed;
    let mut held: Vec<(Unmarked<'_, '_>, Reason)> = vec![];
    for item in unmarked {
        match &item.held {
            Some((policy, version)) => {
                let reason = Reason::HeldByEdit { policy: policy.clone(), version: *version };
                held.push((item, reason));
            }
            None if left == 0 => held.push((item, Reason::HeldByBrake { allowed })),
            None => {
                left -= 1;
                mark(plan, item, delete_after, None);
            }
        }
    }
    let points = held.iter().map(|(item, reason)| Held {
        id: item.point.snapshot.id.clone(),
        unique_id: item.point.snapshot.unique_id.clone(),
        reason: reason.clone(),
    });
    let policies = held.iter().filter_map(|(item, _)| item.held.clone()).collect();
    let batch = Batch::of(points.collect(), policies);
    let approved = approve(batch.as_ref(), requests, plan);
    for (item, reason) in held {
        match &batch {
            Some(batch) if approved => mark(plan, item, delete_after, Some(batch.hash.clone())),
            _ => {
                let subject = Subject::Point(item.point.snapshot.id.clone());
                plan.decide(subject, Fate::Held, vec![reason]);
            }
        }
    }
    plan.held = batch.filter(|_| !approved);
}

fn mark(
    plan: &mut Plan,
    item: Unmarked<'_, '_>,
    delete_after: Timestamp,
    approved: Option<String>,
) {
    let Unmarked { point, force, mut reasons, .. } = item;
    reasons.push(Reason::NotKept { delete_after });
    push(force, point, plan, |id, unique_id| Effect::MarkPoint {
        id,
        unique_id,
        delete_after,
        approved,
    });
    plan.decide(Subject::Point(point.snapshot.id.clone()), Fate::Marked, reasons);
}

/// Decides the approvals that people gave; true if one is for exactly this batch.
fn approve(batch: Option<&Batch>, requests: &[Request], plan: &mut Plan) -> bool {
    let mut approved = false;
    let mut requests: Vec<&Request> = requests.iter().collect();
    requests.sort_by(|a, b| (a.asked_at, &a.id).cmp(&(b.asked_at, &b.id)));
    for request in requests {
        let Action::ApproveDeletions(action) = &request.action else { continue };
        let subject = Subject::Request(request.id.clone());
        let asked = Reason::Asked { actor: request.actor.clone() };
        match batch {
            Some(batch) if batch.hash == action.batch => {
                let (hash, policies) = (batch.hash.clone(), batch.policies.clone());
                let reason = Reason::Approved { batch: hash, policies };
                plan.decide(subject, Fate::Idle, vec![asked, reason]);
                approved = true;
            }
            _ => {
                let now = batch.map(|batch| batch.hash.clone());
                plan.decide(subject, Fate::Blocked, vec![asked, Reason::BatchChanged { now }]);
            }
        }
    }
    approved
}

fn push(
    force: &Force<'_>,
    point: &Point<'_>,
    plan: &mut Plan,
    effect: impl FnOnce(ResourceId, String) -> Effect,
) {
    let effect = effect(point.snapshot.id.clone(), point.snapshot.unique_id.clone());
    plan.steps.push(Step { effect, cause: snapshots::cause(force) });
}
