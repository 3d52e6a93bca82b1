//! What a SAS of a managed disk opens: the content of a page blob, read by HEAD and by range.
//!
//! The URL has the shape of Azure's, with the account as the first part of the path instead of the
//! host (`https://{account}.z47.blob.storage.azure.net/…`), since a local name leads nowhere. The
//! content is the disk's followed by the footer of a fixed VHD, or within a VHDX (delta-copy §2.1).

use std::{io, ops::Range};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use uuid::Uuid;

use crate::world::{
    World,
    access::Grant,
    image::Image,
    resource::Managed,
    vhd::{FOOTER_BYTES, footer},
    vhdx::Vhdx,
};

use super::Call;

/// How much is sent at a time.
const CHUNK: u64 = 1 << 20;

/// What is answered to a version that the client does not name.
const VERSION: &str = "2018-03-28";

/// Whether a request is one for the content of a managed disk.
pub(super) fn is_blob(call: &Call) -> bool {
    call.parts.first().is_some_and(|part| part.starts_with("md-"))
}

/// A refusal of the storage service.
struct Refusal {
    status: u16,
    code: &'static str,
    message: &'static str,
    detail: Option<String>,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message, detail: None }
    }

    fn authentication(detail: &str) -> Self {
        Self {
            detail: Some(detail.to_owned()),
            ..Self::new(
                403,
                "AuthenticationFailed",
                "Server failed to authenticate the request. Make sure the value of Authorization \
                 header is formed correctly including the signature.",
            )
        }
    }
}

/// A page blob: the content of a disk or snapshot between what its format puts before and after.
struct Blob {
    /// Not made before it is read: it takes megabytes.
    vhdx: Option<Vhdx>,
    image: Image,
    disk_bytes: u64,
    tail: Tail,
    etag: String,
    created_at: Timestamp,
}

/// What follows the content.
enum Tail {
    Footer(Box<[u8; FOOTER_BYTES as usize]>),
    /// The rest of the last block.
    Zeros(u64),
}

impl Blob {
    fn of(grant: &Grant, managed: &Managed) -> Self {
        let disk_bytes = managed.size_bytes();
        let vhdx =
            grant.vhdx.then(|| Vhdx::new(disk_bytes, managed.sector_bytes(), managed.unique_id));
        let tail = match &vhdx {
            Some(file) => Tail::Zeros(file.len() - file.content().end),
            None => {
                let footer = footer(disk_bytes, managed.unique_id, managed.created_at);
                Tail::Footer(Box::new(footer))
            }
        };
        Self {
            vhdx,
            image: managed.image.clone(),
            disk_bytes,
            tail,
            etag: format!("\"0x8{:015X}\"", managed.created_at.as_microsecond()),
            created_at: managed.created_at,
        }
    }

    fn len(&self) -> u64 {
        let tail = match &self.tail {
            Tail::Footer(footer) => footer.len() as u64,
            Tail::Zeros(length) => *length,
        };
        self.content().end + tail
    }

    /// Where the disk's own bytes stand.
    fn content(&self) -> Range<u64> {
        self.vhdx.as_ref().map_or(0..self.disk_bytes, Vhdx::content)
    }

    fn read(&self, head: &[u8], from: u64, length: u64) -> Vec<u8> {
        let Range { start: begin, end } = self.content();
        let mut bytes = Vec::with_capacity(length as usize);
        let to = from + length;
        // The part of the range that is within a part of the file, counted from where that begins.
        let within = |start: u64, stop: u64| {
            (from.max(start) < to.min(stop)).then(|| from.max(start) - start..to.min(stop) - start)
        };
        if let Some(part) = within(0, begin) {
            bytes.extend_from_slice(&head[part.start as usize..part.end as usize]);
        }
        if let Some(part) = within(begin, end) {
            bytes.extend(self.image.read(part.start, (part.end - part.start) as usize));
        }
        if let Some(part) = within(end, self.len()) {
            match &self.tail {
                Tail::Footer(footer) => {
                    bytes.extend_from_slice(&footer[part.start as usize..part.end as usize]);
                }
                Tail::Zeros(_) => bytes.resize(length as usize, 0),
            }
        }
        bytes
    }

    fn stream(self, range: Range<u64>) -> Body {
        let end = range.end;
        let head = self.vhdx.as_ref().filter(|_| range.start < self.content().start);
        let head = head.map_or_else(Vec::new, Vhdx::head);
        let chunks = stream::iter(range.step_by(CHUNK as usize)).map(move |at| {
            Ok::<_, io::Error>(Bytes::from(self.read(&head, at, CHUNK.min(end - at))))
        });
        Body::from_stream(chunks)
    }
}

