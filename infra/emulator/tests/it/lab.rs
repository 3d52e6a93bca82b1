//! An emulator with a frozen clock, a seeded disk or two, and a client that trusts it.

use std::path::PathBuf;

use emulator::{Config, Emulator};
use reqwest::{Client, Method, Response, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

pub(crate) const SUB: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const OTHER_SUB: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const BLOCK: u64 = 4096;

pub(crate) struct Lab {
    pub(crate) emulator: Emulator,
    pub(crate) client: Client,
    pub(crate) token: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["error"]["code"].as_str().unwrap_or_default())
    }
}

pub(crate) fn id(group: &str, collection: &str, name: &str) -> String {
    format!(
        "/subscriptions/{SUB}/resourceGroups/{group}/providers/Microsoft.Compute/{collection}/{name}"
    )
}

pub(crate) fn disk(name: &str) -> String {
    id("rg", "disks", name)
}

/// A snapshot in the source's group.
pub(crate) fn snapshot(name: &str) -> String {
    id("rg", "snapshots", name)
}

/// A snapshot in the target's group.
pub(crate) fn copy(name: &str) -> String {
    id("rg-west", "snapshots", name)
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    /// An eastus group `rg` with disk `d` (1 MiB of random bytes) and a westus2 group `rg-west`.
    pub(crate) async fn with(state: Option<PathBuf>) -> Self {
        let emulator = Emulator::start(Config { state, ..Config::default() }).await.unwrap();
        Self::seeded(emulator).await
    }

    /// The same in an emulator that runs already.
    pub(crate) async fn seeded(emulator: Emulator) -> Self {
        let lab = Self::attach(emulator).await;
        lab.control(Method::PUT, "clock", json!({"frozen": true})).await;
        lab.control(
            Method::POST,
            "seed",
            json!({
                "subscriptions": [{"id": SUB, "name": "One"}, {"id": OTHER_SUB, "name": "Two"}],
                "groups": [
                    {"subscription": SUB, "name": "rg", "location": "eastus"},
                    {"subscription": SUB, "name": "rg-west", "location": "westus2"},
                    {"subscription": OTHER_SUB, "name": "rg2", "location": "eastus"},
                ],
                "disks": [{
                    "id": disk("d"), "location": "eastus", "sku": "Premium_LRS", "size_gb": 4,
                    "os_type": "Linux", "tags": {"team": "a"},
                    "content": {"random_bytes": 1 << 20, "seed": 7},
                }],
            }),
        )
        .await;
        lab
    }

    /// A client for an emulator that runs already.
    pub(crate) async fn attach(emulator: Emulator) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = std::fs::read(emulator.ca_path()).unwrap();
        let client = Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .build()
            .unwrap();
        let answer = client
            .get(emulator.identity_url())
            .query(&[("api-version", "2019-08-01"), ("resource", "https://management.azure.com/")])
            .header("x-identity-header", emulator.identity_header())
            .send()
            .await
            .unwrap();
        let token = Answer::read(answer).await.body["access_token"].as_str().unwrap().to_owned();
        Self { emulator, client, token }
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.emulator.control_url());
        let mut request = self.client.request(method, url);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    pub(crate) async fn advance(&self, seconds: f64) {
        self.control(Method::PUT, "clock", json!({"advance_seconds": seconds})).await;
    }

    pub(crate) async fn counters(&self) -> Value {
        self.control(Method::GET, "counters", Value::Null).await
    }

    /// A request to ARM; `path` may be a whole URL.
    pub(crate) async fn arm(&self, method: Method, path: &str, body: Value) -> Answer {
        let url = match path.starts_with("https://") {
            true => path.to_owned(),
            false => format!("{}{path}?api-version=2024-03-02", self.emulator.arm_url()),
        };
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.arm(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.arm(Method::PUT, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.arm(Method::DELETE, path, Value::Null).await
    }

    /// A PUT that must be accepted, carried to its end.
    pub(crate) async fn make(&self, path: &str, body: Value) -> Value {
        let answer = self.put(path, body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{path}: {}", answer.body);
        self.advance(2.0).await;
        self.get(path).await.body
    }

    /// Takes an incremental snapshot of a disk in eastus.
    pub(crate) async fn take(&self, name: &str, of: &str) -> Value {
        self.make(&snapshot(name), copy_of(&disk(of), "eastus")).await
    }

    /// Starts a copy into westus2 and lets all of it move.
    pub(crate) async fn ferry(&self, name: &str, source: &str) -> Value {
        let made = self.make(&copy(name), copy_start(&snapshot(source), "westus2")).await;
        assert_eq!(made["properties"]["provisioningState"], "Succeeded");
        self.advance(3600.0).await;
        self.get(&copy(name)).await.body
    }

    pub(crate) async fn write(&self, disk_id: &str, offset: u64, bytes: Vec<u8>) {
        let url = format!("{}/write", self.emulator.control_url());
        let query = [("id", disk_id.to_owned()), ("offset", offset.to_string())];
        let answer = self.client.post(url).query(&query).body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// The ends and the middle of a disk of 4 GiB, where tests write.
    pub(crate) async fn content(&self, of: &str) -> Vec<u8> {
        let mut parts = Vec::new();
        for offset in [0_u64, 1 << 30, (4 << 30) - (2 << 20)] {
            parts.extend(self.raw(of, offset, 2 << 20).await);
        }
        parts
    }

    /// A part of a disk's or a complete snapshot's bytes.
    pub(crate) async fn raw(&self, of: &str, offset: u64, length: u64) -> Vec<u8> {
        let url = format!("{}/content", self.emulator.control_url());
        let query = [("id", of), ("offset", &offset.to_string()), ("length", &length.to_string())];
        let answer = self.client.get(&url).query(&query).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.bytes().await.unwrap().to_vec()
    }
}

pub(crate) fn copy_of(source: &str, location: &str) -> Value {
    json!({
        "location": location, "tags": {}, "sku": {"name": "Standard_LRS"},
        "properties": {
            "creationData": {"createOption": "Copy", "sourceResourceId": source},
            "incremental": true,
        },
    })
}

pub(crate) fn copy_start(source: &str, location: &str) -> Value {
    let mut body = copy_of(source, location);
    body["properties"]["creationData"]["createOption"] = "CopyStart".into();
    body
}
