//! The estate that a new local Azure begins with: one of everything that a team has.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use shared::{Keep, NetworkAccess, Policy, Region, ResourceId, Schedule, Selection, Target};

use crate::{stack::Stack, tools};

/// The production subscription of the estate.
pub const PRODUCTION: &str = "5a9f0000-0000-4000-8000-000000000001";

/// The disk that is deleted and made again under its old name.
const REMADE: &str = "scratch";

/// Bytes of the ext4 disk.
pub const EXT4_BYTES: u64 = 1 << 30;

/// Fills an empty Azure, and protects two disks by a policy; does nothing to one that is filled.
pub async fn seed(stack: &Stack, root: &Path) -> anyhow::Result<()> {
    let client = Client::new(stack).await?;
    let path = format!("/subscriptions/{PRODUCTION}?api-version=2022-12-01");
    if client.arm(reqwest::Method::GET, &path, None).await.is_ok() {
        return Ok(());
    }
    let image = root.join("target/estate/ext4.img");
    make_ext4(&image, &root.join("docs")).context("making the ext4 image")?;
    let mut estate: Value = serde_json::from_str(include_str!("estate.json"))?;
    for disk in estate["disks"].as_array_mut().into_iter().flatten() {
        if disk["content"] == "EXT4" {
            disk["content"] = json!({ "file": image });
        }
    }
    client.control("seed", &estate).await.context("seeding the local Azure")?;
    remake(&client, &estate).await.context("deleting and remaking a disk")?;
    let policy = Policy {
        id: "databases".to_owned(),
        version: 0,
        name: "Databases, every 6 hours".to_owned(),
        enabled: true,
        paused_until: None,
        disks: Selection::of_disks(
            ["pg-01-data", "ledger"].map(|name| ResourceId::disk(PRODUCTION, "prod-data", name)),
        ),
        schedule: Schedule::Every { minutes: 360 },
        time_zone: "UTC".to_owned(),
        group: None,
        sku: None,
        network_access: NetworkAccess::DenyAll,
        keep: Keep::last(8),
        rpo_minutes: None,
        targets: vec![Target {
            region: Region::new("northeurope"),
            subscription: None,
            group: Some("snapshots-dr".to_owned()),
            sku: None,
            encryption_set: None,
            keep: Keep::last(30),
            rpo_minutes: None,
            fast: false,
        }],
        stop_loss_gib: None,
        first_copies_gib_per_day: None,
        abandon_after_hours: None,
        rules_before: vec![],
    };
    let url = format!("{}/policies/{}", stack.api(), policy.id);
    let answer = client.http.put(url).json(&policy).send().await?;
    ensure!(answer.status().is_success(), "saving a policy: {}", answer.text().await?);
    Ok(())
}

/// Makes a sparse ext4 image with some files in it, if it is not there.
pub fn make_ext4(image: &Path, files: &Path) -> anyhow::Result<()> {
    if image.is_file() {
        return Ok(());
    }
    let mkfs = tools::need("mkfs.ext4", &["e2fsprogs"])?;
    let debugfs = tools::need("debugfs", &["e2fsprogs"])?;
    if let Some(folder) = image.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = image.with_extension("draft");
    std::fs::File::create(&draft)?.set_len(EXT4_BYTES)?;
    tools::output(Command::new(mkfs).args(["-q", "-F", "-L", "pgdata"]).arg(&draft))?;
    let source = std::fs::read_dir(files)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.is_file());
    if let Some(source) = source {
        write_file(&debugfs, &draft, &source, "README")?;
    }
    let filler = image.with_extension("filler");
    std::fs::write(&filler, noise(48 << 20))?;
    write_file(&debugfs, &draft, &filler, "base.tar")?;
    std::fs::remove_file(&filler)?;
    std::fs::rename(&draft, image)?;
    Ok(())
}

/// Writes a file into an ext4 image.
pub fn write_file(debugfs: &Path, image: &Path, file: &Path, name: &str) -> anyhow::Result<()> {
    let request = format!("write {} {name}", file.display());
    tools::output(Command::new(debugfs).args(["-w", "-R", &request]).arg(image)).map(drop)
}

/// Bytes that do not repeat: a small multiplicative generator is enough for that.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()
    });
    words.flat_map(|word| word.into_iter().take(4)).take(len).collect()
}

/// Takes a snapshot of a disk, deletes the disk and makes it again under its old name.
async fn remake(client: &Client, estate: &Value) -> anyhow::Result<()> {
    let disk = ResourceId::disk(PRODUCTION, "lab", REMADE);
    let snapshot = ResourceId::snapshot(PRODUCTION, "lab", "scratch-before-rebuild");
    let api = "api-version=2023-10-02";
    let body = json!({
        "location": "eastus2",
        "properties": {
            "creationData": { "createOption": "Copy", "sourceResourceId": disk }, "incremental": true,
        },
    });
    client.arm_wait(reqwest::Method::PUT, &format!("{snapshot}?{api}"), Some(&body)).await?;
    client.arm_wait(reqwest::Method::DELETE, &format!("{disk}?{api}"), None).await?;
    // Seeding leaves alone what is there and makes what is not: the disk, anew.
    client.control("seed", estate).await
}

/// Calls to the emulator's Azure and its control API.
pub struct Client {
    /// For any other call.
    pub http: reqwest::Client,
    arm: String,
    control: String,
    token: String,
}

impl Client {
    /// A client with a token of the stack's identity.
    pub async fn new(stack: &Stack) -> anyhow::Result<Self> {
        let run = stack.run_json();
        let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(text("ca"))?)?;
        // Nothing of Azure's is older than the stack: an idle connection may be.
        let http = reqwest::Client::builder()
            .tls_certs_merge([ca])
            .timeout(Duration::from_secs(120))
            .pool_max_idle_per_host(0)
            .build()?;
        let token: Value = http
            .get(text("identity"))
            .query(&[
                ("api-version", "2019-08-01"),
                ("resource", "https://management.core.windows.net/"),
            ])
            .header("x-identity-header", text("identity_header"))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let token = token["access_token"].as_str().context("a token")?.to_owned();
        Ok(Self { http, arm: text("arm"), control: text("control"), token })
    }

    /// One call to Azure; fails with Azure's error.
    pub async fn arm(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(reqwest::header::HeaderMap, Value)> {
        let url =
            if path.starts_with('/') { format!("{}{path}", self.arm) } else { path.to_owned() };
        let mut request = self.http.request(method.clone(), url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        ensure!(status.is_success(), "{method} {path}: {status} {text}");
        Ok((headers, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// One call to Azure, and the operation that it begins, to its end.
    pub async fn arm_wait(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<()> {
        let (headers, _) = self.arm(method, path, body).await?;
        let Some(poll) = headers.get("azure-asyncoperation") else { return Ok(()) };
        let poll = poll.to_str()?.to_owned();
        for _ in 0..600 {
            let (_, state) = self.arm(reqwest::Method::GET, &poll, None).await?;
            match state["status"].as_str() {
                Some("Succeeded") => return Ok(()),
                Some("InProgress") => tokio::time::sleep(Duration::from_millis(50)).await,
                _ => bail!("{path}: {state}"),
            }
        }
        bail!("{path}: the operation does not end")
    }

    /// One POST to the control API.
    pub async fn control(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let answer = self.http.post(format!("{}/{path}", self.control)).json(body).send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "{path}: {status} {}", answer.text().await?);
        Ok(())
    }
}
