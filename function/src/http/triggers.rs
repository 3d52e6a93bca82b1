//! The host's envelopes of timer and queue, in and out (functions-host §3.4, §4.1).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use shared::{Run, model::Outcome};
use tokio::time::Instant;

use crate::{
    app::App,
    error::Error,
    message::Message,
    tick::{carry_out, tick, tick_part},
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
    let begun = Instant::now();
    let ran = tokio::spawn(async move { tick(&app, begun).await }).await;
    match ran {
        Ok(Ok(ticked)) => done(&all_words(&ticked.runs)),
        Ok(Err(error)) => {
            tracing::error!(?error, "the tick failed");
            failed(&error.to_string())
        }
        Err(_) => failed("the tick was cut short"),
    }
}

/// Does what a message asks for. The host deletes the message on success, shows it again on failure,
/// and may deliver it twice: what is done is left alone.
async fn work(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(envelope): Json<Value>,
) -> Answer {
    if is_of_a_client(&headers) {
        return nothing_here();
    }
    let Some(message) = read(&envelope) else {
        // After a few tries it lies in the poison queue, for people to look at.
        return failed("the message asks for nothing that is known");
    };
    let begun = Instant::now();
    let what = format!("{message:?}");
    let ran = tokio::spawn(async move { obey(&app, message, begun).await }).await;
    match ran {
        Ok(Ok(runs)) if runs.is_empty() => done(&format!("{what}: there was nothing left to do")),
        Ok(Ok(runs)) => done(&all_words(&runs)),
        Ok(Err(error)) => {
            tracing::error!(?error, message = what, "a message's run failed");
            failed(&error.to_string())
        }
        Err(_) => failed("the run was cut short"),
    }
}

async fn obey(app: &App, message: Message, begun: Instant) -> Result<Vec<Run>, Error> {
    match message {
        Message::Request(id) => Ok(carry_out(app, &id, begun).await?.into_iter().collect()),
        Message::Tick(Some(part)) => Ok(tick_part(app, &part, begun).await?.into_iter().collect()),
        Message::Tick(None) => Ok(tick(app, begun).await?.runs),
    }
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

fn all_words(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "everything was handed to messages".to_owned();
    }
    runs.iter().map(words).collect::<Vec<_>>().join("; ")
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
    use crate::message::Part;

    #[test]
    fn reads_a_message_as_hosts_and_samples_write_it() {
        let text = r#"{"request":"11111111-0001"}"#;
        for data in
            [json!(json!(text).to_string()), json!(text), json!({"request": "11111111-0001"})]
        {
            let message = read(&json!({"Data": {"item": data}, "Metadata": {}}));
            assert_eq!(message, Some(Message::Request("11111111-0001".to_owned())));
        }
        for (text, part) in [
            (r#"{"tick":null}"#, None),
            (
                r#"{"tick":{"subscription":"s","tick":"1-a"}}"#,
                Some(Part { subscription: "s".to_owned(), tick: "1-a".to_owned() }),
            ),
        ] {
            let message = read(&json!({"Data": {"item": json!(text).to_string()}}));
            assert_eq!(message, Some(Message::Tick(part)));
        }
        for data in [json!("\"hello\""), json!("hello"), json!(7), json!({"other": 1})] {
            assert_eq!(read(&json!({"Data": {"item": data}})), None);
        }
    }
}
