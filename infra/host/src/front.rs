//! The HTTP front: listens, routes, authorises, hands requests over in mode A, B or C.

mod admin;
mod forward;
mod path;
mod proxy;

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use uuid::Uuid;

use crate::{
    envelope::http as envelope,
    function::{AuthLevel, Function, Trigger},
    inner::Inner,
    route::Params,
};

/// Kestrel's limit for a body, unless a setting says otherwise (functions-host §4.3).
const BODY_LIMIT: u64 = 104_857_600;
/// The platform answers by itself after this time, whatever the functions do (§4.2).
const PLATFORM_LIMIT: Duration = Duration::from_secs(230);

/// One client's request, on its way to a function.
struct Call<'a> {
    function: &'a Function,
    params: Params,
    path: String,
    peer: IpAddr,
    id: Uuid,
    body_limit: u64,
}

/// Serves until the host ends; then every connection is cut, as when the process ends.
pub(crate) async fn serve(listener: TcpListener, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = inner.life.ended() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else { continue };
                let inner = Arc::clone(&inner);
                connections.spawn(async move {
                    let service = service_fn(|request: Request<hyper::body::Incoming>| {
                        let inner = Arc::clone(&inner);
                        async move {
                            let answer = answer(&inner, peer.ip(), request.map(Body::new));
                            let limited = tokio::time::timeout(PLATFORM_LIMIT, answer).await;
                            Ok::<_, Infallible>(limited.unwrap_or_else(|_| empty(StatusCode::GATEWAY_TIMEOUT)))
                        }
                    });
                    // A client that goes away is no failure of the host.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        }
    }
}

async fn answer(inner: &Arc<Inner>, peer: IpAddr, mut request: Request<Body>) -> Response<Body> {
    inner.principal.apply(request.headers_mut());
    let path = path::normalise(request.uri().path());
    let parts: Vec<_> = path.segments.iter().map(String::as_str).collect();
    if parts.first().is_some_and(|first| first.eq_ignore_ascii_case("admin")) {
        return admin::answer(inner, &parts, request).await;
    }
    let Some((function, params, auth_level)) = find(inner, request.method(), &parts) else {
        return unmatched(inner, request.method(), parts.is_empty());
    };
    if !is_allowed(inner, auth_level, &request) {
        return empty(StatusCode::UNAUTHORIZED);
    }
    let limit =
        inner.settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT").and_then(|text| text.parse().ok());
    let body_limit = limit.unwrap_or(BODY_LIMIT);
    if content_length(request.headers()).is_some_and(|length| length > body_limit) {
        return empty(StatusCode::PAYLOAD_TOO_LARGE);
    }
    if !inner.worker.ready_for_invocation().await {
        return unavailable();
    }
    let id = Uuid::new_v4();
    let path = path.wire(request.uri());
    let call = Call { function, params, path, peer, id, body_limit };
    inner.executing(function, "This function was programmatically called via the host APIs.", id);
    let since = Instant::now();
    let result = if function.in_and_out && inner.host.proxying && inner.proxying {
        proxy::call(inner, &call, request).await
    } else if function.in_and_out && inner.host.forwarding {
        forward::call(inner, &call, request).await
    } else {
        envelope_call(inner, &call, request).await
    };
    match result {
        Ok(response) => {
            inner.executed(function, id, since, None);
            response
        }
        Err(Refusal::TooLarge) => empty(StatusCode::PAYLOAD_TOO_LARGE),
        Err(Refusal::Failed(error)) => {
            inner.executed(function, id, since, Some(&error));
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Why a call has no response of the handler's.
enum Refusal {
    TooLarge,
    Failed(String),
}

async fn envelope_call(
    inner: &Inner,
    call: &Call<'_>,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let body = read(body, call.body_limit).await?;
    let (data, metadata) = envelope::encode(&head, &call.params, &body);
    let answer =
        inner.call(call.function, call.id, data, metadata).await.map_err(Refusal::Failed)?;
    envelope::response(answer, call.function.http_output.as_deref()).map_err(Refusal::Failed)
}

/// Reads a whole body, up to the limit.
async fn read(body: Body, limit: u64) -> Result<bytes::Bytes, Refusal> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    to_bytes(body, limit).await.map_err(|_| Refusal::TooLarge)
}

fn find<'a>(
    inner: &'a Inner,
    method: &Method,
    path: &[&str],
) -> Option<(&'a Function, Params, AuthLevel)> {
    let mut found = Vec::new();
    for function in &inner.functions {
        let Trigger::Http { route, methods, auth_level } = &function.trigger else { continue };
        if !methods.is_empty() && !methods.contains(method) {
            continue;
        }
        if let Some(params) = route.matches(path) {
            found.push((route.order(), function, params, *auth_level));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.into_iter().next().map(|(_, function, params, auth_level)| (function, params, auth_level))
}

fn is_allowed(inner: &Inner, level: AuthLevel, request: &Request<Body>) -> bool {
    let Some(key) = key(request) else { return level == AuthLevel::Anonymous };
    let is_master = inner.settings.get("FUNCTIONS_MASTER_KEY") == Some(key.as_str());
    match level {
        AuthLevel::Anonymous => true,
        AuthLevel::Function | AuthLevel::User => {
            let mut settings = inner.settings.0.iter();
            is_master
                || settings
                    .any(|(name, value)| name.starts_with("AzureWebJobsHostKey") && *value == key)
        }
        AuthLevel::System | AuthLevel::Admin => is_master,
    }
}

/// The key of a request: the header wins over the query.
fn key(request: &Request<Body>) -> Option<String> {
    if let Some(header) = request.headers().get("x-functions-key") {
        return header.to_str().ok().map(str::to_owned);
    }
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "code").map(|(_, value)| value.into_owned())
}

/// The host's homepage stands at the root that no function takes, unless a setting removes it.
fn unmatched(inner: &Inner, method: &Method, root: bool) -> Response<Body> {
    if !root || !matches!(*method, Method::GET | Method::HEAD) {
        return empty(StatusCode::NOT_FOUND);
    }
    if inner.settings.is_on("AzureWebJobsDisableHomepage") {
        return empty(StatusCode::NO_CONTENT);
    }
    let page =
        "<!DOCTYPE html><title>Functions host</title><p>Your Functions host is up and running.";
    let mut response = Response::new(Body::from(page));
    let html = header::HeaderValue::from_static("text/html");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn unavailable() -> Response<Body> {
    let mut response = Response::new(Body::from("Function host is not running."));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
