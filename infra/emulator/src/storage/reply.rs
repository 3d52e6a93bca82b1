//! An answer of the storage account, and the headers that all of them carry.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::xml::Document;
use crate::world::{failure::Failure, storage::Metadata};

/// The version of the service that a client gets if it names none.
const VERSION: &str = "2025-07-05";

/// Status, headers and body.
#[derive(Debug, Default)]
pub(super) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    failure: Option<Failure>,
}

impl Reply {
    pub(super) fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(super) fn xml(status: u16, document: Document) -> Self {
        let body = Bytes::from(document.finish());
        Self { body, ..Self::empty(status) }.header("content-type", "application/xml")
    }

    pub(super) fn bytes(status: u16, body: Bytes) -> Self {
        Self { body, ..Self::empty(status) }
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn maybe(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    pub(super) fn metadata(mut self, metadata: &Metadata) -> Self {
        for (name, value) in metadata {
            self = self.header(&format!("x-ms-meta-{name}"), value);
        }
        self
    }

    /// The tag and the time of what was read or written.
    pub(super) fn state(self, etag: &str, modified_at: Timestamp) -> Self {
        self.header("etag", etag).header("last-modified", http_date(modified_at))
    }

    /// Turns it into the answer that leaves.
    pub(super) fn dress(mut self, parts: &Parts, now: Timestamp) -> Response {
        let id = Uuid::new_v4();
        if let Some(failure) = self.failure.take() {
            self = self.header("x-ms-error-code", &failure.code);
            // An answer to HEAD has no body, and 304 none either; the code says it all.
            if parts.method != Method::HEAD && failure.status != 304 {
                self = self.header("content-type", "application/xml");
                self.body = Bytes::from(error_document(&failure, id, now).finish());
            }
        }
        let length = self.body.len();
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if !matches!(self.status, 204 | 304) {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        let version = parts.headers.get("x-ms-version").and_then(|value| value.to_str().ok());
        let client = parts.headers.get("x-ms-client-request-id").and_then(|id| id.to_str().ok());
        let common = [
            ("server", Some("Windows-Azure-Emulator/1.0")),
            ("x-ms-version", Some(version.unwrap_or(VERSION))),
            ("x-ms-client-request-id", client),
        ];
        let common = common
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let own =
            [("date".to_owned(), http_date(now)), ("x-ms-request-id".to_owned(), id.to_string())];
        for (name, value) in common.chain(own).chain(self.headers) {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
                headers.insert(name, value);
            }
        }
        response
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        Self { failure: Some(failure.clone()), ..Self::empty(failure.status) }
    }
}

fn error_document(failure: &Failure, id: Uuid, now: Timestamp) -> Document {
    let time = now.strftime("%Y-%m-%dT%H:%M:%S%.7fZ");
    let message = format!("{}\nRequestId:{id}\nTime:{time}", failure.message);
    let mut document = Document::new();
    document.open("Error").text("Code", &failure.code).text("Message", &message).close("Error");
    document
}

/// HTTP's way to write a time.
pub(super) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(super) fn too_large() -> Failure {
    Failure::new(
        413,
        "RequestBodyTooLarge",
        "The request body is too large and exceeds the maximum permissible limit.",
    )
}
