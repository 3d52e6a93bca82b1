//! The headers that every ARM answer carries: ids, cache rules, throttling, and the date, which
//! is the emulator's (clients read the time of Azure from it).
//!
//! Azure's front has changed over the years; which headers it adds follows the emulator's clock,
//! so that a recording of 2021 is answered as in 2021.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, StatusCode},
    response::Response,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::azure::Process;

use super::{
    Call, pretty,
    reply::{Reply, partition},
    throttle::Remaining,
};

/// From here on answers pass Azure's edge network (recorded: not yet in November 2023, in March
/// 2024 everywhere).
const EDGE_SINCE: i64 = 1_704_067_200;

/// The list of locations was there earlier (recorded in September 2023).
const EDGE_OF_LOCATIONS_SINCE: i64 = 1_693_526_400;

/// From here on ARM counts over all regions, too (recorded: not yet in March 2024, in August 2024).
const GLOBAL_SINCE: i64 = 1_717_200_000;

/// GUESS: from how many bytes on the answer to a PUT was compressed; between 284 and 300.
const COMPRESSED_FROM: usize = 290;

/// Turns a reply into the answer that leaves.
pub(super) fn dress(
    process: &mut Process,
    call: &Call,
    reply: Reply,
    remaining: Remaining,
    now: Timestamp,
) -> Response {
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
    let time = now.strftime("%Y%m%dT%H%M%SZ");
    set("x-ms-routing-request-id", &format!("EMULATOR:{time}:{correlation}"));
    if let Some(id) = call.headers.get("x-ms-client-request-id").and_then(|id| id.to_str().ok()) {
        set("x-ms-client-request-id", id);
    }
    if let Some((name, count)) = remaining.subscription {
        set(name, &count.to_string());
    }
    if let Some((name, count)) = remaining.global
        && now.as_second() >= GLOBAL_SINCE
    {
        set(name, &count.to_string());
    }
    let deploys = call.parts.iter().any(|part| part.eq_ignore_ascii_case("deployments"));
    if deploys && reply.status == 201 && now.as_second() >= GLOBAL_SINCE {
        // Recorded in August 2024, not yet in October 2023; GUESS: the value.
        set("x-ms-deployment-engine-version", "1.95.0");
    }
    if reply.provider {
        if let Some(resource) = &remaining.resource {
            set("x-ms-ratelimit-remaining-resource", resource);
        }
        let ticks = now.as_microsecond() * 10;
        set("x-ms-served-by", &format!("{}_{ticks}", partition(&remaining.location)));
    }
    if let (true, Some(ms)) = (reply.polling, process.world.settings.retry_after_ms) {
        set("x-ms-retry-after-ms", &ms.to_string());
    }
    for (name, value) in &reply.headers {
        set(name, value);
    }
    let text = reply.body.as_ref().map(|body| {
        set("content-type", "application/json; charset=utf-8");
        if reply.provider {
            // The provider's JSON is indented, with CRLF (compute-snapshots §3.1).
            pretty::text(body)
        } else {
            body.to_string()
        }
    });
    add_front(&mut response, call, &reply, text.as_deref(), now);
    if let Some(text) = text {
        *response.body_mut() = Body::from(text);
    }
    response
}

/// What stands between the providers and the client adds this.
fn add_front(
    response: &mut Response,
    call: &Call,
    reply: &Reply,
    text: Option<&str>,
    now: Timestamp,
) {
    let headers = response.headers_mut();
    let locations = call.parts.len() == 3 && call.parts[2].eq_ignore_ascii_case("locations");
    let since = if locations { EDGE_OF_LOCATIONS_SINCE } else { EDGE_SINCE };
    if now.as_second() >= since {
        headers.insert("x-cache", HeaderValue::from_static("CONFIG_NOCACHE"));
        let reference = format!(
            "Ref A: {:X} Ref B: EMULATOR Ref C: {}",
            Uuid::new_v4().simple(),
            now.strftime("%Y-%m-%dT%H:%M:%SZ")
        );
        if let Ok(reference) = HeaderValue::from_str(&reference) {
            headers.insert("x-msedge-ref", reference);
        }
        return;
    }
    if reply.provider {
        // Twice, as the provider and its gateway each name themselves (compute-snapshots §3.1).
        for _ in 0..2 {
            headers.append("server", HeaderValue::from_static("Microsoft-HTTPAPI/2.0"));
        }
    }
    let compressible = match call.method {
        Method::GET | Method::POST => true,
        _ => text.is_some_and(|text| text.len() >= COMPRESSED_FROM),
    };
    if reply.status == 200 && text.is_some() && compressible {
        headers.insert("vary", HeaderValue::from_static("Accept-Encoding"));
    }
}
