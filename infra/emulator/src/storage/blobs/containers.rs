//! Requests about containers.

use jiff::Timestamp;

use super::{Call, Reply};
use crate::{
    storage::{reply::http_date, xml::Document},
    world::{World, failure::Failure, storage::page},
};

pub(super) fn create(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let container = world.make_container(&call.first, call.metadata(), now)?;
    Ok(Reply::empty(201).state(&container.etag, container.modified_at))
}

pub(super) fn get(world: &World, call: &Call) -> Result<Reply, Failure> {
    let container = world.container(&call.first)?;
    Ok(Reply::empty(200)
        .state(&container.etag, container.modified_at)
        .header("x-ms-lease-status", "unlocked")
        .header("x-ms-lease-state", "available")
        .header("x-ms-has-immutability-policy", "false")
        .header("x-ms-has-legal-hold", "false")
        .metadata(&container.metadata))
}

pub(super) fn set_metadata(
    world: &mut World,
    call: &Call,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let container = world.set_container_metadata(&call.first, call.metadata(), now)?;
    Ok(Reply::empty(200).state(&container.etag, container.modified_at))
}

pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Failure> {
    let (prefix, marker) = (call.query("prefix").unwrap_or_default(), call.query("marker"));
    let limit = call.max_results()?;
    let rows = world.storage.containers.under(prefix, marker);
    let (containers, next) = page(rows.map(|(name, row)| (name.clone(), row)), limit);
    let mut document = Document::new();
    document
        .open_with("EnumerationResults", &[("ServiceEndpoint", &call.base)])
        .text("Prefix", prefix)
        .maybe("Marker", marker)
        .maybe("MaxResults", call.query("maxresults"))
        .open("Containers");
    for (name, container) in &containers {
        document
            .open("Container")
            .text("Name", name)
            .open("Properties")
            .text("Last-Modified", &http_date(container.modified_at))
            .text("Etag", &container.etag)
            .text("LeaseStatus", "unlocked")
            .text("LeaseState", "available")
            .close("Properties");
        if call.query("include").is_some_and(|include| include.contains("metadata")) {
            document.open("Metadata");
            for (name, value) in &container.metadata {
                document.text(name, value);
            }
            document.close("Metadata");
        }
        document.close("Container");
    }
    document.close("Containers").text("NextMarker", &next.unwrap_or_default());
    document.close("EnumerationResults");
    Ok(Reply::xml(200, document))
}
