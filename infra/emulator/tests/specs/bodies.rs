//! What the emulator answers at one version: every kind of body that a client reads.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use emulator::Azure;
use serde_json::{Value, json};
use tower::ServiceExt;

const SUB: &str = "11111111-1111-4111-8111-111111111111";

/// A body and the definition that describes it.
pub(crate) struct Told {
    pub(crate) what: String,
    pub(crate) definition: &'static str,
    pub(crate) body: Value,
}

struct Talk {
    arm: Router,
    plain: Router,
    version: String,
    told: Vec<Told>,
}

fn of(collection: &str, name: &str) -> String {
    format!(
        "/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Compute/{collection}/{name}"
    )
}

impl Talk {
    async fn send(
        &self,
        router: &Router,
        method: &str,
        target: &str,
        body: Value,
    ) -> (u16, Value, header::HeaderMap) {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::AUTHORIZATION, "Bearer x")
            .header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (parts.status.as_u16(), body, parts.headers)
    }

    async fn control(&self, method: &str, path: &str, body: Value) {
        let (status, body, _) =
            self.send(&self.plain, method, &format!("/_control/{path}"), body).await;
        assert_eq!(status, 200, "{path}: {body}");
    }

    async fn ask(
        &mut self,
        definition: &'static str,
        method: &str,
        path: &str,
        body: Value,
    ) -> Value {
        let target = match path.contains('?') {
            true => path.to_owned(),
            false => format!("{path}?api-version={}", self.version),
        };
        let (status, body, headers) = self.send(&self.arm, method, &target, body).await;
        let what = format!("{method} {path} → {status}");
        if status == 202 {
            // Its echo has more than the description says; what it ends in has not.
            self.control("PUT", "clock", json!({"advance_seconds": 3})).await;
            let location = headers["location"].to_str().unwrap();
            let location =
                location.strip_prefix("https://management.azure.com").unwrap().to_owned();
            let (_, body, _) = self.send(&self.arm, "GET", &location, Value::Null).await;
            if !body.is_null() {
                self.told.push(Told { what, definition, body: body.clone() });
            }
            return body;
        }
        self.told.push(Told { what, definition, body: body.clone() });
        body
    }
}

/// Asks for everything at `version`.
pub(crate) async fn at(version: &str) -> Vec<Told> {
    let azure = Azure::in_memory(3);
    let mut talk = Talk {
        arm: azure.arm_router(),
        plain: azure.plain_router(),
        version: version.to_owned(),
        told: Vec::new(),
    };
    talk.control("PUT", "clock", json!({"frozen": true})).await;
    let groups = json!([
        {"subscription": SUB, "name": "rg", "location": "eastus"},
    ]);
    talk.control("POST", "seed", json!({"groups": groups})).await;
    disks(&mut talk).await;
    snapshots(&mut talk).await;
    for collection in ["disks", "snapshots"] {
        let definition = if collection == "disks" { "DiskList" } else { "SnapshotList" };
        let group = of(collection, "").trim_end_matches('/').to_owned();
        talk.ask(definition, "GET", &group, Value::Null).await;
        let all = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/{collection}");
        talk.ask(definition, "GET", &all, Value::Null).await;
        talk.ask("CloudError", "GET", &of(collection, "none"), Value::Null).await;
        talk.ask("CloudError", "PUT", &of(collection, "bad"), json!({"location": "eastus"})).await;
    }
    talk.told
}

async fn disks(talk: &mut Talk) {
    for (name, sku) in [
        ("premium", "Premium_LRS"),
        ("standard", "Standard_LRS"),
        ("ssd", "StandardSSD_ZRS"),
        ("ultra", "UltraSSD_LRS"),
    ] {
        let body = json!({
            "location": "eastus", "sku": {"name": sku}, "tags": {"a": "b"}, "zones": ["1"],
            "properties": {
                "creationData": {"createOption": "Empty"}, "diskSizeGB": 8, "osType": "Linux",
            },
        });
        talk.ask("Disk", "PUT", &of("disks", name), body).await;
        talk.ask("Disk", "GET", &of("disks", name), Value::Null).await;
    }
    let upload = json!({
        "location": "eastus",
        "properties": {"creationData": {"createOption": "Upload", "uploadSizeBytes": 20_972_032}},
    });
    talk.ask("Disk", "PUT", &of("disks", "upload"), upload).await;
    let change = json!({"tags": {"c": "d"}, "properties": {"diskSizeGB": 16}});
    talk.ask("Disk", "PATCH", &of("disks", "standard"), change).await;
}

async fn snapshots(talk: &mut Talk) {
    let take = |of: String, option: &str, location: &str, incremental: bool| {
        json!({
            "location": location,
            "properties": {
                "creationData": {"createOption": option, "sourceResourceId": of},
                "incremental": incremental,
            },
        })
    };
    for (name, disk, incremental) in
        [("full", "premium", false), ("one", "premium", true), ("direct", "ultra", true)]
    {
        let body = take(of("disks", disk), "Copy", "eastus", incremental);
        talk.ask("Snapshot", "PUT", &of("snapshots", name), body).await;
        talk.ask("Snapshot", "GET", &of("snapshots", name), Value::Null).await;
    }
    let body = take(of("snapshots", "one"), "CopyStart", "westus2", true);
    talk.ask("Snapshot", "PUT", &of("snapshots", "copy"), body).await;
    talk.ask("Snapshot", "GET", &of("snapshots", "copy"), Value::Null).await;
    let access = json!({"access": "Read", "durationInSeconds": 60});
    let begin = format!("{}/beginGetAccess", of("snapshots", "one"));
    talk.ask("AccessUri", "POST", &begin, access.clone()).await;
    talk.ask("AccessUri", "POST", &begin.replace("snapshots/one", "disks/premium"), access).await;
    let end = begin.replace("begin", "end");
    talk.ask("AccessUri", "POST", &end, Value::Null).await;
    let body = json!({"tags": {"c": "d"}});
    talk.ask("Snapshot", "PATCH", &of("snapshots", "one"), body).await;
    let restore = json!({
        "location": "eastus",
        "properties": {
            "creationData": {"createOption": "Copy", "sourceResourceId": of("snapshots", "one")},
        },
    });
    talk.ask("Disk", "PUT", &of("disks", "restored"), restore).await;
}
