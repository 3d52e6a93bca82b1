//! What Azure refuses or throttles in one place stops nothing elsewhere, and is told for what it is.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::ResourceId;
use tests::{Lab, wait_for};
use xtask::estate::PRODUCTION;

/// A second subscription.
const OTHER: &str = "5a9f0000-0000-4000-8000-0000000000c2";

/// Makes `count` disks in each subscription, and a policy that takes snapshots of all.
async fn many_disks(lab: &Lab, count: usize) {
    let mut disks = vec![];
    for subscription in [PRODUCTION, OTHER] {
        for number in 0..count {
            disks.push(ResourceId::disk(subscription, "app", &format!("disk-{number:02}")));
        }
    }
    let content = json!({ "random_bytes": 65536, "seed": 7 });
    let seeds: Vec<Value> = disks
        .iter()
        .map(|id| {
            json!({
                "id": id, "location": "westeurope", "sku": "Premium_LRS", "size_gb": 1, "zones": [],
                "tags": {}, "content": content,
            })
        })
        .collect();
    let group =
        json!({ "subscription": OTHER, "name": "app", "location": "westeurope", "tags": {} });
    let estate = json!({
        "subscriptions": [{ "id": OTHER, "name": "Contoso Elsewhere" }],
        "groups": [group], "disks": seeds,
    });
    lab.azure.control("seed", &estate).await.unwrap();
    let disks: Vec<Value> = disks.iter().map(|id| json!({ "kind": "disk", "id": id })).collect();
    let policy = json!({
        "id": "all", "name": "All", "enabled": true, "disks": { "include": disks },
        "schedule": { "kind": "every", "minutes": 1440 },
    });
    let (status, body) = lab.api(Method::PUT, "/policies/all", Some(&policy)).await.unwrap();
    assert!(status.is_success(), "{status} {body}");
}

