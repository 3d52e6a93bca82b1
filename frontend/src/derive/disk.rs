//! A disk's points on all its sides, each with its fate.

use jiff::Timestamp;
use shared::{
    Action, Decision, Disk, Inventory, Plan, Policy, ResourceId, Side, Snapshot,
    api::RequestView,
    lineage::{self, Lineage, Point},
    model::RequestState,
    status::{DiskStatus, disk_status},
};

use crate::present;

/// All that a disk's page shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DiskView {
    pub(crate) status: DiskStatus,
    /// The source sides first.
    pub(crate) sides: Vec<SideView>,
    /// Points of disks that had the same id before.
    pub(crate) earlier: Vec<PointRow>,
    /// The latest requests that concern the disk, newest first.
    pub(crate) requests: Vec<RequestView>,
    /// What the next tick would do for the disk, and why not more.
    pub(crate) decisions: Vec<Decision>,
}

/// A side and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SideView {
    pub(crate) side: Side,
    pub(crate) label: String,
    pub(crate) region: String,
    pub(crate) is_target: bool,
    pub(crate) recovery_points: usize,
    pub(crate) newest: Option<Timestamp>,
    /// The newest first.
    pub(crate) points: Vec<PointRow>,
    /// Asked for and not there yet.
    pub(crate) pending: Vec<RequestView>,
}

/// A snapshot or copy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PointRow {
    pub(crate) snapshot: Snapshot,
    /// None where its place in a chain is not known.
    pub(crate) point_time: Option<Timestamp>,
    pub(crate) decision: Option<Decision>,
}

impl PointRow {
    fn of(point: &Point<'_>, plan: Option<&Plan>) -> Self {
        Self {
            snapshot: point.snapshot.clone(),
            point_time: Some(point.point_time),
            decision: plan.and_then(|plan| plan.about_point(&point.snapshot.id)).cloned(),
        }
    }

    /// `snapshot` or `copy`.
    pub(crate) fn noun(&self) -> &'static str {
        if self.snapshot.is_copy { "copy" } else { "snapshot" }
    }
}

/// The page of the disk of that id, if it exists.
pub(crate) fn disk_view(
    id: &ResourceId,
    inventory: &Inventory,
    lineage: &Lineage<'_>,
    policies: &[Policy],
    requests: &[RequestView],
    plan: Option<&Plan>,
) -> Option<DiskView> {
    let disk = inventory.disk(id)?;
    let status = disk_status(disk, inventory, lineage, policies);
    let chain = lineage.of(disk);
    let requests = requests_about(disk, chain, requests);
    let sides = status.sides.iter().map(|side| {
        let on_side = chain.iter().rev().filter(|point| *point.side() == side.side);
        SideView {
            label: present::side(inventory, &side.side),
            region: present::region(inventory, &side.side.region),
            side: side.side.clone(),
            is_target: side.is_target,
            recovery_points: side.recovery_points,
            newest: side.newest,
            points: on_side.map(|point| PointRow::of(point, plan)).collect(),
            pending: pending_on(&side.side, disk, inventory, &requests),
        }
    });
    let sides = sides.collect();
    let about = |d: &&Decision| matches!(&d.subject, shared::Subject::Disk(about) if about == id);
    let decisions = plan.map(|plan| plan.decisions.iter().filter(about).cloned().collect());
    let mut earlier: Vec<PointRow> =
        lineage.of_namesakes(disk).into_iter().map(|point| PointRow::of(point, plan)).collect();
    earlier.reverse();
    Some(DiskView { sides, earlier, requests, decisions: decisions.unwrap_or_default(), status })
}

/// Points of a disk that does not exist any more, newest first.
pub(crate) fn orphans(
    id: &ResourceId,
    lineage: &Lineage<'_>,
    plan: Option<&Plan>,
) -> Vec<PointRow> {
    let of_disk = |chain: &&Vec<Point<'_>>| {
        chain.iter().any(|point| point.snapshot.source_id.as_ref() == Some(id))
    };
    let mut rows: Vec<PointRow> = lineage
        .chains
        .values()
        .filter(of_disk)
        .flatten()
        .map(|point| PointRow::of(point, plan))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.point_time));
    rows
}

