//! Decides what to do: a pure function from what exists and what people want to steps.
//!
//! It carries nothing out. What cannot be planned is a decision with a typed reason.

mod brake;
mod copies;
mod force;
mod guards;
mod reason;
mod requests;
mod retention;
mod snapshots;
mod step;
mod wants;

use std::collections::BTreeSet;

use foldhash::HashMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use brake::{Batch, Held};
pub use reason::{DeleteBar, Reason};
pub use step::{Cause, Effect, Step};

use crate::{
    index::Index,
    lineage::{Lineage, Point, lineage},
    model::{
        Disk, History, Inventory, Limits, LockLevel, PointState, Policy, Request, ResourceId, Side,
        SnapshotSku,
    },
    preconditions::Obstacle,
    tags,
};
use force::{Force, forces};
use wants::Want;

/// What is to be done, and why everything is as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// In the order in which they are tried.
    pub steps: Vec<Step>,
    /// One for each policied disk, point and pending request.
    pub decisions: Vec<Decision>,
    /// The deletions that wait for a person's approval; none while none do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Batch>,
}

/// The fate of one thing, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decision {
    /// What it is about.
    pub subject: Subject,
    /// What becomes of it.
    pub fate: Fate,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What a decision is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Subject {
    /// A disk that a policy names.
    Disk(ResourceId),
    /// A snapshot or copy.
    Point(ResourceId),
    /// A pending request, by its id.
    Request(String),
}

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// A snapshot or copy of it is started, or the request carried out.
    Act,
    /// Nothing is due.
    Idle,
    /// Something else has to end first.
    Wait,
    /// Somebody has to act.
    Blocked,
    /// It stays.
    Keep,
    /// It stays; no policy speaks for it.
    Released,
    /// It stays; somebody else made it.
    Foreign,
    /// It would go, but a person has to approve.
    Held,
    /// It goes, once the time of its mark has come.
    Marked,
    /// It goes.
    Delete,
}

/// What every part of the planner looks at.
struct Context<'a> {
    inventory: &'a Inventory,
    index: Index<'a>,
    lineage: Lineage<'a>,
    forces: Vec<Force<'a>>,
    history: &'a History,
    limits: &'a Limits,
    now: Timestamp,
    groups: HashMap<(String, String), &'a str>,
}

/// A disk with what is known of it and wanted for it.
struct View<'c, 'a> {
    disk: &'a Disk,
    chain: &'c [Point<'a>],
    /// The policies in force that protect it.
    covering: Vec<&'c Force<'a>>,
    /// What its targets lack.
    wants: Vec<Want<'c, 'a>>,
}

/// Decides every step that is due at `now`.
///
/// The same inputs in any order give the same plan. Planning again after the steps were applied
/// gives no steps.
pub fn plan(
    inventory: &Inventory,
    policies: &[Policy],
    requests: &[Request],
    history: &History,
    limits: &Limits,
    now: Timestamp,
) -> Plan {
    let context = Context {
        inventory,
        index: Index::of(inventory),
        lineage: lineage(inventory),
        forces: forces(policies, now),
        history,
        limits,
        now,
        groups: inventory
            .groups
            .iter()
            .map(|group| {
                let (s, g) =
                    (group.subscription.to_ascii_lowercase(), group.name.to_ascii_lowercase());
                ((s, g), group.name.as_str())
            })
            .collect(),
    };
    let views = views(&context);
    let mut plan = Plan::default();
    plan.decisions.reserve(inventory.snapshots.len());
    // The disks that a step of this plan already copies: Azure takes one copy of a disk at a time.
    let mut copying = BTreeSet::new();
    requests::plan_requests(&context, requests, &mut copying, &mut plan);
    snapshots::plan_snapshots(&context, &views, &mut plan);
    copies::plan_copies(&context, &views, copying, &mut plan);
    retention::plan_retention(&context, &views, requests, &mut plan);
    note_seen(&context, &views, &mut plan);
    limit_steps(&mut plan, limits);
    plan
}

/// Every existing disk, by id, with its chain.
fn views<'c, 'a>(context: &'c Context<'a>) -> Vec<View<'c, 'a>> {
    let mut disks: Vec<&'a Disk> = context.inventory.disks.iter().collect();
    disks.sort_by(|a, b| a.id.cmp(&b.id));
    disks
        .into_iter()
        .map(|disk| {
            let chain = context.lineage.of(disk);
            let covering: Vec<&Force<'a>> = context
                .forces
                .iter()
                .filter(|force| force.is_in_force && force.enrols(disk, context))
                .collect();
            let wants = wants::wants(context, disk, chain, &covering);
            View { disk, chain, covering, wants }
        })
        .collect()
}

