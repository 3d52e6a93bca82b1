//! Ids, lists, groups, tags, and the rest of ARM around disks and snapshots.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Lab, SUB, copy_of, disk, id, snapshot};

#[tokio::test]
async fn ids_are_compared_without_case_and_shown_as_written() {
    let lab = Lab::start().await;
    lab.make(&id("RG", "snapshots", "Snap"), copy_of(&disk("D").to_uppercase(), "eastus")).await;
    let odd = format!(
        "/SUBSCRIPTIONS/{SUB}/resourcegroups/rg/Providers/microsoft.compute//SNAPSHOTS/snap"
    );
    let found = lab.get(&odd).await;
    assert_eq!(found.status, StatusCode::OK);
    assert_eq!(found.body["id"], id("RG", "snapshots", "Snap"));
    lab.make(&snapshot("SNAP"), copy_of(&disk("d"), "eastus")).await;
    let list =
        lab.get(&format!("/subscriptions/{SUB}/providers/Microsoft.Compute/snapshots")).await;
    assert_eq!(list.body["value"].as_array().unwrap().len(), 1);
    assert_eq!(list.body["value"][0]["name"], "Snap");
}

#[tokio::test]
async fn a_disk_made_again_has_a_new_unique_id() {
    let lab = Lab::start().await;
    let first = lab.take("s1", "d").await;
    lab.delete(&disk("d")).await;
    lab.advance(1.0).await;
    assert_eq!(lab.get(&disk("d")).await.status, StatusCode::NOT_FOUND);
    let body = json!({
        "location": "eastus", "sku": {"name": "StandardSSD_LRS"}, "zones": ["1"],
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 8},
    });
    let made = lab.make(&disk("d"), body.clone()).await;
    assert_eq!(made["zones"], json!(["1"]));
    let second = lab.take("s2", "d").await;
    for property in
        ["/properties/creationData/sourceUniqueId", "/properties/incrementalSnapshotFamilyId"]
    {
        assert_ne!(first.pointer(property), second.pointer(property));
    }
    // The same PUT again changes nothing but tags.
    let mut again = body;
    again["tags"] = json!({"x": "y"});
    let again = lab.make(&disk("d"), again).await;
    assert_eq!(again["properties"]["uniqueId"], made["properties"]["uniqueId"]);
    assert_eq!(again["tags"]["x"], "y");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let lab = Lab::start().await;
    for n in 0..5 {
        lab.put(&snapshot(&format!("s{n}")), copy_of(&disk("d"), "eastus")).await;
    }
    lab.control(Method::PUT, "settings", json!({"page_size": 2})).await;
    for scope in
        [format!("/subscriptions/{SUB}"), format!("/subscriptions/{SUB}/resourcegroups/RG")]
    {
        let mut names = Vec::new();
        let mut pages = 0;
        let mut next = Some(format!("{scope}/providers/Microsoft.Compute/snapshots"));
        while let Some(url) = next {
            let page = lab.get(&url).await.body;
            let page_names = page["value"].as_array().unwrap().iter();
            names.extend(page_names.map(|item| item["name"].as_str().unwrap().to_owned()));
            next = page["nextLink"].as_str().map(str::to_owned);
            pages += 1;
        }
        assert_eq!(names, ["s0", "s1", "s2", "s3", "s4"]);
        assert_eq!(pages, 3);
    }
}

