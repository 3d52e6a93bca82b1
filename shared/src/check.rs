//! What must hold of any plan before it is applied: the planner's rules, written apart.
//!
//! It shares no code with the planner but the model and lineage, on purpose: a slip there is
//! caught here. A plan with one violation is not applied at all.

use std::collections::BTreeSet;

use crate::{
    lineage::{Lineage, Point, lineage},
    model::{Inventory, Limits, PointState, ResourceId},
    names,
    plan::{Effect, Plan},
    tags,
};

/// A rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A deletion or mark of something that is not there, or not the same any more.
    #[error("`{0}` is not in the inventory, or another one of that name is")]
    Unknown(ResourceId),
    /// A deletion or mark of something that another made.
    #[error("`{0}` was not made by this installation")]
    NotOurs(ResourceId),
    /// A deletion without a mark whose time has come.
    #[error("`{0}` has no mark whose time has come")]
    NotMarked(ResourceId),
    /// A deletion or mark of a pinned point.
    #[error("`{0}` is pinned")]
    Pinned(ResourceId),
    /// A deletion of a side's last good point.
    #[error("`{0}` is the newest good point of its side")]
    Floor(ResourceId),
    /// A deletion of what a copy is, or will be, reckoned from.
    #[error("`{0}` is the base of the next copy, or is being copied")]
    Base(ResourceId),
    /// A deletion of something that Azure is at work on.
    #[error("`{0}` is not ready")]
    NotReady(ResourceId),
    /// A deletion although not everything is known.
    #[error("a deletion is planned although the inventory has gaps or the clocks disagree")]
    Blind,
    /// Too many deletions.
    #[error("{0} deletions are planned; {1} are allowed in one tick")]
    TooManyDeletes(usize, usize),
    /// A second copy of a disk in one plan, or beside one in flight.
    #[error("a copy of the disk `{0}` is planned beside another")]
    SecondCopy(String),
    /// A copy of what cannot be copied.
    #[error("`{0}` cannot be copied: it is not a ready incremental snapshot")]
    NotCopyable(ResourceId),
    /// A creation over something that exists and is not the same.
    #[error("`{0}` exists already")]
    Exists(ResourceId),
    /// A name that Azure would refuse.
    #[error("`{0}` is not a name that Azure takes")]
    Name(String),
    /// A creation without the tags that tell whose it is.
    #[error("`{0}` would be made without this installation's tag")]
    Untagged(ResourceId),
}

/// Every rule that `plan` breaks; none for a plan that may be applied.
pub fn check(plan: &Plan, inventory: &Inventory, limits: &Limits) -> Vec<Violation> {
    let lineage = lineage(inventory);
    let mut violations = vec![];
    let mut deletes = 0;
    let mut copied = BTreeSet::new();
    for step in &plan.steps {
        match &step.effect {
            Effect::DeletePoint { id, unique_id } => {
                deletes += 1;
                check_delete(inventory, &lineage, limits, id, unique_id, &mut violations);
            }
            Effect::MarkPoint { id, unique_id, .. } | Effect::UnmarkPoint { id, unique_id } => {
                check_owned(inventory, limits, id, unique_id, &mut violations);
            }
            Effect::PinPoint { id, unique_id, .. } => {
                if inventory.snapshot(id).is_none_or(|s| s.unique_id != *unique_id) {
                    violations.push(Violation::Unknown(id.clone()));
                }
            }
            Effect::CreateSnapshot { id, tags, .. } | Effect::CreateDisk { id, tags, .. } => {
                check_new(inventory, limits, id, tags, &mut violations);
            }
            Effect::StartCopy { id, source, disk_unique_id, tags, .. } => {
                check_new(inventory, limits, id, tags, &mut violations);
                let chain = lineage.chains.get(disk_unique_id).map_or(&[][..], Vec::as_slice);
                let in_flight =
                    chain.iter().any(|p| p.snapshot.is_copy && p.snapshot.state.is_under_way());
                if in_flight || !copied.insert(disk_unique_id.clone()) {
                    violations.push(Violation::SecondCopy(disk_unique_id.clone()));
                }
                let copyable = inventory
                    .snapshot(source)
                    .is_some_and(|s| s.incremental && matches!(s.state, PointState::Ready));
                if !copyable {
                    violations.push(Violation::NotCopyable(source.clone()));
                }
            }
        }
    }
    if deletes > 0 && (!inventory.is_complete() || !limits.clock_agrees) {
        violations.push(Violation::Blind);
    }
    if deletes > limits.deletes_per_tick {
        violations.push(Violation::TooManyDeletes(deletes, limits.deletes_per_tick));
    }
    violations
}

fn check_new(
    inventory: &Inventory,
    limits: &Limits,
    id: &ResourceId,
    tags: &std::collections::BTreeMap<String, String>,
    violations: &mut Vec<Violation>,
) {
    if inventory.disk(id).is_some() || inventory.snapshot(id).is_some() {
        violations.push(Violation::Exists(id.clone()));
    }
    if !names::valid_name(id.name()) {
        violations.push(Violation::Name(id.name().to_owned()));
    }
    if tags::read(tags, tags::INSTALLATION) != Some(&limits.installation) {
        violations.push(Violation::Untagged(id.clone()));
    }
}

fn check_owned(
    inventory: &Inventory,
    limits: &Limits,
    id: &ResourceId,
    unique_id: &str,
    violations: &mut Vec<Violation>,
) {
    let Some(snapshot) = inventory.snapshot(id).filter(|s| s.unique_id == unique_id) else {
        return violations.push(Violation::Unknown(id.clone()));
    };
    if !snapshot.is_of(&limits.installation) || snapshot.policy().is_none() {
        violations.push(Violation::NotOurs(id.clone()));
    }
}

fn check_delete(
    inventory: &Inventory,
    lineage: &Lineage<'_>,
    limits: &Limits,
    id: &ResourceId,
    unique_id: &str,
    violations: &mut Vec<Violation>,
) {
    check_owned(inventory, limits, id, unique_id, violations);
    let placed = lineage
        .chains
        .values()
        .find_map(|chain| Some((chain, chain.iter().find(|p| p.snapshot.id == *id)?)));
    let Some((chain, point)) = placed else {
        return violations.push(Violation::Unknown(id.clone()));
    };
    let snapshot = point.snapshot;
    if !snapshot.state.is_ready() {
        violations.push(Violation::NotReady(id.clone()));
    }
    if snapshot.is_pinned() {
        violations.push(Violation::Pinned(id.clone()));
    }
    if snapshot.delete_after().is_none_or(|at| at > inventory.taken_at) {
        violations.push(Violation::NotMarked(id.clone()));
    }
    let ready = |p: &&Point<'_>| p.snapshot.state.is_ready();
    let newer = |p: &Point<'_>| (p.point_time, &p.snapshot.id) > (point.point_time, id);
    if !chain.iter().filter(ready).any(|p| p.side() == point.side() && newer(p)) {
        violations.push(Violation::Floor(id.clone()));
    }
    // A base: some region's newest copy was made from it. A source: a copy in flight reads it.
    let is_base = chain.iter().filter(|p| p.snapshot.is_copy).any(|copy| {
        let read_from = copy.snapshot.source_unique_id.as_deref();
        let from_it = copy.snapshot.source_id.as_ref() == Some(id)
            && read_from.is_none_or(|unique_id| unique_id == snapshot.unique_id);
        let newest_there = !chain.iter().filter(ready).any(|p| {
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
}
