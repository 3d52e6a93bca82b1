//! The timer does its work unattended, whatever happens to the process.

use serde_json::Value;
use tests::{Lab, wait_for};

const SLOT: &str = "snapferry-slot";

/// The slots of what is in a group, oldest first.
async fn slots(lab: &Lab, group: &str) -> Vec<String> {
    let mut slots: Vec<String> = lab
        .snapshots_in(group)
        .await
        .unwrap()
        .iter()
        .map(|s| s["tags"][SLOT].as_str().unwrap_or("none").to_owned())
        .collect();
    slots.sort();
    slots
}

async fn writes(lab: &Lab) -> Value {
    let requests = lab.counters().await.unwrap()["requests"].clone();
    serde_json::json!([requests["PUT"], requests["PATCH"], requests["DELETE"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_without_a_click_and_twice_at_a_slot_does_nothing_more() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 4 << 20).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    lab.fire().await.unwrap();
    lab.fire().await.unwrap();
    assert_eq!(slots(&lab, "app").await.len(), 1);
    assert_eq!(slots(&lab, "dr").await, slots(&lab, "app").await);
    let before = writes(&lab).await;
    for _ in 0..3 {
        lab.fire().await.unwrap();
    }
    assert_eq!(writes(&lab).await, before);
    assert_eq!((slots(&lab, "app").await.len(), slots(&lab, "dr").await.len()), (1, 1));

    // The next slot makes one more of each, and every copy that Azure made was asked for once.
    lab.advance(24 * 3600).await.unwrap();
    lab.fire().await.unwrap();
    lab.fire().await.unwrap();
    assert_eq!((slots(&lab, "app").await.len(), slots(&lab, "dr").await.len()), (2, 2));
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_keep_what_the_policy_says_and_deletion_takes_a_day() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    for _ in 0..5 {
        lab.fire().await.unwrap();
        lab.fire().await.unwrap();
        lab.fire().await.unwrap();
        lab.advance(24 * 3600).await.unwrap();
    }
    // Kept are 3; the fourth is marked, and the fifth went when its mark had come due.
    for group in ["app", "dr"] {
        let here = lab.snapshots_in(group).await.unwrap();
        let marked = |s: &&Value| s["tags"]["snapferry-delete-after"].is_string();
        assert_eq!((here.len(), here.iter().filter(marked).count()), (4, 1), "{group}: {here:#?}");
    }
    lab.stack.stop().await;
}

/// Kills the handler in the middle of a tick, in each round at another moment: after its so-and-so
/// many-eth request to Azure, in the tick that takes the snapshot or in the one that copies it.
#[tokio::test(flavor = "multi_thread")]
async fn a_tick_that_is_killed_in_the_middle_ends_with_one_snapshot_and_one_copy() {
    let mut lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 4 << 20).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    for round in 0..6_u64 {
        lab.advance(24 * 3600).await.unwrap();
        if round % 2 == 1 {
            lab.fire().await.unwrap();
        }
        kill_in_a_tick(&lab, 3 + round).await;
        // The third death in half an hour ends the host, as it does the real one: the platform
        // starts another.
        if round % 3 == 2 {
            let reason = lab.stack.host().stopped().await;
            assert!(reason.contains("restart"), "{reason}");
            lab.stack.start_host().await.unwrap();
        }
        lab.stack.host().wait_ready().await.unwrap();
        for _ in 0..3 {
            lab.fire().await.unwrap();
        }
        let slot = slots(&lab, "app").await.pop().unwrap();
        for group in ["app", "dr"] {
            let of_the_slot = slots(&lab, group).await.into_iter().filter(|s| *s == slot).count();
            assert_eq!(of_the_slot, 1, "round {round}, {group}");
        }
    }
    lab.stack.stop().await;
}

/// Fires a tick and kills the handler once it has sent that many requests to Azure.
async fn kill_in_a_tick(lab: &Lab, after: u64) {
    let wanted = requests(lab).await + after;
    let url = format!("{}/admin/functions/tick", lab.stack.host().url());
    let body = serde_json::json!({ "input": "" });
    lab.azure.http.post(url).json(&body).send().await.unwrap();
    wait_for("the tick to reach Azure", || async {
        Ok((requests(lab).await >= wanted).then_some(()))
    })
    .await
    .unwrap();
    let pid = lab.stack.host().handler_pid().unwrap().to_string();
    std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
    wait_for("the host to see it", || async {
        let now = lab.stack.host().handler_pid().map(|pid| pid.to_string());
        Ok((now != Some(pid.clone())).then_some(()))
    })
    .await
    .unwrap();
}

async fn requests(lab: &Lab) -> u64 {
    let counters = lab.counters().await.unwrap();
    counters["requests"].as_object().unwrap().values().filter_map(Value::as_u64).sum()
}
