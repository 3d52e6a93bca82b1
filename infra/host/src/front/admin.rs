//! The few admin endpoints that help at the desk: fire a timer, ask for the status.
//!
//! Open on loopback unless the setting `FUNCTIONS_MASTER_KEY` is there.

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, Response, StatusCode, header},
};
use serde_json::{Value, json};

use super::{empty, key, read};
use crate::{
    function::Trigger,
    inner::{Inner, VERSION},
};

/// The input of a manual run is short.
const INPUT_LIMIT: u64 = 1024 * 1024;

pub(super) async fn answer(inner: &Inner, path: &[&str], request: Request<Body>) -> Response<Body> {
    let master = inner.settings.get("FUNCTIONS_MASTER_KEY");
    if master.is_some() && key(&request).as_deref() != master {
        return empty(StatusCode::UNAUTHORIZED);
    }
    match (request.method().clone(), path) {
        (Method::GET, [_, "host", "status"]) => json_response(&json!({
            "id": "stand-in",
            "state": "Running",
            "version": VERSION,
            "processUptime": u64::try_from(inner.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })),
        (Method::GET, [_, "functions"]) => {
            let functions: Vec<_> = inner
                .functions
                .iter()
                .map(|function| json!({"name": function.name, "trigger": kind(&function.trigger)}))
                .collect();
            json_response(&json!(functions))
        }
        (Method::POST, [_, "functions", name]) => fire(inner, name, request).await,
        _ => empty(StatusCode::NOT_FOUND),
    }
}

async fn fire(inner: &Inner, name: &str, request: Request<Body>) -> Response<Body> {
    let Some(function) = inner.functions.iter().find(|f| f.name.eq_ignore_ascii_case(name)) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let input = read(request.into_body(), INPUT_LIMIT).await.ok();
    let input = input.and_then(|body| serde_json::from_slice::<Value>(&body).ok());
    if !input.is_some_and(|input| input.get("input").is_some_and(Value::is_string)) {
        return empty(StatusCode::BAD_REQUEST);
    }
    match inner.timers.get(&function.name).map(|timer| timer.send(())) {
        Some(Ok(())) => empty(StatusCode::ACCEPTED),
        Some(Err(_)) => empty(StatusCode::SERVICE_UNAVAILABLE),
        // Only timers can be fired by hand here.
        None => empty(StatusCode::NOT_IMPLEMENTED),
    }
}

fn kind(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::Http { .. } => "httpTrigger",
        Trigger::Timer { .. } => "timerTrigger",
        Trigger::Queue { .. } => "queueTrigger",
    }
}

fn json_response(value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
