//! The host's envelopes of timer and queue, in and out (functions-host §3.4, §4.1).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{Run, model::Outcome, model::RunTrigger};

use crate::{
    app::App,
    tick::{carry_out, tick},
};

type Answer = (StatusCode, Json<Value>);

/// Routes that the host alone may call. They stand outside of everything that `function.json`
/// lets a client's path reach.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/tick", post(fire)).route("/work", post(work))
}

/// Carries the tick out. The envelope is not looked at: a tick takes no input.
async fn fire(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    if is_of_a_client(&headers) {
        return nothing_here();
    }
    // The host may go away in the middle; the tick is then finished all the same.
    let ran = tokio::spawn(async move { tick(&app, RunTrigger::Timer).await }).await;
    match ran {
        Ok(Ok(run)) => done(&words(&run)),
        Ok(Err(error)) => {
            tracing::error!(?error, "the tick failed");
            failed(&error.to_string())
        }
        Err(_) => failed("the tick was cut short"),
    }
}

/// Carries out the request that a message names. The host deletes the message on success, shows it
/// again on failure, and may deliver it twice: an ended request is left alone.
async fn work(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(envelope): Json<Value>,
) -> Answer {
    if is_of_a_client(&headers) {
        return nothing_here();
    }
    let Some(Message { request }) = read(&envelope) else {
        // After a few tries it lies in the poison queue, for people to look at.
        return failed("the message names no request");
    };
    let id = request.clone();
    let ran = tokio::spawn(async move { carry_out(&app, &id).await }).await;
    match ran {
        Ok(Ok(Some(run))) => done(&format!("request {request}: {}", words(&run))),
        Ok(Ok(None)) => done(&format!("request {request} is not pending; nothing was done")),
        Ok(Err(error)) => {
            tracing::error!(?error, request.id = request, "a request's run failed");
            failed(&error.to_string())
        }
        Err(_) => failed("the run was cut short"),
    }
}

/// What a message says.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Message {
    request: String,
}

/// Reads the message in an envelope: the real host sends its text as JSON within a string, other
/// stand-ins and the documents' samples as it is (functions-host §3.4).
fn read(envelope: &Value) -> Option<Message> {
    let data = envelope.get("Data")?.get("item")?;
    let text = match data.as_str() {
        Some(text) => text,
        None => return serde_json::from_value(data.clone()).ok(),
    };
    match serde_json::from_str(text).ok()? {
        Value::String(inner) => serde_json::from_str(&inner).ok(),
        plain => serde_json::from_value(plain).ok(),
    }
}

/// Second line of defence: a proxied client's call carries this, the host's own does not (§5).
fn is_of_a_client(headers: &HeaderMap) -> bool {
    headers.contains_key("x-forwarded-host")
}

fn nothing_here() -> Answer {
    let body = json!({"error": {"code": "NotFound", "message": "there is nothing here"}});
    (StatusCode::NOT_FOUND, Json(body))
}

fn words(run: &Run) -> String {
    let done = run.steps.iter().filter(|s| s.outcome == Outcome::Done).count();
    format!(
        "run {}: {} steps, {done} done, {} problems",
        run.id,
        run.steps.len(),
        run.problems.len()
    )
}

/// Never empty: the host would wait for the rest until its timeout.
fn done(log: &str) -> Answer {
    (StatusCode::OK, Json(json!({"Outputs": {}, "Logs": [log], "ReturnValue": null})))
}

fn failed(message: &str) -> Answer {
    let body = json!({"Outputs": {}, "Logs": [message], "ReturnValue": null});
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_message_as_hosts_and_samples_write_it() {
        let text = r#"{"request":"11111111-0001"}"#;
        for data in
            [json!(json!(text).to_string()), json!(text), json!({"request": "11111111-0001"})]
        {
            let message = read(&json!({"Data": {"item": data}, "Metadata": {}}));
            assert_eq!(message, Some(Message { request: "11111111-0001".to_owned() }));
        }
        for data in [json!("\"hello\""), json!("hello"), json!(7), json!({"other": 1})] {
            assert_eq!(read(&json!({"Data": {"item": data}})), None);
        }
    }
}
