//! The whole system, started for one test: the emulator over sockets, the host, the deployed
//! binary. Nothing is mocked, every port is free, nothing is shared between tests.

pub mod browser;
pub mod running;

use std::{
    future::Future,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::ResourceId;
use tempfile::TempDir;
use xtask::{
    artifacts,
    estate::{Client, PRODUCTION},
    stack::{Options, Stack},
};

/// A stack of its own, with clients to every side of it.
pub struct Lab {
    /// The stack.
    pub stack: Stack,
    /// Calls to Azure and to its control API.
    pub azure: Client,
    folder: TempDir,
}

/// The regions' groups of a lab: each region has one.
pub const GROUPS: [(&str, &str); 3] =
    [("app", "westeurope"), ("dr", "northeurope"), ("far", "eastus2")];

impl Lab {
    /// Starts a lab whose Azure holds the groups and nothing else.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(|_| {}).await
    }

    /// Starts a lab with options of its own.
    pub async fn start_with(change: impl FnOnce(&mut Options)) -> anyhow::Result<Self> {
        install_tls();
        let app = artifacts::root().join("target/app");
        ensure!(
            app.join("snapferry").is_file(),
            "target/app is not built: run the tests by `cargo xtask test`"
        );
        let folder = tempfile::tempdir()?;
        let mut options = Options::quiet(&app, folder.path());
        change(&mut options);
        let stack = Stack::start(options).await?;
        stack.host().wait_ready().await?;
        let azure = Client::new(&stack).await?;
        let groups: Vec<Value> = GROUPS
            .iter()
            .map(|(name, location)| {
                json!({ "subscription": PRODUCTION, "name": name, "location": location, "tags": {} })
            })
            .collect();
        let subscription = json!({ "id": PRODUCTION, "name": "Contoso Production" });
        azure
            .control("seed", &json!({ "subscriptions": [subscription], "groups": groups }))
            .await?;
        Ok(Self { stack, azure, folder })
    }

    /// A folder that goes with the lab.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a disk of 1 GiB in `westeurope` with `random_bytes` of content.
    pub async fn make_disk(&self, name: &str, random_bytes: u64) -> anyhow::Result<ResourceId> {
        self.make_disk_of(name, json!({ "random_bytes": random_bytes, "seed": 7 })).await
    }

    /// Makes a disk of 1 GiB in `westeurope` with the content that the control API reads so.
    pub async fn make_disk_of(&self, name: &str, content: Value) -> anyhow::Result<ResourceId> {
        let id = ResourceId::disk(PRODUCTION, "app", name);
        let disk = json!({
            "id": id, "location": "westeurope", "sku": "Premium_LRS", "size_gb": 1,
            "zones": [], "tags": {}, "content": content,
        });
        self.azure.control("seed", &json!({ "disks": [disk] })).await?;
        Ok(id)
    }

    /// One call to the API; returns its status and body whatever they are.
    pub async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut request = self.azure.http.request(method, format!("{}{path}", self.stack.api()));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// One GET of the API that must succeed.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let (status, body) = self.api(Method::GET, path, None).await?;
        ensure!(status.is_success(), "GET {path}: {status} {body}");
        Ok(body)
    }

    /// Asks for an action and waits until a run has ended the request; fails if it was refused.
    pub async fn ask(&self, id: &str, action: &Value) -> anyhow::Result<()> {
        let path = format!("/requests/{id}");
        let (status, body) = self.api(Method::PUT, &path, Some(action)).await?;
        ensure!(status == StatusCode::ACCEPTED, "{status} {body}");
        let ended = wait_for("the request to end", || async {
            let view = self.get(&path).await?;
            Ok((view["state"]["kind"] != "pending").then_some(view))
        })
        .await?;
        ensure!(ended["state"]["kind"] == "done", "{ended}");
        Ok(())
    }

    /// Saves a policy that copies `disk` to `northeurope` every `every_hours` hours.
    pub async fn protect(&self, disk: &ResourceId, every_hours: u32) -> anyhow::Result<()> {
        let policy = json!({
            "id": "daily", "name": "Daily", "enabled": true,
            "disks": { "include": [{ "kind": "disk", "id": disk }] },
            "schedule": { "kind": "every", "minutes": every_hours * 60 },
            "keep": { "last": 3 },
            "targets": [{ "region": "northeurope", "group": "dr", "keep": { "last": 3 } }],
        });
        let (status, body) = self.api(Method::PUT, "/policies/daily", Some(&policy)).await?;
        ensure!(status.is_success(), "{status} {body}");
        Ok(())
    }

    /// Fires the timer as the platform's operator does, and waits until its run is over.
    pub async fn fire(&self) -> anyhow::Result<()> {
        let before = self.last_tick().await?;
        // The heartbeat counts milliseconds of Azure's clock, whose `Date` counts seconds.
        self.advance(2).await?;
        let url = format!("{}/admin/functions/tick", self.stack.host().url());
        let answer = self.azure.http.post(url).json(&json!({ "input": "" })).send().await?;
        ensure!(answer.status() == StatusCode::ACCEPTED, "{}", answer.status());
        wait_for("the tick to end", || async {
            Ok((self.last_tick().await? != before).then_some(()))
        })
        .await
    }

    async fn last_tick(&self) -> anyhow::Result<Value> {
        Ok(self.get("/status").await?["last_tick_at"].clone())
    }

    /// One call to the queue of clicks, by a token as the function has it when hosted.
    pub async fn queue(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> anyhow::Result<reqwest::Response> {
        let run = self.stack.run_json();
        let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
        let query = [("api-version", "2019-08-01"), ("resource", "https://storage.azure.com/")];
        let request = self.azure.http.get(text("identity")).query(&query);
        let request = request.header("x-identity-header", text("identity_header"));
        let token: Value = request.send().await?.json().await?;
        let token = token["access_token"].as_str().context("a token")?;
        let url = format!("{}{path}", text("queue"));
        let request = self.azure.http.request(method, url).bearer_auth(token).body(body);
        Ok(request.send().await?)
    }

    /// Moves Azure's clock on.
    pub async fn advance(&self, seconds: u64) -> anyhow::Result<()> {
        let url = format!("{}/clock", self.stack.control());
        let body = json!({ "advance_seconds": seconds });
        let answer = self.azure.http.put(url).json(&body).send().await?;
        ensure!(answer.status().is_success(), "{}", answer.text().await?);
        Ok(())
    }

    /// The counters of the emulator.
    pub async fn counters(&self) -> anyhow::Result<Value> {
        let url = format!("{}/counters", self.stack.control());
        Ok(self.azure.http.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// Every snapshot and copy in Azure, as Azure lists them.
    pub async fn snapshots(&self) -> anyhow::Result<Vec<Value>> {
        let path = format!(
            "/subscriptions/{PRODUCTION}/providers/Microsoft.Compute/snapshots?api-version=2023-10-02"
        );
        let (_, list) = self.azure.arm(Method::GET, &path, None).await?;
        list["value"].as_array().cloned().context("a list")
    }

    /// The snapshots in a group.
    pub async fn snapshots_in(&self, group: &str) -> anyhow::Result<Vec<Value>> {
        let inside = format!("/resourceGroups/{group}/");
        let mut all = self.snapshots().await?;
        all.retain(|s| s["id"].as_str().is_some_and(|id| id.contains(&inside)));
        Ok(all)
    }

    /// Waits until the copy of that id is at 100 %.
    pub async fn wait_copied(&self, id: &ResourceId) -> anyhow::Result<()> {
        let path = format!("{id}?api-version=2023-10-02");
        wait_for("the copy to be complete", || async {
            let (_, copy) = self.azure.arm(Method::GET, &path, None).await?;
            Ok((copy["properties"]["completionPercent"] == 100.0).then_some(()))
        })
        .await
    }

    /// The bytes of a disk or of a complete snapshot.
    pub async fn content(&self, id: &ResourceId) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/content", self.stack.control());
        let request = self.azure.http.get(url).query(&[("id", id.to_string())]);
        Ok(request.send().await?.error_for_status()?.bytes().await?.to_vec())
    }
}

/// Gives every client of this process its TLS; of several tests, the first does.
fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Waits on a condition, with a limit.
pub async fn wait_for<T, F>(what: &str, mut condition: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let begun = Instant::now();
    loop {
        if let Some(value) = condition().await? {
            return Ok(value);
        }
        if begun.elapsed() > Duration::from_secs(90) {
            bail!("waited for {what} in vain");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The body of a request for a snapshot.
pub fn create_snapshot(disk: &ResourceId, name: &str) -> Value {
    json!({
        "kind": "create_snapshot", "disk": disk, "group": "app", "name": name,
        "incremental": true, "sku": "Standard_LRS",
    })
}

/// The body of a request for a copy to `northeurope`.
pub fn copy_snapshot(source: &ResourceId, name: &str) -> Value {
    json!({
        "kind": "copy_snapshot", "source": source, "subscription": PRODUCTION, "group": "dr",
        "region": "northeurope", "name": name, "sku": "Standard_LRS",
    })
}
