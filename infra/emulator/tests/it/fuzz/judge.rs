//! An emulator in process, and what must be true of every answer.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Method, StatusCode, header},
};
use emulator::Azure;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{
    names::Names,
    request::{Face, Request},
    xml,
};
use crate::lab::{SUB, copy_of, id};

/// Longer than any request takes on a slow machine.
const HANG: Duration = Duration::from_secs(20);

/// A list may be long: no more of an answer is looked at.
const ENOUGH: usize = 16 << 20;

pub(super) struct Lab {
    azure: Azure,
    arm: Router,
    plain: Router,
    blobs: Router,
    queues: Router,
    names: Names,
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn shown(&self) -> String {
        format!("{} {}", self.status, self.body[..self.body.len().min(300)].escape_ascii())
    }
}

impl Lab {
    pub(super) fn new() -> Self {
        let azure = Azure::in_memory(1);
        Self {
            arm: azure.arm_router(),
            plain: azure.plain_router(),
            blobs: azure.blob_router(),
            queues: azure.queue_router(),
            names: Names::new("none"),
            azure,
        }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    fn router(&self, face: Face) -> Router {
        match face {
            Face::Arm => self.arm.clone(),
            Face::Plain => self.plain.clone(),
            Face::Blob => self.blobs.clone(),
            Face::Queue => self.queues.clone(),
        }
    }

    /// Sends a request; gives its status (0: HTTP does not allow it), or what is wrong.
    pub(super) async fn send(&mut self, request: &Request) -> Result<u16, String> {
        let Some(built) = request.build() else { return Ok(0) };
        let router = self.router(request.face);
        let answer = tokio::spawn(async move {
            let (parts, body) = router.oneshot(built).await.unwrap().into_parts();
            // Bytes of disks are of no concern here, and would only be this process's own memory.
            let bytes = parts.headers.get(header::CONTENT_TYPE);
            let bytes = bytes.is_some_and(|kind| kind == "application/octet-stream");
            let enough = if bytes { 64 << 10 } else { ENOUGH };
            let body = to_bytes(body, enough).await.unwrap_or_default();
            Answer { status: parts.status, headers: parts.headers, body }
        });
        let answer = tokio::time::timeout(HANG, answer).await;
        let answer =
            answer.map_err(|_| "it hangs")?.map_err(|error| format!("it panicked: {error}"))?;
        if self.azure.panics() > 0 {
            return Err("a handler panicked".to_owned());
        }
        judge(request, &answer)?;
        self.learn(request, &answer);
        if request.face == Face::Plain && !answer.body.is_empty() {
            // What a fault would break is no news, nor is a 5xx that was asked for.
            self.plain(Method::DELETE, "/_control/faults", Value::Null).await;
            self.correct(|guess| guess["correction"]["status"].as_u64() >= Some(500)).await;
        }
        Ok(answer.status.as_u16())
    }

    /// Keeps what later requests name.
    fn learn(&mut self, request: &Request, answer: &Answer) {
        if request.face == Face::Arm && answer.status == StatusCode::ACCEPTED {
            self.names.operation = answer.header("x-ms-request-id").to_owned();
        }
        if request.face == Face::Queue
            && let Some(id) = xml::first(answer.text(), "MessageId")
            && let Some(receipt) = xml::first(answer.text(), "PopReceipt")
        {
            let path = String::from_utf8_lossy(&request.target);
            let queue = path.split('/').nth(2).unwrap_or_default();
            self.names.message = format!("{queue}/messages/{id}");
            self.names.receipt = receipt.bytes().map(|b| format!("%{b:02X}")).collect();
        }
    }

    /// Takes back the corrections of guesses that `which` picks.
    async fn correct(&self, which: impl Fn(&Value) -> bool) {
        let all = self.plain(Method::GET, "/_control/guesses", Value::Null).await;
        let names = all["guesses"].as_array().unwrap().iter().filter(|guess| which(guess));
        let none = names.map(|guess| (guess["name"].as_str().unwrap().to_owned(), Value::Null));
        let none: serde_json::Map<_, _> = none.collect();
        if !none.is_empty() {
            self.plain(Method::PUT, "/_control/guesses", Value::Object(none)).await;
        }
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
        self.must(Face::Plain, method, path, body).await.json()
    }

    async fn arm(&self, method: Method, path: &str, body: Value) -> Value {
        self.must(Face::Arm, method, path, body).await.json()
    }

    async fn must(&self, face: Face, method: Method, path: &str, body: Value) -> Answer {
        let answer = self.ask(face, method.clone(), path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.shown());
        answer
    }

    async fn ask(&self, face: Face, method: Method, path: &str, body: Value) -> Answer {
        let token = match face {
            Face::Arm | Face::Plain => "good",
            Face::Blob | Face::Queue => &self.names.token,
        };
        let request = axum::extract::Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let (parts, body) = self.router(face).oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, ENOUGH).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Makes what the base requests speak of.
    pub(super) async fn prepare(&mut self) {
        let now = json!({"now": "2026-01-01T00:00:00Z", "frozen": true});
        self.plain(Method::PUT, "/_control/clock", now).await;
        self.settle().await;
        let bandwidth = json!({"bytes_per_second": 65_536});
        self.plain(Method::PUT, "/_control/bandwidth", bandwidth).await;
        let disk = |group: u8, name: u8| {
            json!({
                "id": format!("/subscriptions/{SUB}/resourceGroups/rg{group}/providers/\
                               Microsoft.Compute/disks/d{name}"),
                "location": "eastus", "size_gb": 8, "content": {"random_bytes": 65_536},
            })
        };
        let mut disks: Vec<Value> =
            (0..2).flat_map(|group| (0..3).map(move |name| disk(group, name))).collect();
        let read = id("rg0", "disks", "read");
        disks.push(json!({
            "id": read, "location": "eastus", "size_gb": 4, "content": {"random_bytes": 65_536},
        }));
        self.plain(Method::POST, "/_control/seed", json!({"disks": disks})).await;
        for (group, name) in (0..2).flat_map(|group| (0..3).map(move |name| (group, name))) {
            let compute = format!(
                "/subscriptions/{SUB}/resourceGroups/rg{group}/providers/Microsoft.Compute"
            );
            let uri = format!("{compute}/snapshots/s{name}?api-version=2024-03-02");
            let body = copy_of(&format!("{compute}/disks/d{name}"), "eastus");
            self.arm(Method::PUT, &uri, body).await;
        }
        for group in ["rg0", "rg1"] {
            self.prepare_direct(group).await;
        }
        let frozen = id("rg0", "snapshots", "read");
        self.arm(
            Method::PUT,
            &format!("{frozen}?api-version=2024-03-02"),
            copy_of(&read, "eastus"),
        )
        .await;
        self.wait().await;
        self.names.content = self.grant(&read).await;
        self.names.frozen = self.grant(&frozen).await;
        let tenants = self.arm(Method::GET, "/tenants?api-version=2022-12-01", Value::Null).await;
        self.names = Names {
            content: std::mem::take(&mut self.names.content),
            frozen: std::mem::take(&mut self.names.frozen),
            ..Names::new(tenants["value"][0]["tenantId"].as_str().unwrap())
        };
        for n in 0..3 {
            for (face, path) in [
                (Face::Queue, format!("/devstoreaccount1/que{n}")),
                (Face::Blob, format!("/devstoreaccount1/box{n}?restype=container")),
            ] {
                self.must(face, Method::PUT, &path, Value::Null).await;
            }
        }
    }

    async fn settle(&self) {
        // Lists tell all, and at once.
        let settings = json!({
            "page_size": 1000, "retry_after_ms": null, "list_delay_seconds": 0,
            "graph_delay_seconds": 0,
        });
        self.plain(Method::PUT, "/_control/settings", settings).await;
    }

    /// Makes an Ultra and a Premium SSD v2 disk, and a snapshot of each.
    async fn prepare_direct(&self, group: &str) {
        for (name, of, sku) in [("i0", "q0", "UltraSSD_LRS"), ("j0", "v0", "PremiumV2_LRS")] {
            let disk = id(group, "disks", of);
            let body = json!({
                "location": "eastus", "zones": ["1"], "sku": {"name": sku}, "properties": {
                    "creationData": {"createOption": "Empty"}, "diskSizeGB": 8,
                },
            });
            self.arm(Method::PUT, &format!("{disk}?api-version=2026-03-02"), body).await;
            self.wait().await;
            let snapshot = id(group, "snapshots", name);
            let body = copy_of(&disk, "eastus");
            self.arm(Method::PUT, &format!("{snapshot}?api-version=2026-03-02"), body).await;
        }
    }

    /// Opens the content of a disk or snapshot for good; gives the path and query of its URL.
    async fn grant(&self, id: &str) -> String {
        let uri = format!("{id}/beginGetAccess?api-version=2023-10-02");
        let body = json!({"access": "Read", "durationInSeconds": i32::MAX});
        let accepted = self.must(Face::Arm, Method::POST, &uri, body).await;
        let status = accepted.header("azure-asyncoperation");
        let status = status.strip_prefix(self.azure.arm_url()).unwrap();
        self.wait().await;
        let answer = self.arm(Method::GET, status, Value::Null).await;
        let url = answer["properties"]["output"]["accessSAS"].as_str().unwrap();
        url.strip_prefix(self.azure.arm_url()).unwrap().to_owned()
    }

    /// Deletes all, as its user would; looks whether the world is whole; makes the base anew. Gives
    /// what is kept of the past.
    pub(super) async fn clean(&mut self) -> Value {
        self.correct(|guess| !guess["correction"].is_null()).await;
        self.settle().await;
        self.empty_account().await;
        for obstacles in ["access", "policies", "quotas"] {
            self.plain(Method::DELETE, &format!("/_control/{obstacles}"), Value::Null).await;
        }
        let list = "/subscriptions?api-version=2022-12-01";
        let subscriptions = self.arm(Method::GET, list, Value::Null).await;
        for subscription in subscriptions["value"].as_array().unwrap() {
            let id = escape(subscription["subscriptionId"].as_str().unwrap());
            let path = format!("/subscriptions/{id}/resourcegroups");
            let uri = format!("{path}?api-version=2022-09-01");
            let locks = format!(
                "/subscriptions/{id}/providers/Microsoft.Authorization/locks?api-version=2020-05-01"
            );
            let locks = self.arm(Method::GET, &locks, Value::Null).await;
            for lock in locks["value"].as_array().unwrap() {
                let parts = lock["id"].as_str().unwrap().split('/').map(escape);
                let uri = parts.collect::<Vec<_>>().join("/") + "?api-version=2020-05-01";
                self.arm(Method::DELETE, &uri, Value::Null).await;
            }
            let groups = self.arm(Method::GET, &uri, Value::Null).await;
            for group in groups["value"].as_array().unwrap() {
                let name = group["name"].as_str().unwrap();
                let uri = format!("{path}/{}?api-version=2022-09-01", escape(name));
                self.arm(Method::DELETE, &uri, Value::Null).await;
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

impl Lab {
    /// Deletes every queue and container, and looks whether nothing is left of them.
    async fn empty_account(&self) {
        for (face, rest) in [(Face::Queue, ""), (Face::Blob, "?restype=container")] {
            let list = "/devstoreaccount1/?comp=list";
            let listed = self.must(face, Method::GET, list, Value::Null).await;
            for name in xml::all(listed.text(), "Name") {
                let path = format!("/devstoreaccount1/{name}{rest}");
                self.must(face, Method::DELETE, &path, Value::Null).await;
            }
            let listed = self.must(face, Method::GET, list, Value::Null).await;
            assert!(!listed.text().contains("<Name>"), "{}", listed.shown());
        }
    }
}

fn escape(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What must be true of an answer to anything.
fn judge(request: &Request, answer: &Answer) -> Result<(), String> {
    let is = |kind: &str| answer.header("content-type").starts_with(kind);
    let path = String::from_utf8_lossy(&request.target).to_ascii_lowercase();
    let head = request.method == "HEAD";
    let of_storage = match request.face {
        Face::Blob | Face::Queue => true,
        Face::Plain => false,
        // The content of disks, whose path may be escaped, or a document where none should be.
        Face::Arm => {
            let document = is("application/xml") || (head && answer.body.is_empty());
            document && (path.contains("md-") || path.contains("%6d"))
        }
    };
    if answer.status.is_server_error() {
        return Err(answer.shown());
    }
    let body = &answer.body;
    let no_json = || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err();
    if is("application/json") && !body.is_empty() && no_json() {
        return Err(format!("no JSON: {}", answer.shown()));
    }
    // The content of a blob may call itself what it likes.
    let own = request.face != Face::Blob || answer.header("x-ms-blob-type").is_empty();
    if is("application/xml") && own && !body.is_empty() && !xml::is_sound(answer.text()) {
        return Err(format!("no XML: {}", answer.shown()));
    }
    if !answer.status.is_client_error() && !answer.status.is_server_error() {
        return Ok(());
    }
    let allowed = match (of_storage, head) {
        (true, true) if request.face == Face::Arm => true,
        (true, true) => body.is_empty() && !answer.header("x-ms-error-code").is_empty(),
        (true, false) => {
            let code = xml::first(answer.text(), "Code").filter(|code| !code.is_empty());
            let says = xml::first(answer.text(), "Message").is_some_and(|text| !text.is_empty());
            is("application/xml") && says && code == Some(answer.header("x-ms-error-code"))
        }
        (false, true) => true,
        (false, false) => is_json_error(request, answer, &path),
    };
    if allowed { Ok(()) } else { Err(format!("an error of another shape: {}", answer.shown())) }
}

fn is_json_error(request: &Request, answer: &Answer, path: &str) -> bool {
    let parsed = answer.json();
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let azure = text(&parsed["error"]["code"]) && text(&parsed["error"]["message"]);
    let oauth = text(&parsed["error"]) && text(&parsed["error_description"]);
    let identity = parsed["StatusCode"] == answer.status.as_u16() && text(&parsed["Message"]);
    azure
        || (oauth && request.face == Face::Arm)
        || (identity && request.face == Face::Plain && path.starts_with("/msi/"))
}