/// The outcomes of the newest run of a subscription, by kind and code or cause.
async fn outcomes(lab: &Lab, subscription: &str) -> Vec<String> {
    let id = format!("{subscription}-00000001");
    let run = wait_for("the run", || async {
        let (status, run) = lab.api(Method::GET, &format!("/runs/{id}"), None).await?;
        Ok((status == StatusCode::OK).then_some(run))
    })
    .await
    .unwrap();
    let word = |step: &Value| {
        let outcome = &step["outcome"];
        let more = outcome["code"].as_str().or(outcome["why"].as_str()).unwrap_or_default();
        format!("{} {more}", outcome["kind"].as_str().unwrap()).trim().to_owned()
    };
    run["steps"].as_array().unwrap().iter().map(word).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_subscription_is_left_alone_and_the_others_go_on() {
    let lab = Lab::start().await.unwrap();
    many_disks(&lab, 20).await;
    let fault = json!({
        "method": "PUT", "path_contains": format!("/subscriptions/{OTHER}/"), "count": 1000,
        "throttle": "HighCostSnapshotCreateHydrate3Min", "retry_after_seconds": 600,
    });
    lab.azure.control("faults", &fault).await.unwrap();
    lab.fire().await.unwrap();
    assert_eq!(outcomes(&lab, PRODUCTION).await, vec!["done"; 20]);
    let other = outcomes(&lab, OTHER).await;
    let of = |word: &str| other.iter().filter(|outcome| *outcome == word).count();
    // As many as are tried at a time are refused; no other is tried.
    assert_eq!(other.len(), 20);
    assert!((1..=8).contains(&of("failed AzureThrottled")), "{other:?}");
    assert_eq!(of("failed AzureThrottled") + of("skipped throttled"), 20, "{other:?}");
    let url = format!("{}/faults", lab.stack.control());
    let faults: Value = lab.azure.http.get(url).send().await.unwrap().json().await.unwrap();
    assert!(faults["struck"].as_array().unwrap().len() <= 8);
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_azure_will_go_on_to_refuse_is_blocked() {
    let lab = Lab::start().await.unwrap();
    many_disks(&lab, 1).await;
    let deny = json!({
        "name": "no-snapshots", "scope": format!("/subscriptions/{OTHER}"),
        "resource_type": "Microsoft.Compute/snapshots", "when": { "always": {} },
    });
    lab.azure.control("policies", &deny).await.unwrap();
    lab.fire().await.unwrap();
    assert_eq!(outcomes(&lab, PRODUCTION).await, ["done"]);
    assert_eq!(outcomes(&lab, OTHER).await, ["blocked RequestDisallowedByPolicy"]);
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_rights_than_required_are_told_and_bar_deletions() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 65536).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    let denied = json!({
        "scope": format!("/subscriptions/{PRODUCTION}"),
        "denied": ["Microsoft.Authorization/locks/read"],
    });
    lab.azure.control("access", &denied).await.unwrap();
    lab.fire().await.unwrap();
    let run = lab.get(&format!("/runs/{PRODUCTION}-00000001")).await.unwrap();
    let problem = run["problems"][0].as_str().unwrap();
    assert!(problem.contains("lacks Microsoft.Authorization/locks/read;"), "{problem}");
    // The snapshot was taken all the same.
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_without_a_timer_asks_the_worker_for_a_tick() {
    let off = |name: &str| (format!("AzureWebJobs.{name}.Disabled"), "true".to_owned());
    let lab = Lab::start_with(|options| options.settings.extend([off("tick"), off("work")]));
    let lab = lab.await.unwrap();
    let disk = lab.make_disk("data", 65536).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    let (status, answer) = lab.api(Method::POST, "/ticks", None).await.unwrap();
    assert_eq!((status, answer), (StatusCode::OK, json!({ "runs": [], "queued": true })));
    assert_eq!(lab.snapshots().await.unwrap().len(), 0);
    let on = |name: &str| (format!("AzureWebJobs.{name}.Disabled"), "false".to_owned());
    let own = [on("tick"), on("work"), off("api"), off("portal"), off("root")].into();
    let worker = lab.stack.start_beside("worker", &own).await.unwrap();
    wait_for("the worker's tick", || async {
        Ok((lab.snapshots().await?.len() == 1).then_some(()))
    })
    .await
    .unwrap();
    worker.stop().await;
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_that_somebody_else_deleted_bars_deletions_for_a_day() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 65536).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    for _ in 0..3 {
        lab.fire().await.unwrap();
    }
    let newest = || async {
        let runs = lab.get("/runs").await.unwrap();
        lab.get(&format!("/runs/{}", runs["runs"][0]["id"].as_str().unwrap())).await.unwrap()
    };
    assert_eq!(newest().await["problems"], json!([]));
    let copy = lab.snapshots_in("dr").await.unwrap()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("{copy}?api-version=2023-10-02");
    lab.azure.arm(Method::DELETE, &path, None).await.unwrap();
    lab.advance(5).await.unwrap();
    for hours in [0, 12] {
        lab.advance(hours * 3600).await.unwrap();
        lab.fire().await.unwrap();
        let run = newest().await;
        let problem = run["problems"][0].as_str().unwrap();
        assert!(
            problem.contains("is listed no more since") && problem.contains("/dr/"),
            "{problem}"
        );
    }
    // The same time of loss is told all along, and then no more.
    lab.advance(13 * 3600).await.unwrap();
    lab.fire().await.unwrap();
    assert_eq!(newest().await["problems"], json!([]));
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_point_bars_nothing_once_an_owner_acknowledges_it() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 65536).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    for _ in 0..3 {
        lab.fire().await.unwrap();
    }
    let copy = lab.snapshots_in("dr").await.unwrap()[0].clone();
    let path = format!("{}?api-version=2023-10-02", copy["id"].as_str().unwrap());
    lab.azure.arm(Method::DELETE, &path, None).await.unwrap();
    lab.advance(5).await.unwrap();
    lab.fire().await.unwrap();
    let newest = || async {
        let runs = lab.get("/runs").await.unwrap();
        lab.get(&format!("/runs/{}", runs["runs"][0]["id"].as_str().unwrap())).await.unwrap()
    };
    assert!(newest().await["problems"][0].as_str().unwrap().contains("listed no more"));
    let points = json!([copy["properties"]["uniqueId"]]);
    let acknowledge = json!({ "kind": "acknowledge_vanished", "points": points });
    lab.ask("33333333-0001", &acknowledge).await.unwrap();
    lab.advance(5).await.unwrap();
    lab.fire().await.unwrap();
    assert_eq!(newest().await["problems"], json!([]));
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_cannot_be_read_does_not_stop_the_others() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 65536).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    let store = fs::read_dir(lab.folder().join("store")).unwrap().next().unwrap().unwrap().path();
    let spoilt = store.join("policies/spoilt");
    fs::create_dir_all(&spoilt).unwrap();
    fs::write(spoilt.join("00000001.json"), "{\"saved\":").unwrap();
    lab.fire().await.unwrap();
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    let run = lab.get(&format!("/runs/{PRODUCTION}-00000001")).await.unwrap();
    let problem = run["problems"][0].as_str().unwrap();
    assert!(problem.contains("Policy `spoilt` cannot be read"), "{problem}");
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_and_immutability_are_seen_and_nothing_is_asked_in_vain() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 65536).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    lab.fire().await.unwrap();
    let snapshot = lab.snapshots().await.unwrap()[0]["id"].as_str().unwrap().to_owned();
    let policy = json!({ "immutabilityDurationDays": 5, "type": "Unlocked" });
    let path = format!("{snapshot}/updateImmutabilityPolicy?api-version=2026-03-02");
    lab.azure.arm(Method::POST, &path, Some(&policy)).await.unwrap();
    let group = format!("/subscriptions/{PRODUCTION}/resourceGroups/dr");
    let lock = json!({ "properties": { "level": "ReadOnly" } });
    let path =
        format!("{group}/providers/Microsoft.Authorization/locks/closed?api-version=2020-05-01");
    lab.azure.arm(Method::PUT, &path, Some(&lock)).await.unwrap();
    let puts = async || lab.counters().await.unwrap()["requests"]["PUT"].clone();
    let before = puts().await;
    lab.advance(5).await.unwrap();
    lab.fire().await.unwrap();
    // The copy that is due is not asked for, and the plan says why.
    assert_eq!(puts().await, before);
    let estate = lab.get("/estate").await.unwrap();
    assert_eq!(
        estate["inventory"]["locks"],
        json!([{ "scope": group, "name": "closed", "level": "ReadOnly" }])
    );
    let until = estate["inventory"]["snapshots"][0]["immutable_until"].as_str().unwrap();
    assert!(until.parse::<jiff::Timestamp>().is_ok(), "{until}");
    let plan = lab.get("/plan").await.unwrap();
    let decisions = plan["plan"]["decisions"].to_string();
    assert!(decisions.contains(r#""kind":"locked""#), "{decisions}");
    lab.stack.stop().await;
}

/// Azure has no delete with a condition: a deletion that has to be tried again looks again first.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_taken_back_between_two_tries_of_a_deletion_saves_the_point() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 65536).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    let marked = || async {
        let here = lab.snapshots_in("app").await.unwrap();
        here.into_iter().find(|s| s["tags"]["snapferry-delete-after"].is_string())
    };
    while marked().await.is_none() {
        assert!(lab.snapshots_in("app").await.unwrap().len() < 5, "3 are kept");
        lab.advance(24 * 3600).await.unwrap();
        for _ in 0..3 {
            lab.fire().await.unwrap();
        }
    }
    let id = marked().await.unwrap()["id"].as_str().unwrap().to_owned();
    lab.advance(24 * 3600 + 60).await.unwrap();
    let fault = json!({
        "method": "DELETE", "path_contains": "/resourceGroups/app/", "count": 1,
        "throttle": "HighCostSnapshotCreateHydrate3Min", "retry_after_seconds": 12,
    });
    lab.azure.control("faults", &fault).await.unwrap();
    let take_back = async {
        let url = format!("{}/faults", lab.stack.control());
        wait_for("the deletion to be refused", || async {
            let faults: Value = lab.azure.http.get(&url).send().await?.json().await?;
            Ok((!faults["struck"].as_array().unwrap().is_empty()).then_some(()))
        })
        .await
        .unwrap();
        let path =
            format!("{id}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01");
        let tags = json!({ "snapferry-delete-after": "" });
        let body = json!({ "operation": "Merge", "properties": { "tags": tags } });
        lab.azure.arm(Method::PATCH, &path, Some(&body)).await.unwrap();
    };
    let (fired, ()) = tokio::join!(lab.fire(), take_back);
    fired.unwrap();
    let here = lab.snapshots_in("app").await.unwrap();
    assert!(here.iter().any(|s| s["id"] == *id), "{id} is gone");
    let runs = lab.get("/runs").await.unwrap();
    let run = lab.get(&format!("/runs/{}", runs["runs"][0]["id"].as_str().unwrap())).await.unwrap();
    let steps = run["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"]["effect"]["id"] == *id);
    assert_eq!(step.unwrap()["outcome"]["why"], "changed", "{steps:#?}");
    lab.stack.stop().await;
}
