//! Error → status and body. Nothing else knows both.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use shared::api::{ApiError, ApiErrorBody};

use crate::error::Error;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let message = self.public_message();
        if status.is_server_error() {
            tracing::error!(%status, code, error = ?self, "a request failed");
        }
        let code = code.to_owned();
        (status, Json(ApiError { error: ApiErrorBody { code, message } })).into_response()
    }
}

impl Error {
    fn status_and_code(&self) -> (StatusCode, &str) {
        match self {
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "NotFound"),
            Self::Invalid { code: code @ "MethodNotAllowed", .. } => {
                (StatusCode::METHOD_NOT_ALLOWED, code)
            }
            Self::Invalid { code, .. } => (StatusCode::BAD_REQUEST, code),
            Self::Conflict(_) => (StatusCode::CONFLICT, "Conflict"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "BodyTooLarge"),
            // Azure being away is no fault of this program, and passes.
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "AzureUnavailable"),
            Self::NotQueued(_) | Self::NoTick(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "QueueUnavailable")
            }
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Busy"),
            Self::Store(crate::store::StoreError::BadId(_)) => (StatusCode::BAD_REQUEST, "BadId"),
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        }
    }

    /// The log has the chain; a 5xx body says nothing internal.
    fn public_message(&self) -> String {
        match self {
            Self::Store(crate::store::StoreError::BadId(_)) => {
                format!("{self}; use letters, digits and hyphens")
            }
            Self::Store(_) => {
                "Snapferry could not read or write its records. Nothing was changed; try again, and \
                 see the log if it stays."
                    .to_owned()
            }
            other => other.to_string(),
        }
    }
}
