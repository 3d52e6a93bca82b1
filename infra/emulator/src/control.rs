//! The control API, on the plain listener: what a test or a person does to this Azure that no
//! Azure would allow. JSON in and out; errors are `{"error":{"code","message"}}`.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /_control/health` | `{"status":"ok"}` |
//! | `GET`, `PUT /_control/clock` | `{"now": RFC 3339}`, `{"advance_seconds": n}`, `{"frozen": bool}`, alone or together; answers `{"now","frozen"}` |
//! | `GET`, `PUT /_control/bandwidth` | `{"bytes_per_second": n}`; 0 stalls every copy |
//! | `GET /_control/counters` | bytes moved, each copy, ARM requests by method, panics |
//! | `GET`, `PUT /_control/settings` | `{"page_size", "retry_after_ms", "throttling"}` and the switches; what is left out stays |
//! | `POST /_control/seed` | subscriptions, groups, disks, machines, scale sets, encryption sets, a fleet ([`Fleet`](crate::world::fleet::Fleet)); what exists is left alone |
//! | `PUT /_control/owner?id=` | `{"managed_by": id or null}`: attach a disk, or detach it |
//! | `GET`, `PUT /_control/content?id=` | the content, raw; GET takes `offset` and `length`, PUT also takes `{"file": path}` as `application/json` |
//! | `POST /_control/write?id=&offset=` | writes the body into a disk |
//! | `GET /_control/check` | looks at the whole world; answers `{"torn": [what is wrong], "layers", "operations", "copies"}` |
//! | `GET`, `PUT /_control/guesses` | refusals that nobody recorded: other words for them, or off |
//! | `GET`, `POST`, `DELETE /_control/faults` | faults of answers, see [`faults::Fault`]; GET also tells which requests were struck |
//! | `PUT /_control/faults/random` | `{"seed", "probability", "kinds": ["503", "lost", …], "path_contains", "method"}` |
//! | `PUT /_control/copy?id=` | `{"stall_percent": n}`, `{"fail_percent": n, "code"}` or `{"release": true}` of a copy that moves |

mod content;
pub(crate) mod faults;
mod guesses;
mod seed;
mod tenant;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    azure::{Azure, real_now},
    world::{
        failure::Failure,
        id::ResourceId,
        image::BLOCK_BYTES,
        transfers::{Transfer, TransferState},
    },
};
use faults::api::{add_fault, delete_faults, list_faults, put_copy, put_random};

/// What a control request is answered when it fails.
pub(crate) struct Refusal(Failure);

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self(Failure::new(500, "InternalServerError", format!("{error:#}")))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({"error": {"code": self.0.code, "message": self.0.message}});
        (status, Json(body)).into_response()
    }
}

pub(crate) type Answer = Result<Json<Value>, Refusal>;

pub(crate) fn bad_request(message: impl std::fmt::Display) -> Refusal {
    Refusal(Failure::new(400, "InvalidControlRequest", message.to_string()))
}

/// Reads the `id` of a query.
pub(crate) fn read_id(id: &str) -> Result<ResourceId, Refusal> {
    ResourceId::parse(id).ok_or_else(|| bad_request(format!("not a disk's or snapshot's id: {id}")))
}

pub(crate) fn router(azure: Azure) -> Router {
    Router::new()
        .route("/_control/health", get(health))
        .route("/_control/clock", get(get_clock).put(put_clock))
        .route("/_control/bandwidth", get(get_bandwidth).put(put_bandwidth))
        .route("/_control/counters", get(get_counters))
        .route("/_control/settings", get(get_settings).put(put_settings))
        .route("/_control/seed", post(seed::post_seed))
        .route("/_control/owner", put(seed::put_owner))
        .route("/_control/content", get(content::get_content).put(content::put_content))
        .route("/_control/write", post(content::post_write))
        .route("/_control/check", get(check))
        .route("/_control/guesses", get(guesses::list).put(guesses::correct))
        .route("/_control/faults", get(list_faults).post(add_fault).delete(delete_faults))
        .route("/_control/faults/random", put(put_random))
        .route("/_control/copy", put(put_copy))
        .merge(tenant::router())
        // Disks are bigger than any limit.
        .layer(DefaultBodyLimit::disable())
        .with_state(azure)
}

async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn get_clock(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, now| {
        Json(json!({"now": now.to_string(), "frozen": world.settings.clock.is_frozen()}))
    })?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    now: Option<Timestamp>,
    advance_seconds: Option<f64>,
    frozen: Option<bool>,
}

