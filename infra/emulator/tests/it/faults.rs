//! Faults over real sockets: of the list, of names, by chance; and what each does to an answer.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{BLOCK, Lab, SUB, copy, copy_of, copy_start, disk, id, snapshot};

async fn fault(lab: &Lab, fault: Value) {
    lab.control(Method::POST, "faults", fault).await;
}

/// Sends a GET whose answer may break off; gives the status and what came of the body.
async fn broken_get(lab: &Lab, path: &str) -> (StatusCode, Option<u64>, Vec<u8>, bool) {
    let url = format!("{}{path}?api-version=2024-03-02", lab.emulator.arm_url());
    let mut answer = lab.client.get(url).bearer_auth(&lab.token).send().await.unwrap();
    let (status, promised) = (answer.status(), answer.content_length());
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (status, promised, bytes, true),
            Err(_) => return (status, promised, bytes, false),
        }
    }
}

#[tokio::test]
async fn a_throttled_request_is_answered_in_azures_words() {
    let lab = Lab::start().await;
    fault(&lab, json!({"throttle": "HighCostGet30Min", "retry_after_seconds": 7})).await;
    let list = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/disks");
    let answer = lab.get(&list).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "7");
    let remaining = answer.header("x-ms-ratelimit-remaining-resource");
    assert_eq!(remaining, "Microsoft.Compute/HighCostGet30Min;0");
    assert_eq!(answer.body["code"], "OperationNotAllowed");
    assert_eq!(answer.body["details"][0]["code"], "TooManyRequests");
    let usage = answer.body["details"][0]["message"].as_str().unwrap();
    let usage: Value = serde_json::from_str(usage).unwrap();
    assert_eq!(usage["operationGroup"], "HighCostGet30Min");
    assert_eq!(lab.get(&list).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_truncated_body_promises_more_than_comes() {
    let lab = Lab::start().await;
    let whole = broken_get(&lab, &disk("d")).await;
    assert!(whole.3);
    fault(&lab, json!({"truncate_bytes": 100})).await;
    let (status, promised, bytes, ended) = broken_get(&lab, &disk("d")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(promised, Some(whole.2.len() as u64));
    assert!(!ended, "the connection broke");
    assert_eq!(bytes, whole.2[..100]);
    assert_eq!(broken_get(&lab, &disk("d")).await.2, whole.2);
}

#[tokio::test]
async fn a_slow_body_comes_whole_and_late() {
    let lab = Lab::start().await;
    let whole = broken_get(&lab, &disk("d")).await.2;
    let rate = whole.len() as u64 * 2;
    fault(&lab, json!({"bytes_per_second": rate})).await;
    let begun = Instant::now();
    let (.., slow, ended) = broken_get(&lab, &disk("d")).await;
    assert!(ended && slow == whole);
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_breaks_before_the_effect_or_after_it() {
    let lab = Lab::start().await;
    for (after, status) in [(false, StatusCode::NOT_FOUND), (true, StatusCode::OK)] {
        fault(&lab, json!({"method": "PUT", "status": 0, "after": after})).await;
        let url = format!("{}{}?api-version=2024-03-02", lab.emulator.arm_url(), snapshot("s"));
        let request = lab.client.put(&url).bearer_auth(&lab.token);
        assert!(request.json(&copy_of(&disk("d"), "eastus")).send().await.is_err());
        assert_eq!(lab.get(&snapshot("s")).await.status, status);
    }
}

#[tokio::test]
async fn the_third_page_of_a_list_fails_each_time_it_is_reached() {
    let lab = Lab::start().await;
    let fleet = json!({"fleet": {
        "subscription": SUB, "group": "rg", "location": "eastus", "disks": 8,
    }});
    lab.control(Method::POST, "seed", fleet).await;
    lab.control(Method::PUT, "settings", json!({"page_size": 2})).await;
    fault(&lab, json!({"path_contains": "/disks?", "page": 3, "status": 503, "count": 2})).await;
    for expected in [vec![200, 200, 503], vec![200, 200, 503], vec![200, 200, 200, 200, 200]] {
        let mut next = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/disks");
        let mut statuses = Vec::new();
        loop {
            let page = lab.get(&next).await;
            statuses.push(page.status.as_u16());
            match page.body["nextLink"].as_str() {
                Some(link) => next = link.to_owned(),
                None => break,
            }
        }
        assert_eq!(statuses, expected);
    }
}

#[tokio::test]
async fn the_token_endpoint_fails_and_gives_tokens_that_have_ended() {
    let lab = Lab::start().await;
    let token = || async {
        let request = lab
            .client
            .get(lab.emulator.identity_url())
            .query(&[("api-version", "2019-08-01"), ("resource", "https://management.azure.com/")])
            .header("x-identity-header", lab.emulator.identity_header());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    // A fault of every path is one of ARM.
    fault(&lab, json!({"status": 503})).await;
    assert_eq!(token().await.0, 200);
    assert_eq!(lab.get(&disk("d")).await.status, 503);
    fault(&lab, json!({"path_contains": "/msi/token", "status": 500})).await;
    let (status, body) = token().await;
    assert_eq!((status, &body["StatusCode"]), (500, &json!(500)));
    fault(&lab, json!({"path_contains": "/msi/token", "expired_token": true})).await;
    let expired = token().await.1["access_token"].as_str().unwrap().to_owned();
    let url = format!("{}{}?api-version=2024-03-02", lab.emulator.arm_url(), disk("d"));
    let refused = lab.client.get(&url).bearer_auth(expired).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["error"]["code"], "ExpiredAuthenticationToken");
    let good = token().await.1["access_token"].as_str().unwrap().to_owned();
    assert_eq!(lab.client.get(&url).bearer_auth(good).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_token_endpoint_of_the_authority_gives_one_that_has_ended() {
    let lab = Lab::start().await;
    fault(&lab, json!({"path_contains": "/oauth2/", "expired_token": true})).await;
    let tenant = lab.emulator.tenant_id();
    let url = format!("{}/{tenant}/oauth2/v2.0/token", lab.emulator.arm_url());
    let form = "grant_type=client_credentials&client_id=a&client_secret=b&scope=x%2F.default";
    let answer = lab.client.post(url).body(form).send().await.unwrap();
    let token = answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    let url = format!("{}/subscriptions?api-version=2022-12-01", lab.emulator.arm_url());
    let refused = lab.client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(refused.status(), 401);
}

fn progress(body: &Value) -> (f64, Option<&str>) {
    let properties = &body["properties"];
    let error = properties["copyCompletionError"]["errorCode"].as_str();
    (properties["completionPercent"].as_f64().unwrap(), error)
}

#[tokio::test]
async fn a_copy_stalls_until_it_is_released_or_fails() {
    let lab = Lab::start().await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 128 << 10})).await;
    lab.take("s", "d").await;
    let stalled = copy("fault-stall-37");
    lab.put(&stalled, copy_start(&snapshot("s"), "westus2")).await;
    lab.advance(1.6 + 2.0).await;
    assert_eq!(progress(&lab.get(&stalled).await.body), (25.0, None));
    lab.advance(1e6).await;
    assert_eq!(progress(&lab.get(&stalled).await.body), (37.0, None));
    let of = format!("copy?id={stalled}");
    lab.control(Method::PUT, &of, json!({"release": true})).await;
    lab.advance(6.0).await;
    assert_eq!(progress(&lab.get(&stalled).await.body), (100.0, None));

    lab.take("s2", "d").await;
    let failing = copy("fault-copyfail-60");
    lab.write(&disk("d"), 0, vec![1; 100 * BLOCK as usize]).await;
    lab.take("s3", "d").await;
    lab.put(&failing, copy_start(&snapshot("s3"), "westus2")).await;
    lab.advance(1e6).await;
    assert_eq!(progress(&lab.get(&failing).await.body), (60.0, Some("CopySourceNotFound")));
    let restore = copy_of(&failing, "westus2");
    assert_eq!(lab.put(&copy("x"), restore).await.refusal(), (409, "OperationNotAllowed"));
    assert_eq!(lab.counters().await["copies"][1]["state"], "failed");
}

#[tokio::test]
async fn a_copy_in_the_middle_is_told_to_fail_with_a_code_of_choice() {
    let lab = Lab::start().await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 128 << 10})).await;
    lab.take("s", "d").await;
    lab.put(&copy("c"), copy_start(&snapshot("s"), "westus2")).await;
    lab.advance(1.6 + 4.0).await;
    let of = format!("copy?id={}", copy("c"));
    // What has moved stays moved: it fails where it is.
    let failure = json!({"fail_percent": 10, "code": "InternalError"});
    lab.control(Method::PUT, &of, failure).await;
    lab.advance(0.1).await;
    let failed = lab.get(&copy("c")).await.body;
    assert_eq!(progress(&failed).1, Some("InternalError"));
    assert_eq!(lab.counters().await["bytes_moved"], 512 << 10);
    let again = format!("{}/{of}", lab.emulator.control_url());
    let again = lab.client.put(again).json(&json!({"release": true})).send().await.unwrap();
    assert_eq!(again.status(), 400);
}

