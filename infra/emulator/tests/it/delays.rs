//! Lists that are behind, when that is switched on; a GET never is.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::lab::{Lab, SUB, copy_of, disk, snapshot};

#[tokio::test]
async fn lists_show_what_was_so_many_seconds_ago() {
    let lab = Lab::start().await;
    lab.control(Method::PUT, "settings", json!({"list_delay_seconds": 30})).await;
    lab.advance(60.0).await;
    let list = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/snapshots");
    let names = async || {
        let list = lab.get(&list).await.body;
        list["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    lab.put(&snapshot("s1"), copy_of(&disk("d"), "eastus")).await;
    lab.advance(20.0).await;
    assert_eq!(lab.get(&snapshot("s1")).await.status, StatusCode::OK);
    assert!(names().await.is_empty());
    lab.put(&snapshot("s2"), copy_of(&disk("d"), "eastus")).await;
    lab.advance(10.0).await;
    assert_eq!(names().await, ["s1"]);
    // It shows the state of then, too: the second was still being made 30 s ago.
    lab.advance(20.5).await;
    let listed = lab.get(&list).await.body;
    assert_eq!(listed["value"][1]["properties"]["provisioningState"], "Updating");
    assert_eq!(lab.get(&snapshot("s2")).await.body["properties"]["provisioningState"], "Succeeded");
    lab.delete(&snapshot("s1")).await;
    lab.advance(1.0).await;
    assert_eq!(lab.get(&snapshot("s1")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(names().await, ["s1", "s2"]);
    lab.advance(30.0).await;
    assert_eq!(names().await, ["s2"]);
}

#[tokio::test]
async fn pages_of_the_past_fit_together() {
    let lab = Lab::start().await;
    for n in 0..6 {
        lab.put(&snapshot(&format!("s{n}")), copy_of(&disk("d"), "eastus")).await;
    }
    lab.advance(60.0).await;
    lab.control(Method::PUT, "settings", json!({"list_delay_seconds": 30, "page_size": 2})).await;
    for n in [1, 2, 5] {
        lab.delete(&snapshot(&format!("s{n}"))).await;
    }
    lab.advance(5.0).await;
    let mut names = Vec::new();
    let mut next = Some(format!(
        "/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Compute/snapshots"
    ));
    while let Some(url) = next {
        let page = lab.get(&url).await.body;
        names.extend(
            page["value"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| s["name"].as_str().unwrap().to_owned()),
        );
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(names, ["s0", "s1", "s2", "s3", "s4", "s5"]);
}
