//! `comp=list` of a container: prefix, delimiter, pages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::Call;
use crate::{
    storage::{
        call::invalid_query,
        reply::{Reply, http_date},
        xml::Document,
    },
    world::{World, failure::Failure, storage::blobs::Blob},
};

/// One line of the answer.
enum Entry<'a> {
    Blob(String, &'a Blob),
    /// What several names have in common, up to the delimiter.
    Prefix(String),
}

impl Entry<'_> {
    /// Where the next page begins, if this is a page's last.
    fn marker(&self) -> String {
        let place = match self {
            Self::Blob(name, _) => format!("b{name}"),
            Self::Prefix(prefix) => format!("p{prefix}"),
        };
        URL_SAFE_NO_PAD.encode(place)
    }
}

pub(super) fn list(world: &World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let container = call.first.as_str();
    world.container(container)?;
    let prefix = call.query("prefix").unwrap_or_default();
    let delimiter = call.query("delimiter");
    let marker = call.query("marker");
    let (entries, more) = entries(world, call, (prefix, delimiter), call.max_results()?)?;
    let mut document = Document::new();
    document
        .open_with(
            "EnumerationResults",
            &[("ServiceEndpoint", &call.base), ("ContainerName", container)],
        )
        .text("Prefix", prefix)
        .maybe("Marker", marker)
        .maybe("MaxResults", call.query("maxresults"))
        .maybe("Delimiter", delimiter)
        .open("Blobs");
    let metadata = call.query("include").is_some_and(|include| include.contains("metadata"));
    for entry in &entries {
        match entry {
            Entry::Blob(name, blob) => describe(&mut document, name, blob, metadata, now),
            Entry::Prefix(prefix) => {
                document.open("BlobPrefix").text("Name", prefix).close("BlobPrefix");
            }
        }
    }
    let next = entries.last().filter(|_| more).map(Entry::marker);
    document.close("Blobs").text("NextMarker", &next.unwrap_or_default());
    document.close("EnumerationResults");
    Ok(Reply::xml(200, document))
}

/// The entries of a page, and whether there are more.
fn entries<'a>(
    world: &'a World,
    call: &Call,
    (prefix, delimiter): (&str, Option<&str>),
    limit: usize,
) -> Result<(Vec<Entry<'a>>, bool), Failure> {
    let container = format!("{}/", call.first);
    let under = format!("{container}{prefix}");
    let mut after =
        call.query("marker").map(place_of).transpose()?.map(|at| container.clone() + &at);
    let mut found = Vec::new();
    loop {
        let next = world.storage.blobs.under(&under, after.as_deref()).next();
        let Some(key) = next.map(|(key, _)| key.clone()) else { return Ok((found, false)) };
        let Some(blob) = world.storage.blobs.get(&key) else { return Ok((found, false)) };
        if found.len() == limit {
            return Ok((found, true));
        }
        let name = &key[container.len()..];
        let cut = delimiter.and_then(|delimiter| {
            let at = name[prefix.len()..].find(delimiter)?;
            Some(&name[..prefix.len() + at + delimiter.len()])
        });
        match cut {
            Some(common) => {
                found.push(Entry::Prefix(common.to_owned()));
                after = Some(format!("{container}{}", end_of(common)));
            }
            None => {
                found.push(Entry::Blob(name.to_owned(), blob));
                after = Some(key);
            }
        }
    }
}

/// Comes after every name that begins with `prefix`.
fn end_of(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// The name after which a page begins.
fn place_of(marker: &str) -> Result<String, Failure> {
    let place = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|at| String::from_utf8(at).ok());
    let place = place.ok_or_else(invalid_query)?;
    match place.split_at_checked(1) {
        Some(("b", name)) => Ok(name.to_owned()),
        Some(("p", prefix)) => Ok(end_of(prefix)),
        _ => Err(invalid_query()),
    }
}

fn describe(document: &mut Document, name: &str, blob: &Blob, metadata: bool, now: Timestamp) {
    let (headers, state) = (&blob.headers, blob.lease.state(now));
    document
        .open("Blob")
        .text("Name", name)
        .open("Properties")
        .text("Creation-Time", &http_date(blob.created_at))
        .text("Last-Modified", &http_date(blob.modified_at))
        // Here, and here only, the tag goes without its quotes.
        .text("Etag", blob.etag.trim_matches('"'))
        .text("Content-Length", &blob.length().to_string())
        .text("Content-Type", super::read::content_type(blob))
        .text("Content-Encoding", headers.encoding.as_deref().unwrap_or_default())
        .text("Content-Language", headers.language.as_deref().unwrap_or_default())
        .text("Content-MD5", headers.md5.as_deref().unwrap_or_default())
        .text("Cache-Control", headers.cache_control.as_deref().unwrap_or_default())
        .text("Content-Disposition", headers.disposition.as_deref().unwrap_or_default())
        .text("BlobType", "BlockBlob")
        .text("AccessTier", "Hot")
        .text("AccessTierInferred", "true")
        .text("LeaseStatus", if state.is_locked() { "locked" } else { "unlocked" })
        .text("LeaseState", state.name())
        .maybe("LeaseDuration", blob.lease.duration_name(now))
        .text("ServerEncrypted", "true")
        .close("Properties");
    if metadata {
        document.open("Metadata");
        for (name, value) in &blob.metadata {
            document.text(name, value);
        }
        document.close("Metadata");
    }
    document.close("Blob");
}
