//! What must hold of any plan before it is applied: the planner's rules, written apart.
//!
//! It shares no code with the planner but the model and lineage, on purpose: a slip there is
//! caught here. A plan with one violation is not applied at all.

mod rules;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use jiff::{SignedDuration, Timestamp};

use crate::{
    lineage::{Lineage, Point, lineage},
    model::{
        Action, Disk, History, Inventory, Limits, PointState, Policy, Request, ResourceId, Side,
        Snapshot,
    },
    names,
    plan::{Cause, Effect, Plan, Step},
    tags,
};

/// A rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A step on something that is not there, or not the same any more.
    #[error("`{0}` is not in the inventory, or another one of that name is")]
    Unknown(ResourceId),
    /// A deletion or mark of something that another made.
    #[error("`{0}` was not made by this installation")]
    NotOurs(ResourceId),
    /// A deletion or mark of something that no policy in force speaks for.
    #[error("no policy in force lets `{0}` go")]
    NoPolicy(ResourceId),
    /// A deletion or mark of something that a policy's rule keeps.
    #[error("a rule of policy `{1}` keeps `{0}`")]
    KeptByRule(ResourceId, String),
    /// A deletion or mark of something that only an edit without approval lets go.
    #[error("the rules before an edit keep `{0}`, and nobody has approved of its deletion")]
    HeldByEdit(ResourceId),
    /// A deletion without a mark whose time has come.
    #[error("`{0}` has no mark whose time has come")]
    NotMarked(ResourceId),
    /// A mark that comes due too soon.
    #[error("the mark of `{0}` comes due before the time that people have to undo it")]
    MarkTooShort(ResourceId),
    /// A mark of what is marked already: its time would move.
    #[error("`{0}` is marked already")]
    MarkedAlready(ResourceId),
    /// A deletion or mark of a pinned point.
    #[error("`{0}` is pinned")]
    Pinned(ResourceId),
    /// A deletion or mark of a locked or immutable point.
    #[error("`{0}` is locked or immutable")]
    Locked(ResourceId),
    /// A policy's write where a lock forbids every change.
    #[error("`{0}` is under a lock that forbids every change")]
    ReadOnly(ResourceId),
    /// A policy's write that Azure refused lately, for a reason that lasts.
    #[error("Azure refused `{0}` lately and will do so again")]
    Retried(ResourceId),
    /// A deletion or mark of a side's last good point.
    #[error("`{0}` is the newest good point of its side")]
    Floor(ResourceId),
    /// A deletion or mark of what a copy is, or will be, reckoned from.
    #[error("`{0}` is the base of the next copy, or is being copied")]
    Base(ResourceId),
    /// A deletion or mark of a point that a target lacks and would keep.
    #[error("`{0}` is wanted by a target that does not have it")]
    Wanted(ResourceId),
    /// A deletion or mark of something that Azure is at work on or calls failed.
    #[error("`{0}` is not ready")]
    NotReady(ResourceId),
    /// A deletion although not everything is known.
    #[error(
        "a deletion is planned although the inventory has gaps, points have vanished, past runs cannot be read or the clocks disagree"
    )]
    Blind,
    /// Too many deletions.
    #[error("{0} deletions are planned in one subscription; {1} are allowed in one tick")]
    TooManyDeletes(usize, usize),
    /// More marks than the policies foretold.
    #[error("{0} points would be marked in 24 hours; {1} are allowed")]
    Brake(usize, usize),
    /// Too many steps.
    #[error("{0} steps are planned in one subscription; {1} are allowed in one tick")]
    TooManySteps(usize, usize),
    /// An approval that nobody gave.
    #[error("nobody approved of batch {0}")]
    NotApproved(String),
    /// A second copy of a disk in one plan, or beside one in flight.
    #[error("a copy of the disk `{0}` is planned beside another")]
    SecondCopy(String),
    /// More copies to one place than Azure takes.
    #[error("more than {1} copies to {0} would be in flight")]
    TooManyCopies(String, usize),
    /// A copy of what cannot be copied.
    #[error("`{0}` cannot be copied: it is not a ready incremental snapshot of the disk")]
    NotCopyable(ResourceId),
    /// A copy that is older than what the region has.
    #[error("the region has a newer point than `{0}`; Azure copies in creation order")]
    OutOfOrder(ResourceId),
    /// The whole disk would travel to a side once more, or unnoticed.
    #[error("the whole disk would travel for `{0}`, and no person asked for that")]
    SecondFull(ResourceId),
    /// A copy onto the very side that it is taken from.
    #[error("`{0}` would be copied onto its own side")]
    OntoItself(ResourceId),
    /// More than the policy's stop-loss would travel.
    #[error("policy `{0}` would pass its monthly stop-loss")]
    StopLoss(String),
    /// A copy is given up that nobody gave up.
    #[error("`{0}` is given up before its time, or is not an incomplete copy of ours")]
    NotStuck(ResourceId),
    /// More snapshots of a disk than Azure holds.
    #[error("the disk of `{0}` has as many snapshots as Azure holds")]
    TooManySnapshots(ResourceId),
    /// A snapshot of a disk that no policy protects and nobody asked for.
    #[error("nobody asked for `{0}`")]
    NotAskedFor(ResourceId),
    /// A snapshot of a slot that has one, wherever it stands.
    #[error("`{0}` is of a slot that the disk has a snapshot of, or had one made")]
    SlotTwice(ResourceId),
    /// A creation over something that exists, or two of one name.
    #[error("`{0}` exists already")]
    Exists(ResourceId),
    /// A name that Azure would refuse.
    #[error("`{0}` is not a name that Azure takes")]
    Name(String),
    /// A creation without the tags that tell whose it is and what it is of.
    #[error("`{0}` would be made without the tags of this installation, disk, time or policy")]
    Untagged(ResourceId),
    /// A point that anybody may export, against the policy or the disk.
    #[error("`{0}` would be open wider than its disk")]
    TooOpen(ResourceId),
}

