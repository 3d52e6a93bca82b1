//! The headers that every ARM answer carries: ids, cache rules, throttling, and the date, which
//! is the emulator's (clients read the time of Azure from it).

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, StatusCode},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::azure::Process;

use super::{
    Call,
    reply::{Reply, partition},
};

/// Buckets of the disk provider with what they hold for 3 and 30 minutes (compute-snapshots §3.4).
const BUCKETS: &[(&str, u64, u64)] = &[
    ("LowCostGet", 15_000, 120_000),
    ("HighCostGet", 240, 1920),
    ("CreateUpdateDisks", 3000, 25_000),
    ("HighCostSnapshotCreateHydrate", 1000, 8000),
    ("DeleteDisks", 3000, 24_000),
    ("GetOperation", 50_000, 400_000),
];

/// Turns a reply into the answer that leaves.
pub(super) fn dress(process: &mut Process, call: &Call, reply: Reply, now: Timestamp) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    };
    let correlation = call
        .headers
        .get("x-ms-correlation-request-id")
        .and_then(|value| value.to_str().ok())
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    let request = reply.request_id.map_or_else(|| correlation.clone(), |id| id.to_string());
    set("cache-control", "no-cache");
    set("pragma", "no-cache");
    set("expires", "-1");
    set("strict-transport-security", "max-age=31536000; includeSubDomains");
    set("x-content-type-options", "nosniff");
    set("date", &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    set("x-ms-request-id", &request);
    set("x-ms-correlation-request-id", &correlation);
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    set("x-ms-routing-request-id", &format!("EMULATOR:{stamp}:{correlation}"));
    if let Some(id) = call.headers.get("x-ms-client-request-id").and_then(|id| id.to_str().ok()) {
        set("x-ms-client-request-id", id);
    }
    for (name, value) in &reply.headers {
        set(name, value);
    }
    if let (true, Some(ms)) = (reply.polling, process.world.settings.retry_after_ms) {
        set("x-ms-retry-after-ms", &ms.to_string());
    }
    if reply.provider
        && let Some(bucket) = bucket(call)
    {
        let remaining = count(process, bucket, now);
        set("x-ms-ratelimit-remaining-resource", &remaining);
        let location = call.parts.get(6).map_or("", String::as_str);
        let ticks = now.as_microsecond() * 10;
        set("x-ms-served-by", &format!("{}_{ticks}", partition(location)));
    } else {
        let (name, limit) = match call.method {
            Method::GET | Method::HEAD => ("x-ms-ratelimit-remaining-subscription-reads", 11_999),
            Method::DELETE => ("x-ms-ratelimit-remaining-subscription-deletes", 14_999),
            _ => ("x-ms-ratelimit-remaining-subscription-writes", 1199),
        };
        let used = used(process, name, SignedDuration::from_hours(1), now);
        set(name, &u64::saturating_sub(limit, used).to_string());
    }
    if let Some(body) = &reply.body {
        set("content-type", "application/json; charset=utf-8");
        let text = if reply.provider {
            // The provider's JSON is indented, with CRLF (compute-snapshots §3.1).
            serde_json::to_string_pretty(body).unwrap_or_default().replace('\n', "\r\n")
        } else {
            body.to_string()
        };
        *response.body_mut() = Body::from(text);
    }
    response
}

/// The bucket that a request to the disk provider draws from.
fn bucket(call: &Call) -> Option<&'static str> {
    let has = |name: &str| call.parts.iter().any(|part| part.eq_ignore_ascii_case(name));
    let last = call.parts.last()?;
    let list = last.eq_ignore_ascii_case("disks") || last.eq_ignore_ascii_case("snapshots");
    Some(match call.method {
        _ if has("DiskOperations") => "GetOperation",
        Method::GET if list => "HighCostGet",
        Method::GET => "LowCostGet",
        Method::PUT if has("snapshots") => "HighCostSnapshotCreateHydrate",
        Method::PUT | Method::PATCH => "CreateUpdateDisks",
        Method::DELETE => "DeleteDisks",
        _ => return None,
    })
}

fn count(process: &mut Process, bucket: &'static str, now: Timestamp) -> String {
    let (_, three, thirty) =
        BUCKETS.iter().find(|(name, _, _)| *name == bucket).copied().unwrap_or((bucket, 0, 0));
    let used = used(process, bucket, SignedDuration::from_mins(3), now);
    format!(
        "Microsoft.Compute/{bucket}3Min;{},Microsoft.Compute/{bucket}30Min;{}",
        three.saturating_sub(used),
        thirty.saturating_sub(used)
    )
}

/// Counts one request, and gives how many there were in the window.
fn used(
    process: &mut Process,
    bucket: &'static str,
    window: SignedDuration,
    now: Timestamp,
) -> u64 {
    let (since, used) = process.buckets.entry(bucket).or_insert((now, 0));
    let age = now.duration_since(*since);
    if age >= window || age < SignedDuration::ZERO {
        (*since, *used) = (now, 0);
    }
    *used += 1;
    *used
}
