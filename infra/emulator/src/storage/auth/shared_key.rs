//! `Authorization: SharedKey account:signature`, over the whole head of a request.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Call, Failure, failed, is_signature};
use crate::storage::{ACCOUNT, call::http_time};

/// An older request may be somebody else's copy of it.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(15);

pub(super) fn check(call: &Call, credentials: &str, now: Timestamp) -> Result<(), Failure> {
    let (account, signature) = credentials.split_once(':').ok_or_else(failed)?;
    let date = call.header("x-ms-date").or_else(|| call.header("date")).and_then(http_time);
    // By the machine's clock, as clients sign by theirs.
    let fresh = date.is_some_and(|date| now.duration_since(date).abs() <= MAX_AGE);
    if account == ACCOUNT && fresh && is_signature(&string_to_sign(call), signature) {
        return Ok(());
    }
    Err(failed())
}

fn string_to_sign(call: &Call) -> String {
    let mut lines = vec![call.method.as_str()];
    for name in [
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-type",
        "date",
        "if-modified-since",
        "if-match",
        "if-none-match",
        "if-unmodified-since",
        "range",
    ] {
        let value = call.header(name).unwrap_or_default();
        lines.push(match name {
            // Since version 2015-02-21 an absent body has no length.
            "content-length" if value == "0" => "",
            "date" if call.header("x-ms-date").is_some() => "",
            _ => value,
        });
    }
    format!("{}\n{}{}", lines.join("\n"), canonical_headers(call), canonical_resource(call))
}

fn canonical_headers(call: &Call) -> String {
    let own: BTreeMap<&str, String> = call
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-ms-"))
        .map(|name| {
            let values = call.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            let values: Vec<&str> = values.map(str::trim).collect();
            (name.as_str(), values.join(","))
        })
        .collect();
    own.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
}

/// The account's name, then the path as it was sent, which in this style has the name once more.
fn canonical_resource(call: &Call) -> String {
    let mut query: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in &call.query {
        query.entry(name).or_default().push(value);
    }
    let mut text = format!("/{ACCOUNT}{}", call.raw_path);
    for (name, mut values) in query {
        values.sort_unstable();
        text += &format!("\n{name}:{}", values.join(","));
    }
    text
}
