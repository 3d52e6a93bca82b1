//! Status, estate and plan: what the portal's views are worked out from.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use shared::{
    History, Inventory,
    api::{Estate, Identity, PlanView, Status},
    plan::plan,
};

use crate::{
    app::{App, Seen},
    error::Error,
    tick::note_vanished,
};

/// What was seen, or an error that says why there is nothing to show.
pub(super) async fn inventory(app: &Arc<App>) -> Result<(Arc<Inventory>, Seen), Error> {
    let seen = app.view().await;
    match &seen.inventory {
        Some(inventory) => Ok((inventory.clone(), seen)),
        None => Err(Error::Unavailable(
            seen.problem.unwrap_or_else(|| "Azure was not asked yet".to_owned()),
        )),
    }
}

pub(super) async fn show_status(
    State(app): State<Arc<App>>,
    Extension(identity): Extension<Identity>,
) -> Json<Status> {
    let seen = app.last_seen().await;
    let host_now = app.now().await;
    let azure_seen_at = seen.inventory.as_ref().map(|inventory| inventory.taken_at);
    Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cloud: app.config.cloud.clone(),
        tenant: seen.tenant,
        limits: app.limits(azure_seen_at.unwrap_or(host_now), host_now),
        identity,
        azure_problem: seen.problem,
        azure_seen_at,
        last_tick_at: app.records.heartbeat().await,
    })
}

pub(super) async fn show_estate(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (mut inventory, seen) = inventory(&app).await?;
    note_vanished(&app, &mut inventory, app.now().await).await;
    let estate = Estate {
        inventory: Arc::unwrap_or_clone(inventory),
        policies: app.records.policies().await?,
        requests: app.records.requests().await?,
        stale: seen.problem,
    };
    Ok(with_etag(&estate, &headers))
}

/// The tag leaves out when it was listed: an unchanged estate is not sent again.
fn with_etag(estate: &Estate, headers: &HeaderMap) -> Response {
    let mut timeless = estate.clone();
    timeless.inventory.taken_at = Timestamp::UNIX_EPOCH;
    let content = serde_json::to_vec(&timeless).unwrap_or_default();
    let hash: String =
        Sha256::digest(&content).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known == Some(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(estate).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = tag.parse() {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// What a plan needs that Azure does not tell: with it the browser plans as the next tick does.
pub(super) async fn show_history(State(app): State<Arc<App>>) -> Json<History> {
    Json(app.records.history().await.history)
}

pub(super) async fn show_plan(State(app): State<Arc<App>>) -> Result<Json<PlanView>, Error> {
    let (mut inventory, _) = inventory(&app).await?;
    note_vanished(&app, &mut inventory, app.now().await).await;
    let now = inventory.taken_at;
    let limits = app.limits(now, app.now().await);
    let policies = app.records.policies().await?;
    let requests = app.records.pending().await?;
    let history = app.records.history().await.history;
    let plan = plan(&inventory, &policies, &requests, &history, &limits, now);
    Ok(Json(PlanView { now, plan }))
}
