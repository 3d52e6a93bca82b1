//! `CopyStart`: progress, exact deltas, and how a copy ends.

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::{BLOCK, Lab, copy, copy_start, disk, snapshot};

fn percent(body: &Value) -> f64 {
    body["properties"]["completionPercent"].as_f64().unwrap()
}

#[tokio::test]
async fn progress_is_what_has_moved() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    // 1 MiB at 128 KiB/s takes 8 seconds.
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 128 << 10})).await;
    let accepted = lab.put(&copy("c"), copy_start(&snapshot("s"), "westus2")).await;
    lab.advance(1.6).await;
    let done = lab.get(accepted.header("azure-asyncoperation")).await.body;
    assert_eq!(done["status"], "Succeeded");
    assert_eq!(done["properties"]["output"]["properties"].get("completionPercent"), None);
    let made = lab.get(&copy("c")).await.body;
    let source = lab.get(&snapshot("s")).await.body;
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(percent(&made), 0.0);
    let unique = |body: &Value| body["properties"]["uniqueId"].clone();
    assert_eq!(made["properties"]["creationData"]["sourceUniqueId"], unique(&source));
    let family = |body: &Value| body["properties"]["incrementalSnapshotFamilyId"].clone();
    assert_ne!(family(&made), family(&source));

    for expected in [25.0, 50.0, 75.0] {
        lab.advance(2.0).await;
        assert_eq!(percent(&lab.get(&copy("c")).await.body), expected);
    }
    // What has moved stays moved when the bandwidth falls.
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 0})).await;
    lab.advance(1000.0).await;
    assert_eq!(percent(&lab.get(&copy("c")).await.body), 75.0);
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 256 << 10})).await;
    lab.advance(1.0).await;
    assert_eq!(percent(&lab.get(&copy("c")).await.body), 100.0);
    assert_eq!(lab.counters().await["bytes_moved"], 1 << 20);
}

#[tokio::test]
async fn only_the_delta_moves() {
    let lab = Lab::start().await;
    lab.take("s1", "d").await;
    lab.ferry("c1", "s1").await;
    // Two blocks, the second written across a boundary, and one that does not really change.
    lab.write(&disk("d"), 3 * BLOCK, vec![1; 100]).await;
    lab.take("s2", "d").await;
    lab.write(&disk("d"), 1 << 30, vec![2; BLOCK as usize]).await;
    lab.write(&disk("d"), 2 * BLOCK, vec![0; BLOCK as usize]).await;
    lab.take("s3", "d").await;
    // s2 is skipped: all since s1 moves.
    let c3 = lab.ferry("c3", "s3").await;
    assert_eq!(percent(&c3), 100.0);
    let counters = lab.counters().await;
    assert_eq!(counters["copies"][0]["bytes_moved"], 1 << 20);
    assert_eq!(counters["copies"][0]["base"], Value::Null);
    assert_eq!(counters["copies"][1]["bytes_moved"], 3 * BLOCK);
    assert_eq!(counters["copies"][1]["base"], copy("c1"));
    assert_eq!(lab.content(&copy("c3")).await, lab.content(&snapshot("s3")).await);

    // Without its base at the source the next copy is whole.
    lab.delete(&snapshot("s3")).await;
    lab.take("s4", "d").await;
    lab.ferry("c4", "s4").await;
    let last = &lab.counters().await["copies"][2];
    assert_eq!(last["base"], Value::Null);
    // 256 blocks of the seed, less the zeroed one, and the one at 1 GiB.
    assert_eq!(last["bytes_moved"], 256 * BLOCK);
}

