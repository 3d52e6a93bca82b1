//! How well a disk is protected, from an inventory: for the overview, the disk's page and alerts.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    lineage::{Lineage, Point},
    model::{Disk, Inventory, PointState, Policy, Selected, Side, Target},
};

/// The state of a disk's protection, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// The newest snapshot or copy of some side failed.
    Failing,
    /// A side's newest point is older than its RPO.
    Behind,
    /// No policy protects it.
    Unprotected,
    /// Its policy is switched off.
    Paused,
    /// Something that would tell was not listed.
    Unknown,
    /// A policy protects it; a side waits for its first point.
    Starting,
    /// Every side that its policy asks for has a recent point.
    Protected,
}

/// A disk and how well it is protected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiskStatus {
    /// The disk.
    pub disk: Disk,
    /// The state of its protection.
    pub protection: Protection,
    /// The ids of the policies that name it.
    pub policies: Vec<String>,
    /// Every side that holds points of it, or should; the source first.
    pub sides: Vec<SideStatus>,
    /// The copy in flight.
    pub copying: Option<Copying>,
}

/// What one side holds of a disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SideStatus {
    /// The side.
    pub side: Side,
    /// Whether its points are copies.
    pub is_target: bool,
    /// How many recovery points it holds.
    pub recovery_points: usize,
    /// The newest recovery point's time.
    pub newest: Option<Timestamp>,
    /// Seconds from that to the inventory.
    pub lag_seconds: Option<i64>,
}

/// A copy in flight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Copying {
    /// The copy's id.
    pub id: crate::ResourceId,
    /// Where it goes.
    pub region: crate::Region,
    /// 0 to 100; none until Azure first says so.
    pub percent: Option<f64>,
}

/// A policy and the longest time between its slots, worked out once for all disks.
struct Asking<'a> {
    policy: &'a Policy,
    gap_seconds: i64,
}

impl<'a> Asking<'a> {
    fn all(policies: &'a [Policy]) -> Vec<Self> {
        let gap = |policy: &Policy| policy.slots().map_or(0, |slots| slots.longest_gap_seconds());
        policies.iter().map(|policy| Self { policy, gap_seconds: gap(policy) }).collect()
    }
}

/// The status of every disk, the worst first, then by name.
pub fn disk_statuses(
    inventory: &Inventory,
    lineage: &Lineage<'_>,
    policies: &[Policy],
) -> Vec<DiskStatus> {
    let asking = Asking::all(policies);
    let mut statuses: Vec<DiskStatus> =
        inventory.disks.iter().map(|disk| status_of(disk, inventory, lineage, &asking)).collect();
    statuses.sort_by(|a, b| {
        (a.protection, a.disk.id.name(), &a.disk.id).cmp(&(
            b.protection,
            b.disk.id.name(),
            &b.disk.id,
        ))
    });
    statuses
}

/// The status of one disk.
pub fn disk_status(
    disk: &Disk,
    inventory: &Inventory,
    lineage: &Lineage<'_>,
    policies: &[Policy],
) -> DiskStatus {
    status_of(disk, inventory, lineage, &Asking::all(policies))
}

