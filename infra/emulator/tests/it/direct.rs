//! Ultra and Premium SSD v2: background copies, instant access, sectors of 4096 bytes; and the
//! immutability of snapshots.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, copy_of, disk, id, snapshot};

/// A lab with a Premium SSD v2 disk `v`, of which 1 MiB takes 100 s to copy.
async fn lab() -> Lab {
    let lab = Lab::start().await;
    lab.make(&disk("v"), empty("PremiumV2_LRS")).await;
    lab.write(&disk("v"), 0, vec![7; 1 << 20]).await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": (1 << 20) / 100})).await;
    lab
}

fn empty(sku: &str) -> Value {
    json!({
        "location": "eastus", "sku": {"name": sku},
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
    })
}

fn restore(from: &str, sku: &str) -> Value {
    json!({
        "location": "eastus", "sku": {"name": sku},
        "properties": {"creationData": {"createOption": "Copy", "sourceResourceId": snapshot(from)}},
    })
}

fn instant(minutes: u64) -> Value {
    let mut body = copy_of(&disk("v"), "eastus");
    body["properties"]["creationData"]["instantAccessDurationMinutes"] = minutes.into();
    body
}

fn percent(body: &Value) -> f64 {
    body["properties"]["completionPercent"].as_f64().unwrap()
}

async fn at(lab: &Lab, path: &str, version: &str) -> Value {
    lab.get(&format!("{}{path}?api-version={version}", lab.emulator.arm_url())).await.body
}

fn refused(answer: &Answer) {
    assert_eq!(answer.refusal(), (409, "OperationNotAllowed"), "{}", answer.body);
}

#[tokio::test]
async fn a_snapshot_copies_in_the_background_and_is_not_used_before() {
    let lab = lab().await;
    let accepted = lab.put(&snapshot("s"), copy_of(&disk("v"), "eastus")).await;
    lab.advance(1.0).await;
    let output = lab.get(accepted.header("azure-asyncoperation")).await.body;
    assert!(percent(&output["properties"]["output"]) < 100.0);
    let made = lab.get(&snapshot("s")).await.body;
    assert_eq!(made["properties"]["creationData"]["logicalSectorSize"], 4096);
    assert_eq!(made["properties"].get("snapshotAccessState"), None);
    assert_eq!(
        at(&lab, &snapshot("s"), "2025-01-02").await["properties"]["snapshotAccessState"],
        "Pending"
    );
    refused(&lab.put(&disk("r"), restore("s", "PremiumV2_LRS")).await);
    lab.advance(48.0).await;
    assert!((40.0..60.0).contains(&percent(&lab.get(&snapshot("s")).await.body)));
    lab.advance(60.0).await;
    assert_eq!(percent(&lab.get(&snapshot("s")).await.body), 100.0);
    let made = lab.make(&disk("r"), restore("s", "PremiumV2_LRS")).await;
    assert!(percent(&made) < 100.0);
    assert_eq!(made["properties"]["creationData"]["logicalSectorSize"], 4096);
}

#[tokio::test]
async fn three_snapshots_of_a_disk_copy_at_a_time_and_none_is_full() {
    let lab = lab().await;
    for n in 0..3 {
        lab.write(&disk("v"), 0, vec![n + 1; 1 << 20]).await;
        lab.take(&format!("s{n}"), "v").await;
    }
    refused(&lab.put(&snapshot("s3"), copy_of(&disk("v"), "eastus")).await);
    let mut full = copy_of(&disk("v"), "eastus");
    full["properties"]["incremental"] = false.into();
    refused(&lab.put(&snapshot("full"), full).await);
    lab.advance(100.0).await;
    lab.take("s3", "v").await;
}

