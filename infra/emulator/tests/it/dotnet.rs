//! The .NET SDK's own test of `CopyStart`, recorded on 1 June 2022 with every header
//! (compute-snapshots §4): the same calls, and what that record alone shows.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, copy, copy_of, copy_start, disk, snapshot};

const VERSION: &str = "2022-03-02";

async fn ask(lab: &Lab, method: Method, path: &str, body: Value) -> Answer {
    let url = format!("{}{path}?api-version={VERSION}", lab.emulator.arm_url());
    lab.arm(method, &url, body).await
}

/// Buckets without their counts.
fn buckets(answer: &Answer) -> String {
    let header = answer.header("x-ms-ratelimit-remaining-resource");
    let names = header.split(',').filter_map(|one| Some(one.split_once(';')?.0));
    names.collect::<Vec<_>>().join(" ")
}

fn both(name: &str) -> String {
    format!("Microsoft.Compute/{name}3Min Microsoft.Compute/{name}30Min")
}

/// What every 202 of the record has, and whether it tells when to come back.
fn check_accepted(answer: &Answer, bucket: &str, retry_after: &str, limit: &str) {
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(answer.header("retry-after"), retry_after);
    assert_eq!(buckets(answer), both(bucket));
    let id = answer.header("x-ms-request-id");
    let (status, result) = (answer.header("azure-asyncoperation"), answer.header("location"));
    assert!(status.contains(&format!("/DiskOperations/{id}?p=")), "{status}");
    assert_eq!(result.replace("&monitor=true", ""), status);
    let partition = status.split("?p=").nth(1).unwrap().split('&').next().unwrap();
    assert!(answer.header("x-ms-served-by").starts_with(&format!("{partition}_")));
    assert!(!answer.header(limit).is_empty(), "{limit} is missing");
    let correlation = answer.header("x-ms-correlation-request-id");
    assert!(answer.header("x-ms-routing-request-id").ends_with(correlation));
    let servers: Vec<_> = answer.headers.get_all("server").iter().collect();
    assert_eq!(servers, ["Microsoft-HTTPAPI/2.0"; 2]);
}

#[tokio::test]
async fn the_dotnet_sdks_copy_start_test_sees_what_it_recorded() {
    const WRITES: &str = "x-ms-ratelimit-remaining-subscription-writes";
    const DELETES: &str = "x-ms-ratelimit-remaining-subscription-deletes";
    const HYDRATE: &str = "HighCostSnapshotCreateHydrate";
    let lab = Lab::start().await;
    lab.control(Method::PUT, "clock", json!({"now": "2022-06-01T14:08:36Z"})).await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 8 << 10})).await;

    let body = json!({
        "location": "eastus", "sku": {"name": "Standard_LRS"},
        "properties": {
            "osType": "Linux", "creationData": {"createOption": "Empty"}, "diskSizeGB": 5,
        },
    });
    let made = ask(&lab, Method::PUT, &disk("new"), body).await;
    check_accepted(&made, "CreateUpdateDisks", "2", WRITES);
    assert_eq!(made.body["name"], "new");
    assert_eq!(made.body.get("id"), None);
    assert_eq!(made.body["properties"]["isArmResource"], true);

    let mut body = copy_of(&disk("d"), "eastus");
    body.as_object_mut().unwrap().remove("tags");
    let taken = ask(&lab, Method::PUT, &snapshot("s"), body).await;
    check_accepted(&taken, HYDRATE, "2", WRITES);
    assert_eq!(
        taken.body.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["location", "properties", "sku"]
    );
    assert!(taken.body["properties"]["creationData"]["sourceUniqueId"].is_string());
    lab.advance(2.0).await;

    let started = ask(&lab, Method::PUT, &copy("c"), copy_start(&snapshot("s"), "westus2")).await;
    check_accepted(&started, HYDRATE, "2", WRITES);
    assert_eq!(started.body["properties"]["networkAccessPolicy"], "AllowAll");
    assert_eq!(started.body["properties"]["publicNetworkAccess"], "Enabled");
    lab.advance(2.0).await;
    let done = lab.get(started.header("azure-asyncoperation")).await;
    assert_eq!(buckets(&done), both("GetOperation"));
    assert_eq!(done.body["properties"]["output"]["properties"].get("completionPercent"), None);
    let percent = async || {
        let body = ask(&lab, Method::GET, &copy("c"), Value::Null).await.body;
        body["properties"]["completionPercent"].as_f64().unwrap()
    };
    assert!(percent().await < 1.0);
    lab.advance(150.0).await;
    assert_eq!(percent().await, 100.0);

    // Neither tells when to come back; both answer with nothing.
    let begin = format!("{}/beginGetAccess", copy("c"));
    let wanted = json!({"access": "Read", "durationInSeconds": 1000});
    let granted = ask(&lab, Method::POST, &begin, wanted).await;
    check_accepted(&granted, HYDRATE, "", WRITES);
    assert_eq!(granted.body, Value::Null);
    lab.advance(1.0).await;
    let shown = ask(&lab, Method::GET, &copy("c"), Value::Null).await.body;
    assert_eq!(shown["properties"]["diskState"], "ActiveSAS");
    assert_eq!(shown["properties"]["completionPercent"], 100.0);

    let tags = json!({"tags": {"tageKey": "tagvalue"}});
    let patched = ask(&lab, Method::PATCH, &copy("c"), tags).await;
    check_accepted(&patched, "CreateUpdateDisks", "2", WRITES);
    assert_eq!(patched.body["properties"]["faultDomain"], 0);
    assert_eq!(patched.body["properties"]["colocationConstraints"], json!({}));
    lab.advance(1.0).await;

    let end = format!("{}/endGetAccess", copy("c"));
    let revoked = ask(&lab, Method::POST, &end, Value::Null).await;
    check_accepted(&revoked, HYDRATE, "", WRITES);
    lab.advance(1.0).await;
    let deleted = ask(&lab, Method::DELETE, &copy("c"), Value::Null).await;
    check_accepted(&deleted, "DeleteDisks", "", DELETES);
    lab.advance(1.0).await;
    let document = lab.get(deleted.header("azure-asyncoperation")).await.body;
    assert_eq!(document["status"], "Succeeded");
    assert_eq!(document.get("properties"), None);
    for of in [&revoked, &deleted] {
        let result = lab.get(of.header("location")).await;
        assert_eq!((result.status, result.body), (StatusCode::OK, Value::Null));
    }
    let gone = ask(&lab, Method::GET, &copy("c"), Value::Null).await;
    assert_eq!(gone.refusal(), (404, "ResourceNotFound"));
    assert_eq!(gone.header("x-ms-failure-cause"), "gateway");
    // An absent one is gone already.
    let again = ask(&lab, Method::DELETE, &copy("c"), Value::Null).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
}
