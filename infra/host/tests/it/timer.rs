//! Timers: the envelope, firing by hand, the record and what it makes of a missed run.

use host::Host;
use serde_json::{Value, json};

use crate::app::{App, client, get, until};

async fn fire(host: &Host, name: &str) -> u16 {
    let request = client().post(format!("{}/admin/functions/{name}", host.url()));
    request.json(&json!({"input": ""})).send().await.unwrap().status().as_u16()
}

/// Waits for so many ticks.
async fn ticks(host: &Host, count: usize) -> Vec<Value> {
    until("enough ticks came", async || {
        let Value::Array(ticks) = get(host, "/api/ticks").await else { return None };
        (ticks.len() >= count).then_some(ticks)
    })
    .await
}

fn envelope(tick: &Value) -> Value {
    serde_json::from_str(tick["body"].as_str().unwrap()).unwrap()
}

fn record(app: &App, json: &Value) {
    let folder = app.config.state_dir.join("timers/Host.Functions.tick");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("status"), json.to_string()).unwrap();
}

#[tokio::test]
async fn fires_by_hand_with_the_host_s_envelope() {
    let app = App::new();
    let host = app.start().await;
    assert_eq!(fire(&host, "nothing").await, 404);
    assert_eq!(fire(&host, "tick").await, 202);
    let ticks = ticks(&host, 1).await;
    let headers = &ticks[0]["headers"];
    assert_eq!(ticks[0]["uri"], "/tick");
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["transfer-encoding"], "chunked");
    assert!(headers["user-agent"].as_str().unwrap().starts_with("Azure-Functions-Host/4."));
    assert!(headers["host"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(headers.get("x-forwarded-host"), None);
    let envelope = envelope(&ticks[0]);
    let timer = &envelope["Data"]["timer"];
    assert_eq!(timer["Schedule"], json!({"AdjustForDST": true}));
    assert_eq!(timer["IsPastDue"], false);
    assert_eq!(timer["ScheduleStatus"]["Last"], "0001-01-01T00:00:00");
    assert!(timer["ScheduleStatus"]["Next"].as_str().unwrap().ends_with("-01-01T00:00:00+00:00"));
    assert_eq!(envelope["Metadata"]["sys"]["MethodName"], "tick");
    host.stop().await;
}

#[tokio::test]
async fn runs_a_missed_occurrence_once() {
    let app = App::new();
    record(
        &app,
        &json!({"Last": "2001-06-01T00:00:00+00:00", "Next": "2002-01-01T00:00:00+00:00",
        "LastUpdated": "2001-06-01T00:00:00+00:00"}),
    );
    let host = app.start().await;
    let first = envelope(&ticks(&host, 1).await[0]);
    assert_eq!(first["Data"]["timer"]["IsPastDue"], true);
    assert_eq!(first["Data"]["timer"]["ScheduleStatus"]["Next"], "2002-01-01T00:00:00+00:00");
    let path = app.config.state_dir.join("timers/Host.Functions.tick/status");
    until("the record is written", async || {
        let record: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        (!record["Last"].as_str()?.starts_with("2001")).then_some(())
    })
    .await;
    assert_eq!(fire(&host, "tick").await, 202);
    let ticks = ticks(&host, 2).await;
    assert_eq!(
        (ticks.len(), &envelope(&ticks[1])["Data"]["timer"]["IsPastDue"]),
        (2, &json!(false))
    );
    host.stop().await;
}

#[tokio::test]
async fn does_not_count_another_schedule_s_miss() {
    let app = App::new();
    record(
        &app,
        &json!({"Last": "2001-06-01T00:00:00+00:00", "Next": "2001-06-01T00:05:00+00:00",
        "LastUpdated": "2001-06-01T00:00:00+00:00"}),
    );
    let host = app.start().await;
    assert_eq!(fire(&host, "tick").await, 202);
    let ticks = ticks(&host, 1).await;
    assert_eq!(
        (ticks.len(), &envelope(&ticks[0])["Data"]["timer"]["IsPastDue"]),
        (1, &json!(false))
    );
    host.stop().await;
}

#[tokio::test]
async fn fires_on_schedule_without_a_record_when_frequent() {
    let app = App::new().setting("TICK", "* * * * * *");
    let host = app.start().await;
    let tick = envelope(&ticks(&host, 1).await[0]);
    assert_eq!(tick["Data"]["timer"]["ScheduleStatus"], Value::Null);
    host.stop().await;
}

#[tokio::test]
async fn fires_on_one_host_only() {
    let app = App::new().setting("TICK", "* * * * * *");
    let (first, second) = (app.start().await, app.start().await);
    first.wait_ready().await.unwrap();
    second.wait_ready().await.unwrap();
    let fired = until("one of them ticked", async || {
        let counts = [get(&first, "/api/ticks").await, get(&second, "/api/ticks").await];
        let counts = counts.map(|ticks| ticks.as_array().unwrap().len());
        (counts.iter().sum::<usize>() >= 2).then_some(counts)
    })
    .await;
    assert!(fired.contains(&0), "{fired:?}");
    first.stop().await;
    second.stop().await;
}
