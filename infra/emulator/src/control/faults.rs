//! Faults of ARM answers: which request, how often, and what goes wrong.

use axum::http::{Method, Uri};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::arm::Reply;

/// One fault. It strikes the first `count` requests that match, then is gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Part of the path and query, in any case; none: every path.
    #[serde(default)]
    path_contains: Option<String>,
    /// The method; none: every one.
    #[serde(default)]
    method: Option<String>,
    /// The status to answer; 0 breaks the connection; none only delays.
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    retry_after_seconds: Option<u64>,
    #[serde(default = "once")]
    count: u64,
    /// Waits so long, by the machine's clock, before anything else.
    #[serde(default)]
    pub(crate) delay_ms: Option<u64>,
    /// Does what was asked first, and only then goes wrong: a lost answer.
    #[serde(default)]
    pub(crate) after: bool,
}

fn once() -> u64 {
    1
}

impl Fault {
    /// Finds the fault that strikes this request, and uses it up by one.
    pub(crate) fn take(faults: &mut Vec<Fault>, method: &Method, uri: &Uri) -> Option<Fault> {
        let target = uri.path_and_query().map_or("", |target| target.as_str()).to_ascii_lowercase();
        let strikes = |fault: &Fault| {
            fault.count > 0
                && fault.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(method.as_str()))
                && fault
                    .path_contains
                    .as_ref()
                    .is_none_or(|part| target.contains(&part.to_ascii_lowercase()))
        };
        let fault = faults.iter_mut().find(|fault| strikes(fault))?;
        fault.count -= 1;
        let struck = fault.clone();
        faults.retain(|fault| fault.count > 0);
        Some(struck)
    }

    /// Whether the true answer does not arrive.
    pub(crate) fn replaces(&self) -> bool {
        self.status.is_some()
    }

    pub(crate) fn drops(&self) -> bool {
        self.status == Some(0)
    }

    /// The answer instead.
    pub(crate) fn reply(&self) -> Reply {
        let status = self.status.filter(|status| *status != 0).unwrap_or(500);
        let code = self.code.as_deref().unwrap_or(match status {
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            _ => "InternalServerError",
        });
        let message = self.message.as_deref().unwrap_or("A fault was injected.");
        let reply = Reply::json(status, json!({"error": {"code": code, "message": message}}));
        match self.retry_after_seconds {
            Some(seconds) => reply.header("retry-after", seconds.to_string()),
            None => reply,
        }
    }
}