/// What everything is checked against.
struct Facts<'a> {
    inventory: &'a Inventory,
    disks: HashMap<&'a str, &'a Disk>,
    by_unique_id: HashMap<&'a str, &'a Disk>,
    snapshots: HashMap<&'a str, &'a Snapshot>,
    places: HashMap<&'a str, (&'a str, usize)>,
    lineage: &'a Lineage<'a>,
    policies: &'a [Policy],
    requests: &'a [Request],
    history: &'a History,
    limits: &'a Limits,
    now: Timestamp,
}

/// Every rule that `plan` breaks; none for a plan that may be applied.
///
/// Everything is judged at the time of the inventory, which is what plans are made for.
pub fn check(
    plan: &Plan,
    inventory: &Inventory,
    policies: &[Policy],
    requests: &[Request],
    history: &History,
    limits: &Limits,
) -> Vec<Violation> {
    let lineage = lineage(inventory);
    let mut places = HashMap::default();
    for (disk, chain) in &lineage.chains {
        for (at, point) in chain.iter().enumerate() {
            places.insert(point.snapshot.id.key(), (disk.as_str(), at));
        }
    }
    let facts = Facts {
        inventory,
        disks: inventory.disks.iter().map(|d| (d.id.key(), d)).collect(),
        by_unique_id: inventory.disks.iter().map(|d| (d.unique_id.as_str(), d)).collect(),
        snapshots: inventory.snapshots.iter().map(|s| (s.id.key(), s)).collect(),
        places,
        lineage: &lineage,
        policies,
        requests,
        history,
        limits,
        now: inventory.taken_at,
    };
    let mut violations = vec![];
    let mut seen = BTreeSet::new();
    for step in &plan.steps {
        let id = step.effect.id();
        if !seen.insert(id.key()) {
            violations.push(Violation::Exists(id.clone()));
        }
        check_step(&facts, step, &mut violations);
    }
    check_copies(&facts, plan, &mut violations);
    check_sums(&facts, plan, &mut violations);
    violations
}

