//! Disk-encryption sets, and disks and snapshots that use one.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Lab, OTHER_SUB, SUB, copy, copy_of, copy_start, disk, id, snapshot};

fn set(group: &str, name: &str) -> String {
    id(group, "diskEncryptionSets", name)
}

fn request(location: &str) -> Value {
    json!({
        "location": location, "identity": {"type": "SystemAssigned"},
        "properties": {"activeKey": {"keyUrl": "https://v.vault.azure.net/keys/k/1"}},
    })
}

fn encrypted(mut body: Value, by: &str) -> Value {
    body["properties"]["encryption"] =
        json!({"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": by});
    body
}

fn empty() -> Value {
    json!({"location": "eastus", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}})
}

#[tokio::test]
async fn a_set_is_made_changed_listed_and_deleted() {
    let lab = Lab::start().await;
    let path = set("rg", "des");
    let accepted = lab.put(&path, request("East US")).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    assert!(accepted.header("azure-asyncoperation").contains("/DiskOperations/"));
    lab.advance(2.0).await;
    let status = lab.get(accepted.header("azure-asyncoperation")).await.body;
    let made = lab.get(&path).await.body;
    assert_eq!(status["properties"]["output"], made);
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(made["properties"]["encryptionType"], "EncryptionAtRestWithCustomerKey");
    assert!(made["identity"]["principalId"].is_string());
    let patched =
        json!({"tags": {"a": "b"}, "properties": {"rotationToLatestKeyVersionEnabled": true}});
    assert_eq!(lab.arm(Method::PATCH, &path, patched).await.status, StatusCode::ACCEPTED);
    lab.advance(2.0).await;
    let changed = lab.get(&path).await.body;
    assert_eq!(
        (&changed["tags"]["a"], &changed["properties"]["rotationToLatestKeyVersionEnabled"]),
        (&json!("b"), &json!(true))
    );
    let all = lab
        .get(&format!("/subscriptions/{SUB}/providers/Microsoft.Compute/diskEncryptionSets"))
        .await
        .body;
    assert_eq!(all["value"].as_array().unwrap().len(), 1);
    let mut keyless = request("eastus");
    keyless["properties"] = json!({});
    assert_eq!(lab.put(&set("rg", "x"), keyless).await.refusal(), (400, "InvalidParameter"));
    lab.make(&disk("used"), encrypted(empty(), &path)).await;
    assert_eq!(lab.delete(&path).await.refusal(), (409, "OperationNotAllowed"));
    lab.delete(&disk("used")).await;
    lab.advance(2.0).await;
    assert_eq!(lab.delete(&path).await.status, StatusCode::ACCEPTED);
    lab.advance(2.0).await;
    assert_eq!(lab.get(&path).await.refusal(), (404, "ResourceNotFound"));
    assert_eq!(lab.delete(&path).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_set_serves_its_own_region_and_subscription() {
    let lab = Lab::start().await;
    let other = set("rg2", "theirs").replace(SUB, OTHER_SUB);
    lab.control(
        Method::POST,
        "seed",
        json!({"disk_encryption_sets": [
            {"id": set("rg", "here"), "location": "eastus"},
            {"id": set("rg-west", "there"), "location": "westus2"},
            {"id": other, "location": "eastus"},
        ]}),
    )
    .await;
    for (by, expected) in [
        (set("rg", "none"), (404, "NotFound")),
        (set("rg-west", "there"), (400, "InvalidParameter")),
        (other, (400, "InvalidParameter")),
        (disk("d"), (400, "InvalidParameter")),
    ] {
        let refused = lab.put(&disk("x"), encrypted(empty(), &by)).await;
        assert_eq!(refused.refusal(), expected, "{by}");
        let refused = lab.put(&snapshot("x"), encrypted(copy_of(&disk("d"), "eastus"), &by)).await;
        assert_eq!(refused.refusal(), expected, "{by}");
        let change = encrypted(json!({"properties": {}}), &by);
        assert_eq!(lab.arm(Method::PATCH, &disk("d"), change).await.refusal(), expected);
    }
    let made = lab.make(&disk("x"), encrypted(empty(), &set("rg", "here"))).await;
    assert_eq!(made["properties"]["encryption"]["diskEncryptionSetId"], set("rg", "here"));
}

#[tokio::test]
async fn a_disabled_key_stops_what_is_encrypted_with_it() {
    let lab = Lab::start().await;
    let here = set("rg", "here");
    let there = set("rg-west", "there");
    lab.control(
        Method::POST,
        "seed",
        json!({"disk_encryption_sets": [
            {"id": here, "location": "eastus"}, {"id": there, "location": "westus2"},
        ]}),
    )
    .await;
    lab.make(&disk("x"), encrypted(empty(), &here)).await;
    lab.make(&snapshot("s"), copy_of(&disk("x"), "eastus")).await;
    let key = async |of: &str, enabled: bool| {
        lab.control(Method::PUT, &format!("encryption_key?id={of}"), json!({"enabled": enabled}))
            .await;
    };
    let forbidden = (403, "KeyVaultAccessForbidden");
    key(&here, false).await;
    assert!(lab.get(&here).await.body["properties"]["autoKeyRotationError"].is_object());
    assert_eq!(lab.put(&snapshot("t"), copy_of(&disk("x"), "eastus")).await.refusal(), forbidden);
    assert_eq!(lab.put(&disk("y"), encrypted(empty(), &here)).await.refusal(), forbidden);
    let into = encrypted(copy_start(&snapshot("s"), "westus2"), &there);
    assert_eq!(lab.put(&copy("c"), into.clone()).await.refusal(), forbidden);
    key(&here, true).await;
    key(&there, false).await;
    assert_eq!(lab.put(&copy("c"), into.clone()).await.refusal(), forbidden);
    key(&there, true).await;
    lab.make(&copy("c"), into).await;
    // Nobody else is concerned.
    lab.take("plain", "d").await;
}
