//! Policies: listed, saved version by version, deleted.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use shared::{Policy, Target, api::Policies};

use super::body::Body;
use crate::{app::App, error::Error};

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
    let mut problems: Vec<String> = policy.problems().iter().map(ToString::to_string).collect();
    if policy.id != id {
        problems.push(format!("the path says `{id}` and the body `{}`", policy.id));
    }
    if !problems.is_empty() {
        return Err(Error::invalid("InvalidPolicy", problems.join("; ")));
    }
    // What Azure has to say is asked only of what has just been seen: a policy may be saved
    // while Azure is away.
    let inventory = app.view().await.inventory.filter(|seen| !seen.regions.is_empty());
    let unknown = |target: &&Target| {
        inventory.as_ref().is_some_and(|seen| seen.region(&target.region).is_none())
    };
    if let Some(target) = policy.targets.iter().find(unknown) {
        let message = format!(
            "`{}` is not a region of this cloud; `az account list-locations -o table` prints them",
            target.region
        );
        return Err(Error::invalid("UnknownRegion", message));
    }
    app.records.save_policy(policy).await.map(Json)
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
