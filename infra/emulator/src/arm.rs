//! The ARM face: what `https://management.azure.com` answers, as one router.
//!
//! Paths are matched by hand because Azure compares them without case and tolerates doubled
//! slashes. Handlers take the world and a call and give a reply; sockets are elsewhere.

mod access;
mod blob;
mod catalogue;
mod compute;
mod deployments;
mod encryption;
mod features;
mod files;
mod graph;
mod groups;
mod guard;
mod headers;
mod lists;
mod locations;
mod locks;
mod machines;
mod metadata;
mod network;
mod operations;
mod pretty;
mod providers;
mod reply;
mod resources;
mod skus;
mod tags;
mod target;
mod template;
mod tenant;
pub(crate) mod throttle;
mod wire;

use std::collections::BTreeMap;

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    response::Response,
};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    azure::{Azure, real_now},
    control::faults::{Fault, dropped},
    identity,
    world::{World, failure::Failure, id::ResourceId},
};
pub(crate) use deployments::step_deployment;
pub(crate) use reply::Reply;

/// ARM's limit on a request's body.
const BODY_LIMIT: usize = 4 << 20;

/// One request, taken apart.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path's parts, decoded, as they were written.
    pub(crate) parts: Vec<String>,
    /// The query by lower-case name.
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The base of links in the answer.
    pub(crate) base: String,
    /// A fault: a token that is given out has ended.
    pub(crate) expired_token: bool,
}

impl Call {
    /// The `api-version`, which the gateway has seen to be there.
    pub(crate) fn version(&self) -> &str {
        self.query.get("api-version").map_or("", String::as_str)
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(Failure::invalid_content)
    }
}

pub(crate) fn router(azure: Azure) -> Router {
    Router::new()
        .route("/files/{*name}", axum::routing::any(files::serve_file))
        .fallback(serve)
        .with_state(azure)
}

async fn serve(State(azure): State<Azure>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(fault) = azure.with_process(|process, _| {
        *process.requests.entry(parts.method.to_string()).or_default() += 1;
        let fault = Fault::take(&mut process.faults, &parts.method, &parts.uri);
        if let Some(seconds) = fault.as_ref().and_then(|fault| fault.clock_seconds) {
            process.world.jump(seconds, real_now());
        }
        fault
    }) else {
        return dropped();
    };
    if let Some(fault) = &fault {
        fault.wait().await;
    }
    let body = to_bytes(body, BODY_LIMIT).await;
    let call = |body| Call {
        method: parts.method.clone(),
        parts: split_path(parts.uri.path()),
        query: split_query(parts.uri.query().unwrap_or_default()),
        headers: parts.headers.clone(),
        body,
        base: azure.arm_url().to_owned(),
        expired_token: fault.as_ref().is_some_and(|fault| fault.expired_token),
    };
    let answered = azure.with_process(|process, now| {
        let call = call(body.as_ref().cloned().unwrap_or_default());
        if blob::is_blob(&call) {
            return match fault.as_ref().filter(|fault| fault.replaces()) {
                Some(fault) => {
                    headers::dress(process, &call, fault.reply(now), Default::default(), now)
                }
                None => blob::serve(&process.world, &call, now),
            };
        }
        let early = fault.as_ref().filter(|fault| !fault.after && fault.replaces());
        let mut remaining = throttle::Remaining::default();
        let reply = match (early, &body) {
            (Some(fault), _) => fault.reply(now),
            (None, Err(_)) => Reply::from(too_large()),
            (None, Ok(_)) => {
                let reply = match throttle::take(process, &call, now) {
                    Ok(left) => {
                        remaining = left;
                        answer(&mut process.world, &call, now)
                            .unwrap_or_else(|failure| process.world.corrected(failure).into())
                    }
                    Err(refused) => refused,
                };
                if let Some(trouble) = fault.as_ref().and_then(Fault::trouble)
                    && let Some(id) = ResourceId::parse(&call.parts.join("/"))
                {
                    process.world.trouble_copy(&id, Some(trouble), now);
                }
                match fault.as_ref().filter(|fault| fault.replaces()) {
                    Some(fault) => fault.reply(now),
                    None => reply,
                }
            }
        };
        headers::dress(process, &call, reply, remaining, now)
    });
    match answered {
        Ok(response) => match fault {
            Some(fault) => fault.disturb(response).await,
            None => response,
        },
        Err(error) => {
            tracing::error!("{} {}: {error:#}", parts.method, parts.uri.path());
            dropped()
        }
    }
}

