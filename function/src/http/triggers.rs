//! The host's timer envelope, in and out (functions-host §3.4, §4.1).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use shared::model::{Outcome, RunTrigger};

use crate::{app::App, tick::tick};

/// Routes that the host alone may call. They stand outside of everything that `function.json`
/// lets a client's path reach.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/tick", post(fire))
}

/// Carries the tick out. The envelope is not looked at: a tick takes no input.
async fn fire(State(app): State<Arc<App>>, headers: HeaderMap) -> (StatusCode, Json<Value>) {
    // Second line of defence: a proxied client's call carries this, the host's own does not (§5).
    if headers.contains_key("x-forwarded-host") {
        let body = json!({"error": {"code": "NotFound", "message": "there is nothing here"}});
        return (StatusCode::NOT_FOUND, Json(body));
    }
    // The host may go away in the middle; the tick is then finished all the same.
    let ran = tokio::spawn(async move { tick(&app, RunTrigger::Timer).await }).await;
    let log = match ran {
        Ok(Ok(run)) => {
            let done = run.steps.iter().filter(|s| s.outcome == Outcome::Done).count();
            format!(
                "run {}: {} steps, {done} done, {} problems",
                run.id,
                run.steps.len(),
                run.problems.len()
            )
        }
        Ok(Err(error)) => {
            tracing::error!(?error, "the tick failed");
            return failed(&error.to_string());
        }
        Err(_) => return failed("the tick was cut short"),
    };
    // Never empty: the host would wait for the rest until its timeout.
    (StatusCode::OK, Json(json!({"Outputs": {}, "Logs": [log], "ReturnValue": null})))
}

fn failed(message: &str) -> (StatusCode, Json<Value>) {
    let body = json!({"Outputs": {}, "Logs": [message], "ReturnValue": null});
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body))
}