async fn put_clock(State(azure): State<Azure>, Json(change): Json<ClockChange>) -> Answer {
    let step = SignedDuration::try_from_secs_f64(change.advance_seconds.unwrap_or(0.0))
        .map_err(bad_request)?;
    azure.with(|world, _| {
        let real = real_now();
        let clock = &mut world.settings_mut().clock;
        // First frozen, so that what is set is what is read back.
        if change.frozen == Some(true) {
            clock.freeze(true, real);
        }
        let start = change.now.unwrap_or_else(|| clock.now(real));
        clock.set(start.checked_add(step).map_err(bad_request)?, real);
        if change.frozen == Some(false) {
            clock.freeze(false, real);
        }
        let now = clock.now(real);
        world.advance(now);
        Ok::<_, Refusal>(())
    })??;
    get_clock(State(azure)).await
}

async fn get_bandwidth(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| Json(json!({"bytes_per_second": world.settings.bandwidth})))?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bandwidth {
    bytes_per_second: u64,
}

async fn put_bandwidth(State(azure): State<Azure>, Json(given): Json<Bandwidth>) -> Answer {
    azure.with(|world, now| world.set_bandwidth(given.bytes_per_second, now))?;
    get_bandwidth(State(azure)).await
}

async fn get_settings(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| {
        let settings = &world.settings;
        let mut shown = json!(settings.switches);
        shown["page_size"] = settings.page_size.into();
        shown["retry_after_ms"] = settings.retry_after_ms.into();
        shown["throttling"] = settings.throttling.into();
        Json(shown)
    })?)
}

/// Tells `null` from what is left out.
fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(value).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsChange {
    page_size: Option<usize>,
    throttling: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    retry_after_ms: Option<Option<u64>>,
    copy_start_needs_feature: Option<bool>,
    preview_regions: Option<bool>,
    github_files: Option<bool>,
    graph_delay_seconds: Option<u64>,
    list_delay_seconds: Option<u64>,
}

async fn put_settings(State(azure): State<Azure>, Json(change): Json<SettingsChange>) -> Answer {
    if change.page_size.is_some_and(|size| !(1..=10_000).contains(&size)) {
        return Err(bad_request("page_size is from 1 to 10000"));
    }
    azure.with(|world, _| {
        let settings = world.settings_mut();
        settings.page_size = change.page_size.unwrap_or(settings.page_size);
        settings.throttling = change.throttling.unwrap_or(settings.throttling);
        settings.retry_after_ms = change.retry_after_ms.unwrap_or(settings.retry_after_ms);
        let switches = &mut settings.switches;
        let set = |switch: &mut bool, wanted: Option<bool>| *switch = wanted.unwrap_or(*switch);
        set(&mut switches.copy_start_needs_feature, change.copy_start_needs_feature);
        set(&mut switches.preview_regions, change.preview_regions);
        set(&mut switches.github_files, change.github_files);
        let delay = |delay: &mut u64, wanted: Option<u64>| *delay = wanted.unwrap_or(*delay);
        delay(&mut switches.graph_delay_seconds, change.graph_delay_seconds);
        delay(&mut switches.list_delay_seconds, change.list_delay_seconds);
    })?;
    get_settings(State(azure)).await
}

async fn get_counters(State(azure): State<Azure>) -> Answer {
    Ok(azure.with_process(|process, now| {
        let world = &process.world;
        let bandwidth = world.settings.bandwidth;
        let mut transfers: Vec<&Transfer> = world.transfers.values().collect();
        transfers.sort_by_key(|transfer| transfer.started_at);
        let moved: u64 = transfers.iter().map(|transfer| transfer.moved(now, bandwidth)).sum();
        let copy = |transfer: &&Transfer| {
            json!({
                "target": transfer.target.path(),
                "source": transfer.source.path(),
                "bytes_total": transfer.bytes_total,
                "bytes_moved": transfer.moved(now, bandwidth),
                "base": transfer.base.as_ref().map(ResourceId::path),
                "started_at": transfer.started_at.to_string(),
                "completed_at": transfer.completed_at.map(|at| at.to_string()),
                "state": match transfer.state() {
                    TransferState::Moving => "moving",
                    TransferState::Complete => "complete",
                    TransferState::SourceGone => "source_gone",
                    TransferState::Abandoned => "abandoned",
                    TransferState::Failed => "failed",
                },
            })
        };
        Json(json!({
            "bytes_moved": world.settings.bytes_moved_before + moved,
            "block_bytes": BLOCK_BYTES,
            "copies": transfers.iter().map(copy).collect::<Vec<_>>(),
            "requests": process.requests,
            "panics": azure.panics(),
        }))
    })?)
}

async fn check(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| {
        Json(json!({
            "torn": world.torn(),
            "layers": world.layers.count(),
            "operations": world.operations.len(),
            "copies": world.transfers.len(),
        }))
    })?)
}
