//! Reading a blob: its bytes, a range of them, what is known of it, its blocks.

use jiff::Timestamp;

use super::{Call, Reply};
use crate::{
    storage::{call::invalid_query, crc64::crc64, reply::http_date, xml::Document},
    world::{
        World,
        failure::Failure,
        storage::{
            blobs::{Blob, md5},
            leases::invalid_header,
        },
    },
};

/// A range whose checksum is wanted may not be longer.
const CHECKED_RANGE: u64 = 4 << 20;

pub(super) fn content_type(blob: &Blob) -> &str {
    blob.headers.content_type.as_deref().unwrap_or("application/octet-stream")
}

pub(super) fn get(world: &World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let at = (call.first.as_str(), call.rest.as_str());
    let blob = world.read_blob(at, &call.terms()?, now)?;
    let length = blob.length();
    let range = call.header("x-ms-range").or_else(|| call.header("range")).and_then(parse_range);
    let asks =
        |name: &str| call.header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let (wants_md5, wants_crc) =
        (asks("x-ms-range-get-content-md5"), asks("x-ms-range-get-content-crc64"));
    let Some((start, end)) = range else {
        if wants_md5 || wants_crc {
            return Err(invalid_header());
        }
        let bytes = world.blob_bytes(blob, 0, length);
        let reply = describe(Reply::bytes(200, bytes), blob, now);
        return Ok(reply.maybe("content-md5", blob.headers.md5.clone()));
    };
    if start >= length {
        return Err(Failure::new(
            416,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
        ));
    }
    let end = end.map_or(length, |end| end.saturating_add(1).min(length));
    if (wants_md5 || wants_crc) && end - start > CHECKED_RANGE {
        return Err(Failure::new(
            400,
            "OutOfRangeInput",
            "One of the request inputs is out of range.",
        ));
    }
    let bytes = world.blob_bytes(blob, start, end);
    let (md5, crc) = (wants_md5.then(|| md5(&bytes)), wants_crc.then(|| crc64(&bytes)));
    Ok(describe(Reply::bytes(206, bytes), blob, now)
        .header("content-range", format!("bytes {start}-{}/{length}", end - 1))
        .maybe("content-md5", md5)
        .maybe("x-ms-content-crc64", crc)
        .maybe("x-ms-blob-content-md5", blob.headers.md5.clone()))
}

pub(super) fn properties(world: &World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let at = (call.first.as_str(), call.rest.as_str());
    let blob = world.read_blob(at, &call.terms()?, now)?;
    let reply = describe(Reply::empty(200), blob, now);
    Ok(match call.query("comp") {
        // `comp=metadata` tells less, and nothing of a body's length.
        Some(_) => reply,
        None => reply
            .header("content-length", blob.length().to_string())
            .maybe("content-md5", blob.headers.md5.clone())
            .header("x-ms-access-tier", "Hot")
            .header("x-ms-access-tier-inferred", "true"),
    })
}

pub(super) fn block_list(world: &World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let at = (call.first.as_str(), call.rest.as_str());
    world.container(at.0)?;
    let (committed, uncommitted) = match call.query("blocklisttype").unwrap_or("committed") {
        kind if kind.eq_ignore_ascii_case("committed") => (true, false),
        kind if kind.eq_ignore_ascii_case("uncommitted") => (false, true),
        kind if kind.eq_ignore_ascii_case("all") => (true, true),
        _ => return Err(invalid_query()),
    };
    let blocks = world.uncommitted(at.0, at.1);
    let blob = match world.read_blob(at, &call.terms()?, now) {
        Ok(blob) => Some(blob),
        // Blocks may wait for their first list.
        Err(failure) if failure.code == "BlobNotFound" && !blocks.is_empty() => None,
        Err(failure) => return Err(failure),
    };
    let mut document = Document::new();
    let block = |document: &mut Document, name: &str, length: u64| {
        document.open("Block").text("Name", name).text("Size", &length.to_string()).close("Block");
    };
    document.open("BlockList");
    if committed {
        document.open("CommittedBlocks");
        for part in blob.iter().flat_map(|blob| &blob.parts) {
            if let Some(id) = &part.block {
                block(&mut document, id, part.length);
            }
        }
        document.close("CommittedBlocks");
    }
    if uncommitted {
        document.open("UncommittedBlocks");
        for (id, row) in &blocks {
            block(&mut document, id, row.length);
        }
        document.close("UncommittedBlocks");
    }
    document.close("BlockList");
    let reply = Reply::xml(200, document);
    Ok(match blob {
        Some(blob) => reply
            .state(&blob.etag, blob.modified_at)
            .header("x-ms-blob-content-length", blob.length().to_string()),
        None => reply.header("x-ms-blob-content-length", "0"),
    })
}

fn describe(reply: Reply, blob: &Blob, now: Timestamp) -> Reply {
    let (headers, state) = (&blob.headers, blob.lease.state(now));
    reply
        .state(&blob.etag, blob.modified_at)
        .metadata(&blob.metadata)
        .header("accept-ranges", "bytes")
        .header("content-type", content_type(blob))
        .maybe("content-encoding", headers.encoding.clone())
        .maybe("content-language", headers.language.clone())
        .maybe("content-disposition", headers.disposition.clone())
        .maybe("cache-control", headers.cache_control.clone())
        .header("x-ms-blob-type", "BlockBlob")
        .header("x-ms-creation-time", http_date(blob.created_at))
        .header("x-ms-lease-status", if state.is_locked() { "locked" } else { "unlocked" })
        .header("x-ms-lease-state", state.name())
        .maybe("x-ms-lease-duration", blob.lease.duration_name(now))
        .header("x-ms-server-encrypted", "true")
}

/// `bytes=a-b` or `bytes=a-`; anything else asks for the whole, as HTTP has it.
fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (start, end) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let start = start.parse().ok()?;
    match end {
        "" => Some((start, None)),
        end => end.parse().ok().filter(|end| *end >= start).map(|end| (start, Some(end))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_two_forms_of_a_range() {
        assert_eq!(parse_range("bytes=0-511"), Some((0, Some(511))));
        assert_eq!(parse_range("bytes=5-"), Some((5, None)));
        for other in ["bytes=-5", "bytes=9-3", "bytes=0-1,4-5", "0-1"] {
            assert_eq!(parse_range(other), None, "{other}");
        }
    }
}
