//! An emulator in process, and what must be true of every answer.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, StatusCode, header},
};
use emulator::Azure;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::request::{Face, Request};
use crate::lab::{SUB, copy_of};

/// Longer than any request takes on a slow machine.
const HANG: Duration = Duration::from_secs(20);

/// A disk's content may be of any length: no more of an answer is looked at.
const ENOUGH: usize = 16 << 20;

pub(super) struct Lab {
    azure: Azure,
    arm: Router,
    plain: Router,
    /// The id of the last operation that was accepted.
    operation: String,
}

impl Lab {
    pub(super) fn new() -> Self {
        let azure = Azure::in_memory(1);
        let (arm, plain) = (azure.arm_router(), azure.plain_router());
        Self { azure, arm, plain, operation: "none".to_owned() }
    }

    pub(super) fn operation(&self) -> &str {
        &self.operation
    }

    /// Sends a request; gives its status (0: HTTP does not allow it), or what is wrong.
    pub(super) async fn send(&mut self, request: &Request) -> Result<u16, String> {
        let Some(built) = request.build() else { return Ok(0) };
        let router = match request.face {
            Face::Arm => self.arm.clone(),
            Face::Plain => self.plain.clone(),
        };
        let answer = tokio::spawn(async move {
            let (parts, body) = router.oneshot(built).await.unwrap().into_parts();
            let body = to_bytes(body, ENOUGH).await.unwrap_or_default();
            (parts.status, parts.headers, body)
        });
        let answer = tokio::time::timeout(HANG, answer).await;
        let (status, headers, body) =
            answer.map_err(|_| "it hangs")?.map_err(|error| format!("it panicked: {error}"))?;
        if let Some(id) = headers.get("x-ms-request-id").filter(|_| status == 202) {
            self.operation = id.to_str().unwrap().to_owned();
        }
        if self.azure.panics() > 0 {
            return Err("a handler panicked".to_owned());
        }
        let json = headers.get(header::CONTENT_TYPE).is_some_and(|value| {
            value.to_str().is_ok_and(|value| value.starts_with("application/json"))
        });
        judge(request, status, json, &body)?;
        if request.face == Face::Plain && !body.is_empty() {
            // What a fault would break is no news.
            self.plain(Method::DELETE, "/_control/faults", Value::Null).await;
        }
        Ok(status.as_u16())
    }