/// Says what is seen that no run has told of, as the run that did it may not have been recorded and
/// later nothing else may tell that it was done: copies of a side, and the snapshot of a slot.
fn note_seen(context: &Context<'_>, views: &[View<'_, '_>], plan: &mut Plan) {
    if !context.history.readable {
        return;
    }
    for view in views {
        let unique_id = &view.disk.unique_id;
        let alive =
            view.chain.iter().filter(|p| !matches!(p.snapshot.state, PointState::Failed { .. }));
        let sides: BTreeSet<&Side> = alive
            .clone()
            .filter(|p| p.snapshot.is_copy)
            .map(Point::side)
            .filter(|side| !context.history.seeded(unique_id, side))
            .collect();
        let mut reasons = vec![];
        if !sides.is_empty() {
            let sides = sides.into_iter().cloned().collect();
            reasons.push(Reason::CopiesSeen { disk_unique_id: unique_id.clone(), sides });
        }
        // Points stand in the order of their times, and so do slots, but for clocks gone wrong.
        let mut own = alive.filter(|p| {
            !p.snapshot.is_copy
                && p.snapshot.is_of(&context.limits.installation)
                && context.is_past(p.point_time)
        });
        let last = own.next_back().and_then(|p| tags::read_time(&p.snapshot.tags, tags::SLOT));
        if let Some(slot) = last.filter(|slot| !context.history.took(unique_id, *slot, context.now))
        {
            reasons.push(Reason::SlotSeen { disk_unique_id: unique_id.clone(), slot });
        }
        if !reasons.is_empty() {
            plan.decide(Subject::Disk(view.disk.id.clone()), Fate::Idle, reasons);
        }
    }
}

/// Cuts what each subscription is written to its limits. Deletions stand last and go first; the next
/// tick does the rest.
fn limit_steps(plan: &mut Plan, limits: &Limits) {
    // Steps and deletions that are kept, by subscription.
    let mut kept: HashMap<String, (usize, usize)> = HashMap::default();
    plan.steps.retain(|step| {
        let subscription = step.effect.id().subscription().to_ascii_lowercase();
        let (steps, deletes) = kept.entry(subscription).or_default();
        let is_delete = matches!(step.effect, Effect::DeletePoint { .. });
        let fits =
            *steps < limits.steps_per_tick && (!is_delete || *deletes < limits.deletes_per_tick);
        *steps += usize::from(fits);
        *deletes += usize::from(fits && is_delete);
        fits
    });
}

impl<'a> Context<'a> {
    /// What makes Azure refuse anything new on `side`: its group or its redundancy is not to be
    /// had, or a lock forbids changes. What was not listed is not held against it.
    fn place_obstacle(&self, side: &Side, sku: SnapshotSku) -> Option<Reason> {
        let Side { region, subscription, group } = side;
        let scope = ResourceId::snapshot(subscription, group, "any");
        if let Some(lock) =
            self.inventory.lock_on(&scope).filter(|l| l.level == LockLevel::ReadOnly)
        {
            return Some(Reason::Locked { lock: lock.name.clone(), scope: lock.scope.clone() });
        }
        let zones = self.inventory.region(region).is_some_and(|info| info.zones);
        let found = if !self.inventory.gaps.is_empty() {
            return None;
        } else if !self.groups.contains_key(&(subscription.clone(), group.clone())) {
            Obstacle::UnknownGroup { group: group.clone(), subscription: subscription.clone() }
        } else if self.inventory.region(region).is_none() {
            Obstacle::UnknownRegion { region: region.clone() }
        } else if sku == SnapshotSku::StandardZrs && !zones {
            Obstacle::NoZones { region: region.clone() }
        } else {
            return None;
        };
        Some(Reason::Obstacle(found))
    }

    /// The group's name as Azure spells it.
    fn group_name<'s>(&'s self, side: &'s Side) -> &'s str {
        let key = (side.subscription.clone(), side.group.clone());
        self.groups.get(&key).copied().unwrap_or(&side.group)
    }

    /// Why the step on `id` is not tried: Azure refused it lately, for a reason that lasts.
    fn refusal(&self, id: &ResourceId) -> Option<Reason> {
        let refused = self.history.refused.get(id.key())?;
        let until = refused.at.checked_add(self.pause()).ok()?;
        let code = refused.code.clone();
        (until > self.now && self.is_past(refused.at))
            .then_some(Reason::RefusedByAzure { code, until })
    }

    /// How long what Azure has refused is let alone.
    fn pause(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.limits.retry_refused_hours))
    }

    /// Whether the time `at` is not one that a clock gone wrong has stamped.
    fn is_past(&self, at: Timestamp) -> bool {
        at.duration_since(self.now) <= SignedDuration::from_mins(5)
    }

    /// Why nothing is deleted for now.
    fn bar(&self) -> Option<DeleteBar> {
        if !self.inventory.gaps.is_empty() {
            Some(DeleteBar::InventoryIncomplete)
        } else if !self.inventory.vanished.is_empty() {
            Some(DeleteBar::PointsVanished)
        } else if !self.history.readable {
            Some(DeleteBar::HistoryUnreadable)
        } else if !self.limits.clock_agrees {
            Some(DeleteBar::ClocksApart)
        } else {
            None
        }
    }
}

impl Plan {
    fn decide(&mut self, subject: Subject, fate: Fate, reasons: Vec<Reason>) {
        self.decisions.push(Decision { subject, fate, reasons });
    }

    /// The decision about a point.
    pub fn about_point(&self, id: &ResourceId) -> Option<&Decision> {
        self.decisions.iter().find(|d| matches!(&d.subject, Subject::Point(point) if point == id))
    }

    /// The decision about a request.
    pub fn about_request(&self, id: &str) -> Option<&Decision> {
        self.decisions.iter().find(|d| matches!(&d.subject, Subject::Request(r) if r == id))
    }
}
