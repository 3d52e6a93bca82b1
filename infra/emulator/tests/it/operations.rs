//! The protocol of long-running operations, step by step as it was recorded.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Lab, copy_of, disk, snapshot};

#[tokio::test]
async fn a_snapshot_is_created_as_recorded() {
    let lab = Lab::start().await;
    let accepted = lab.put(&snapshot("s"), copy_of(&disk("d"), "East US")).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    assert_eq!(accepted.header("retry-after"), "2");
    assert_eq!(accepted.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(accepted.body["name"], "s");
    assert_eq!(accepted.body["location"], "eastus");
    assert_eq!(accepted.body["properties"]["provisioningState"], "Updating");
    assert_eq!(accepted.body["properties"].get("completionPercent"), None);
    assert_eq!(accepted.body["properties"]["creationData"].get("sourceUniqueId"), None);
    let status = accepted.header("azure-asyncoperation").to_owned();
    let monitor = accepted.header("location").to_owned();
    let operation = accepted.header("x-ms-request-id").to_owned();
    assert!(status.contains(&format!("/locations/eastus/DiskOperations/{operation}?p=")));
    assert!(monitor.contains("&monitor=true&api-version=2024-03-02"));

    let running = lab.get(&status).await;
    assert_eq!(running.body["status"], "InProgress");
    assert_eq!(running.body["name"], operation);
    assert_eq!(lab.get(&monitor).await.status, StatusCode::ACCEPTED);
    let updating = lab.get(&snapshot("s")).await;
    assert_eq!(updating.body["properties"]["provisioningState"], "Updating");

    lab.advance(1.0).await;
    let done = lab.get(&status).await;
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(done.body["status"], "Succeeded");
    assert!(done.body["endTime"].is_string());
    let made = lab.get(&snapshot("s")).await.body;
    assert_eq!(done.body["properties"]["output"], made);
    assert_eq!(lab.get(&monitor).await.body, made);

    let source = lab.get(&disk("d")).await.body;
    let properties = &made["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["creationData"]["sourceUniqueId"], source["properties"]["uniqueId"]);
    assert_eq!(properties["diskSizeBytes"], 4_u64 << 30);
    assert_eq!(properties["osType"], "Linux");
    assert_eq!(properties.get("completionPercent"), None);
    assert!(properties["incrementalSnapshotFamilyId"].is_string());
    assert_eq!(made["sku"], json!({"name": "Standard_LRS", "tier": "Standard"}));
}

#[tokio::test]
async fn a_deletion_has_no_body_and_no_retry_after() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let accepted = lab.delete(&snapshot("s")).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    assert_eq!(accepted.body, Value::Null);
    assert_eq!(accepted.header("retry-after"), "");
    lab.advance(1.0).await;
    let status = lab.get(accepted.header("azure-asyncoperation")).await.body;
    assert_eq!(status["status"], "Succeeded");
    assert_eq!(status.get("properties"), None);
    let result = lab.get(accepted.header("location")).await;
    assert_eq!((result.status, result.body), (StatusCode::OK, Value::Null));
    let gone = lab.get(&snapshot("s")).await;
    assert_eq!(gone.refusal(), (404, "ResourceNotFound"));
    assert_eq!(gone.header("x-ms-failure-cause"), "gateway");
    assert_eq!(lab.delete(&snapshot("s")).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_patch_changes_tags_and_its_location_gives_the_resource() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let accepted = lab.arm(Method::PATCH, &snapshot("s"), json!({"tags": {"a": "b"}})).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    lab.advance(1.0).await;
    let result = lab.get(accepted.header("location")).await;
    assert_eq!(result.body["tags"], json!({"a": "b"}));
    assert_eq!(result.body["properties"]["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn old_versions_are_accepted_with_the_old_body() {
    let lab = Lab::start().await;
    let url = format!("{}{}?api-version=2021-04-01", lab.emulator.arm_url(), snapshot("s"));
    let accepted = lab.put(&url, copy_of(&disk("d"), "eastus")).await;
    assert_eq!(accepted.body.get("id"), None);
    assert_eq!(accepted.body["properties"]["isArmResource"], true);
    assert_eq!(accepted.body["properties"]["osType"], "Linux");
    assert!(accepted.body["properties"]["creationData"]["sourceUniqueId"].is_string());
}

#[tokio::test]
async fn the_date_is_the_emulators_and_polling_can_be_hastened() {
    let lab = Lab::start().await;
    lab.control(Method::PUT, "clock", json!({"now": "2031-03-04T05:06:07Z"})).await;
    lab.control(Method::PUT, "settings", json!({"retry_after_ms": 50})).await;
    let accepted = lab.put(&snapshot("s"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(accepted.header("date"), "Tue, 04 Mar 2031 05:06:07 GMT");
    assert_eq!(accepted.header("x-ms-retry-after-ms"), "50");
    let poll = lab.get(accepted.header("azure-asyncoperation")).await;
    assert_eq!(poll.header("x-ms-retry-after-ms"), "50");
    let made = lab.get(&snapshot("s")).await;
    assert_eq!(made.body["properties"]["timeCreated"], "2031-03-04T05:06:07.0000000+00:00");
    assert_eq!(made.header("x-ms-retry-after-ms"), "");
    assert!(made.header("x-ms-ratelimit-remaining-resource").contains("LowCostGet3Min;149"));
}

#[tokio::test]
async fn a_lost_answer_leaves_its_effect_and_a_fault_ends_after_its_count() {
    let lab = Lab::start().await;
    let fault = json!({
        "path_contains": "/snapshots/S", "method": "PUT", "status": 0, "after": true,
    });
    lab.control(Method::POST, "faults", fault).await;
    let url = format!("{}{}?api-version=2024-03-02", lab.emulator.arm_url(), snapshot("s"));
    let request = lab.client.put(&url).bearer_auth(&lab.token);
    assert!(request.json(&copy_of(&disk("d"), "eastus")).send().await.is_err());
    assert_eq!(lab.get(&snapshot("s")).await.status, StatusCode::OK);

    let fault = json!({"status": 429, "retry_after_seconds": 9, "count": 2});
    lab.control(Method::POST, "faults", fault).await;
    for _ in 0..2 {
        let answer = lab.get(&snapshot("s")).await;
        assert_eq!(answer.refusal(), (429, "TooManyRequests"));
        assert_eq!(answer.header("retry-after"), "9");
    }
    assert_eq!(lab.get(&snapshot("s")).await.status, StatusCode::OK);
}