    /// Lets operations end; by no more where a request has set the clock to the end of time.
    pub(super) async fn wait(&self) {
        let request = axum::extract::Request::builder()
            .method(Method::PUT)
            .uri("/_control/clock")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(r#"{"advance_seconds":2}"#))
            .unwrap();
        let answer = self.plain.clone().oneshot(request).await.unwrap();
        assert!(!answer.status().is_server_error());
    }

    /// A valid request that must succeed.
    async fn plain(&self, method: Method, path: &str, body: Value) -> Value {
        self.must(&self.plain, method, path, body).await
    }

    async fn must(&self, router: &Router, method: Method, path: &str, body: Value) -> Value {
        let request = axum::extract::Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::AUTHORIZATION, "Bearer good")
            .header(header::CONTENT_TYPE, "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), ENOUGH).await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {}", body.escape_ascii());
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// Makes what the base requests speak of.
    pub(super) async fn prepare(&mut self) {
        let now = json!({"now": "2026-01-01T00:00:00Z", "frozen": true});
        self.plain(Method::PUT, "/_control/clock", now).await;
        let settings = json!({"page_size": 1000, "retry_after_ms": null});
        self.plain(Method::PUT, "/_control/settings", settings).await;
        let bandwidth = json!({"bytes_per_second": 65_536});
        self.plain(Method::PUT, "/_control/bandwidth", bandwidth).await;
        let disk = |group: u8, name: u8| {
            json!({
                "id": format!("/subscriptions/{SUB}/resourceGroups/rg{group}/providers/\
                               Microsoft.Compute/disks/d{name}"),
                "location": "eastus", "size_gb": 8, "content": {"random_bytes": 65_536},
            })
        };
        let disks: Vec<Value> =
            (0..2).flat_map(|group| (0..3).map(move |name| disk(group, name))).collect();
        self.plain(Method::POST, "/_control/seed", json!({"disks": disks})).await;
        for (group, name) in (0..2).flat_map(|group| (0..3).map(move |name| (group, name))) {
            let compute = format!(
                "/subscriptions/{SUB}/resourceGroups/rg{group}/providers/Microsoft.Compute"
            );
            let uri = format!("{compute}/snapshots/s{name}?api-version=2024-03-02");
            let body = copy_of(&format!("{compute}/disks/d{name}"), "eastus");
            self.must(&self.arm, Method::PUT, &uri, body).await;
        }
        self.wait().await;
    }

    /// Deletes all, as its user would; looks whether the world is whole; makes the base anew. Gives
    /// what is kept of the past.
    pub(super) async fn clean(&mut self) -> Value {
        for obstacles in ["access", "policies", "quotas"] {
            self.plain(Method::DELETE, &format!("/_control/{obstacles}"), Value::Null).await;
        }
        let list = "/subscriptions?api-version=2022-12-01";
        let subscriptions = self.must(&self.arm, Method::GET, list, Value::Null).await;
        for subscription in subscriptions["value"].as_array().unwrap() {
            let id = escape(subscription["subscriptionId"].as_str().unwrap());
            let path = format!("/subscriptions/{id}/resourcegroups");
            let uri = format!("{path}?api-version=2022-09-01");
            let locks = format!(
                "/subscriptions/{id}/providers/Microsoft.Authorization/locks?api-version=2020-05-01"
            );
            let locks = self.must(&self.arm, Method::GET, &locks, Value::Null).await;
            for lock in locks["value"].as_array().unwrap() {
                let parts = lock["id"].as_str().unwrap().split('/').map(escape);
                let uri = parts.collect::<Vec<_>>().join("/") + "?api-version=2020-05-01";
                self.must(&self.arm, Method::DELETE, &uri, Value::Null).await;
            }
            let groups = self.must(&self.arm, Method::GET, &uri, Value::Null).await;
            for group in groups["value"].as_array().unwrap() {
                let name = group["name"].as_str().unwrap();
                let uri = format!("{path}/{}?api-version=2022-09-01", escape(name));
                self.must(&self.arm, Method::DELETE, &uri, Value::Null).await;
            }
        }
        // The end of time, so that all has ended even where a request has set the clock far ahead.
        let clock = json!({"now": "9999-12-30T22:00:00Z", "frozen": true});
        self.plain(Method::PUT, "/_control/clock", clock).await;
        let check = self.plain(Method::GET, "/_control/check", Value::Null).await;
        assert_eq!(check["torn"], json!([]));
        self.prepare().await;
        check
    }
}

fn escape(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What must be true of an answer to anything.
fn judge(request: &Request, status: StatusCode, json: bool, body: &[u8]) -> Result<(), String> {
    let shown = || format!("{status} {}", body[..body.len().min(300)].escape_ascii());
    if status.is_server_error() {
        return Err(shown());
    }
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    if json && !body.is_empty() && parsed.is_none() {
        return Err(format!("no JSON: {}", shown()));
    }
    if !status.is_client_error() || request.method == "HEAD" {
        return Ok(());
    }
    let parsed = parsed.ok_or_else(|| format!("an error without JSON: {}", shown()))?;
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let azure = text(&parsed["error"]["code"]) && text(&parsed["error"]["message"]);
    let oauth = text(&parsed["error"]) && text(&parsed["error_description"]);
    let identity = parsed["StatusCode"] == status.as_u16() && text(&parsed["Message"]);
    let path = String::from_utf8_lossy(&request.target).to_ascii_lowercase();
    let allowed = azure
        || (oauth && request.face == Face::Arm)
        || (identity && request.face == Face::Plain && path.starts_with("/msi/"));
    if allowed { Ok(()) } else { Err(format!("an error of another shape: {}", shown())) }
}