/// Answers a request for content.
pub(super) fn serve(world: &World, call: &Call, now: Timestamp) -> Response {
    let mut response = match open(world, call) {
        Ok(blob) => match call.method {
            Method::GET | Method::HEAD => read(blob, call),
            _ => refuse(call, &no_such_verb(), now),
        },
        Err(refusal) => refuse(call, &refusal, now),
    };
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0");
    set("x-ms-request-id", &Uuid::new_v4().to_string());
    set("x-ms-version", text(&call.headers, "x-ms-version").unwrap_or(VERSION));
    set("date", &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(id) = text(&call.headers, "x-ms-client-request-id") {
        set("x-ms-client-request-id", id);
    }
    response
}

fn no_such_verb() -> Refusal {
    Refusal::new(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
}

fn open(world: &World, call: &Call) -> Result<Blob, Refusal> {
    let [account, container, blob] = call.parts.as_slice() else {
        return Err(Refusal::new(
            400,
            "InvalidUri",
            "The requested URI does not represent any resource on the server.",
        ));
    };
    let of_policy = || Refusal::authentication("Signature did not match or the policy has ended.");
    let (grant, managed) =
        world.granted(account, container).filter(|_| blob == "abcd").ok_or_else(of_policy)?;
    check_signature(grant, call)?;
    check_network(world, managed)?;
    check_bearer(managed, call)?;
    if call.query.contains_key("comp") {
        return Err(Refusal::new(
            400,
            "NotImplemented",
            "The emulator does not serve page ranges or writes of managed disks yet.",
        ));
    }
    Ok(Blob::of(grant, managed))
}

fn check_signature(grant: &Grant, call: &Call) -> Result<(), Refusal> {
    let query = |name: &str| call.query.get(name).map(String::as_str);
    let kind = if grant.snapshot.is_some() { "bs" } else { "b" };
    let agrees = query("si") == Some(&grant.policy)
        && query("sig") == Some(&grant.signature)
        && query("sr") == Some(kind)
        && query("snapshot") == grant.snapshot.as_deref();
    if agrees { Ok(()) } else { Err(Refusal::authentication("Signature did not match.")) }
}

/// Only private links lead to what is closed to the public network, and there are none here.
fn check_network(world: &World, managed: &Managed) -> Result<(), Refusal> {
    let is = |name: &str, value: &str| {
        managed.settings.get(name).and_then(|found| found.as_str()) == Some(value)
    };
    let private =
        is("networkAccessPolicy", "AllowPrivate") || is("publicNetworkAccess", "Disabled");
    let off = world.settings.guesses.get("access-private").is_some_and(|guess| guess.off);
    if private && !off {
        return Err(Refusal::new(
            403,
            "AuthorizationFailure",
            "This request is not authorized to perform this operation.",
        ));
    }
    Ok(())
}

/// With `dataAccessAuthMode` a token is needed besides the SAS (delta-copy §2.1).
fn check_bearer(managed: &Managed, call: &Call) -> Result<(), Refusal> {
    let mode = managed.settings.get("dataAccessAuthMode").and_then(|mode| mode.as_str());
    let bearer = call.headers.get(header::AUTHORIZATION);
    if mode == Some("AzureActiveDirectory") && crate::identity::check_bearer(bearer).is_err() {
        return Err(Refusal::new(
            401,
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the \
             www-authenticate header.",
        ));
    }
    Ok(())
}

fn read(blob: Blob, call: &Call) -> Response {
    let asked = text(&call.headers, "x-ms-range").or_else(|| text(&call.headers, "range"));
    let whole = 0..blob.len();
    let range = match asked.filter(|_| call.method == Method::GET) {
        None => Some(whole.clone()),
        Some(asked) => parse_range(asked, blob.len()),
    };
    let Some(range) = range else {
        let refusal = Refusal::new(
            416,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
        );
        let mut response = refuse(call, &refusal, blob.created_at);
        let size = format!("bytes */{}", blob.len());
        if let Ok(size) = HeaderValue::from_str(&size) {
            response.headers_mut().insert(header::CONTENT_RANGE, size);
        }
        return response;
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    let modified = blob.created_at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    set(header::CONTENT_TYPE, "application/octet-stream".into());
    set(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    set(header::ACCEPT_RANGES, "bytes".into());
    set(header::ETAG, blob.etag.clone());
    set(header::LAST_MODIFIED, modified.clone());
    for (name, value) in [
        ("x-ms-blob-type", "PageBlob"),
        ("x-ms-blob-sequence-number", "0"),
        ("x-ms-lease-status", "unlocked"),
        ("x-ms-lease-state", "available"),
        ("x-ms-server-encrypted", "true"),
        ("x-ms-creation-time", modified.as_str()),
    ] {
        set(HeaderName::from_static(name), value.into());
    }
    if range != whole || asked.is_some() && call.method == Method::GET {
        set(
            header::CONTENT_RANGE,
            format!("bytes {}-{}/{}", range.start, range.end - 1, blob.len()),
        );
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    if call.method == Method::GET {
        *response.body_mut() = blob.stream(range);
    }
    response
}

/// `bytes=a-b`, `bytes=a-`; none if it begins beyond the end or is no range.
fn parse_range(text: &str, length: u64) -> Option<Range<u64>> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let from: u64 = from.parse().ok()?;
    let to: u64 = if to.is_empty() { length - 1 } else { to.parse().ok()? };
    (from <= to && from < length).then(|| from..to.min(length - 1) + 1)
}

fn refuse(call: &Call, refusal: &Refusal, now: Timestamp) -> Response {
    let detail = refusal.detail.as_deref().map_or_else(String::new, |detail| {
        format!("<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>")
    });
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}\n\
         Time:{now}</Message>{detail}</Error>",
        refusal.code, refusal.message
    );
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("x-ms-error-code", HeaderValue::from_static(refusal.code));
    if call.method != Method::HEAD {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        *response.body_mut() = Body::from(body);
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_with_the_blob_and_begins_within_it() {
        assert_eq!(parse_range("bytes=0-511", 1000), Some(0..512));
        assert_eq!(parse_range("bytes=900-5000", 1000), Some(900..1000));
        assert_eq!(parse_range("bytes=999-", 1000), Some(999..1000));
        for refused in ["bytes=1000-", "bytes=5-4", "bytes=-5", "items=0-1", "bytes=a-b"] {
            assert_eq!(parse_range(refused, 1000), None, "{refused}");
        }
    }
}
