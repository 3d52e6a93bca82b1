//! What a fault answers in the place of the account's true answer: Azure Storage's own errors.

use super::reply::Reply;
use crate::{control::faults::Fault, world::failure::Failure};

/// The answer instead, with the documented codes and words of Azure Storage where the fault has
/// none of its own.
pub(super) fn reply(fault: &Fault) -> Reply {
    // The account has no buckets: beyond its targets it answers 503 (ServerBusy).
    let status = match (fault.status.filter(|status| *status != 0), &fault.throttle) {
        (Some(status), _) => status,
        (None, Some(_)) => 503,
        (None, None) => 500,
    };
    let (code, message) = match status {
        503 => (
            "ServerBusy",
            "The server is currently unable to receive requests. Please retry your request.",
        ),
        // GUESS: the account itself never answers 429.
        429 => ("TooManyRequests", "A fault was injected."),
        500 => {
            ("InternalError", "The server encountered an internal error. Please retry the request.")
        }
        _ => ("InternalError", "A fault was injected."),
    };
    let code = fault.code.as_deref().unwrap_or(code);
    let message = fault.message.as_deref().unwrap_or(message);
    let wait = fault.retry_after_seconds.map(|seconds| seconds.to_string());
    Reply::from(Failure::new(status, code, message)).maybe("retry-after", wait)
}
