//! What Azure refuses, and how.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Lab, OTHER_SUB, copy, copy_of, copy_start, disk, id, snapshot};

#[tokio::test]
async fn requests_need_a_bearer_and_a_version() {
    let lab = Lab::start().await;
    let base = lab.emulator.arm_url();
    let bare = lab.client.get(format!("{base}/subscriptions?api-version=1")).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert!(bare.headers().contains_key("www-authenticate"));
    let unversioned = lab.get(&format!("{base}/subscriptions")).await;
    assert_eq!(unversioned.refusal(), (400, "MissingApiVersionParameter"));
    let header = lab.client.get(lab.emulator.identity_url()).header("x-identity-header", "no");
    assert_eq!(header.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_rule_of_a_put_is_kept() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let with = |path: &str, value: Value| {
        let mut body = copy_of(&disk("d"), "eastus");
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let full = {
        let mut body = copy_of(&disk("d"), "eastus");
        body["properties"]["incremental"] = false.into();
        body
    };
    lab.make(&snapshot("full"), full.clone()).await;
    assert_eq!(lab.get(&snapshot("full")).await.body["properties"]["incremental"], false);

    let sub = |path: String, by: &str| path.replace(crate::lab::SUB, by);
    let cases: Vec<(String, Value, (u16, &str))> = vec![
        (copy("x"), copy_of(&disk("d"), "westus2"), (404, "NotFound")),
        (copy("x"), copy_start(&disk("d"), "westus2"), (400, "InvalidParameter")),
        (copy("x"), copy_start(&snapshot("full"), "westus2"), (409, "OperationNotAllowed")),
        (copy("x"), copy_start(&snapshot("none"), "westus2"), (404, "NotFound")),
        (
            snapshot("x"),
            with("/location", "atlantis".into()),
            (400, "LocationNotAvailableForResourceType"),
        ),
        (snapshot("x y"), with("/location", "eastus".into()), (400, "InvalidParameter")),
        (snapshot(&"x".repeat(81)), with("/location", "eastus".into()), (400, "InvalidParameter")),
        (snapshot("s"), with("/location", "westus2".into()), (409, "InvalidResourceLocation")),
        (
            snapshot("s"),
            with("/properties/creationData/sourceResourceId", disk("e").into()),
            (400, "BadRequest"),
        ),
        (snapshot("s"), full, (400, "BadRequest")),
        (snapshot("x"), with("/sku/name", "Gold".into()), (400, "InvalidParameter")),
        (
            id("none", "snapshots", "x"),
            copy_of(&disk("d"), "eastus"),
            (404, "ResourceGroupNotFound"),
        ),
        (
            sub(snapshot("x"), "nobody"),
            copy_of(&disk("d"), "eastus"),
            (404, "SubscriptionNotFound"),
        ),
        (
            sub(id("rg2", "snapshots", "x"), OTHER_SUB),
            copy_of(&disk("d"), "eastus"),
            (409, "OperationNotAllowed"),
        ),
    ];
    for (path, body, expected) in cases {
        let answer = lab.put(&path.replace(' ', "%20"), body).await;
        assert_eq!(answer.refusal(), expected, "{path}: {}", answer.body);
        assert!(answer.body["error"]["message"].is_string());
    }
    let changed = with("/properties/creationData/sourceResourceId", disk("e").into());
    let changed = lab.put(&snapshot("s"), changed).await;
    assert_eq!(
        changed.body["error"]["message"],
        "Changing property 'creationData.sourceResourceId' is not allowed for existing disk 's'."
    );
    let elsewhere = lab.put(&copy("x"), copy_of(&disk("d"), "westus2")).await;
    assert_eq!(elsewhere.body["error"]["message"], "Resource d is not found.");
    // A copy into another subscription is what CopyStart is for.
    let path = sub(id("rg2", "snapshots", "x"), OTHER_SUB);
    lab.make(&path, copy_start(&snapshot("s"), "eastus")).await;
}

#[tokio::test]
async fn zone_redundancy_is_the_default_where_there_are_zones() {
    let lab = Lab::start().await;
    let mut body = copy_of(&disk("d"), "eastus");
    body.as_object_mut().unwrap().remove("sku");
    let made = lab.make(&snapshot("s"), body).await;
    assert_eq!(made["sku"]["name"], "Standard_ZRS");
    let mut body = copy_start(&snapshot("s"), "westcentralus");
    body["sku"]["name"] = "Standard_ZRS".into();
    assert_eq!(lab.put(&copy("c"), body.clone()).await.refusal(), (400, "InvalidParameter"));
    body.as_object_mut().unwrap().remove("sku");
    assert_eq!(lab.make(&copy("c"), body).await["sku"]["name"], "Standard_LRS");
}

#[tokio::test]
async fn broken_and_oversized_bodies_are_refused() {
    let lab = Lab::start().await;
    let url = format!("{}{}?api-version=2024-03-02", lab.emulator.arm_url(), snapshot("s"));
    for (body, expected) in [(b"{".to_vec(), 400), (vec![b' '; (4 << 20) + 1], 413)] {
        let request = lab.client.put(&url).bearer_auth(&lab.token).body(body);
        assert_eq!(request.send().await.unwrap().status(), expected);
    }
}

#[tokio::test]
async fn an_attached_disk_cannot_be_deleted() {
    let lab = Lab::start().await;
    let owner = format!("owner?id={}", disk("d"));
    lab.control(Method::PUT, &owner, json!({"managed_by": "/vm/1"})).await;
    let attached = lab.get(&disk("d")).await.body;
    assert_eq!(attached["properties"]["diskState"], "Attached");
    assert_eq!(attached["managedBy"], "/vm/1");
    assert_eq!(lab.delete(&disk("d")).await.refusal(), (409, "OperationNotAllowed"));
    lab.control(Method::PUT, &owner, json!({"managed_by": null})).await;
    assert_eq!(lab.delete(&disk("d")).await.status, StatusCode::ACCEPTED);
}
