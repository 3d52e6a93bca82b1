//! Writing a blob: whole, or by blocks and a list of them.

use jiff::Timestamp;

use super::{Call, Reply};
use crate::{
    storage::{
        call::{invalid_query, not_implemented},
        crc64::crc64,
        xml,
    },
    world::{
        World,
        failure::Failure,
        storage::{
            blobs::{ContentHeaders, md5},
            blocks::Lookup,
        },
    },
};

/// What the `x-ms-blob-…` headers say of the content; of a blob put whole, the plain ones too.
pub(super) fn content_headers(call: &Call, plain: bool) -> ContentHeaders {
    let header = |name: &str| {
        let own = call.owned(&format!("x-ms-blob-{name}"));
        own.or_else(|| call.owned(name).filter(|_| plain))
    };
    ContentHeaders {
        content_type: header("content-type"),
        encoding: header("content-encoding"),
        language: header("content-language"),
        disposition: call.owned("x-ms-blob-content-disposition"),
        cache_control: header("cache-control"),
        md5: call.owned("x-ms-blob-content-md5"),
    }
}

pub(super) fn put_blob(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    if call.header("x-ms-copy-source").is_some() {
        return Err(not_implemented("server-side copies"));
    }
    match call.header("x-ms-blob-type") {
        Some("BlockBlob") => {}
        Some("PageBlob") => return Err(not_implemented("page blobs")),
        Some("AppendBlob") => return Err(not_implemented("append blobs")),
        Some(_) => return Err(crate::world::storage::leases::invalid_header()),
        None => {
            return Err(Failure::new(
                400,
                "MissingRequiredHeader",
                "An HTTP header that's mandatory for this request is not specified.",
            ));
        }
    }
    check_body(call)?;
    let own = md5(&call.body);
    let mut headers = content_headers(call, true);
    if headers.md5.as_ref().is_some_and(|given| *given != own) {
        return Err(md5_mismatch());
    }
    headers.md5 = Some(own.clone());
    let at = (call.first.as_str(), call.rest.as_str());
    let described = (headers, call.metadata());
    let blob = world.put_blob(at, call.body.clone(), described, &call.terms()?, now)?;
    Ok(Reply::empty(201)
        .state(&blob.etag, blob.modified_at)
        .header("content-md5", own)
        .header("x-ms-content-crc64", crc64(&call.body))
        .header("x-ms-request-server-encrypted", "true"))
}

pub(super) fn put_block(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    if call.header("x-ms-copy-source").is_some() {
        return Err(not_implemented("server-side copies"));
    }
    check_body(call)?;
    let id = call.query("blockid").ok_or_else(invalid_query)?;
    // A block goes by the lease; the other conditions are for the list.
    let mut terms = call.terms()?;
    terms.conditions = Default::default();
    let at = (call.first.as_str(), call.rest.as_str());
    world.put_block(at, id, call.body.clone(), &terms, now)?;
    Ok(Reply::empty(201)
        .maybe("content-md5", call.header("content-md5").map(|_| md5(&call.body)))
        .header("x-ms-content-crc64", crc64(&call.body))
        .header("x-ms-request-server-encrypted", "true"))
}

pub(super) fn put_block_list(
    world: &mut World,
    call: &Call,
    now: Timestamp,
) -> Result<Reply, Failure> {
    check_body(call)?;
    let root = xml::read(&call.body, "BlockList")?;
    let list = root.children.into_iter().map(|child| {
        let lookup = match child.name.as_str() {
            "Committed" => Lookup::Committed,
            "Uncommitted" => Lookup::Uncommitted,
            "Latest" => Lookup::Latest,
            _ => return None,
        };
        Some((lookup, child.text.trim().to_owned()))
    });
    let list: Option<Vec<_>> = list.collect();
    let list = list.ok_or_else(|| {
        Failure::new(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")
    })?;
    let at = (call.first.as_str(), call.rest.as_str());
    let described = (content_headers(call, false), call.metadata());
    let blob = world.commit_blocks(at, &list, described, &call.terms()?, now)?;
    Ok(Reply::empty(201)
        .state(&blob.etag, blob.modified_at)
        .header("x-ms-content-crc64", crc64(&call.body))
        .header("x-ms-request-server-encrypted", "true"))
}

/// Compares the body with the checksums that came with it.
fn check_body(call: &Call) -> Result<(), Failure> {
    if call.header("content-md5").is_some_and(|given| given != md5(&call.body)) {
        return Err(md5_mismatch());
    }
    if call.header("x-ms-content-crc64").is_some_and(|given| given != crc64(&call.body)) {
        return Err(Failure::new(
            400,
            "Crc64Mismatch",
            "The CRC64 value specified in the request did not match with the CRC64 value \
             calculated by the server.",
        ));
    }
    Ok(())
}

fn md5_mismatch() -> Failure {
    Failure::new(
        400,
        "Md5Mismatch",
        "The MD5 value specified in the request did not match with the MD5 value calculated by \
         the server.",
    )
}
