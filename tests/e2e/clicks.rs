//! A click travels as a stored request and a message; whatever becomes of the message, it is done once.

use std::{collections::BTreeMap, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{Lab, create_snapshot, wait_for};

const ID: &str = "11111111-0001";

async fn wait_until_empty(lab: &Lab) {
    wait_for("the queue to be empty", || async {
        let answer = lab.queue(Method::GET, "/requests?comp=metadata", String::new()).await?;
        let count = answer.headers().get("x-ms-approximate-messages-count");
        let count = count.and_then(|count| count.to_str().ok()).map(str::to_owned);
        Ok((count.as_deref() == Some("0")).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_twice_does_the_thing_once() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.ask(ID, &create_snapshot(&disk, "once")).await.unwrap();
    wait_until_empty(&lab).await;
    let before =
        (lab.counters().await.unwrap()["requests"]["PUT"].clone(), lab.get("/runs").await.unwrap());
    for text in [json!({ "request": ID }), json!({ "request": "99999999-0009" })] {
        let text = STANDARD.encode(text.to_string());
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        let put = lab.queue(Method::POST, "/requests/messages", body).await.unwrap();
        assert_eq!(put.status(), StatusCode::CREATED);
    }
    wait_until_empty(&lab).await;
    let after =
        (lab.counters().await.unwrap()["requests"]["PUT"].clone(), lab.get("/runs").await.unwrap());
    assert_eq!(after, before);
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    lab.stack.stop().await;
}

/// The timer does not fire here: it is the message that comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_store_and_apply_loses_nothing() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    let slow = json!({ "method": "PUT", "path_contains": "/snapshots/", "delay_ms": 60_000 });
    lab.azure.control("faults", &slow).await.unwrap();
    let puts = async || lab.counters().await.unwrap()["requests"]["PUT"].as_u64().unwrap_or(0);
    let before = puts().await;
    let path = format!("/requests/{ID}");
    let body = create_snapshot(&disk, "kept");
    let (status, answer) = lab.api(Method::PUT, &path, Some(&body)).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    wait_for("the worker to ask Azure", || async { Ok((puts().await > before).then_some(())) })
        .await
        .unwrap();
    let pid = lab.stack.host().handler_pid().unwrap().to_string();
    Command::new("kill").args(["-9", &pid]).status().unwrap();
    wait_for("another handler", || async {
        let now = lab.stack.host().handler_pid().map(|pid| pid.to_string());
        Ok(now.filter(|now| *now != pid))
    })
    .await
    .unwrap();
    lab.stack.host().wait_ready().await.unwrap();
    assert_eq!(lab.get(&path).await.unwrap()["state"]["kind"], "pending");
    // host.json hides a failed message for 30 s, by the queue's clock.
    wait_for("the request to end", || async {
        lab.advance(31).await?;
        let view = lab.get(&path).await?;
        Ok((view["state"]["kind"] == "done").then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    wait_until_empty(&lab).await;
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_cannot_be_queued_stays_stored_and_the_timer_carries_it_out() {
    let nobody = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=c2VjcmV0;\
                  QueueEndpoint=http://127.0.0.1:1/devstoreaccount1";
    let lab = Lab::start_with(|options| {
        options.settings.insert("AzureWebJobsStorage".to_owned(), nobody.to_owned());
    })
    .await
    .unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    let (path, body) = (format!("/requests/{ID}"), create_snapshot(&disk, "late"));
    for _ in 0..2 {
        let (status, answer) = lab.api(Method::PUT, &path, Some(&body)).await.unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        assert_eq!(answer["error"]["code"], "QueueUnavailable");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("is stored") && message.contains("next tick"), "{message}");
        assert!(!message.contains("c2VjcmV0") && !message.contains("127.0.0.1"), "{message}");
    }
    assert_eq!(lab.get(&path).await.unwrap()["state"]["kind"], "pending");
    assert_eq!(lab.snapshots().await.unwrap().len(), 0);
    lab.fire().await.unwrap();
    // The retry of what is done needs no queue.
    let (status, answer) = lab.api(Method::PUT, &path, Some(&body)).await.unwrap();
    assert_eq!((status, &answer["state"]["kind"]), (StatusCode::ACCEPTED, &json!("done")));
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_opens_to_the_functions_identity_as_it_does_when_hosted() {
    let lab = Lab::start_with(|options| options.queue_by_identity = true).await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.ask(ID, &create_snapshot(&disk, "by-identity")).await.unwrap();
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    lab.stack.stop().await;
}

/// Design §7: one zip, deployed twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_portal_asks_and_a_worker_beside_it_does() {
    let disabled = |functions: &[&str], value: &str| -> BTreeMap<String, String> {
        let name =
            |function: &&str| (format!("AzureWebJobs.{function}.Disabled"), value.to_owned());
        functions.iter().map(name).collect()
    };
    let of_the_worker = ["tick", "work"];
    let lab = Lab::start_with(|options| options.settings = disabled(&of_the_worker, "true"));
    let lab = lab.await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    let (path, body) = (format!("/requests/{ID}"), create_snapshot(&disk, "split"));
    let (status, answer) = lab.api(Method::PUT, &path, Some(&body)).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let waiting = lab.queue(Method::GET, "/requests/messages?peekonly=true", String::new());
    let waiting = waiting.await.unwrap().text().await.unwrap();
    assert!(waiting.contains("<DequeueCount>0</DequeueCount>"), "{waiting}");
    assert_eq!(lab.get(&path).await.unwrap()["state"]["kind"], "pending");
    assert_eq!(lab.snapshots().await.unwrap().len(), 0);

    let mut own = disabled(&of_the_worker, "false");
    own.extend(disabled(&["api", "portal", "root"], "true"));
    let worker = lab.stack.start_beside("worker", &own).await.unwrap();
    wait_for("the worker to do it", || async {
        Ok((lab.get(&path).await?["state"]["kind"] == "done").then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    let refused = lab.azure.http.get(format!("{}/api/status", worker.url())).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    worker.stop().await;
    lab.stack.stop().await;
}
