//! An answer before it is dressed with headers.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{failure::Failure, operations::Operation};

use super::Call;

/// Status, body and the headers that are this answer's own.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Written by the disk provider, which indents its JSON (compute-snapshots §3.1).
    pub(crate) provider: bool,
    /// The request id, where it is that of an operation.
    pub(crate) request_id: Option<Uuid>,
    /// About a long-running operation.
    pub(crate) polling: bool,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), ..Self::default() }
    }

    /// An answer of the disk provider.
    pub(crate) fn provider(status: u16, body: Value) -> Self {
        Self { provider: true, ..Self::json(status, body) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The 202 that begins an operation (compute-snapshots §3.1).
    pub(crate) fn accepted(call: &Call, operation: &Operation, body: Option<Value>) -> Self {
        let mut reply = Self {
            status: 202,
            body,
            provider: true,
            request_id: Some(operation.id),
            polling: true,
            ..Self::default()
        };
        reply.headers.push(("azure-asyncoperation", operation_url(call, operation, false)));
        reply.headers.push(("location", operation_url(call, operation, true)));
        if matches!(call.method, Method::PUT | Method::PATCH) {
            reply.headers.push(("retry-after", "2".to_owned()));
        }
        reply
    }
}

/// Where an operation is polled; `monitor` gives its result instead of its status.
pub(crate) fn operation_url(call: &Call, operation: &Operation, monitor: bool) -> String {
    format!(
        "{}/subscriptions/{}/providers/Microsoft.Compute/locations/{}/DiskOperations/{}?p={}{}&api-version={}",
        call.base,
        operation.subscription,
        operation.location,
        operation.id,
        partition(&operation.location),
        if monitor { "&monitor=true" } else { "" },
        call.version()
    )
}

/// The provider's partition: one per region.
pub(crate) fn partition(location: &str) -> Uuid {
    let mut hash = 0_u64;
    for byte in location.bytes() {
        hash = crate::world::mix(hash ^ u64::from(byte));
    }
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&hash.to_be_bytes());
    bytes[8..].copy_from_slice(&crate::world::mix(hash).to_be_bytes());
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        let mut reply = Self::json(failure.status, json!({"error": failure.body()}));
        reply.provider = !failure.gateway;
        if failure.status == 401 {
            let challenge = "Bearer authorization_uri=\"https://login.windows.net/common\", \
                             error=\"invalid_token\"";
            reply.headers.push(("www-authenticate", challenge.to_owned()));
        }
        if failure.gateway {
            reply.headers.push(("x-ms-failure-cause", "gateway".to_owned()));
        }
        reply
    }
}
