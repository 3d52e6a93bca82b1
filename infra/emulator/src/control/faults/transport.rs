//! What a fault does to an answer on its way: late, slow, cut short, or never.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::stream;

use super::Fault;
use crate::server::DropConnection;

/// A slow body comes in so many parts per second.
const PARTS_PER_SECOND: u64 = 10;

/// HTTP/2 discards what is queued when a stream is reset: what is to arrive gets this time.
const FLUSH: Duration = Duration::from_millis(50);

impl Fault {
    /// Waits as long as the fault asks for, by the machine's clock.
    pub(crate) async fn wait(&self) {
        if let Some(delay) = self.delay_ms {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
    }

    /// The answer as it leaves.
    pub(crate) async fn disturb(&self, response: Response) -> Response {
        if self.drops() {
            return dropped();
        }
        if self.bytes_per_second.is_none() && self.truncate_bytes.is_none() {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let Ok(bytes) = to_bytes(body, usize::MAX).await else { return dropped() };
        if bytes.is_empty() {
            // An answer to HEAD has the length of what it does not bring.
            return Response::from_parts(parts, Body::empty());
        }
        parts.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        let end = self.truncate_bytes.map_or(bytes.len(), |end| bytes.len().min(end as usize));
        let cut = end < bytes.len();
        Response::from_parts(parts, trickle(bytes.slice(..end), cut, self.bytes_per_second))
    }
}

/// Sends the bytes at that rate, and breaks off at their end if they are `cut`.
fn trickle(bytes: Bytes, cut: bool, bytes_per_second: Option<u64>) -> Body {
    let part = bytes_per_second.map(|rate| (rate / PARTS_PER_SECOND).max(1) as usize);
    let body = stream::unfold((bytes, false), move |(mut bytes, ended)| async move {
        if ended || (bytes.is_empty() && !cut) {
            return None;
        }
        if bytes.is_empty() {
            tokio::time::sleep(FLUSH).await;
            let broken = io::Error::new(io::ErrorKind::ConnectionReset, "a fault cuts the body");
            return Some((Err(broken), (bytes, true)));
        }
        if part.is_some() {
            tokio::time::sleep(Duration::from_millis(1000 / PARTS_PER_SECOND)).await;
        }
        let now = bytes.split_to(part.unwrap_or(bytes.len()).min(bytes.len()));
        Some((Ok(now), (bytes, false)))
    });
    Body::from_stream(body)
}

/// An answer that never leaves: the listener breaks the connection.
pub(crate) fn dropped() -> Response {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(DropConnection);
    response
}
