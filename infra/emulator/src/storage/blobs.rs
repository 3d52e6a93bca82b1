//! Containers and block blobs over HTTP: which request does what.

mod containers;
mod leases;
mod list;
mod read;
mod write;

use jiff::Timestamp;

use super::{
    auth::{Grant, Need},
    call::{Call, invalid_uri, not_implemented},
    reply::Reply,
};
use crate::world::{World, failure::Failure};

/// What a request wants.
#[derive(Debug, Clone, Copy)]
enum Operation {
    ListContainers,
    CreateContainer,
    GetContainer,
    SetContainerMetadata,
    DeleteContainer,
    ListBlobs,
    GetBlob,
    GetProperties,
    SetProperties,
    SetMetadata,
    PutBlob,
    PutBlock,
    PutBlockList,
    GetBlockList,
    DeleteBlob,
    Lease,
}

/// Where the path leads.
#[derive(Debug, Clone, Copy)]
enum Place {
    Service,
    Container,
    Blob,
}

fn operation(call: &Call) -> Result<Operation, Failure> {
    let comp = call.query("comp");
    let container = call.query("restype").is_some_and(|text| text == "container");
    let place = match (call.first.as_str(), call.rest.as_str()) {
        ("", _) => Place::Service,
        (_, "") => Place::Container,
        _ => Place::Blob,
    };
    if call.query("snapshot").is_some() || call.query("versionid").is_some() {
        return Err(not_implemented("snapshots and versions of blobs"));
    }
    Ok(match (call.method.as_str(), place, comp) {
        ("GET", Place::Service, Some("list")) => Operation::ListContainers,
        ("PUT", Place::Container, None) if container => Operation::CreateContainer,
        ("GET" | "HEAD", Place::Container, None | Some("metadata")) if container => {
            Operation::GetContainer
        }
        ("PUT", Place::Container, Some("metadata")) if container => Operation::SetContainerMetadata,
        ("DELETE", Place::Container, None) if container => Operation::DeleteContainer,
        ("GET", Place::Container, Some("list")) if container => Operation::ListBlobs,
        ("GET", Place::Blob, None) => Operation::GetBlob,
        ("HEAD", Place::Blob, None) | ("GET" | "HEAD", Place::Blob, Some("metadata")) => {
            Operation::GetProperties
        }
        ("PUT", Place::Blob, None) => Operation::PutBlob,
        ("PUT", Place::Blob, Some("block")) => Operation::PutBlock,
        ("PUT", Place::Blob, Some("blocklist")) => Operation::PutBlockList,
        ("GET", Place::Blob, Some("blocklist")) => Operation::GetBlockList,
        ("PUT", Place::Blob, Some("properties")) => Operation::SetProperties,
        ("PUT", Place::Blob, Some("metadata")) => Operation::SetMetadata,
        ("PUT", Place::Blob, Some("lease")) => Operation::Lease,
        ("DELETE", Place::Blob, None) => Operation::DeleteBlob,
        (_, _, Some("page" | "pagelist" | "incrementalcopy")) => {
            return Err(not_implemented("page blobs"));
        }
        (_, _, Some("appendblock" | "seal")) => return Err(not_implemented("append blobs")),
        (_, _, Some(comp)) => return Err(not_implemented(&format!("`comp={comp}` here"))),
        _ => return Err(invalid_uri()),
    })
}

/// What a SAS must allow.
pub(super) fn need(call: &Call) -> Result<Need, Failure> {
    Ok(match operation(call)? {
        Operation::ListContainers => Need::new('s', "l"),
        Operation::CreateContainer => Need::new('c', "cw"),
        Operation::GetContainer => Need::new('c', "r"),
        Operation::SetContainerMetadata => Need::new('c', "w"),
        Operation::DeleteContainer => Need::new('c', "d"),
        Operation::ListBlobs => Need::new('c', "l"),
        Operation::GetBlob | Operation::GetProperties | Operation::GetBlockList => {
            Need::new('o', "r")
        }
        Operation::PutBlob | Operation::PutBlock | Operation::PutBlockList => Need::new('o', "wc"),
        Operation::SetProperties | Operation::SetMetadata => Need::new('o', "w"),
        Operation::DeleteBlob => Need::new('o', "d"),
        Operation::Lease => match call.header("x-ms-lease-action") {
            Some("break") => Need::new('o', "wd"),
            _ => Need::new('o', "w"),
        },
    })
}

pub(super) fn serve(
    world: &mut World,
    call: &Call,
    grant: Grant,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let at = (call.first.as_str(), call.rest.as_str());
    let operation = operation(call)?;
    let writes = matches!(operation, Operation::PutBlob | Operation::PutBlockList);
    if writes && grant == Grant::CreateOnly && world.blob(at.0, at.1).is_ok() {
        return Err(Grant::refusal());
    }
    match operation {
        Operation::ListContainers => containers::list(world, call),
        Operation::CreateContainer => containers::create(world, call, now),
        Operation::GetContainer => containers::get(world, call),
        Operation::SetContainerMetadata => containers::set_metadata(world, call, now),
        Operation::DeleteContainer => {
            world.delete_container(&call.first).map(|()| Reply::empty(202))
        }
        Operation::ListBlobs => list::list(world, call, now),
        Operation::GetBlob => read::get(world, call, now),
        Operation::GetProperties => read::properties(world, call, now),
        Operation::GetBlockList => read::block_list(world, call, now),
        Operation::PutBlob => write::put_blob(world, call, now),
        Operation::PutBlock => write::put_block(world, call, now),
        Operation::PutBlockList => write::put_block_list(world, call, now),
        Operation::SetProperties => {
            let headers = write::content_headers(call, false);
            let change = |blob: &mut crate::world::storage::blobs::Blob| blob.headers = headers;
            let blob = world.describe_blob(at, change, &call.terms()?, now)?;
            Ok(Reply::empty(200).state(&blob.etag, blob.modified_at))
        }
        Operation::SetMetadata => {
            let metadata = call.metadata();
            let change = |blob: &mut crate::world::storage::blobs::Blob| blob.metadata = metadata;
            let blob = world.describe_blob(at, change, &call.terms()?, now)?;
            Ok(Reply::empty(200)
                .state(&blob.etag, blob.modified_at)
                .header("x-ms-request-server-encrypted", "true"))
        }
        Operation::DeleteBlob => {
            world.delete_blob(at, &call.terms()?, now)?;
            Ok(Reply::empty(202).header("x-ms-delete-type-permanent", "true"))
        }
        Operation::Lease => leases::serve(world, call, now),
    }
}
