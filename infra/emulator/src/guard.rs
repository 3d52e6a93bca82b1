//! What stands between every handler and the listener: a panic is caught and counted, and an error
//! of the plain listener has a body that clients can read.

use std::{any::Any, panic::AssertUnwindSafe};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use serde_json::json;

use crate::azure::Azure;

/// The longest text that becomes the message of an error.
const LONGEST: usize = 64 << 10;

/// Catches what panics in a router: the lock of the world is never poisoned, and what a request had
/// changed by then is stored with the next one.
pub(crate) fn catch_panics(router: Router, azure: Azure) -> Router {
    router.layer(from_fn_with_state(azure, caught))
}

async fn caught(State(azure): State<Azure>, request: Request, next: Next) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            azure.count_panic();
            tracing::error!("{asked} panicked: {}", words(&*panic));
            error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "A handler panicked.")
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"error": {"code": code, "message": message}}))).into_response()
}

/// Gives errors that axum makes of itself, as of a body that is no JSON, the shape of all others.
pub(crate) fn shape_errors(router: Router) -> Router {
    router.layer(from_fn(shaped))
}

async fn shaped(request: Request, next: Next) -> Response {
    let head = request.method() == Method::HEAD;
    let response = next.run(request).await;
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let status = response.status();
    if json || head || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let code = match status {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
        _ => "InvalidControlRequest",
    };
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, LONGEST).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let message = if text.is_empty() { "There is nothing to be had here." } else { &text };
    let mut shaped = error(status, code, message);
    shaped.extensions_mut().extend(parts.extensions);
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        shaped.headers_mut().insert(header::ALLOW, allow.clone());
    }
    shaped
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_counted_and_leaves_the_world_in_use() {
        let azure = Azure::in_memory(1);
        let world = azure.clone();
        let handler = async move || {
            let _ = world.with(|_, _| panic!("on purpose"));
            StatusCode::OK
        };
        let router = catch_panics(Router::new().route("/", get(handler)), azure.clone());
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(azure.panics(), 1);
        assert!(azure.with(|_, _| ()).is_ok());
    }
}