fn check_step(facts: &Facts<'_>, step: &Step, violations: &mut Vec<Violation>) {
    if matches!(step.cause, Cause::Policy { .. }) {
        rules::check_obstacles(facts, step.effect.id(), violations);
    }
    match &step.effect {
        Effect::DeletePoint { id, unique_id } => {
            if let Some(point) = facts.owned(id, unique_id, violations) {
                if point.snapshot.delete_after().is_none_or(|at| at > facts.now) {
                    violations.push(Violation::NotMarked(id.clone()));
                }
                let approved = tags::read(&point.snapshot.tags, tags::APPROVED).is_some();
                check_goes(facts, &point, approved, violations);
            }
        }
        Effect::MarkPoint { id, unique_id, delete_after, approved } => {
            let Some(point) = facts.owned(id, unique_id, violations) else { return };
            if point.snapshot.delete_after().is_some() {
                violations.push(Violation::MarkedAlready(id.clone()));
            }
            let grace = SignedDuration::from_hours(i64::from(facts.limits.delete_after_hours));
            if delete_after.duration_since(facts.now) < grace {
                violations.push(Violation::MarkTooShort(id.clone()));
            }
            if let Some(batch) = approved
                && !facts.requests.iter().any(|request| {
                    matches!(&request.action, Action::ApproveDeletions(a) if a.batch == *batch)
                })
            {
                violations.push(Violation::NotApproved(batch.clone()));
            }
            check_goes(facts, &point, approved.is_some(), violations);
        }
        Effect::UnmarkPoint { id, unique_id } => {
            if facts
                .owned(id, unique_id, violations)
                .is_some_and(|p| p.snapshot.state.is_under_way())
            {
                violations.push(Violation::NotReady(id.clone()));
            }
        }
        Effect::PinPoint { id, unique_id, .. } | Effect::AdoptPoint { id, unique_id, .. } => {
            if facts.snapshot(id).is_none_or(|s| s.unique_id != *unique_id) {
                violations.push(Violation::Unknown(id.clone()));
            }
            if !matches!(step.cause, Cause::Request { .. }) {
                violations.push(Violation::NotAskedFor(id.clone()));
            }
        }
        Effect::AbandonCopy { id, unique_id, .. } => {
            check_abandon(facts, step, id, unique_id, violations);
        }
        Effect::CreateSnapshot { id, source, network_access, tags, incremental, .. } => {
            check_new(facts, step, id, tags, violations);
            let disk = facts.disks.get(source.key()).copied();
            let Some(disk) = disk else {
                return violations.push(Violation::Unknown(source.clone()));
            };
            if matches!(step.cause, Cause::Policy { .. }) && *network_access < disk.network_access {
                violations.push(Violation::TooOpen(id.clone()));
            }
            let chain = facts.chain(&disk.unique_id);
            let count =
                chain.iter().filter(|p| !p.snapshot.is_copy && p.snapshot.incremental).count();
            if *incremental && count >= facts.limits.snapshots_per_disk {
                violations.push(Violation::TooManySnapshots(id.clone()));
            }
            if tags::read(tags, tags::DISK) != Some(&disk.unique_id) {
                violations.push(Violation::Untagged(id.clone()));
            }
            if let Cause::Policy { id: policy, .. } = &step.cause {
                let asked = facts.policy(policy).is_some_and(|policy| {
                    policy.is_in_force(facts.now) && rules::selects(policy, disk)
                });
                if !asked {
                    violations.push(Violation::NotAskedFor(id.clone()));
                }
                if rules::has_slot(facts, id, disk, tags) {
                    violations.push(Violation::SlotTwice(id.clone()));
                }
            }
        }
        Effect::CreateDisk { id, tags, .. } => {
            check_new(facts, step, id, tags, violations);
            if !matches!(step.cause, Cause::Request { .. }) {
                violations.push(Violation::NotAskedFor(id.clone()));
            }
        }
        Effect::StartCopy { id, tags, .. } => check_new(facts, step, id, tags, violations),
    }
}

