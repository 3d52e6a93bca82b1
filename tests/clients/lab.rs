//! An emulator with two groups in two regions and a disk, and a shell in which `az` is pointed at
//! it.

use std::path::Path;

use emulator::{Config, Emulator};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::{artifacts, az::Az};

pub(crate) const SUB: &str = "5a9f0000-0000-4000-8000-0000000000c1";
pub(crate) const OTHER: &str = "5a9f0000-0000-4000-8000-0000000000c2";

pub(crate) struct Lab {
    pub(crate) emulator: Emulator,
    client: Client,
    folder: TempDir,
}

pub(crate) fn id(collection: &str, name: &str) -> String {
    format!("/subscriptions/{SUB}/resourceGroups/G/providers/Microsoft.Compute/{collection}/{name}")
}

impl Lab {
    /// Disk `D` of 1 GiB in group `G` (eastus), with 3 MiB of content.
    ///
    /// DELETE and `beginGetAccess` carry no `Retry-After`, as recorded, for which clients wait 30 s
    /// between polls; in these tests the header that shortens that is on.
    pub(crate) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = Config { retry_after_ms: Some(50), ..Config::default() };
        let emulator = Emulator::start(config).await.unwrap();
        let lab = Self { emulator, client: Client::new(), folder: tempfile::tempdir().unwrap() };
        let seed = json!({
            "subscriptions": [{"id": SUB, "name": "One"}, {"id": OTHER, "name": "Two"}],
            "groups": [
                {"subscription": SUB, "name": "G", "location": "eastus"},
                {"subscription": SUB, "name": "GW", "location": "westus2"},
                {"subscription": OTHER, "name": "GO", "location": "westus2"},
            ],
            "disks": [{
                "id": id("disks", "D"), "location": "eastus", "sku": "Premium_LRS", "size_gb": 1,
                "os_type": "Linux", "content": {"random_bytes": 3 << 20, "seed": 5},
            }],
        });
        lab.control(Method::POST, "seed", &seed).await;
        lab
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/{path}", self.emulator.control_url());
        let answer = self.client.request(method, url).json(body).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {body}");
        body
    }

    /// A disk's or snapshot's content, whole.
    pub(crate) async fn content(&self, of: &str) -> Vec<u8> {
        let url = format!("{}/content", self.emulator.control_url());
        let answer = self.client.get(url).query(&[("id", of)]).send().await.unwrap();
        answer.error_for_status().unwrap().bytes().await.unwrap().to_vec()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn az(&self) -> Az {
        let run = json!({
            "arm": self.emulator.arm_url(),
            "ca": self.emulator.ca_path(),
            "identity": self.emulator.identity_url(),
            "identity_header": self.emulator.identity_header(),
        });
        Az::new(&artifacts::root(), &run, &self.folder.path().join("az")).unwrap()
    }

    /// Runs a script with `az`; what it prints, trimmed. `$D` is the disk's id.
    pub(crate) fn shell(&self, script: &str) -> String {
        self.try_shell(script).unwrap_or_else(|error| panic!("{error:#}"))
    }

    pub(crate) fn try_shell(&self, script: &str) -> anyhow::Result<String> {
        let script = format!("D='{}'\nS='{}'\n{script}", id("disks", "D"), id("snapshots", "S"));
        let az = self.az();
        let folder = self.folder.path().join("shell");
        std::fs::create_dir_all(&folder)?;
        Ok(az.shell(&folder, &script)?.trim().to_owned())
    }
}
