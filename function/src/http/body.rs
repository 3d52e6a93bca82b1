//! JSON bodies: bounded, strict, and refused in our own words.

use axum::{
    extract::{FromRequest, Request},
    http::header,
};
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::MAX_BODY_BYTES;
use crate::error::Error;

/// A body that was JSON of the right shape.
pub(super) struct Body<T>(pub(super) T);

/// A body is read no further than this; then the connection ends.
const DRAIN_BYTES: usize = 64 << 20;

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or_default();
        // Another site's form cannot send this type without the browser asking us first.
        let is_json = kind.split(';').next().unwrap_or_default().trim() == "application/json";
        let bytes = read(request).await?;
        if !is_json {
            let message = "send the body as JSON, with `Content-Type: application/json`";
            return Err(Error::invalid("UnsupportedMediaType", message));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let code = if error.is_data() { "InvalidBody" } else { "InvalidJson" };
            let advice = "/api/openapi.json describes what is expected";
            Error::invalid(code, format!("the body cannot be used: {error}; {advice}"))
        })
    }
}

/// Reads the whole body. One that is too large is read on to its end and dropped, as a client
/// that is still sending would otherwise see a broken connection in place of the answer.
async fn read(request: Request) -> Result<Vec<u8>, Error> {
    let mut stream = request.into_body().into_data_stream();
    let (mut kept, mut total) = (vec![], 0);
    while let Some(chunk) = stream.next().await {
        let broken = |_| Error::invalid("BrokenBody", "the body ended too soon; send it again");
        let chunk = chunk.map_err(broken)?;
        total += chunk.len();
        if total <= MAX_BODY_BYTES {
            kept.extend_from_slice(&chunk);
        } else if total > DRAIN_BYTES {
            break;
        }
    }
    if total <= MAX_BODY_BYTES {
        return Ok(kept);
    }
    Err(Error::TooLarge(format!("the body is larger than {MAX_BODY_BYTES} bytes; send less")))
}
