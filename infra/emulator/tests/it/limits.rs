//! Azure's documented limits, each met exactly: the last one passes, the next is refused
//! (compute-snapshots §1.3, §1.4).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Lab, OTHER_SUB, SUB, copy, copy_of, copy_start, disk, id, snapshot};

fn accepted(answer: &crate::lab::Answer) {
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
}

/// Empty disks `d0`, `d1`, … in eastus.
async fn seed_disks(lab: &Lab, count: usize) {
    let disks: Vec<Value> = (0..count)
        .map(|n| json!({"id": disk(&format!("d{n}")), "location": "eastus", "size_gb": 4}))
        .collect();
    lab.control(Method::POST, "seed", json!({"disks": disks})).await;
}

#[tokio::test]
async fn a_disk_has_at_most_500_incremental_snapshots() {
    let lab = Lab::start().await;
    for n in 0..500 {
        accepted(&lab.put(&snapshot(&format!("s{n}")), copy_of(&disk("d"), "eastus")).await);
        lab.advance(60.0).await;
    }
    let more = lab.put(&snapshot("more"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(more.refusal(), (409, "SnapshotLimitReached"));
    // A full one does not count, and one deleted makes room.
    let mut full = copy_of(&disk("d"), "eastus");
    full["properties"]["incremental"] = false.into();
    lab.make(&snapshot("other"), full).await;
    lab.delete(&snapshot("s7")).await;
    lab.advance(1.0).await;
    lab.take("more", "d").await;
}

#[tokio::test]
async fn a_disk_has_seven_incremental_snapshots_in_five_minutes() {
    let lab = Lab::start().await;
    for n in 0..7 {
        lab.take(&format!("s{n}"), "d").await;
    }
    let eighth = lab.put(&snapshot("s7"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(eighth.refusal(), (409, "OperationNotAllowed"));
    // Deleting does not help, nor does another disk suffer.
    lab.delete(&snapshot("s0")).await;
    lab.advance(1.0).await;
    let again = lab.put(&snapshot("s7"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(again.refusal(), (409, "OperationNotAllowed"));
    seed_disks(&lab, 1).await;
    lab.take("other", "d0").await;
    // Fifteen seconds have passed; the first is five minutes ago when 300 have.
    lab.advance(300.0 - 17.0 - 0.1).await;
    let early = lab.put(&snapshot("s7"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(early.refusal(), (409, "OperationNotAllowed"));
    lab.advance(0.1).await;
    lab.take("s7", "d").await;
}

#[tokio::test]
async fn a_family_has_five_sas_at_a_time() {
    let lab = Lab::start().await;
    for n in 0..6 {
        lab.take(&format!("s{n}"), "d").await;
    }
    let grant = async |name: &str, seconds: u64| {
        let path = format!("{}/beginGetAccess", snapshot(name));
        lab.arm(Method::POST, &path, json!({"access": "Read", "durationInSeconds": seconds})).await
    };
    for n in 0..5 {
        accepted(&grant(&format!("s{n}"), 600).await);
    }
    assert_eq!(grant("s5", 600).await.refusal(), (409, "OperationNotAllowed"));
    // One that has one may have it anew; a full snapshot is in no family.
    accepted(&grant("s0", 600).await);
    let mut full = copy_of(&disk("d"), "eastus");
    full["properties"]["incremental"] = false.into();
    lab.make(&snapshot("full"), full).await;
    accepted(&grant("full", 600).await);
    lab.arm(Method::POST, &format!("{}/endGetAccess", snapshot("s1")), Value::Null).await;
    accepted(&grant("s5", 600).await);
}

#[tokio::test]
async fn a_disk_has_one_copy_on_its_way_over_all_its_targets() {
    let lab = Lab::start().await;
    lab.take("s1", "d").await;
    lab.take("s2", "d").await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 1})).await;
    lab.make(&copy("c1"), copy_start(&snapshot("s1"), "westus2")).await;
    for location in ["westus2", "northeurope"] {
        let second = lab.put(&copy("c2"), copy_start(&snapshot("s2"), location)).await;
        assert_eq!(second.refusal(), (409, "OperationNotAllowed"));
    }
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 1 << 30})).await;
    lab.advance(10.0).await;
    lab.make(&copy("c2"), copy_start(&snapshot("s2"), "westus2")).await;
}

#[tokio::test]
async fn a_region_of_a_subscription_takes_100_copies_at_a_time() {
    let lab = Lab::start().await;
    seed_disks(&lab, 102).await;
    for n in 0..102 {
        let name = format!("s{n}");
        accepted(&lab.put(&snapshot(&name), copy_of(&disk(&format!("d{n}")), "eastus")).await);
    }
    lab.advance(2.0).await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 0})).await;
    for n in 0..102 {
        lab.write(&disk(&format!("d{n}")), 0, vec![1; 4096]).await;
        lab.take(&format!("t{n}"), &format!("d{n}")).await;
    }
    for n in 0..100 {
        let body = copy_start(&snapshot(&format!("t{n}")), "westus2");
        accepted(&lab.put(&copy(&format!("c{n}")), body).await);
    }
    let next = copy_start(&snapshot("t100"), "westus2");
    let refused = lab.put(&copy("c100"), next.clone()).await;
    assert_eq!(refused.refusal(), (409, "OperationNotAllowed"));
    assert!(refused.body["error"]["message"].as_str().unwrap().contains("ongoing CopyStart"));
    // Another subscription and another region have their own hundred.
    let theirs = id("rg2", "snapshots", "c100").replace(SUB, OTHER_SUB);
    accepted(&lab.put(&theirs, next).await);
    accepted(&lab.put(&copy("c101"), copy_start(&snapshot("t101"), "northeurope")).await);
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 1 << 30})).await;
    lab.advance(10.0).await;
    accepted(&lab.put(&copy("c200"), copy_start(&snapshot("s100"), "eastus2")).await);
}

