//! Azure's long-running operations (compute-snapshots §3.1).

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::{Answer, ArmClient, ArmError};

/// A tick waits this long for one operation: a snapshot takes about 2 s. What takes longer is
/// seen by a later tick.
const PATIENCE: Duration = Duration::from_secs(45);

/// How an operation stands when it is no longer waited for.
#[derive(Debug)]
pub enum Ended {
    /// Azure did it.
    Succeeded,
    /// Azure is still at it.
    StillRunning,
}

impl ArmClient {
    /// Sends a call and follows its operation to its end, for a while.
    ///
    /// Returns Azure's request id with the end; a failed operation is an error.
    pub async fn run(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<(Ended, Option<String>), ArmError> {
        let first = self.send(method, target, body).await?;
        self.follow(first).await
    }

    /// Follows the operation that an answer began to its end, for a while.
    pub(super) async fn follow(&self, first: Answer) -> Result<(Ended, Option<String>), ArmError> {
        let request_id = first.request_id();
        let Some(poll) = first.header("azure-asyncoperation").map(str::to_owned) else {
            return Ok((Ended::Succeeded, request_id));
        };
        if first.status == StatusCode::OK && is_done(&first.body) {
            return Ok((Ended::Succeeded, request_id));
        }
        let begun = Instant::now();
        let mut pause = pause(&first);
        while begun.elapsed() + pause < PATIENCE {
            tokio::time::sleep(pause).await;
            let answer = self.send(Method::GET, &poll, None).await?;
            let status = answer.body.get("status").and_then(Value::as_str).unwrap_or_default();
            match status.to_ascii_lowercase().as_str() {
                "succeeded" => return Ok((Ended::Succeeded, request_id)),
                "failed" | "canceled" | "cancelled" => {
                    return Err(failed(&answer, request_id));
                }
                _ => pause = self::pause(&answer),
            }
        }
        Ok((Ended::StillRunning, request_id))
    }
}

fn is_done(body: &Value) -> bool {
    let state = body.pointer("/properties/provisioningState").and_then(Value::as_str);
    state.is_some_and(|state| state.eq_ignore_ascii_case("Succeeded"))
}

/// The wait that Azure asks for; a delete's answers ask for none.
fn pause(answer: &Answer) -> Duration {
    let milliseconds = answer.header("x-ms-retry-after-ms").and_then(|text| text.parse().ok());
    let seconds = answer.header("retry-after").and_then(|text| text.parse().ok());
    match (milliseconds, seconds) {
        (Some(milliseconds), _) => Duration::from_millis(milliseconds),
        (None, Some(seconds)) => Duration::from_secs(seconds),
        (None, None) => Duration::from_secs(1),
    }
}

fn failed(answer: &Answer, request_id: Option<String>) -> ArmError {
    let text = |pointer: &str| answer.body.pointer(pointer).and_then(Value::as_str);
    ArmError::Refused {
        status: StatusCode::CONFLICT,
        code: text("/error/code").unwrap_or("OperationFailed").to_owned(),
        message: text("/error/message").unwrap_or("Azure says no more").to_owned(),
        request_id,
    }
}
