//! Mode B: the older hosts' forwarding, with its losses (functions-host §3.3).

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Request, Response, header},
};
use url::Url;

use super::{Call, Refusal, content_length, path, proxy::remove_hop_by_hop, read};
use crate::{
    client::{self, Failure},
    inner::{HOST_VERSION, INVOCATION_ID, Inner, VERSION},
};

/// .NET holds these to belong to a body and cannot add them to a request.
const CONTENT_HEADERS: [&str; 9] = [
    "content-encoding",
    "content-language",
    "content-location",
    "content-disposition",
    "content-md5",
    "content-range",
    "allow",
    "expires",
    "last-modified",
];

pub(super) async fn call(
    inner: &Inner,
    call: &Call<'_>,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let id = call.id.to_string();
    let _watch = inner.worker.watch(&call.function.name, &id, inner.host.function_timeout);
    let (mut head, body) = request.into_parts();
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        inner
            .log
            .warning("A chunked request loses its body and Content-Type when it is forwarded.");
    }
    let has_body = content_length(&head.headers).is_some_and(|length| length > 0);
    let body =
        if has_body { Body::from(read(body, call.body_limit).await?) } else { Body::empty() };
    set_headers(&mut head.headers, has_body, &id);
    head.uri = target(&call.path).parse().map_err(|error| Refusal::Failed(format!("{error}")))?;
    let failed = |failure: Failure| Refusal::Failed(failure.to_string());
    let connection = client::connect(inner.worker.port).await.map_err(failed)?;
    let response = connection.send(Request::from_parts(head, body)).await.map_err(failed)?;
    let (mut head, body) = response.into_parts();
    remove_hop_by_hop(&mut head.headers);
    let body = to_bytes(Body::new(body), usize::MAX).await;
    let body = body.map_err(|error| Refusal::Failed(error.to_string()))?;
    Ok(Response::from_parts(head, Body::from(body)))
}

/// The path decoded and encoded again; the query rebuilt, equal keys joined by a comma.
fn target(path_and_query: &str) -> String {
    let (raw, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let url = Url::parse(&format!("http://host{}", path::decode(raw)));
    let path = url.map_or_else(|_| raw.to_owned(), |url| url.path().to_owned());
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match pairs.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some((_, joined)) => {
                joined.push(',');
                joined.push_str(&value);
            }
            None => pairs.push((key.into_owned(), value.into_owned())),
        }
    }
    if pairs.is_empty() {
        return path;
    }
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", path::escape(key), path::escape(value)))
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

fn set_headers(headers: &mut HeaderMap, has_body: bool, id: &str) {
    remove_hop_by_hop(headers);
    for name in CONTENT_HEADERS {
        headers.remove(name);
    }
    if !has_body {
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::CONTENT_TYPE);
    }
    // Added, not set: what a client sent stays in front.
    append(headers, INVOCATION_ID, ", ", id);
    append(headers, HOST_VERSION, ", ", VERSION);
    append(headers, header::USER_AGENT.as_str(), " ", &format!("Azure-Functions-Host/{VERSION}"));
}

fn append(headers: &mut HeaderMap, name: &'static str, separator: &str, value: &str) {
    let mut texts: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
        .collect();
    texts.push(value.to_owned());
    if let Ok(value) = HeaderValue::try_from(texts.join(separator)) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rebuilds_path_and_query() {
        assert_eq!(target("/api/x?a=1&b=2&a=3"), "/api/x?a=1%2C3&b=2");
        assert_eq!(target("/api/%61%20b%2Fc"), "/api/a%20b%2Fc");
        assert_eq!(target("/api"), "/api");
    }
}
