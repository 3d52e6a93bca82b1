//! Azure's throttling: each bucket met exactly, its headers, and when it opens again.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, SUB, copy_of, disk, snapshot};

async fn lab() -> Lab {
    let lab = Lab::start().await;
    lab.control(Method::PUT, "settings", json!({"throttling": true})).await;
    lab
}

fn left(answer: &Answer) -> &str {
    answer.header("x-ms-ratelimit-remaining-resource")
}

#[tokio::test]
async fn lists_are_refused_after_240_in_three_minutes() {
    let lab = lab().await;
    let list = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/snapshots");
    let first = lab.get(&list).await;
    assert_eq!(
        left(&first),
        "Microsoft.Compute/HighCostGet3Min;239,Microsoft.Compute/HighCostGet30Min;1919"
    );
    for _ in 1..240 {
        assert_eq!(lab.get(&list).await.status, StatusCode::OK);
    }
    lab.advance(60.0).await;
    let refused = lab.get(&list).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "120");
    assert_eq!(left(&refused), "Microsoft.Compute/HighCostGet3Min;0");
    assert_eq!(refused.body["code"], "OperationNotAllowed");
    let detail = &refused.body["details"][0];
    assert_eq!(detail["code"], "TooManyRequests");
    let told: Value = serde_json::from_str(detail["message"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&told["allowedRequestCount"], &told["operationGroup"]),
        (&json!(240), &detail["target"])
    );
    // A single GET has another bucket.
    assert_eq!(lab.get(&disk("d")).await.status, StatusCode::OK);
    lab.advance(120.0).await;
    assert_eq!(lab.get(&list).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_subscription_writes_1200_times_an_hour() {
    let lab = lab().await;
    let tags = json!({"tags": {"a": "b"}});
    for n in 0..1200 {
        let answer = lab.arm(Method::PATCH, &disk("d"), tags.clone()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{n}");
        lab.advance(0.2).await;
    }
    let refused = lab.put(&snapshot("s"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(refused.refusal(), (429, "SubscriptionRequestsThrottled"));
    assert_eq!(refused.header("retry-after"), (3600 - 240).to_string());
    assert_eq!(lab.get(&snapshot("s")).await.refusal(), (404, "ResourceNotFound"));
    lab.advance(3600.0).await;
    lab.take("s", "d").await;
}

#[tokio::test]
async fn regions_have_buckets_of_their_own_and_nothing_is_refused_unless_asked_for() {
    let lab = Lab::start().await;
    let put = async |name: &str, location: &str| {
        let body = json!({
            "location": location,
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1},
        });
        let made = lab.put(&disk(name), body).await;
        left(&made).split(',').next().unwrap().to_owned()
    };
    assert_eq!(put("a", "eastus").await, "Microsoft.Compute/CreateUpdateDisks3Min;2999");
    assert_eq!(put("b", "eastus").await, "Microsoft.Compute/CreateUpdateDisks3Min;2998");
    assert_eq!(put("c", "westus").await, "Microsoft.Compute/CreateUpdateDisks3Min;2999");
    let list = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/snapshots");
    for _ in 0..241 {
        assert_eq!(lab.get(&list).await.status, StatusCode::OK);
    }
}