fn status_of(
    disk: &Disk,
    inventory: &Inventory,
    lineage: &Lineage<'_>,
    asking: &[Asking<'_>],
) -> DiskStatus {
    let chain = lineage.of(disk);
    let naming: Vec<&Asking<'_>> =
        asking.iter().filter(|a| a.policy.disks.selects(disk) != Selected::No).collect();
    let sides = sides(disk, chain, &naming, inventory.taken_at);
    DiskStatus {
        disk: disk.clone(),
        protection: protection(disk, chain, &naming, inventory),
        policies: naming.iter().map(|asking| asking.policy.id.clone()).collect(),
        sides,
        copying: chain.iter().find_map(copying),
    }
}

fn copying(point: &Point<'_>) -> Option<Copying> {
    let percent = match &point.snapshot.state {
        _ if !point.snapshot.is_copy => return None,
        PointState::Copying { percent } => *percent,
        PointState::Creating => None,
        PointState::Ready | PointState::Failed { .. } => return None,
    };
    let (id, region) = (point.snapshot.id.clone(), point.snapshot.region.clone());
    Some(Copying { id, region, percent })
}

/// The sides that policies ask for and those where points stand.
fn sides(
    disk: &Disk,
    chain: &[Point<'_>],
    naming: &[&Asking<'_>],
    now: Timestamp,
) -> Vec<SideStatus> {
    let mut found: Vec<(Side, bool)> = vec![];
    let mut add = |side: Side, is_target: bool| {
        if !found.iter().any(|(known, _)| *known == side) {
            found.push((side, is_target));
        }
    };
    for policy in naming.iter().map(|asking| asking.policy).filter(|policy| policy.enabled) {
        add(source_side(policy, disk), false);
        for target in &policy.targets {
            add(target_side(policy, target, disk), true);
        }
    }
    for point in chain {
        add(point.side().clone(), point.snapshot.is_copy);
    }
    found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    found
        .into_iter()
        .map(|(side, is_target)| {
            let ready: Vec<&Point<'_>> =
                chain.iter().filter(|p| *p.side() == side && p.snapshot.state.is_ready()).collect();
            let newest = ready.iter().map(|p| p.point_time).max();
            SideStatus {
                recovery_points: ready.len(),
                lag_seconds: newest.map(|at| now.duration_since(at).as_secs().max(0)),
                newest,
                side,
                is_target,
            }
        })
        .collect()
}

/// Where a policy's snapshots of a disk go.
pub fn source_side(policy: &Policy, disk: &Disk) -> Side {
    let group = policy.group.as_deref().unwrap_or(disk.id.group());
    Side::new(&disk.region, disk.id.subscription(), group)
}

/// Where copies of a disk go for one of a policy's targets.
pub fn target_side(policy: &Policy, target: &Target, disk: &Disk) -> Side {
    let subscription = target.subscription.as_deref().unwrap_or(disk.id.subscription());
    let group = target.group.as_deref().or(policy.group.as_deref()).unwrap_or(disk.id.group());
    Side::new(&target.region, subscription, group)
}

fn protection(
    disk: &Disk,
    chain: &[Point<'_>],
    naming: &[&Asking<'_>],
    inventory: &Inventory,
) -> Protection {
    let blind = inventory.gaps.iter().any(|gap| {
        gap.subscription.eq_ignore_ascii_case(disk.id.subscription()) || gap.subscription.is_empty()
    });
    let now = inventory.taken_at;
    let in_force = |asking: &&&Asking<'_>| asking.policy.is_in_force(now);
    let enabled: Vec<&&Asking<'_>> = naming.iter().filter(in_force).collect();
    if naming.is_empty() {
        return Protection::Unprotected;
    }
    if enabled.is_empty() {
        return Protection::Paused;
    }
    enabled
        .iter()
        .flat_map(|Asking { policy, gap_seconds }| {
            let rpo = |minutes: Option<u32>| minutes.map_or(2 * gap_seconds, |n| i64::from(n) * 60);
            let mut wanted = vec![(source_side(policy, disk), rpo(policy.rpo_minutes))];
            wanted.extend(
                policy
                    .targets
                    .iter()
                    .map(|target| (target_side(policy, target, disk), rpo(target.rpo_minutes))),
            );
            wanted
        })
        .map(|(side, rpo_seconds)| side_protection(chain, &side, rpo_seconds, now))
        .chain(blind.then_some(Protection::Unknown))
        .min()
        .unwrap_or(Protection::Unknown)
}

fn side_protection(
    chain: &[Point<'_>],
    side: &Side,
    rpo_seconds: i64,
    now: Timestamp,
) -> Protection {
    let on_side: Vec<&Point<'_>> = chain.iter().filter(|p| *p.side() == *side).collect();
    let failed = |p: &&&Point<'_>| matches!(p.snapshot.state, PointState::Failed { .. });
    let newest = on_side.iter().filter(|p| p.snapshot.state.is_ready()).map(|p| p.point_time).max();
    let newest_failed = on_side.iter().filter(failed).map(|p| p.point_time).max();
    // An equal time is a failed copy whose second attempt succeeded.
    if newest_failed.is_some_and(|failed| newest.is_none_or(|ready| failed > ready)) {
        return Protection::Failing;
    }
    let patience = SignedDuration::from_secs(rpo_seconds);
    match newest {
        None => Protection::Starting,
        Some(at) if now.duration_since(at) > patience => Protection::Behind,
        Some(_) => Protection::Protected,
    }
}
