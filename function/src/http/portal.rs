//! The portal's files, precompressed beside the binary, served with immutable caching.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use crate::{app::App, error::Error};

/// The portal's files in memory: a few hundred kilobytes.
#[derive(Default)]
pub struct PortalFiles {
    files: BTreeMap<String, PortalFile>,
}

struct PortalFile {
    kind: &'static str,
    hashed: bool,
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

impl PortalFiles {
    /// Loads every file of `folder`; none where there is no such folder, which is said when the
    /// portal is asked for.
    pub fn load(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let compressed = name.ends_with(".br") || name.ends_with(".gz");
            if let (false, Ok(plain)) = (compressed, fs::read(&path)) {
                let beside = |ending: &str| {
                    let beside = PathBuf::from(format!("{}.{ending}", path.display()));
                    fs::read(beside).ok().map(Bytes::from)
                };
                let file = PortalFile {
                    kind: media_type(name),
                    hashed: is_hashed(name),
                    plain: plain.into(),
                    brotli: beside("br"),
                    gzip: beside("gz"),
                };
                files.insert(name.to_owned(), file);
            }
        }
        Self { files }
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}

/// Whether the name carries a hash of the content, as `app-0123456789abcdef.js` does.
fn is_hashed(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let tail = stem.rsplit('-').next().unwrap_or_default();
    tail.len() >= 12 && tail.chars().all(|c| c.is_ascii_hexdigit())
}

/// A file of the portal, or its page for any other path: the portal routes by itself.
pub(super) async fn show_portal(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let name = uri.path().strip_prefix("/portal/").unwrap_or_default();
    let files = &app.portal.files;
    if let Some(file) = files.get(name) {
        return Ok(send(file, &headers));
    }
    if is_hashed(name) {
        return Err(Error::NotFound(
            "that version of the portal is gone; load the page again".into(),
        ));
    }
    let none = || Error::NotFound("the portal's files are not beside the program".to_owned());
    Ok(send(files.get("index.html").ok_or_else(none)?, &headers))
}

fn send(file: &PortalFile, headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let accepts = |name: &str| {
        let mut codings = accepted.unwrap_or_default().split(',');
        codings.any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next() == Some(name) && parts.all(|weight| weight.replace(' ', "") != "q=0")
        })
    };
    let (encoding, bytes) = match (&file.brotli, &file.gzip) {
        (Some(bytes), _) if accepts("br") => (Some("br"), bytes),
        (_, Some(bytes)) if accepts("gzip") => (Some("gzip"), bytes),
        _ => (None, &file.plain),
    };
    let caching = if file.hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let encoding = encoding.map(|name| [(header::CONTENT_ENCODING, name)]);
    let fixed: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, file.kind),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "Accept-Encoding"),
    ];
    let mut response = (StatusCode::OK, fixed, bytes.clone()).into_response();
    for (name, value) in encoding.into_iter().flatten() {
        response.headers_mut().insert(name, axum::http::HeaderValue::from_static(value));
    }
    response
}

/// The host asks `GET /` to see whether the handler is ready, and again whenever it likes; a
/// browser is sent to the portal.
pub(super) async fn show_root(headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return (StatusCode::FOUND, [(header::LOCATION, "/portal")]).into_response();
    }
    (StatusCode::OK, "snapferry").into_response()
}

#[cfg(test)]
mod tests {
    use super::is_hashed;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(is_hashed("app-0123456789abcdef.js"));
        assert!(!is_hashed("index.html"));
        assert!(!is_hashed("logo-wide.svg"));
    }
}
