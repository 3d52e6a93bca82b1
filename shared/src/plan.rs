//! Decides what to do: a pure function from what exists and what people want to steps.
//!
//! It carries nothing out. What cannot be planned is a decision with a typed reason.

mod copies;
mod reason;
mod requests;
mod retention;
mod snapshots;
mod step;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use reason::{DeleteBar, Reason};
pub use snapshots::{next_slot, slot_at};
pub use step::{Cause, Effect, Step};

use crate::{
    lineage::{Lineage, lineage},
    model::{Disk, History, Inventory, Limits, Policy, Request, ResourceId, Side, SnapshotSku},
    preconditions::Obstacle,
};

/// What is to be done, and why everything is as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// In the order in which they are tried.
    pub steps: Vec<Step>,
    /// One for each policied disk, point and pending request.
    pub decisions: Vec<Decision>,
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
    /// It goes, once the time of its mark has come.
    Marked,
    /// It goes.
    Delete,
}

/// What every part of the planner looks at.
struct Context<'a> {
    inventory: &'a Inventory,
    lineage: Lineage<'a>,
    policies: &'a [Policy],
    history: &'a History,
    limits: &'a Limits,
    now: Timestamp,
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
    let mut policies = policies.to_vec();
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    let lineage = lineage(inventory);
    let context = Context { inventory, lineage, policies: &policies, history, limits, now };
    let mut plan = Plan::default();
    // The disks that a step of this plan already copies: Azure takes one copy of a disk at a time.
    let mut copying = BTreeSet::new();
    requests::plan_requests(&context, requests, &mut copying, &mut plan);
    snapshots::plan_snapshots(&context, &mut plan);
    copies::plan_copies(&context, &mut copying, &mut plan);
    retention::plan_retention(&context, &mut plan);
    limit_steps(&mut plan, limits);
    plan
}

/// Cuts the plan to its limits. Deletions stand last and go first; the next tick does the rest.
fn limit_steps(plan: &mut Plan, limits: &Limits) {
    let mut deletes = 0;
    plan.steps.retain(|step| {
        let is_delete = matches!(step.effect, Effect::DeletePoint { .. });
        deletes += usize::from(is_delete);
        !is_delete || deletes <= limits.deletes_per_tick
    });
    plan.steps.truncate(limits.steps_per_tick);
}

impl<'a> Context<'a> {
    /// What makes Azure refuse anything new on `side`: its group or its redundancy is not to be
    /// had. What was not listed is not held against it.
    fn place_obstacle(&self, side: &Side, sku: SnapshotSku) -> Option<Reason> {
        let Side { region, subscription, group } = side;
        let zones = self.inventory.region(region).is_some_and(|info| info.zones);
        let found = if !self.inventory.is_complete() {
            return None;
        } else if self.inventory.group(subscription, group).is_none() {
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

    /// The enabled policies that cover a disk which exists, with the disk.
    fn covered(&self) -> impl Iterator<Item = (&'a Policy, &'a ResourceId, Option<&'a Disk>)> {
        let (inventory, policies) = (self.inventory, self.policies);
        policies.iter().filter(|policy| policy.enabled).flat_map(move |policy| {
            let mut disks: Vec<&ResourceId> = policy.disks.iter().collect();
            disks.sort();
            disks.dedup();
            disks.into_iter().map(move |id| (policy, id, inventory.disk(id)))
        })
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
