//! Policies: listed, saved version by version, deleted; as a file in `policies/file.rs`.

mod file;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use shared::{Inventory, Policy, api::Policies};

use super::body::Body;
use crate::{app::App, error::Error};
pub(super) use file::{export, import};

/// Ids that would be other pages and routes.
const RESERVED: [&str; 3] = ["new", "export", "import"];

pub(super) async fn list_policies(State(app): State<Arc<App>>) -> Result<Json<Policies>, Error> {
    Ok(Json(Policies { policies: app.records.policies().await? }))
}

pub(super) async fn show_policy(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Policy>, Error> {
    let (_, policy) = app.records.policy(&id).await?;
    let none = || Error::NotFound(format!("there is no policy `{id}`"));
    policy.map(Json).ok_or_else(none)
}

pub(super) async fn save_policy(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(policy): Body<Policy>,
) -> Result<Json<Policy>, Error> {
    let mut problems = problems_of(&policy);
    if policy.id != id {
        problems.push(format!("the path says `{id}` and the body `{}`", policy.id));
    }
    if !problems.is_empty() {
        return Err(Error::invalid("InvalidPolicy", problems.join("; ")));
    }
    let inventory = seen(&app).await;
    if let Some(message) = unknown_region(&policy, inventory.as_deref()) {
        return Err(Error::invalid("UnknownRegion", message));
    }
    app.records.save_policy(policy).await.map(Json)
}

/// Everything that is wrong with a policy by itself.
fn problems_of(policy: &Policy) -> Vec<String> {
    let reserved = RESERVED.contains(&policy.id.as_str());
    let reserved = reserved.then(|| format!("the id `{}` is reserved; choose another", policy.id));
    policy.problems().iter().map(ToString::to_string).chain(reserved).collect()
}

/// What has just been seen of Azure. A policy may be saved while Azure is away: then nothing is
/// held against it.
async fn seen(app: &Arc<App>) -> Option<Arc<Inventory>> {
    app.view().await.inventory.filter(|seen| !seen.regions.is_empty())
}

/// The complaint about a target in a region that is not there.
fn unknown_region(policy: &Policy, inventory: Option<&Inventory>) -> Option<String> {
    let inventory = inventory?;
    let target = policy.targets.iter().find(|target| inventory.region(&target.region).is_none())?;
    Some(format!(
        "`{}` is not a region of this cloud; `az account list-locations -o table` prints them",
        target.region
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replaces {
    version: u32,
}

pub(super) async fn delete_policy(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    replaces: Result<Query<Replaces>, axum::extract::rejection::QueryRejection>,
) -> Result<StatusCode, Error> {
    let Ok(Query(Replaces { version })) = replaces else {
        let message = "say which version you delete: `?version=3`";
        return Err(Error::invalid("MissingVersion", message));
    };
    app.records.delete_policy(&id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