/// A name that Azure takes, that is free, with the tags that lineage and ownership read.
fn check_new(
    facts: &Facts<'_>,
    step: &Step,
    id: &ResourceId,
    tags: &BTreeMap<String, String>,
    violations: &mut Vec<Violation>,
) {
    let is_disk = facts.disks.contains_key(id.key());
    if is_disk || facts.snapshot(id).is_some() {
        violations.push(Violation::Exists(id.clone()));
    }
    if !names::valid_name(id.name()) {
        violations.push(Violation::Name(id.name().to_owned()));
    }
    let has = |name: &str| tags::read(tags, name).is_some();
    let ours = tags::read(tags, tags::INSTALLATION) == Some(&facts.limits.installation);
    let told = match &step.cause {
        Cause::Policy { id: policy, .. } => {
            let names = tags::read(tags, tags::POLICY).unwrap_or_default();
            has(tags::DISK)
                && tags::read_time(tags, tags::POINT).is_some()
                && names.split(',').any(|name| name == policy)
        }
        Cause::Request { id } => tags::read(tags, tags::REQUEST) == Some(id),
    };
    if !ours || !told {
        violations.push(Violation::Untagged(id.clone()));
    }
}

/// Everything that forbids a point to go, be it marked or deleted.
fn check_goes(
    facts: &Facts<'_>,
    point: &Found<'_>,
    approved: bool,
    violations: &mut Vec<Violation>,
) {
    let (snapshot, id) = (point.snapshot, &point.snapshot.id);
    if !matches!(snapshot.state, PointState::Ready) {
        violations.push(Violation::NotReady(id.clone()));
    }
    if snapshot.is_pinned() {
        violations.push(Violation::Pinned(id.clone()));
    }
    if snapshot.immutable_until.is_some_and(|until| until > facts.now)
        || facts.inventory.lock_on(id).is_some()
    {
        violations.push(Violation::Locked(id.clone()));
    }
    let side = snapshot.side();
    let ready = |p: &&Point<'_>| p.snapshot.state.is_ready();
    let newer =
        |p: &Point<'_>| (p.point_time, &p.snapshot.id) > (point.point_time, &point.snapshot.id);
    if !point.chain.iter().filter(ready).any(|p| *p.side() == side && newer(p)) {
        violations.push(Violation::Floor(id.clone()));
    }
    // A base: some region's newest copy was made from it. A source: a copy in flight reads it.
    let is_base = point.chain.iter().filter(|p| p.snapshot.is_copy).any(|copy| {
        let read_from = copy.snapshot.source_unique_id.as_deref();
        let from_it = copy.snapshot.source_id.as_ref() == Some(id)
            && read_from.is_none_or(|unique_id| unique_id == snapshot.unique_id);
        let newest_there = !point.chain.iter().filter(ready).any(|p| {
            p.snapshot.is_copy
                && p.snapshot.region == copy.snapshot.region
                && p.point_time > copy.point_time
        });
        let failed = matches!(copy.snapshot.state, PointState::Failed { .. });
        from_it && !failed && (newest_there || copy.snapshot.state.is_under_way())
    });
    if is_base {
        violations.push(Violation::Base(id.clone()));
    }
    rules::check_policies(facts, point, approved, violations);
}

fn check_abandon(
    facts: &Facts<'_>,
    step: &Step,
    id: &ResourceId,
    unique_id: &str,
    violations: &mut Vec<Violation>,
) {
    let Some(copy) = facts.snapshot(id).filter(|s| s.unique_id == *unique_id) else {
        return violations.push(Violation::Unknown(id.clone()));
    };
    let ours = copy.is_of(&facts.limits.installation);
    let due = match &step.cause {
        Cause::Request { .. } => true,
        Cause::Policy { id: policy, .. } => {
            let hours = facts.policy(policy).and_then(|policy| policy.abandon_after_hours);
            hours.zip(copy.created_at).is_some_and(|(hours, since)| {
                facts.now.duration_since(since) >= SignedDuration::from_hours(i64::from(hours))
            })
        }
    };
    if !ours || !copy.is_copy || !copy.state.is_under_way() || copy.is_pinned() || !due {
        violations.push(Violation::NotStuck(id.clone()));
    }
}

