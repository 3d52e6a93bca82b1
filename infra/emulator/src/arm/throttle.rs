//! Azure's throttling: the disk provider's buckets per subscription and region, and ARM's own
//! hourly limits per subscription (compute-snapshots §3.4). Counted always; refused with 429 only
//! where the setting `throttling` says so.

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    azure::Process,
    world::{World, id::ResourceId, region},
};

use super::{Call, reply::Reply};

/// Buckets of the disk provider with what they hold for 3 and for 30 minutes.
const BUCKETS: &[(&str, u64, u64)] = &[
    ("LowCostGet", 15_000, 120_000),
    ("HighCostGet", 240, 1920),
    ("CreateUpdateDisks", 3000, 25_000),
    ("HighCostSnapshotCreateHydrate", 1000, 8000),
    ("DeleteDisks", 3000, 24_000),
    ("GetOperation", 50_000, 400_000),
];

/// A bucket of one subscription in one region, by its window.
pub(crate) type Key = (String, &'static str, &'static str);

/// Requests in the current window of a bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    since: Timestamp,
    used: u64,
}

/// What a request leaves of the limits that it draws from.
#[derive(Debug, Default)]
pub(super) struct Remaining {
    /// The name and value of ARM's own header.
    pub(super) subscription: Option<(&'static str, u64)>,
    /// The same count under its newer name.
    pub(super) global: Option<(&'static str, u64)>,
    /// The value of `x-ms-ratelimit-remaining-resource`.
    pub(super) resource: Option<String>,
    /// The region that answers, as far as the request tells.
    pub(super) location: String,
}

/// Counts the request; the 429 if there is nothing left for it.
pub(super) fn take(process: &mut Process, call: &Call, now: Timestamp) -> Result<Remaining, Reply> {
    let mut remaining = Remaining::default();
    let refuses = process.world.settings.throttling;
    if let Some(subscription) = subscription(call) {
        let (name, global, verb, limit) = arm_limit(call);
        let key = (subscription.clone(), name, "");
        let (used, wait) = count(process, key, SignedDuration::from_hours(1), now);
        if used > limit && refuses {
            return Err(too_many_for_arm(&subscription, verb, limit, wait));
        }
        remaining.subscription = Some((name, limit.saturating_sub(used)));
        remaining.global = Some((global, (limit * 15).saturating_sub(used)));
    }
    if let Some((name, three, thirty)) = bucket(call) {
        remaining.location = location(&process.world, call);
        let place = format!("{}/{}", subscription(call).unwrap_or_default(), remaining.location);
        let mut parts = Vec::new();
        for (suffix, minutes, limit) in [("3Min", 3, three), ("30Min", 30, thirty)] {
            let key = (place.clone(), name, suffix);
            let window = SignedDuration::from_mins(minutes);
            let (used, wait) = count(process, key, window, now);
            if used > limit && refuses {
                return Err(too_many_for_provider(
                    &format!("{name}{suffix}"),
                    limit,
                    used,
                    now,
                    wait,
                ));
            }
            parts.push(format!("Microsoft.Compute/{name}{suffix};{}", limit.saturating_sub(used)));
        }
        remaining.resource = Some(parts.join(","));
    }
    Ok(remaining)
}

fn subscription(call: &Call) -> Option<String> {
    let first = call.parts.first()?;
    let id = call.parts.get(1)?;
    first.eq_ignore_ascii_case("subscriptions").then(|| id.to_ascii_lowercase())
}

/// ARM's header, its newer one, the word in its refusal, and the limit of an hour.
type ArmLimit = (&'static str, &'static str, &'static str, u64);

const READS: ArmLimit = (
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-ratelimit-remaining-subscription-global-reads",
    "read",
    12_000,
);
const WRITES: ArmLimit = (
    "x-ms-ratelimit-remaining-subscription-writes",
    "x-ms-ratelimit-remaining-subscription-global-writes",
    "write",
    1200,
);
const DELETES: ArmLimit = (
    "x-ms-ratelimit-remaining-subscription-deletes",
    "x-ms-ratelimit-remaining-subscription-global-deletes",
    "delete",
    15_000,
);

fn arm_limit(call: &Call) -> ArmLimit {
    // An export is a reading one, as recorded in February 2023.
    let exports = call.parts.last().is_some_and(|part| part.eq_ignore_ascii_case("exportTemplate"));
    match call.method {
        _ if exports => READS,
        Method::GET | Method::HEAD => READS,
        Method::DELETE => DELETES,
        _ => WRITES,
    }
}

/// The bucket that a request to the disk provider draws from.
fn bucket(call: &Call) -> Option<(&'static str, u64, u64)> {
    let has = |name: &str| call.parts.iter().any(|part| part.eq_ignore_ascii_case(name));
    let last = call.parts.last()?.to_ascii_lowercase();
    if !has("Microsoft.Compute") || has("Microsoft.Features") || has("Microsoft.Resources") {
        return None;
    }
    let list = last == "disks" || last == "snapshots";
    if !has("DiskOperations") && !has("disks") && !has("snapshots") {
        return None;
    }
    let name = match call.method {
        _ if has("DiskOperations") => "GetOperation",
        Method::GET if list => "HighCostGet",
        Method::GET => "LowCostGet",
        Method::PUT if has("snapshots") => "HighCostSnapshotCreateHydrate",
        Method::PUT | Method::PATCH => "CreateUpdateDisks",
        Method::DELETE => "DeleteDisks",
        Method::POST => "HighCostSnapshotCreateHydrate",
        _ => return None,
    };
    BUCKETS.iter().find(|(known, _, _)| *known == name).copied()
}

fn location(world: &World, call: &Call) -> String {
    let path = call.parts.iter().take(8).cloned().collect::<Vec<_>>().join("/");
    match ResourceId::parse(&path) {
        Some(id) => match world.managed(&id) {
            Some(found) => found.location.clone(),
            None => wanted_location(call),
        },
        // `…/locations/{location}/DiskOperations/{id}`
        None => call.parts.get(5).map(|part| region::normalise(part)).unwrap_or_default(),
    }
}

fn wanted_location(call: &Call) -> String {
    #[derive(serde::Deserialize)]
    struct Place {
        location: Option<String>,
    }
    let place: Option<Place> = serde_json::from_slice(&call.body).ok();
    region::normalise(&place.and_then(|place| place.location).unwrap_or_default())
}

/// Counts one request; gives how many there were in the window, and when the next one begins.
fn count(
    process: &mut Process,
    key: Key,
    length: SignedDuration,
    now: Timestamp,
) -> (u64, SignedDuration) {
    let window = process.windows.entry(key).or_insert(Window { since: now, used: 0 });
    let age = now.duration_since(window.since);
    if age >= length || age < SignedDuration::ZERO {
        *window = Window { since: now, used: 0 };
    }
    window.used += 1;
    (window.used, length - now.duration_since(window.since))
}

fn seconds(wait: SignedDuration) -> String {
    wait.as_secs().max(1).to_string()
}

/// The disk provider's refusal; it has no `error` around it.
fn too_many_for_provider(
    target: &str,
    allowed: u64,
    measured: u64,
    now: Timestamp,
    wait: SignedDuration,
) -> Reply {
    let group = json!({
        "operationGroup": target,
        "startTime": super::wire::stamp(now),
        "endTime": super::wire::stamp(now.saturating_add(wait).unwrap_or(now)),
        "allowedRequestCount": allowed,
        "measuredRequestCount": measured,
    });
    let body = json!({
        "code": "OperationNotAllowed",
        "message": "The server rejected the request because too many requests have been received \
                    for this subscription.",
        "details": [{"code": "TooManyRequests", "target": target, "message": group.to_string()}],
    });
    Reply::provider(429, body)
        .header("retry-after", seconds(wait))
        .header("x-ms-ratelimit-remaining-resource", format!("Microsoft.Compute/{target};0"))
}

/// ARM's refusal.
fn too_many_for_arm(subscription: &str, verb: &str, limit: u64, wait: SignedDuration) -> Reply {
    // The words are from a thread (azuredisk-csi-driver #773).
    let message = format!(
        "Number of {verb} requests for subscription '{subscription}' exceeded the limit of \
         '{limit}' for time interval '01:00:00'. Please try again after '{}' seconds.",
        seconds(wait)
    );
    Reply::json(
        429,
        json!({"error": {"code": "SubscriptionRequestsThrottled", "message": message}}),
    )
    .header("retry-after", seconds(wait))
    .header("x-ms-failure-cause", "gateway")
}
