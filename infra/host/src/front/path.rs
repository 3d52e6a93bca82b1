//! Paths as Kestrel sees them: decoded, without dot segments, `%2F` kept.
//!
//! Routing looks at this form, so `/api/%2e%2e/tick` is `/tick` and finds no route.

use axum::http::Uri;

/// A request's path, ready for routing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    had_dots: bool,
}

pub(super) fn normalise(raw: &str) -> Path {
    let mut segments = Vec::new();
    let mut had_dots = false;
    for part in raw.split('/').skip(1) {
        let part = decode(part);
        had_dots |= part == "." || part == "..";
        match part.as_str() {
            "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(part),
        }
    }
    // A slash at the end makes no segment.
    if segments.last().is_some_and(String::is_empty) {
        segments.pop();
    }
    Path { segments, had_dots }
}

impl Path {
    /// The path and query for the handler: the client's bytes, unless dot segments went.
    pub(super) fn wire(&self, uri: &Uri) -> String {
        if !self.had_dots {
            return uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        }
        let segments: Vec<_> = self.segments.iter().map(|part| escape(part)).collect();
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("/{}{query}", segments.join("/"))
    }
}

/// Decodes percent escapes, except those of a slash.
pub(super) fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten();
        let byte = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) if byte != b'/' => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Escapes all but unreserved characters.
pub(super) fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |out, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            out + &char::from(byte).to_string()
        }
        _ => out + &format!("%{byte:02X}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_dot_segments_even_if_escaped() {
        for raw in ["/tick", "/api/../tick", "/api/%2e%2E/tick", "/./tick/", "/../tick"] {
            assert_eq!(normalise(raw).segments, ["tick"], "{raw}");
        }
        assert_eq!(normalise("/api/a%2Fb").segments, ["api", "a%2Fb"]);
        assert!(normalise("/").segments.is_empty());
        assert_eq!(normalise("//tick").segments, ["", "tick"]);
    }

    #[test]
    fn keeps_the_client_s_bytes_where_it_may() {
        let wire =
            |uri: &str| normalise(uri.split('?').next().unwrap()).wire(&uri.parse().unwrap());
        assert_eq!(wire("/api/%7Ea%2fb?x=1&x=2"), "/api/%7Ea%2fb?x=1&x=2");
        assert_eq!(wire("/x/../api/a%20b?y"), "/api/a%20b?y");
    }
}