/// The rules of copying: order, one at a time, no second full one, within the limits.
fn check_copies(facts: &Facts<'_>, plan: &Plan, violations: &mut Vec<Violation>) {
    let mut copied: BTreeSet<&str> = BTreeSet::new();
    let mut flights: BTreeMap<String, usize> = BTreeMap::new();
    let mut planned: BTreeSet<String> = BTreeSet::new();
    let mut moved: BTreeMap<&str, u64> = BTreeMap::new();
    let place = |id: &ResourceId, region: &crate::Region| {
        format!("{}/{region}", id.subscription().to_ascii_lowercase())
    };
    for moving in facts.inventory.snapshots.iter().filter(|s| s.is_copy && s.state.is_under_way()) {
        *flights.entry(place(&moving.id, &moving.region)).or_default() += 1;
    }
    for step in &plan.steps {
        let Effect::StartCopy { id, region, source, disk_unique_id, bytes, .. } = &step.effect
        else {
            continue;
        };
        let chain = facts.chain(disk_unique_id);
        let copies = || chain.iter().filter(|p| p.snapshot.is_copy);
        if copies().any(|p| p.snapshot.state.is_under_way()) || !copied.insert(disk_unique_id) {
            violations.push(Violation::SecondCopy(disk_unique_id.clone()));
        }
        *flights.entry(place(id, region)).or_default() += 1;
        planned.insert(place(id, region));
        let origin = facts.snapshot(source);
        let copyable = origin.is_some_and(|s| s.incremental && s.state.is_ready());
        let Some(point) = chain.iter().find(|p| p.snapshot.id == *source).filter(|_| copyable)
        else {
            // A click may copy what cannot be placed; a policy may not.
            if !copyable || matches!(step.cause, Cause::Policy { .. }) {
                violations.push(Violation::NotCopyable(source.clone()));
            }
            continue;
        };
        if Side::of(id, region) == *point.side() {
            violations.push(Violation::OntoItself(id.clone()));
        }
        let alive = |p: &&Point<'_>| !matches!(p.snapshot.state, PointState::Failed { .. });
        let there = || copies().filter(|p| p.snapshot.region == *region);
        if there().filter(alive).any(|p| p.point_time > point.point_time) {
            violations.push(Violation::OutOfOrder(id.clone()));
        }
        if let Cause::Policy { id: policy, .. } = &step.cause {
            check_full(facts, id, region, disk_unique_id, violations);
            *moved.entry(policy).or_default() += bytes;
        }
    }
    for (place, count) in flights {
        let limit = facts.limits.copies_in_flight;
        if planned.contains(&place) && count > limit {
            violations.push(Violation::TooManyCopies(place, limit));
        }
    }
    for (policy, bytes) in moved {
        let limit = facts.policy(policy).and_then(|policy| policy.stop_loss_gib);
        if limit.is_some_and(|gib| rules::spent(facts, policy) + bytes > u64::from(gib) << 30) {
            violations.push(Violation::StopLoss(policy.to_owned()));
        }
    }
}

/// The whole disk travels where the region has nothing of it, or what it has no longer has its
/// forerunner at the source. It does so once.
fn check_full(
    facts: &Facts<'_>,
    id: &ResourceId,
    region: &crate::Region,
    disk_unique_id: &str,
    violations: &mut Vec<Violation>,
) {
    let chain = facts.chain(disk_unique_id);
    let in_region = || chain.iter().filter(|p| p.snapshot.is_copy && p.snapshot.region == *region);
    let newest = in_region().filter(|p| p.snapshot.state.is_ready()).max_by_key(|p| p.point_time);
    let base_is_there = newest.is_some_and(|newest| {
        chain.iter().any(|p| {
            !p.snapshot.is_copy
                && newest.snapshot.source_id.as_ref() == Some(&p.snapshot.id)
                && newest
                    .snapshot
                    .source_unique_id
                    .as_deref()
                    .is_none_or(|u| u == p.snapshot.unique_id)
        })
    });
    if base_is_there {
        return;
    }
    let sent = facts.history.seeded.get(disk_unique_id);
    let sent = sent.is_some_and(|sides| sides.contains(&Side::of(id, region)));
    // The whole one that failed may be sent once more; a failed delta is no reason to.
    let side = Side::of(id, region).to_string();
    let whole = facts.history.whole.get(disk_unique_id).and_then(|sides| sides.get(&side));
    let failed = in_region().any(|p| {
        matches!(p.snapshot.state, PointState::Failed { .. })
            && whole.is_some_and(|key| key == p.snapshot.id.key())
    });
    let unseen = facts.inventory.gaps.iter().any(|gap| {
        matches!(gap.what.as_str(), "snapshots" | "subscription")
            && gap.subscription.eq_ignore_ascii_case(id.subscription())
    });
    if newest.is_some() || unseen || !facts.history.readable || (sent && !failed) {
        violations.push(Violation::SecondFull(id.clone()));
    }
}