fn requests_about(disk: &Disk, chain: &[Point<'_>], requests: &[RequestView]) -> Vec<RequestView> {
    let about = |source: &ResourceId| {
        *source == disk.id || chain.iter().any(|point| point.snapshot.id == *source)
    };
    let mut found: Vec<RequestView> = requests
        .iter()
        .filter(|view| view.request.action.source().is_some_and(about))
        .cloned()
        .collect();
    found.sort_by_key(|view| std::cmp::Reverse(view.request.asked_at));
    found
}

/// What was asked for on this side and is not listed yet.
fn pending_on(
    side: &Side,
    disk: &Disk,
    inventory: &Inventory,
    requests: &[RequestView],
) -> Vec<RequestView> {
    let here = |action: &Action| {
        let Some(result) = action.result() else { return false };
        let region = match action {
            Action::CreateSnapshot(_) => &disk.region,
            Action::CopySnapshot(action) => &action.region,
            Action::RestoreDisk(_)
            | Action::KeepPoint(_)
            | Action::AdoptPoint(_)
            | Action::AbandonCopy(_)
            | Action::ApproveDeletions(_)
            | Action::AcknowledgeVanished(_) => return false,
        };
        Side::of(&result, region) == *side && inventory.snapshot(&result).is_none()
    };
    let waits = |view: &&RequestView| view.state == RequestState::Pending;
    requests.iter().filter(waits).filter(|view| here(&view.request.action)).cloned().collect()
}

/// All that a snapshot's page shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SnapshotView {
    pub(crate) row: PointRow,
    /// What it was made from, if that still exists.
    pub(crate) source_exists: bool,
    /// The disk of today that it is a point of.
    pub(crate) disk: Option<Disk>,
    /// Copies made from it.
    pub(crate) copies: Vec<PointRow>,
    pub(crate) requests: Vec<RequestView>,
}

/// The page of the snapshot or copy of that id, if it exists.
pub(crate) fn snapshot_view(
    id: &ResourceId,
    inventory: &Inventory,
    lineage: &Lineage<'_>,
    requests: &[RequestView],
    plan: Option<&Plan>,
) -> Option<SnapshotView> {
    let snapshot = inventory.snapshot(id)?;
    let points = || lineage.chains.values().flatten();
    let point = points().find(|point| point.snapshot.id == *id);
    let row = point.map_or_else(
        || PointRow {
            snapshot: snapshot.clone(),
            point_time: None,
            decision: plan.and_then(|plan| plan.about_point(id)).cloned(),
        },
        |point| PointRow::of(point, plan),
    );
    let made_from_it = |other: &&Snapshot| {
        let source = lineage::source_snapshot(inventory, other);
        other.is_copy && source.is_some_and(|source| source.id == *id)
    };
    let row_of = |copy: &Snapshot| {
        points().find(|p| p.snapshot.id == copy.id).map(|point| PointRow::of(point, plan))
    };
    let disk = point.and_then(|point| {
        inventory.disks.iter().find(|disk| disk.unique_id == point.disk_unique_id).cloned()
    });
    let source = snapshot.source_id.as_ref();
    let disk_is_it = source.is_some_and(|s| disk.as_ref().is_some_and(|disk| disk.id == *s));
    Some(SnapshotView {
        row,
        source_exists: disk_is_it || lineage::source_snapshot(inventory, snapshot).is_some(),
        disk,
        copies: inventory.snapshots.iter().filter(made_from_it).filter_map(row_of).collect(),
        requests: requests
            .iter()
            .filter(|r| r.request.action.source() == Some(id))
            .cloned()
            .collect(),
    })
}
