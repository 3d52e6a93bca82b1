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

/// Asks for what surrounds disks: a question for each definition of the descriptions in
/// `specs/arm`, by their file.
pub(crate) async fn around() -> Vec<(&'static str, Vec<Told>)> {
    const RESOURCES: &str = "Microsoft.Resources_2022-09-01_resources.json";
    const SUBSCRIPTIONS: &str = "Microsoft.Resources_2022-12-01_subscriptions.json";
    const FEATURES: &str = "Microsoft.Features_2021-07-01_features.json";
    const SKUS: &str = "Microsoft.Compute_2021-07-01_skus.json";
    let mut talk = start("2022-09-01").await;
    disks(&mut talk).await;
    talk.told.clear();
    let sub = format!("/subscriptions/{SUB}");
    let group = format!("{sub}/resourceGroups/rg");
    let features =
        format!("{sub}/providers/Microsoft.Features/providers/Microsoft.Compute/features");
    let deployment = format!("{group}/providers/Microsoft.Resources/deployments/d");
    let template = json!({"properties": {
        "mode": "Incremental", "parameters": {"size": {"value": 4}},
        "template": {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "parameters": {"size": {"type": "int"}},
            "resources": [{
                "type": "Microsoft.Compute/disks", "apiVersion": "2023-04-02", "name": "deployed",
                "location": "eastus", "properties": {
                    "creationData": {"createOption": "Empty"},
                    "diskSizeGB": "[parameters('size')]",
                },
            }],
            "outputs": {"size": {"type": "int", "value": "[parameters('size')]"}},
        },
    }});
    let tags = json!({"operation": "Merge", "properties": {"tags": {"a": "b"}}});
    let tags_path = format!("{group}/providers/Microsoft.Resources/tags/default");
    let questions: Vec<(&str, &str, &str, &str, String, Value)> = vec![
        (SUBSCRIPTIONS, "2022-12-01", "TenantListResult", "GET", "/tenants".into(), Value::Null),
        (
            SUBSCRIPTIONS,
            "2022-12-01",
            "SubscriptionListResult",
            "GET",
            "/subscriptions".into(),
            Value::Null,
        ),
        (SUBSCRIPTIONS, "2022-12-01", "Subscription", "GET", sub.clone(), Value::Null),
        (
            SUBSCRIPTIONS,
            "2022-12-01",
            "LocationListResult",
            "GET",
            format!("{sub}/locations"),
            Value::Null,
        ),
        (
            FEATURES,
            "2021-07-01",
            "FeatureOperationsListResult",
            "GET",
            features.clone(),
            Value::Null,
        ),
        (
            FEATURES,
            "2021-07-01",
            "FeatureResult",
            "GET",
            format!("{features}/CreateOptionClone"),
            Value::Null,
        ),
        (
            FEATURES,
            "2021-07-01",
            "FeatureResult",
            "POST",
            format!("{features}/CreateOptionClone/register"),
            Value::Null,
        ),
        (
            SKUS,
            "2021-07-01",
            "ResourceSkusResult",
            "GET",
            format!("{sub}/providers/Microsoft.Compute/skus"),
            Value::Null,
        ),
        (
            RESOURCES,
            "2022-09-01",
            "ResourceGroup",
            "PUT",
            format!("{sub}/resourceGroups/new"),
            json!({"location": "eastus", "tags": {"a": "b"}}),
        ),
        (RESOURCES, "2022-09-01", "ResourceGroup", "GET", group.clone(), Value::Null),
        (
            RESOURCES,
            "2022-09-01",
            "ResourceGroupListResult",
            "GET",
            format!("{sub}/resourcegroups"),
            Value::Null,
        ),
        (
            RESOURCES,
            "2022-09-01",
            "ResourceListResult",
            "GET",
            format!("{group}/resources"),
            Value::Null,
        ),
        (RESOURCES, "2022-09-01", "TagsResource", "PATCH", tags_path.clone(), tags),
        (RESOURCES, "2022-09-01", "TagsResource", "GET", tags_path, Value::Null),
        (
            RESOURCES,
            "2022-09-01",
            "Provider",
            "GET",
            format!("{sub}/providers/Microsoft.Compute"),
            Value::Null,
        ),
        (
            RESOURCES,
            "2022-09-01",
            "ProviderListResult",
            "GET",
            format!("{sub}/providers"),
            Value::Null,
        ),
        (
            RESOURCES,
            "2022-09-01",
            "DeploymentValidateResult",
            "POST",
            format!("{deployment}/validate"),
            template.clone(),
        ),
        (RESOURCES, "2022-09-01", "DeploymentExtended", "PUT", deployment.clone(), template),
        (RESOURCES, "2022-09-01", "DeploymentExtended", "GET", deployment.clone(), Value::Null),
        (
            RESOURCES,
            "2022-09-01",
            "DeploymentListResult",
            "GET",
            format!("{group}/providers/Microsoft.Resources/deployments"),
            Value::Null,
        ),
        (
            RESOURCES,
            "2022-09-01",
            "DeploymentOperationsListResult",
            "GET",
            format!("{deployment}/operations"),
            Value::Null,
        ),
        (
            RESOURCES,
            "2022-09-01",
            "ResourceGroupExportResult",
            "POST",
            format!("{group}/exportTemplate"),
            json!({"resources": ["*"]}),
        ),
    ];
    let mut by_file: Vec<(&'static str, Vec<Told>)> =
        [SUBSCRIPTIONS, FEATURES, SKUS, RESOURCES].map(|file| (file, Vec::new())).into();
    for (file, version, definition, method, path, body) in questions {
        talk.version = version.to_owned();
        talk.ask(definition, method, &path, body).await;
        // A deployment that was accepted is over by the next question.
        talk.control("PUT", "clock", json!({"advance_seconds": 10})).await;
        let told = talk.told.pop().unwrap();
        by_file.iter_mut().find(|(known, _)| *known == file).unwrap().1.push(told);
    }
    by_file
}

/// Asks for everything at `version`.
pub(crate) async fn at(version: &str) -> Vec<Told> {
    let mut talk = start(version).await;
    disks(&mut talk).await;
    snapshots(&mut talk).await;
    lists_and_refusals(&mut talk).await;
    talk.told
}

async fn start(version: &str) -> Talk {
    let azure = Azure::in_memory(3);
    let talk = Talk {
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
    talk
}

async fn lists_and_refusals(talk: &mut Talk) {
    for collection in ["disks", "snapshots"] {
        let definition = if collection == "disks" { "DiskList" } else { "SnapshotList" };
        let group = of(collection, "").trim_end_matches('/').to_owned();
        talk.ask(definition, "GET", &group, Value::Null).await;
        let all = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/{collection}");
        talk.ask(definition, "GET", &all, Value::Null).await;
        talk.ask("CloudError", "GET", &of(collection, "none"), Value::Null).await;
        talk.ask("CloudError", "PUT", &of(collection, "bad"), json!({"location": "eastus"})).await;
    }
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