#[tokio::test]
async fn five_disks_are_made_of_a_snapshot_at_a_time_and_fifty_in_a_subscription() {
    let lab = lab().await;
    for n in 0..11 {
        lab.take(&format!("s{n}"), "v").await;
        lab.advance(200.0).await;
    }
    let make = async |n: usize, of: usize| {
        lab.put(&disk(&format!("r{n}")), restore(&format!("s{of}"), "UltraSSD_LRS")).await
    };
    for n in 0..5 {
        assert_eq!(make(n, 0).await.status, StatusCode::ACCEPTED);
    }
    refused(&make(5, 0).await);
    for n in 5..50 {
        assert_eq!(make(n, n / 5).await.status, StatusCode::ACCEPTED, "{n}");
    }
    refused(&make(50, 10).await);
    lab.advance(200.0).await;
    assert_eq!(make(50, 10).await.status, StatusCode::ACCEPTED);
    assert_eq!(make(51, 0).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn instant_access_restores_at_once_and_for_its_time_only() {
    let lab = lab().await;
    for minutes in [59, 301] {
        let answer = lab.put(&snapshot("i"), instant(minutes)).await;
        assert_eq!(answer.refusal(), (400, "InvalidParameter"), "{minutes}");
    }
    let mut other = instant(60);
    other["properties"]["creationData"]["sourceResourceId"] = disk("d").into();
    assert_eq!(
        lab.put(&snapshot("i"), other).await.refusal(),
        (409, "InvalidInstantAccessRequest")
    );
    lab.make(&snapshot("i"), instant(60)).await;
    let state = async || {
        let body = at(&lab, &snapshot("i"), "2025-01-02").await;
        body["properties"]["snapshotAccessState"].as_str().unwrap().to_owned()
    };
    assert_eq!(state().await, "InstantAccess");
    for n in 0..15 {
        let made = lab.put(&disk(&format!("r{n}")), restore("i", "UltraSSD_LRS")).await;
        assert_eq!(made.status, StatusCode::ACCEPTED);
    }
    refused(&lab.put(&disk("r15"), restore("i", "UltraSSD_LRS")).await);
    // Neither copied nor read before its background copy is done.
    let access = format!("{}/beginGetAccess", snapshot("i"));
    let vhdx = json!({"access": "Read", "durationInSeconds": 60, "fileFormat": "VHDX"});
    refused(&lab.arm(Method::POST, &access, vhdx).await);
    lab.advance(150.0).await;
    assert_eq!(state().await, "AvailableWithInstantAccess");
    lab.advance(3600.0).await;
    assert_eq!(state().await, "Available");
}

#[tokio::test]
async fn a_resize_fails_the_snapshots_that_still_copy() {
    let lab = lab().await;
    lab.take("s", "v").await;
    lab.arm(Method::PATCH, &disk("v"), json!({"properties": {"diskSizeGB": 8}})).await;
    lab.advance(500.0).await;
    let failed = lab.get(&snapshot("s")).await.body;
    assert_eq!(failed["properties"]["provisioningState"], "Failed");
    assert!(percent(&failed) < 100.0);
}

#[tokio::test]
async fn sectors_of_4096_bytes_stay_with_their_kind() {
    let lab = lab().await;
    lab.take("s", "v").await;
    lab.advance(200.0).await;
    let premium = lab.put(&disk("r"), restore("s", "Premium_LRS")).await;
    assert_eq!(premium.refusal(), (400, "InvalidParameter"));
    let access = format!("{}/beginGetAccess", snapshot("s"));
    let plain = json!({"access": "Read", "durationInSeconds": 60});
    let plain = lab.arm(Method::POST, &access, plain).await;
    assert!(
        plain.body["error"]["message"].as_str().unwrap().contains("logical sector size of 4096")
    );
    let mut body = empty("UltraSSD_LRS");
    body["properties"]["creationData"]["logicalSectorSize"] = 512.into();
    lab.make(&disk("u"), body).await;
    lab.take("u", "u").await;
    lab.advance(10.0).await;
    lab.make(&disk("p"), restore("u", "Premium_LRS")).await;
}

#[tokio::test]
async fn an_immutable_snapshot_outlives_every_wish_until_its_time() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let of = snapshot("s");
    let set = async |days: i64, kind: &str| {
        let body = json!({"immutabilityDurationDays": days, "type": kind});
        lab.arm(Method::POST, &format!("{of}/updateImmutabilityPolicy"), body).await
    };
    let lock = async || {
        lab.arm(Method::POST, &format!("{of}/updateImmutabilityPolicyLock"), Value::Null).await
    };
    refused(&lock().await);
    assert_eq!(set(0, "Locked").await.refusal(), (400, "InvalidParameter"));
    assert_eq!(set(3, "Unlocked").await.status, StatusCode::ACCEPTED);
    refused(&lab.delete(&of).await);
    // Unlocked it may become shorter; locked only longer.
    assert_eq!(set(2, "Unlocked").await.status, StatusCode::ACCEPTED);
    assert_eq!(lock().await.status, StatusCode::ACCEPTED);
    refused(&set(1, "Locked").await);
    refused(&set(5, "Unlocked").await);
    assert_eq!(set(3, "Locked").await.status, StatusCode::ACCEPTED);
    lab.advance(86_400.0 * 3.0 - 1.0).await;
    refused(&lab.delete(&of).await);
    let policy = &at(&lab, &of, "2026-03-02").await["properties"]["immutabilityPolicy"];
    assert_eq!((&policy["type"], &policy["isPolicyExpired"]), (&json!("Locked"), &json!(false)));
    assert_eq!(at(&lab, &of, "2024-03-02").await["properties"].get("immutabilityPolicy"), None);
    lab.advance(2.0).await;
    assert_eq!(lab.delete(&of).await.status, StatusCode::ACCEPTED);
    // Disks have no such action.
    let disks = id("rg", "disks", "d");
    let none = lab.arm(Method::POST, &format!("{disks}/updateImmutabilityPolicy"), json!({})).await;
    assert_eq!(none.refusal(), (404, "InvalidResourceType"));
}
