//! Large estates: made in one request, listed page by page, paid for by what they hold.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    lab::{BLOCK, Lab, SUB, copy_of, disk, snapshot},
    process::Process,
};

fn fleet(disks: u32, snapshots: u32) -> Value {
    json!({"fleet": {
        "subscription": SUB, "group": "fleet", "location": "eastus", "disks": disks,
        "snapshots_per_disk": snapshots, "content_bytes": 3 * BLOCK,
        "changed_bytes_per_snapshot": BLOCK, "seed": 7,
    }})
}

async fn list(lab: &Lab, collection: &str) -> Vec<Value> {
    let mut next = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/{collection}");
    let mut items = Vec::new();
    loop {
        let page = lab.get(&next).await;
        assert_eq!(page.status, StatusCode::OK);
        items.extend(page.body["value"].as_array().unwrap().iter().cloned());
        match page.body["nextLink"].as_str() {
            Some(link) => next = link.to_owned(),
            None => return items,
        }
    }
}

#[tokio::test]
async fn a_fleet_is_seeded_once_and_is_like_taken_snapshots() {
    let lab = Lab::start().await;
    let made = lab.control(Method::POST, "seed", fleet(250, 9)).await;
    assert_eq!(made["fleet"], json!({"disks": 250, "snapshots": 2250}));
    let again = lab.control(Method::POST, "seed", fleet(250, 9)).await;
    assert_eq!(again["fleet"]["disks"], 0);
    let check = lab.control(Method::GET, "check", Value::Null).await;
    assert_eq!(check["torn"], json!([]));

    let snapshots = list(&lab, "snapshots").await;
    assert_eq!(snapshots.len(), 2250);
    let mut names: Vec<&str> = snapshots.iter().map(|s| s["id"].as_str().unwrap()).collect();
    names.dedup();
    assert_eq!(names.len(), 2250);
    let of = crate::lab::id("fleet", "disks", "disk00007");
    let of_one: Vec<&Value> = snapshots
        .iter()
        .filter(|s| s["properties"]["creationData"]["sourceResourceId"] == of.as_str())
        .collect();
    assert_eq!(of_one.len(), 9);
    let unique_id = &lab.get(&of).await.body["properties"]["uniqueId"];
    for (earlier, later) in of_one.iter().zip(&of_one[1..]) {
        let time = |s: &Value| s["properties"]["timeCreated"].as_str().unwrap().to_owned();
        assert!(time(earlier) < time(later));
        let family = |s: &Value| s["properties"]["incrementalSnapshotFamilyId"].clone();
        assert_eq!(family(earlier), family(later));
        assert_eq!(&later["properties"]["creationData"]["sourceUniqueId"], unique_id);
    }
    // One that is taken now is of the same family, and its delta is what changed since.
    let group = |name: &str| crate::lab::id("fleet", "snapshots", name);
    let taken = lab.make(&group("taken"), copy_of(&of, "eastus")).await;
    let family = "/properties/incrementalSnapshotFamilyId";
    assert_eq!(taken.pointer(family), of_one[0].pointer(family));
}

#[tokio::test]
async fn the_same_fleet_is_the_same_bytes() {
    let mut contents = Vec::new();
    for _ in 0..2 {
        let lab = Lab::start().await;
        lab.control(Method::POST, "seed", fleet(2, 3)).await;
        let of = |name: &str| crate::lab::id("fleet", "snapshots", name);
        let parts = [
            lab.raw(&of("disk00001-0000"), 0, 3 * BLOCK).await,
            lab.raw(&of("disk00001-0002"), 0, 3 * BLOCK).await,
        ];
        assert_ne!(parts[0], parts[1]);
        assert!(parts[0].iter().any(|byte| *byte != 0));
        contents.push(parts);
    }
    assert!(contents[0] == contents[1]);
}

#[tokio::test]
async fn a_fleet_beyond_the_rules_is_refused() {
    let lab = Lab::start().await;
    for (name, value) in
        [("snapshots_per_disk", json!(501)), ("interval_seconds", json!(-1)), ("colour", json!(1))]
    {
        let mut body = fleet(1, 1);
        body["fleet"][name] = value;
        let url = format!("{}/seed", lab.emulator.control_url());
        let answer = lab.client.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{name}");
    }
}

#[tokio::test]
async fn a_disk_costs_what_it_holds_however_large_it_is() {
    const MIB: u64 = 1 << 20;
    let process = Process::start(None, &[]).await;
    let id = |n: u64| disk(&format!("d{n}"));
    let seed = |n: u64, bytes: u64| {
        json!({"disks": [{
            "id": id(n), "location": "eastus", "size_gb": 4096, "sku": "Premium_LRS",
            "content": {"random_bytes": bytes, "seed": n},
        }]})
    };
    // The first one warms up the allocator.
    process.control(Method::POST, "seed", seed(0, 10 * MIB)).await;
    let before = process.memory("VmRSS");
    for n in 1..=8 {
        process.control(Method::POST, "seed", seed(n, 10 * MIB)).await;
    }
    let each = (process.memory("VmRSS") - before) / 8;
    assert!((10 * MIB..14 * MIB).contains(&each), "a disk of 4 TiB with 10 MiB costs {each}");
    // A hundred snapshots of unchanged disks share all of it.
    let before = process.memory("VmRSS");
    for n in 0..100 {
        let path = snapshot(&format!("s{n}"));
        let request = process.arm(Method::PUT, &path).json(&copy_of(&id(n % 9), "eastus"));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
    }
    let each = (process.memory("VmRSS").saturating_sub(before)) / 100;
    assert!(each < 64 << 10, "a snapshot without a change costs {each}");
}
