//! The queue trigger against a real queue: what runs, what comes back, what is put aside.

use host::Host;
use serde_json::{Value, json};

use crate::{
    app::{App, client, get, until},
    storage::Storage,
};

/// Waits for so many runs of `work`.
async fn runs(host: &Host, count: usize) -> Vec<Value> {
    until("enough messages came", async || {
        // The handler may be dying just now.
        let answer = client().get(host.url() + "/api/messages").send().await.ok()?;
        let Value::Array(messages) = answer.json().await.ok()? else { return None };
        (messages.len() >= count).then_some(messages)
    })
    .await
}

fn envelope(run: &Value) -> Value {
    serde_json::from_str(run["body"].as_str().unwrap()).unwrap()
}

async fn empty(storage: &Storage, queue: &str) {
    until("the queue is empty", async || (storage.count(queue).await == 0).then_some(())).await;
}

async fn release(host: &Host) {
    client().post(host.url() + "/api/release").send().await.unwrap();
}

#[tokio::test]
async fn runs_a_message_with_the_hosts_envelope_and_deletes_it() {
    let storage = Storage::start().await;
    storage.make("work").await;
    let text = r#"{"id":1005,"say":"<hé & \"you\">"}"#;
    storage.put("work", text).await;
    let app = App::with_queue(storage.connection());
    let host = app.start().await;
    let run = &runs(&host, 1).await[0];
    assert_eq!((run["method"].as_str(), run["uri"].as_str()), (Some("POST"), Some("/work")));
    assert_eq!(run["headers"]["transfer-encoding"], "chunked");
    let envelope = envelope(run);
    assert_eq!(envelope["Data"]["item"], json!(text).to_string());
    let metadata = &envelope["Metadata"];
    assert_eq!(metadata["DequeueCount"], "1");
    assert_eq!(metadata["id"], "\"1005\"");
    assert_eq!(metadata["sys"]["MethodName"], "work");
    for time in ["InsertionTime", "ExpirationTime", "NextVisibleTime"] {
        let text = metadata[time].as_str().unwrap();
        assert!(text.len() == 25 && text.ends_with("+00:00"), "{time}: {text}");
    }
    assert!(metadata["PopReceipt"].as_str().unwrap().starts_with('"'));
    empty(&storage, "work").await;
    host.stop().await;
}

#[tokio::test]
async fn tries_a_failing_message_so_often_and_then_puts_it_aside() {
    let storage = Storage::start().await;
    storage.make("work").await;
    storage.put("work", "fail").await;
    let mut app = App::with_queue(storage.connection());
    app.host_json["extensions"]["queues"] = json!({"maxDequeueCount": 3});
    let host = app.start().await;
    let runs = runs(&host, 3).await;
    let counts: Vec<_> =
        runs.iter().map(|run| envelope(run)["Metadata"]["DequeueCount"].clone()).collect();
    assert_eq!(counts, ["1", "2", "3"]);
    empty(&storage, "work").await;
    assert_eq!(storage.peek("work-poison").await.as_deref(), Some("ZmFpbA=="));
    let Value::Array(all) = get(&host, "/api/messages").await else { panic!() };
    assert_eq!(all.len(), 3);
    host.stop().await;
}

#[tokio::test]
async fn puts_aside_what_it_cannot_decode_and_runs_it_where_there_is_no_encoding() {
    let storage = Storage::start().await;
    storage.make("work").await;
    storage.put_raw("work", "plain text").await;
    let mut app = App::with_queue(storage.connection());
    let host = app.start().await;
    empty(&storage, "work").await;
    assert_eq!(storage.peek("work-poison").await.as_deref(), Some("plain text"));
    assert_eq!(get(&host, "/api/messages").await, json!([]));
    host.stop().await;

    app.host_json["extensions"]["queues"] = json!({"messageEncoding": "none"});
    let host = app.start().await;
    storage.put_raw("work", "plain text").await;
    assert_eq!(envelope(&runs(&host, 1).await[0])["Data"]["item"], "\"plain text\"");
    host.stop().await;
}