fn too_large() -> Failure {
    // GUESS: the code; the limit of 4 MB is documented.
    Failure::gateway(
        413,
        "RequestContentTooLarge",
        format!("The request content size exceeds the maximum size of '{BODY_LIMIT}' bytes."),
    )
}

/// The table of routes.
fn answer(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let lower: Vec<String> = call.parts.iter().map(|part| part.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let p = |index: usize| call.parts[index].as_str();

    // Open to all.
    match lower.as_slice() {
        ["metadata", "endpoints"] => return Ok(metadata::endpoints(call)),
        [_, "v2.0", ".well-known", "openid-configuration"]
        | [_, ".well-known", "openid-configuration"] => {
            return Ok(Reply::json(200, identity::openid_configuration(&call.base, p(0))));
        }
        [_, "oauth2", "v2.0", "token"] | [_, "oauth2", "token"] => {
            return identity::client_credentials(&world.settings, &call.body, call.expired_token);
        }
        _ => {}
    }
    identity::check_bearer(call.headers.get(header::AUTHORIZATION))?;
    if !call.query.contains_key("api-version") {
        return Err(Failure::gateway(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    }

    guard::check(world, call, now)?;
    let reply = match tenant::serve(world, call, &lower, now) {
        Some(answered) => answered?,
        None => around_disks(world, call, &lower, now)?,
    };
    Ok(guard::narrow(world, call, reply))
}

/// The routes of disks and snapshots, and those outside of subscriptions.
fn around_disks(
    world: &mut World,
    call: &Call,
    lower: &[&str],
    now: Timestamp,
) -> Result<Reply, Failure> {
    let p = |index: usize| call.parts[index].as_str();
    match lower {
        ["tenants"] => resources::list_tenants(world, call),
        ["subscriptions"] => resources::list_subscriptions(world, call),
        ["subscriptions", _] => resources::get_subscription(world, call, p(1)),
        ["subscriptions", _, "operationresults", _] => {
            operations::group_deletion(world, call, (p(1), p(3)))
        }
        [
            "subscriptions",
            _,
            "providers",
            "microsoft.compute",
            "locations",
            _,
            "diskoperations",
            _,
        ] => operations::status(world, call, (p(1), p(7)), now),
        ["subscriptions", _, "providers", "microsoft.compute", "disks" | "snapshots"] => {
            compute::list(world, call, (p(1), None, p(4)), now)
        }
        [
            "subscriptions",
            _,
            "resourcegroups",
            _,
            "providers",
            "microsoft.compute",
            "disks" | "snapshots",
        ] => compute::list(world, call, (p(1), Some(p(3)), p(6)), now),
        [
            "subscriptions",
            _,
            "resourcegroups",
            _,
            "providers",
            "microsoft.compute",
            "disks" | "snapshots",
            _,
        ] => compute::serve(world, call, now),
        [
            "subscriptions",
            _,
            "resourcegroups",
            _,
            "providers",
            "microsoft.compute",
            "disks" | "snapshots",
            _,
            _,
        ] => access::serve(world, call, now),
        _ => Err(tenant::unknown_type(call)),
    }
}

/// Whatever was asked of a path that does not take it.
pub(crate) fn not_allowed(call: &Call) -> Failure {
    Failure::gateway(
        405,
        "MethodNotAllowed",
        format!("The requested resource does not support http method '{}'.", call.method),
    )
}

fn split_path(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    let mut parts: Vec<String> = parts.map(percent_decode).collect();
    // An older path of deployments, by which az still lists their operations.
    if parts.len() >= 6
        && parts[2].eq_ignore_ascii_case("resourceGroups")
        && parts[4].eq_ignore_ascii_case("deployments")
    {
        parts.splice(4..4, ["providers".to_owned(), "Microsoft.Resources".to_owned()]);
    }
    parts
}

fn split_query(query: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
        .collect()
}

pub(crate) fn percent_decode(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart_with_doubled_slashes_and_escapes() {
        assert_eq!(split_path("/a//b%20c/%zz"), ["a", "b c", "%zz"]);
        assert_eq!(split_query("API-Version=1&$skiptoken=a%2Bb")["$skiptoken"], "a+b");
    }
}