#[tokio::test]
async fn tags_merge_replace_and_delete() {
    let lab = Lab::start().await;
    let scope = format!("{}/providers/Microsoft.Resources/tags/default", disk("d"));
    let change = async |operation: &str, tags: Value| {
        let body = json!({"operation": operation, "properties": {"tags": tags}});
        let answer = lab.arm(Method::PATCH, &scope, body).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.body["properties"]["tags"].clone()
    };
    assert_eq!(
        change("Merge", json!({"TEAM": "b", "x": "1"})).await,
        json!({"team": "b", "x": "1"})
    );
    assert_eq!(change("Delete", json!({"x": "1"})).await, json!({"team": "b"}));
    assert_eq!(change("Replace", json!({"y": "2"})).await, json!({"y": "2"}));
    assert_eq!(lab.get(&scope).await.body["properties"]["tags"], json!({"y": "2"}));
    let resource = lab.get(&disk("d")).await.body;
    assert_eq!(resource["tags"], json!({"y": "2"}));
    assert_eq!(resource["properties"]["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn a_group_is_made_found_and_deleted_with_what_is_in_it() {
    let lab = Lab::start().await;
    let group = format!("/subscriptions/{SUB}/resourcegroups/New");
    assert_eq!(lab.arm(Method::HEAD, &group, Value::Null).await.status, StatusCode::NOT_FOUND);
    let body = json!({"location": "North Europe", "tags": {"a": "b"}});
    assert_eq!(lab.put(&group, body.clone()).await.status, StatusCode::CREATED);
    assert_eq!(lab.put(&group, body).await.status, StatusCode::OK);
    assert_eq!(lab.arm(Method::HEAD, &group, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(lab.get(&group).await.body["location"], "northeurope");
    let groups = lab.get(&format!("/subscriptions/{SUB}/resourceGroups")).await.body;
    assert_eq!(groups["value"].as_array().unwrap().len(), 3);

    let rg = format!("/subscriptions/{SUB}/resourcegroups/rg");
    let accepted = lab.delete(&rg).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    assert_eq!(accepted.header("retry-after"), "15");
    let poll = lab.get(accepted.header("location")).await;
    assert_eq!(poll.status, StatusCode::ACCEPTED);
    let late = lab.put(&snapshot("s"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(late.refusal(), (409, "ResourceGroupBeingDeleted"));
    lab.advance(10.0).await;
    assert_eq!(lab.get(poll.header("location")).await.status, StatusCode::OK);
    assert_eq!(lab.get(&disk("d")).await.refusal(), (404, "ResourceGroupNotFound"));
}

#[tokio::test]
async fn the_scenery_is_there() {
    let lab = Lab::start().await;
    let base = lab.emulator.arm_url();
    let cloud = lab.client.get(format!("{base}/metadata/endpoints?api-version=2022-09-01"));
    let cloud: Value = cloud.send().await.unwrap().json().await.unwrap();
    assert_eq!(cloud["resourceManager"], base);
    let clouds = lab.get(&format!("{base}/metadata/endpoints?api-version=2019-05-01")).await.body;
    assert_eq!(clouds[0]["name"], "LocalCloud");
    let tenants = lab.get("/tenants").await.body;
    assert_eq!(tenants["value"][0]["tenantId"], lab.emulator.tenant_id());
    let subscriptions = lab.get("/subscriptions").await.body;
    assert_eq!(subscriptions["value"][0]["displayName"], "One");
    let locations = lab.get(&format!("/subscriptions/{SUB}/locations")).await.body;
    let locations = locations["value"].as_array().unwrap();
    let east = locations.iter().find(|location| location["name"] == "eastus").unwrap();
    assert_eq!(east["metadata"]["pairedRegion"][0]["name"], "westus");
    assert_eq!(east["availabilityZoneMappings"].as_array().unwrap().len(), 3);
    let provider = lab.get(&format!("/subscriptions/{SUB}/providers/Microsoft.Compute")).await.body;
    assert_eq!(provider["registrationState"], "Registered");

    let feature = format!(
        "/subscriptions/{SUB}/providers/Microsoft.Features/providers/Microsoft.Compute/features/CreateOptionClone"
    );
    let state = async || lab.get(&feature).await.body["properties"]["state"].clone();
    assert_eq!(state().await, "NotRegistered");
    lab.arm(Method::POST, &format!("{feature}/register"), Value::Null).await;
    assert_eq!(state().await, "Registering");
    lab.advance(10.0).await;
    assert_eq!(state().await, "Registered");

    let openid =
        format!("{base}/{}/v2.0/.well-known/openid-configuration", lab.emulator.tenant_id());
    let openid = lab.client.get(openid).send().await.unwrap().json::<Value>().await.unwrap();
    let token = lab
        .client
        .post(openid["token_endpoint"].as_str().unwrap())
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials&client_id=a&client_secret=b&scope=c%2F.default");
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    assert_eq!(token["access_token"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn the_router_works_without_sockets() {
    use tower::ServiceExt;
    let router = emulator::Azure::in_memory(1).arm_router();
    let request = axum::http::Request::get("/subscriptions?api-version=2022-12-01")
        .header("authorization", "Bearer x")
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_patch_that_names_no_object_as_its_creation_data_is_answered() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let url = format!("{}{}?api-version=2021-04-01", lab.emulator.arm_url(), snapshot("s"));
    let body = json!({"properties": {"creationData": true}});
    assert_eq!(lab.arm(Method::PATCH, &url, body).await.status, StatusCode::ACCEPTED);
    assert_eq!(lab.counters().await["panics"], 0);
}

#[tokio::test]
async fn a_subscription_that_no_path_can_say_is_not_seeded() {
    let lab = Lab::start().await;
    let url = format!("{}/seed", lab.emulator.control_url());
    for id in ["", "a/b", "a%", &"x".repeat(65)] {
        let body = json!({"subscriptions": [{"id": id}]});
        assert_eq!(lab.client.post(&url).json(&body).send().await.unwrap().status(), 400);
    }
}

#[tokio::test]
async fn bursting_is_shown_with_its_time_while_it_is_on() {
    let lab = Lab::start().await;
    let patch = async |on: bool| {
        let body = json!({"properties": {"burstingEnabled": on}});
        lab.arm(Method::PATCH, &disk("d"), body).await;
        lab.advance(1.0).await;
        lab.get(&disk("d")).await.body["properties"].clone()
    };
    let on = patch(true).await;
    assert_eq!(on["burstingEnabled"], true);
    assert!(on["burstingEnabledTime"].is_string());
    assert_eq!(patch(true).await["burstingEnabledTime"], on["burstingEnabledTime"]);
    let off = patch(false).await;
    assert_eq!((off.get("burstingEnabled"), off.get("burstingEnabledTime")), (None, None));
}