#[tokio::test]
async fn runs_a_message_again_whose_handler_died() {
    let storage = Storage::start().await;
    storage.make("work").await;
    storage.put("work", "die once").await;
    let app = App::with_queue(storage.connection());
    let host = app.start().await;
    // The handler that died has taken its notes with it.
    let again = envelope(&runs(&host, 1).await[0]);
    assert_eq!(again["Metadata"]["DequeueCount"], "2");
    empty(&storage, "work").await;
    host.stop().await;
}

#[tokio::test]
async fn a_message_of_a_host_that_ended_comes_back_after_ten_minutes() {
    let storage = Storage::start().await;
    storage.make("work").await;
    storage.put("work", "wait").await;
    let app = App::with_queue(storage.connection());
    let host = app.start().await;
    runs(&host, 1).await;
    host.stop().await;
    assert_eq!((storage.count("work").await, storage.peek("work").await), (1, None));
    storage.advance(598).await;
    assert_eq!(storage.peek("work").await, None);
    storage.advance(3).await;
    let host = app.start().await;
    release(&host).await;
    let again = envelope(&runs(&host, 1).await[0]);
    assert_eq!(again["Metadata"]["DequeueCount"], "2");
    empty(&storage, "work").await;
    host.stop().await;
}

#[tokio::test]
async fn holds_a_message_for_as_long_as_its_function_runs() {
    let storage = Storage::start().await;
    storage.make("work").await;
    storage.put("work", "wait").await;
    let mut app = App::with_queue(storage.connection());
    app.host_json["extensions"]["queues"] = json!({"lease": "00:00:02"});
    let host = app.start().await;
    runs(&host, 1).await;
    let begun = std::time::Instant::now();
    // Three leases pass, and at no time is it there for another.
    until("the message was held long enough", async || {
        assert_eq!(storage.peek("work").await, None);
        (begun.elapsed().as_secs() >= 6).then_some(())
    })
    .await;
    release(&host).await;
    empty(&storage, "work").await;
    assert_eq!(runs(&host, 1).await.len(), 1);
    host.stop().await;
}

#[tokio::test]
async fn works_on_no_more_than_a_batch_and_its_threshold_at_once() {
    let storage = Storage::start().await;
    storage.make("work").await;
    for _ in 0..9 {
        storage.put("work", "wait").await;
    }
    let mut app = App::with_queue(storage.connection());
    app.host_json["extensions"]["queues"] = json!({"batchSize": 3, "newBatchThreshold": 1});
    let host = app.start().await;
    runs(&host, 3).await;
    assert_eq!(get(&host, "/api/busy").await, json!([3, 3]));
    release(&host).await;
    runs(&host, 9).await;
    empty(&storage, "work").await;
    let most = get(&host, "/api/busy").await[1].as_u64().unwrap();
    assert!((3..=4).contains(&most), "{most}");
    host.stop().await;
}

#[tokio::test]
async fn finds_a_queue_that_is_made_later() {
    let storage = Storage::start().await;
    let app = App::with_queue(storage.connection());
    let host = app.start().await;
    host.wait_ready().await.unwrap();
    storage.make("work").await;
    storage.put("work", "hello").await;
    runs(&host, 1).await;
    host.stop().await;
}

#[tokio::test]
async fn a_disabled_function_and_a_faulty_one_leave_the_others_alone() {
    let storage = Storage::start().await;
    storage.make("work").await;
    storage.put("work", "hello").await;
    let app = App::with_queue(storage.connection()).setting("AzureWebJobs.work.Disabled", "true");
    app.function("broken", &json!([{"type": "timerTrigger", "name": "t", "schedule": "never"}]));
    app.function(
        "elsewhere",
        &json!([{
            "type": "queueTrigger", "name": "item", "queueName": "work", "connection": "Nowhere",
        }]),
    );
    let host = app.start().await;
    let functions = get(&host, "/admin/functions").await;
    let names: Vec<_> = functions.as_array().unwrap().iter().map(|f| &f["name"]).collect();
    assert_eq!(names, ["api", "root", "tick", "wrapped"]);
    assert_eq!(get(&host, "/api/messages").await, json!([]));
    assert!(storage.peek("work").await.is_some());
    host.stop().await;
}