#[tokio::test]
async fn a_copy_is_refused_out_of_order_and_beside_another_of_the_disk() {
    let lab = Lab::start().await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 1024})).await;
    lab.take("s1", "d").await;
    lab.take("s2", "d").await;
    lab.make(&copy("c2"), copy_start(&snapshot("s2"), "westus2")).await;
    let beside = lab.put(&copy("x"), copy_start(&snapshot("s1"), "northeurope")).await;
    assert_eq!(beside.refusal(), (409, "OperationNotAllowed"));
    lab.advance(2000.0).await;
    let older = lab.put(&copy("c1"), copy_start(&snapshot("s1"), "westus2")).await;
    assert_eq!(older.refusal(), (409, "OperationNotAllowed"));
    lab.make(&copy("x"), copy_start(&snapshot("s1"), "northeurope")).await;
}

#[tokio::test]
async fn a_copy_whose_source_goes_fails() {
    let lab = Lab::start().await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 65536})).await;
    lab.take("s", "d").await;
    lab.make(&copy("c"), copy_start(&snapshot("s"), "westus2")).await;
    let restore = json!({
        "location": "westus2",
        "properties": {"creationData": {"createOption": "Copy", "sourceResourceId": copy("c")}},
    });
    let r = crate::lab::id("rg-west", "disks", "r");
    assert_eq!(lab.put(&r, restore).await.refusal(), (409, "OperationNotAllowed"));
    lab.delete(&snapshot("s")).await;
    lab.advance(1000.0).await;
    let failed = lab.get(&copy("c")).await.body;
    let error = &failed["properties"]["copyCompletionError"];
    assert_eq!(error["errorCode"], "CopySourceNotFound");
    assert!(percent(&failed) > 0.0 && percent(&failed) < 100.0);
    assert_eq!(lab.counters().await["copies"][0]["state"], "source_gone");
}

#[tokio::test]
async fn a_restored_disk_is_byte_equal_on_both_sides() {
    let lab = Lab::start().await;
    lab.write(&disk("d"), (4 << 30) - 10, vec![9; 10]).await;
    let before = lab.content(&disk("d")).await;
    lab.take("s", "d").await;
    lab.write(&disk("d"), 0, vec![0xff; 1 << 20]).await;
    lab.ferry("c", "s").await;
    for (source, group, location) in
        [(snapshot("s"), "rg", "eastus"), (copy("c"), "rg-west", "westus2")]
    {
        let restored = crate::lab::id(group, "disks", "restored");
        let body = json!({
            "location": location, "sku": {"name": "Premium_LRS"},
            "properties": {"creationData": {"createOption": "Copy", "sourceResourceId": source}},
        });
        let made = lab.make(&restored, body).await;
        assert_eq!(made["properties"]["diskSizeGB"], 4);
        assert!(lab.content(&restored).await == before, "{location}: the bytes differ");
    }
}

#[tokio::test]
async fn an_empty_delta_is_complete_after_the_first_look() {
    let lab = Lab::start().await;
    lab.take("s1", "d").await;
    lab.ferry("c1", "s1").await;
    lab.take("s2", "d").await;
    lab.put(&copy("c2"), copy_start(&snapshot("s2"), "westus2")).await;
    lab.advance(1.6).await;
    assert_eq!(percent(&lab.get(&copy("c2")).await.body), 0.0);
    lab.advance(0.1).await;
    assert_eq!(percent(&lab.get(&copy("c2")).await.body), 100.0);
    assert_eq!(lab.counters().await["copies"][1]["bytes_moved"], 0);
}

#[tokio::test]
async fn an_enhanced_copy_is_faster_and_only_copies_are_enhanced() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 128 << 10})).await;
    let mut body = copy_start(&snapshot("s"), "westus2");
    let speed = "/properties/creationData";
    body.pointer_mut(speed).unwrap()["provisionedBandwidthCopySpeed"] = "Enhanced".into();
    lab.put(&copy("c"), body.clone()).await;
    lab.advance(1.6 + 2.0).await;
    assert_eq!(percent(&lab.get(&copy("c")).await.body), 50.0);
    body.pointer_mut(speed).unwrap()["createOption"] = "Copy".into();
    body["location"] = "eastus".into();
    assert_eq!(lab.put(&snapshot("x"), body).await.refusal(), (400, "InvalidParameter"));
}
