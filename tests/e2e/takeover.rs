//! What a person does to points that policies leave alone, with clicks: somebody else's snapshot is adopted, a copy that
//! does not get on is given up.

use reqwest::Method;
use serde_json::json;
use shared::ResourceId;
use tests::{Lab, browser::Browser, wait_for};
use xtask::estate::PRODUCTION;

const VERSION: &str = "api-version=2023-10-02";

fn page_of(lab: &Lab, id: &ResourceId) -> String {
    let (subscription, group, name) = (id.subscription(), id.group(), id.name());
    format!(
        "{}/subscriptions/{subscription}/resourceGroups/{group}/snapshots/{name}",
        lab.stack.portal()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_made_by_hand_is_adopted_and_a_stuck_copy_given_up() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    let by_hand = ResourceId::snapshot(PRODUCTION, "app", "by-hand");
    let body = json!({
        "location": "westeurope",
        "properties": {
            "creationData": { "createOption": "Copy", "sourceResourceId": disk },
            "incremental": true,
        },
    });
    let path = format!("{by_hand}?{VERSION}");
    lab.azure.arm(Method::PUT, &path, Some(&body)).await.unwrap();

    let browser = Browser::start(1440).await.unwrap();
    browser.page.goto(page_of(&lab, &by_hand)).await.unwrap();
    browser.button("Adopt").await.unwrap().click().await.unwrap();
    browser.find("//dialog[@open]//h2[contains(., 'Adopt by-hand')]").await.unwrap();
    browser.submit("Adopt").await.unwrap();
    wait_for("the snapshot to be the policy's", || async {
        let (_, found) = lab.azure.arm(Method::GET, &path, None).await?;
        Ok((found["tags"]["snapferry-policy"] == "daily").then_some(()))
    })
    .await
    .unwrap();

    // It is copied like the policy's own, and somebody stops that half way.
    let bandwidth = json!({ "bytes_per_second": 1000 });
    let url = format!("{}/bandwidth", lab.stack.control());
    lab.azure.http.put(url).json(&bandwidth).send().await.unwrap();
    let copies = || async { lab.snapshots_in("dr").await };
    let copy = wait_for("a copy", || async {
        lab.fire().await?;
        Ok(copies().await?.first().cloned())
    })
    .await
    .unwrap();
    let copy: ResourceId = copy["id"].as_str().unwrap().parse().unwrap();
    browser.page.goto(page_of(&lab, &copy)).await.unwrap();
    browser.button("Give up").await.unwrap().click().await.unwrap();
    browser.submit("Give up the copy").await.unwrap();
    wait_for("the copy to be gone", || async { Ok(copies().await?.is_empty().then_some(())) })
        .await
        .unwrap();
    // The copy is gone before the run that deleted it is on record.
    wait_for("the run to be on record", || async {
        let runs = lab.get("/runs").await?.to_string();
        Ok(runs.contains("Give up the copy").then_some(()))
    })
    .await
    .unwrap();
    // Its source is still there, and the next tick does not send a whole disk again by itself.
    lab.fire().await.unwrap();
    assert!(copies().await.unwrap().is_empty());
    let left = lab.snapshots().await.unwrap();
    assert!(left.iter().any(|s| s["name"] == "by-hand"), "{left:?}");
    browser.stop().await.unwrap();
    lab.stack.stop().await;
}