#[tokio::test]
async fn copies_go_in_the_order_of_their_snapshots_and_may_leave_some_out() {
    let lab = Lab::start().await;
    for name in ["s1", "s2", "s3"] {
        lab.take(name, "d").await;
    }
    lab.ferry("c1", "s1").await;
    lab.ferry("c3", "s3").await;
    let back = lab.put(&copy("c2"), copy_start(&snapshot("s2"), "westus2")).await;
    assert_eq!(back.refusal(), (409, "OperationNotAllowed"));
    // Another region has an order of its own.
    lab.make(&copy("e2"), copy_start(&snapshot("s2"), "northeurope")).await;
}

#[tokio::test]
async fn a_subscription_has_50000_disks_of_a_sku_in_a_region() {
    let lab = Lab::start().await;
    // Disk d of Premium_LRS is there already.
    for from in (0..49_999).step_by(10_000) {
        let disks: Vec<Value> = (from..(from + 10_000).min(49_999))
            .map(|n| {
                let id = disk(&format!("d{n}"));
                json!({"id": id, "location": "eastus", "size_gb": 1, "sku": "Premium_LRS"})
            })
            .collect();
        lab.control(Method::POST, "seed", json!({"disks": disks})).await;
    }
    let empty = |sku: &str, location: &str| {
        json!({
            "location": location,
            "sku": {"name": sku},
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1},
        })
    };
    let next = lab.put(&disk("next"), empty("Premium_LRS", "eastus")).await;
    assert_eq!(next.refusal(), (409, "OperationNotAllowed"));
    accepted(&lab.put(&disk("standard"), empty("Standard_LRS", "eastus")).await);
    accepted(&lab.put(&disk("west"), empty("Premium_LRS", "westus")).await);
    lab.delete(&disk("d7")).await;
    lab.advance(1.0).await;
    accepted(&lab.put(&disk("next"), empty("Premium_LRS", "eastus")).await);
}

#[tokio::test]
async fn a_disk_grows_and_never_shrinks() {
    let lab = Lab::start().await;
    let sized = |size: u64| json!({"properties": {"diskSizeGB": size}});
    accepted(&lab.arm(Method::PATCH, &disk("d"), sized(8)).await);
    lab.advance(1.0).await;
    let smaller = lab.arm(Method::PATCH, &disk("d"), sized(7)).await;
    assert_eq!(smaller.refusal(), (409, "InvalidResizeWithName"));
}