#[tokio::test]
async fn a_name_asks_for_its_fault_once_for_each_method() {
    let lab = Lab::start().await;
    let name = snapshot("s-fault-503x2");
    let body = copy_of(&disk("d"), "eastus");
    for method in [Method::PUT, Method::GET] {
        for expected in [503, 503] {
            assert_eq!(lab.arm(method.clone(), &name, body.clone()).await.status, expected);
        }
        assert!(lab.arm(method, &name, body.clone()).await.status.is_success());
    }
    let lost = snapshot("fault-lost");
    let url = format!("{}{lost}?api-version=2024-03-02", lab.emulator.arm_url());
    assert!(lab.client.put(&url).bearer_auth(&lab.token).json(&body).send().await.is_err());
    assert!(lab.client.get(&url).bearer_auth(&lab.token).send().await.is_err());
    assert_eq!(lab.get(&lost).await.status, StatusCode::OK);
    assert_eq!(lab.get(&disk("default-503")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_clock_jumps_at_the_third_request() {
    let lab = Lab::start().await;
    fault(&lab, json!({"skip": 2, "clock_seconds": 3600})).await;
    let mut dates = Vec::new();
    for _ in 0..4 {
        let date = lab.get(&disk("d")).await.header("date").to_owned();
        dates.push(jiff::fmt::rfc2822::parse(&date).unwrap().timestamp());
    }
    let steps: Vec<i64> =
        dates.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert_eq!(steps, [0, 3600, 0]);
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed_and_is_logged() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let lab = Lab::start().await;
        let random = json!({"seed": seed, "probability": 0.3, "kinds": ["500", "503-1", "429-2"]});
        lab.control(Method::PUT, "faults/random", random).await;
        let mut statuses = Vec::new();
        for n in 0..40 {
            let path = if n % 2 == 0 { disk("d") } else { id("rg", "disks", "none") };
            statuses.push(lab.get(&path).await.status.as_u16());
        }
        let told = lab.control(Method::GET, "faults", Value::Null).await;
        let struck = told["struck"].as_array().unwrap().len();
        assert_eq!(struck, statuses.iter().filter(|status| ![200, 404].contains(*status)).count());
        assert!((4..25).contains(&struck), "{struck} of 40");
        assert_eq!(told["random"]["seen"], 40);
        runs.push((statuses, told["struck"].clone()));
        lab.control(Method::DELETE, "faults", Value::Null).await;
        for _ in 0..20 {
            assert_eq!(lab.get(&disk("d")).await.status, StatusCode::OK);
        }
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0].0, runs[2].0);
}

#[tokio::test]
async fn what_struck_is_told_without_queries() {
    let lab = Lab::start().await;
    lab.get(&disk("d")).await;
    fault(&lab, json!({"path_contains": "sig=secret", "status": 500})).await;
    let url = format!("{}/subscriptions?api-version=2022-12-01&sig=secret", lab.emulator.arm_url());
    assert_eq!(lab.get(&url).await.status, 500);
    let told = lab.control(Method::GET, "faults", Value::Null).await;
    assert_eq!(told["struck"][0]["path"], "/subscriptions");
    // The first request of all was for the token.
    assert_eq!(told["struck"][0]["request"], 3);
    assert_eq!(told["struck"][0]["fault"]["status"], 500);
    assert_eq!(told["faults"], json!([]));
    for nonsense in [json!({"probability": 2}), json!({"kinds": ["sunshine"]})] {
        let mut random = json!({"seed": 1, "probability": 0.5, "kinds": ["500"]});
        random.as_object_mut().unwrap().extend(nonsense.as_object().unwrap().clone());
        let url = format!("{}/faults/random", lab.emulator.control_url());
        assert_eq!(lab.client.put(url).json(&random).send().await.unwrap().status(), 400);
    }
}