/// The rules about a plan as a whole.
fn check_sums(facts: &Facts<'_>, plan: &Plan, violations: &mut Vec<Violation>) {
    let limits = facts.limits;
    let count =
        |wanted: fn(&Effect) -> bool| plan.steps.iter().filter(|step| wanted(&step.effect)).count();
    let deletes = count(|effect| matches!(effect, Effect::DeletePoint { .. }));
    let marks = count(|effect| matches!(effect, Effect::MarkPoint { approved: None, .. }));
    let by_policy = plan.steps.iter().any(|step| {
        matches!(step.effect, Effect::AbandonCopy { .. })
            && matches!(step.cause, Cause::Policy { .. })
    });
    let all_marks = count(|effect| matches!(effect, Effect::MarkPoint { .. }));
    let blind = !facts.inventory.gaps.is_empty()
        || !facts.inventory.vanished.is_empty()
        || !facts.history.readable
        || !limits.clock_agrees;
    if blind && (deletes > 0 || all_marks > 0 || by_policy) {
        violations.push(Violation::Blind);
    }
    let mut written: BTreeMap<String, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        let subscription = step.effect.id().subscription().to_ascii_lowercase();
        written.entry(subscription).or_default().push(step);
    }
    for steps in written.values() {
        let deletes = steps.iter().filter(|s| matches!(s.effect, Effect::DeletePoint { .. }));
        let deletes = deletes.count();
        if deletes > limits.deletes_per_tick {
            violations.push(Violation::TooManyDeletes(deletes, limits.deletes_per_tick));
        }
        if steps.len() > limits.steps_per_tick {
            violations.push(Violation::TooManySteps(steps.len(), limits.steps_per_tick));
        }
    }
    if marks > 0 {
        let (marked, allowed) = rules::brake(facts);
        if marked + marks > allowed {
            violations.push(Violation::Brake(marked + marks, allowed));
        }
    }
}

/// A snapshot with its chain.
struct Found<'a> {
    snapshot: &'a Snapshot,
    chain: &'a [Point<'a>],
    disk_unique_id: &'a str,
    point_time: Timestamp,
}

impl<'a> Facts<'a> {
    fn snapshot(&self, id: &ResourceId) -> Option<&'a Snapshot> {
        self.snapshots.get(id.key()).copied()
    }

    fn policy(&self, id: &str) -> Option<&'a Policy> {
        self.policies.iter().find(|policy| policy.id == id)
    }

    fn chain(&self, disk_unique_id: &str) -> &'a [Point<'a>] {
        self.lineage.chains.get(disk_unique_id).map_or(&[], Vec::as_slice)
    }

    /// The point, if it is there, the same, placed, and ours by a policy.
    fn owned(
        &self,
        id: &ResourceId,
        unique_id: &str,
        violations: &mut Vec<Violation>,
    ) -> Option<Found<'a>> {
        let snapshot = self.snapshot(id).filter(|s| s.unique_id == *unique_id);
        let placed = self.places.get(id.key()).copied();
        let (Some(snapshot), Some((disk_unique_id, at))) = (snapshot, placed) else {
            violations.push(Violation::Unknown(id.clone()));
            return None;
        };
        if !snapshot.is_of(&self.limits.installation) || snapshot.policies().next().is_none() {
            violations.push(Violation::NotOurs(id.clone()));
            return None;
        }
        let chain = self.chain(disk_unique_id);
        let point_time = chain.get(at)?.point_time;
        Some(Found { snapshot, chain, disk_unique_id, point_time })
    }
}
