//! Mode A: the reverse proxy that newer hosts have; streams both ways (functions-host §3.2).

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Request, Response, header},
};
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};

use super::{Call, Refusal};
use crate::{
    client::{self, Connection, Failure},
    inner::{HOST_VERSION, INVOCATION_ID, Inner, VERSION},
    worker::Watch,
};

/// How often a refused connection is tried.
const ATTEMPTS: u32 = 10;
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_millis(250);

/// What the proxy takes out of both directions.
const HOP_BY_HOP: [&str; 20] = [
    "connection",
    "transfer-encoding",
    "keep-alive",
    "upgrade",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-features",
    "proxy-instruction",
    "security-scheme",
    "alpn",
    "close",
    "te",
    "http2-settings",
    "upgrade-insecure-requests",
    "alt-svc",
    // Not to be relied on (§3.1), so never passed.
    "traceparent",
    "tracestate",
    "request-id",
];

pub(super) async fn call(
    inner: &Inner,
    call: &Call<'_>,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let id = call.id.to_string();
    let watch = inner.worker.watch(&call.function.name, &id, inner.host.function_timeout);
    let (mut head, mut body) = request.into_parts();
    let too_large = Arc::new(AtomicBool::new(false));
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        body = limited(body, call.body_limit, Arc::clone(&too_large));
    }
    set_headers(&mut head.headers, inner.worker.port, call, &id);
    let failed = |error: &dyn std::fmt::Display| {
        Refusal::Failed(format!("Failed to proxy request with ForwarderError: {error}"))
    };
    head.uri = call.path.parse().map_err(|error| failed(&error))?;
    let connection = connect(inner.worker.port).await.map_err(|failure| failed(&failure))?;
    let response = match connection.send(Request::from_parts(head, body)).await {
        Ok(response) => response,
        Err(_) if too_large.load(Ordering::Relaxed) => return Err(Refusal::TooLarge),
        Err(failure) => return Err(failed(&failure)),
    };
    let (mut head, body) = response.into_parts();
    remove_hop_by_hop(&mut head.headers);
    Ok(Response::from_parts(head, Body::new(Guarded { body: Body::new(body), _watch: watch })))
}

async fn connect(port: u16) -> Result<Connection, Failure> {
    let mut delay = FIRST_DELAY;
    for _ in 1..ATTEMPTS {
        match client::connect(port).await {
            Err(Failure::Connect(_)) => tokio::time::sleep(delay).await,
            other => return other,
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
    client::connect(port).await
}

fn set_headers(headers: &mut HeaderMap, port: u16, call: &Call<'_>, id: &str) {
    remove_hop_by_hop(headers);
    headers.remove("forwarded");
    headers.remove("x-forwarded-prefix");
    headers.remove("x-forwarded-host");
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.insert("x-forwarded-host", host);
    }
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    headers.insert(HOST_VERSION, HeaderValue::from_static(VERSION));
    let own = [
        ("x-forwarded-for", call.peer.to_string()),
        ("host", format!("127.0.0.1:{port}")),
        (INVOCATION_ID, id.to_owned()),
        ("x-ms-invocation-id", id.to_owned()),
    ];
    for (name, value) in own {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
}

pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// A body of unknown length that fails past the limit.
fn limited(body: Body, limit: u64, too_large: Arc<AtomicBool>) -> Body {
    let seen = AtomicU64::new(0);
    Body::from_stream(body.into_data_stream().map(move |chunk| {
        let chunk = chunk.map_err(std::io::Error::other)?;
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if seen.fetch_add(length, Ordering::Relaxed).saturating_add(length) > limit {
            too_large.store(true, Ordering::Relaxed);
            return Err(std::io::Error::other("request body too large"));
        }
        Ok::<Bytes, std::io::Error>(chunk)
    }))
}

/// A response's body; the invocation lasts as long as it does.
struct Guarded {
    body: Body,
    _watch: Watch,
}

impl hyper::body::Body for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
