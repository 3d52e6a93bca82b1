//! Disks, and their snapshots on all sides.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use shared::{
    Inventory, ResourceId,
    api::{Disks, PointView, Snapshots},
    lineage::{Point, lineage},
    plan::{Fate, Plan, plan},
    status::{DiskStatus, disk_status, disk_statuses},
};

use super::estate;
use crate::{app::App, error::Error};

/// Subscription, group and disk in a path.
type DiskPath = Path<(String, String, String)>;

pub(super) async fn list_disks(State(app): State<Arc<App>>) -> Result<Json<Disks>, Error> {
    let (inventory, _) = estate::inventory(&app).await?;
    let policies = app.records.policies().await?;
    Ok(Json(Disks { disks: disk_statuses(&inventory, &lineage(&inventory), &policies) }))
}

pub(super) async fn show_disk(
    State(app): State<Arc<App>>,
    path: DiskPath,
) -> Result<Json<DiskStatus>, Error> {
    let (inventory, _) = estate::inventory(&app).await?;
    let disk = find(&inventory, path)?;
    let policies = app.records.policies().await?;
    Ok(Json(disk_status(disk, &inventory, &lineage(&inventory), &policies)))
}

pub(super) async fn list_snapshots(
    State(app): State<Arc<App>>,
    path: DiskPath,
) -> Result<Json<Snapshots>, Error> {
    let (inventory, _) = estate::inventory(&app).await?;
    let disk = find(&inventory, path)?;
    let now = inventory.taken_at;
    let limits = app.limits(now, app.now().await);
    let (policies, history) = (app.records.policies().await?, app.records.history().await.history);
    let plan = plan(&inventory, &policies, &[], &history, &limits, now);
    let lineage = lineage(&inventory);
    let mut snapshots: Vec<PointView> = lineage.of(disk).iter().map(|p| view(p, &plan)).collect();
    snapshots.reverse();
    let of_earlier_disks = lineage.of_namesakes(disk).into_iter().map(|p| view(p, &plan)).collect();
    Ok(Json(Snapshots { snapshots, of_earlier_disks }))
}

fn find(
    inventory: &Inventory,
    Path((subscription, group, name)): DiskPath,
) -> Result<&shared::Disk, Error> {
    let id = ResourceId::disk(&subscription, &group, &name);
    // Composed from a path, it may not be an id at all.
    let id: ResourceId = id
        .to_string()
        .parse()
        .map_err(|error| Error::invalid("InvalidResourceId", format!("{error}")))?;
    inventory.disk(&id).ok_or_else(|| {
        Error::NotFound(format!(
            "there is no disk `{}` in group `{}` of subscription {}; `GET /api/disks` lists them",
            id.name(),
            id.group(),
            id.subscription()
        ))
    })
}

fn view(point: &Point<'_>, plan: &Plan) -> PointView {
    let decision = plan.about_point(&point.snapshot.id);
    PointView {
        snapshot: point.snapshot.clone(),
        side: point.side().clone(),
        point_time: point.point_time,
        fate: decision.map_or(Fate::Keep, |decision| decision.fate),
        reasons: decision.map(|decision| decision.reasons.clone()).unwrap_or_default(),
    }
}
