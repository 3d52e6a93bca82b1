//! What a fault answers in the place of the true answer.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Fault;
use crate::{arm::Reply, world::transfers::Trouble};

impl Fault {
    /// Whether the true answer does not arrive.
    pub(crate) fn replaces(&self) -> bool {
        self.status.is_some() || self.throttle.is_some()
    }

    pub(crate) fn drops(&self) -> bool {
        self.status == Some(0)
    }

    /// What is to befall the copy that the request starts.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        match (self.copy_stall_percent, self.copy_fail_percent) {
            (Some(percent), _) => Some(Trouble::Stall { percent }),
            (None, Some(percent)) => Some(Trouble::Fail { percent, code: self.code.clone() }),
            (None, None) => None,
        }
    }

    /// The answer instead.
    pub(crate) fn reply(&self, now: Timestamp) -> Reply {
        let reply = match &self.throttle {
            Some(bucket) => throttled(bucket, now),
            None => self.error(),
        };
        match self.retry_after_seconds {
            Some(seconds) => reply.header("retry-after", seconds.to_string()),
            // What the documented example says.
            None if self.throttle.is_some() => reply.header("retry-after", "1200"),
            None => reply,
        }
    }

    fn error(&self) -> Reply {
        let status = self.status.filter(|status| *status != 0).unwrap_or(500);
        let code = self.code.as_deref().unwrap_or(match status {
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            _ => "InternalServerError",
        });
        let message = self.message.as_deref().unwrap_or("A fault was injected.");
        Reply::json(status, json!({"error": {"code": code, "message": message}}))
    }
}

/// Azure's 429, which has no `error` around it (compute-snapshots §3.4).
fn throttled(bucket: &str, now: Timestamp) -> Reply {
    let start = now.saturating_sub(SignedDuration::from_mins(30)).unwrap_or(now);
    // The counts are those of the documentation's example.
    let usage = json!({
        "operationGroup": bucket,
        "startTime": start.to_string(),
        "endTime": now.to_string(),
        "allowedRequestCount": 800,
        "measuredRequestCount": 1238,
    });
    let body = json!({
        "code": "OperationNotAllowed",
        "message": "The server rejected the request because too many requests have been received \
                    for this subscription.",
        "details": [{
            "code": "TooManyRequests",
            "target": bucket,
            "message": usage.to_string(),
        }],
    });
    let remaining = format!("Microsoft.Compute/{bucket};0");
    Reply::json(429, body).header("x-ms-ratelimit-remaining-resource", remaining)
}
