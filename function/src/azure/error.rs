//! How a call to Azure fails, and whether it is worth another try.

use std::time::Duration;

use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

use super::MAX_RETRY_AFTER;

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    /// Azure, or the network to it, is away.
    #[error("Azure cannot be reached ({path})")]
    Unreachable {
        /// The path that was asked for.
        path: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No token was had.
    #[error("no token for Azure: {0}")]
    Credential(String),
    /// Azure asks to come later.
    #[error("Azure asks to come again in {} s", retry_after.as_secs())]
    Throttled {
        /// When.
        retry_after: Duration,
    },
    /// Azure refused.
    #[error("Azure refused: {code}: {message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Azure's error code.
        code: String,
        /// Azure's message.
        message: String,
        /// The id that Microsoft's support asks for.
        request_id: Option<String>,
    },
    /// The answer is not what it should be.
    #[error("the answer to {path} cannot be read: {message}")]
    Payload {
        /// The path that was asked for.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The client could not be set up.
    #[error("the client of Azure cannot be set up: {0}")]
    Setup(String),
}

impl ArmError {
    pub(super) fn payload(path: &str, message: &str) -> Self {
        Self::Payload { path: path.to_owned(), message: message.to_owned() }
    }

    /// Reads a refusal; Azure's body has an `error` wrapper or, when throttling, none
    /// (compute-snapshots §3.4).
    pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let retry_after = header("retry-after").and_then(|text| text.parse().ok());
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Self::Throttled { retry_after: Duration::from_secs(retry_after.unwrap_or(10)) };
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = body.get("error").unwrap_or(&body);
        let text = |key: &str| error.get(key).and_then(Value::as_str).map(str::to_owned);
        Self::Refused {
            status,
            code: text("code").unwrap_or_else(|| format!("Http{}", status.as_u16())),
            message: text("message").unwrap_or_else(|| status.to_string()),
            request_id: header("x-ms-request-id").map(str::to_owned),
        }
    }

    /// How long to wait before the next try; none if another try would not help.
    pub(super) fn pause(&self, attempt: u32) -> Option<Duration> {
        let growing = Duration::from_millis(250 << attempt.min(4));
        match self {
            Self::Unreachable { .. } => Some(growing),
            Self::Throttled { retry_after } => Some(*retry_after).filter(|t| *t <= MAX_RETRY_AFTER),
            Self::Refused { status, .. } => {
                let passing = status.is_server_error() || *status == StatusCode::UNAUTHORIZED;
                passing.then_some(growing)
            }
            Self::Credential(_) | Self::Payload { .. } | Self::Setup(_) => None,
        }
    }

    /// Whether Azure will go on to refuse until a person acts: a lock, a policy, immutability, or a
    /// right that is missing. Trying again is of no use.
    pub fn persists(&self) -> bool {
        let Self::Refused { code, message, .. } = self else { return false };
        const CODES: [&str; 6] = [
            "ReadOnlyDisabledSubscription",
            "ScopeLocked",
            "SnapshotImmutable",
            "RequestDisallowedByPolicy",
            "AuthorizationFailed",
            "LinkedAuthorizationFailed",
        ];
        // No code of its own is recorded for immutability (compute-snapshots §3.5).
        CODES.iter().any(|known| known.eq_ignore_ascii_case(code))
            || message.to_ascii_lowercase().contains("immutab")
    }

    /// Whether the cloud does not know the version of the API that was asked for.
    pub(super) fn is_unknown_version(&self) -> bool {
        let Self::Refused { status: StatusCode::BAD_REQUEST, code, .. } = self else {
            return false;
        };
        ["InvalidApiVersionParameter", "InvalidResourceType", "NoRegisteredProviderFound"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(code))
    }

    /// A word that programs act on.
    pub fn code(&self) -> &str {
        match self {
            Self::Unreachable { .. } => "AzureUnreachable",
            Self::Credential(_) => "NoToken",
            Self::Throttled { .. } => "AzureThrottled",
            Self::Refused { code, .. } => code,
            Self::Payload { .. } => "AzureAnswerUnreadable",
            Self::Setup(_) => "AzureClientSetup",
        }
    }

    /// What happened, for people, with the innermost cause.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        text
    }
}
