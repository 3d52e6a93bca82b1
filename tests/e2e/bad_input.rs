//! Bad input gets a clear error that says what to do; nothing changes.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::ResourceId;
use tests::{Lab, copy_snapshot, create_snapshot};
use xtask::estate::PRODUCTION;

/// Sends bytes as the body of a request and returns status and body.
async fn put(lab: &Lab, path: &str, body: Vec<u8>) -> (StatusCode, Value) {
    let url = format!("{}{path}", lab.stack.api());
    let request = lab.azure.http.put(url).header("content-type", "application/json").body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn with(mut value: Value, key: &str, other: impl Into<Value>) -> Value {
    value[key] = other.into();
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_is_a_4xx_that_says_what_to_do_and_nothing_changes() {
    for proxying in [true, false] {
        refuse_everything(proxying).await;
    }
}

async fn refuse_everything(proxying: bool) {
    let lab = Lab::start_with(|options| options.proxying = proxying).await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.ask("11111111-0001", &create_snapshot(&disk, "good")).await.unwrap();
    let full = with(create_snapshot(&disk, "full"), "incremental", false);
    lab.ask("11111111-0002", &full).await.unwrap();
    let good = ResourceId::snapshot(PRODUCTION, "app", "good");
    let full = ResourceId::snapshot(PRODUCTION, "app", "full");
    let policy = json!({
        "id": "p", "name": "P", "enabled": true,
        "disks": { "include": [{ "kind": "disk", "id": disk }] },
        "schedule": { "kind": "every", "minutes": 360 },
    });
    let before = (lab.snapshots().await.unwrap(), lab.get("/policies").await.unwrap());

    let create = create_snapshot(&disk, "new");
    let copy = copy_snapshot(&good, "new");
    // Each with a word that its message must have: what is wrong, or what to do.
    let bad: Vec<(&str, Value, &str)> = vec![
        ("/requests/22222222-1", with(create.clone(), "disk", "data"), "az disk show"),
        (
            "/requests/22222222-2",
            with(create.clone(), "disk", "/subscriptions/x/disks/y"),
            "az disk show",
        ),
        ("/requests/22222222-3", with(create.clone(), "name", "n".repeat(200)), "1 to 80"),
        ("/requests/22222222-4", with(create.clone(), "name", "a b/c"), "1 to 80"),
        ("/requests/22222222-5", with(create.clone(), "group", "nowhere"), "az group create"),
        ("/requests/22222222-6", with(create.clone(), "colour", "blue"), "colour"),
        ("/requests/22222222-7", with(create.clone(), "kind", "explode"), "explode"),
        (
            "/requests/22222222-8",
            with(create.clone(), "disk", disk.to_string() + "x"),
            "does not exist",
        ),
        ("/requests/22222222-9", with(create.clone(), "name", "good"), "another name"),
        ("/requests/22222222-10", with(copy.clone(), "region", "atlantis"), "list-locations"),
        (
            "/requests/22222222-11",
            with(copy.clone(), "source", full.to_string()),
            "incremental snapshot",
        ),
        (
            "/requests/22222222-12",
            with(copy.clone(), "source", disk.to_string()),
            "Choose a snapshot",
        ),
        ("/requests/22222222-13", with(copy.clone(), "subscription", "elsewhere"), "right to read"),
        (
            "/requests/22222222-14",
            with(create.clone(), "tags", json!({"snapferry-pin": "x"})),
            "tag",
        ),
        ("/requests/bad", create.clone(), "8 to 64"),
        ("/requests/11111111-0001", create.clone(), "choose a new one"),
        (
            "/policies/p",
            with(policy.clone(), "schedule", json!({"kind": "every", "minutes": 5})),
            "choose 15 to",
        ),
        (
            "/policies/p",
            with(policy.clone(), "schedule", json!({"kind": "cron", "expression": "at six"})),
            "five fields",
        ),
        ("/policies/p", with(policy.clone(), "time_zone", "Mars/Olympus"), "Europe/Berlin"),
        ("/policies/p", with(policy.clone(), "disks", json!({"include": []})), "at least one disk"),
        ("/policies/p", with(policy.clone(), "keep", json!({"last": 0})), "choose 1 to"),
        ("/policies/p", with(policy.clone(), "keep", json!({"last": 400, "daily": 400})), "500"),
        (
            "/policies/p",
            with(policy.clone(), "targets", json!([{"region": "atlantis"}])),
            "list-locations",
        ),
        ("/policies/other", policy.clone(), "the path says"),
        ("/policies/p", with(policy.clone(), "version", 7), "load it again"),
    ];
    for (path, body, word) in bad {
        let (status, answer) = put(&lab, path, body.to_string().into_bytes()).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(status.is_client_error(), "{path} {body}: {status} {answer}");
        assert!(answer["error"]["code"].is_string() && message.contains(word), "{path}: {answer}");
    }
    for (body, status) in [
        (b"{\"kind\": ".to_vec(), StatusCode::BAD_REQUEST),
        (vec![0xff, 0xfe], StatusCode::BAD_REQUEST),
        (vec![], StatusCode::BAD_REQUEST),
        (vec![b' '; 10 << 20], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (found, answer) = put(&lab, "/requests/22222222-20", body).await;
        assert_eq!(found, status, "{answer}");
        assert!(answer["error"]["message"].is_string(), "{answer}");
    }
    for (method, path, status) in [
        (Method::GET, "/nothing", StatusCode::NOT_FOUND),
        (Method::GET, "/runs/none", StatusCode::NOT_FOUND),
        (Method::GET, "/subscriptions/a%20b/resourceGroups/g/disks/d", StatusCode::BAD_REQUEST),
        (Method::PUT, "/status", StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, "/policies/none?version=1", StatusCode::NOT_FOUND),
        (Method::DELETE, "/policies/none", StatusCode::BAD_REQUEST),
    ] {
        let (found, answer) = lab.api(method.clone(), path, None).await.unwrap();
        assert_eq!(found, status, "{method} {path}: {answer}");
        assert!(answer["error"]["message"].is_string(), "{answer}");
    }
    assert_eq!((lab.snapshots().await.unwrap(), lab.get("/policies").await.unwrap()), before);
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_the_same_request() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    let body = create_snapshot(&disk, "once");
    lab.ask("11111111-0001", &body).await.unwrap();
    let (status, view) =
        lab.api(Method::PUT, "/requests/11111111-0001", Some(&body)).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED, "{view}");
    assert_eq!(view["state"]["kind"], "done", "{view}");
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observing_installation_plans_and_writes_nothing() {
    let lab = Lab::start_with(|options| {
        // A subscription that is not the estate's: everything that is there is only observed.
        let nowhere = "00000000-0000-4000-8000-000000000000".to_owned();
        options.settings.insert("SNAPFERRY_ALLOW_WRITES_TO".to_owned(), nowhere);
    })
    .await
    .unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.protect(&disk, 6).await.unwrap();
    lab.fire().await.unwrap();
    assert_eq!(lab.snapshots().await.unwrap(), Vec::<Value>::new());
    let plan = lab.get("/plan").await.unwrap();
    assert_eq!(plan["plan"]["steps"][0]["effect"]["kind"], "create_snapshot", "{plan}");
    let body = create_snapshot(&disk, "x");
    let (status, answer) =
        lab.api(Method::PUT, "/requests/11111111-0001", Some(&body)).await.unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("--allow-writes-to"), "{answer}");
    lab.stack.stop().await;
}
