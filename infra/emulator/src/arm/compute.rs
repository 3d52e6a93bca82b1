//! `Microsoft.Compute/disks` and `/snapshots`: one resource, and lists.

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{
    World,
    desired::Desired,
    failure::Failure,
    id::{Kind, ResourceId, group_key},
};

use super::{
    Call, not_allowed,
    reply::Reply,
    wire::{self, View},
};

/// GET, PUT, PATCH and DELETE of one disk or snapshot.
pub(super) fn serve(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let Some(id) = ResourceId::parse(&call.parts.join("/")) else {
        return Err(Failure::gateway(404, "InvalidResourceType", "There is no such resource."));
    };
    match call.method {
        Method::GET => {
            world.find(&id)?;
            let mut body = wire::resource(world, &id, View::Get, now)
                .ok_or_else(|| Failure::resource_not_found(&id))?;
            wire::for_version(&mut body, call.version());
            Ok(Reply::provider(200, body))
        }
        Method::PUT => {
            world.subscription(&id.subscription)?;
            let desired = Desired::parse(&call.body)?;
            let id = spelled_as_known(world, id);
            let operation = match id.kind {
                Kind::Disk => world.put_disk(id.clone(), &desired, now)?,
                Kind::Snapshot => world.put_snapshot(id.clone(), &desired, now)?,
            };
            let body =
                world.managed(&id).map(|r| wire::accepted(r, &desired, call.version(), false));
            Ok(Reply::accepted(call, &operation, body))
        }
        Method::PATCH => {
            world.find(&id)?;
            let desired = Desired::parse(&call.body)?;
            let operation = match id.kind {
                Kind::Disk => world.patch_disk(&id, &desired, now)?,
                Kind::Snapshot => world.patch_snapshot(&id, &desired, now)?,
            };
            let body =
                world.managed(&id).map(|r| wire::accepted(r, &desired, call.version(), true));
            Ok(Reply::accepted(call, &operation, body))
        }
        Method::DELETE => Ok(match world.delete(&id, now)? {
            Some(operation) => Reply::accepted(call, &operation, None),
            None => Reply { provider: true, ..Reply::empty(204) },
        }),
        _ => Err(not_allowed(call)),
    }
}

/// An existing resource keeps the spelling of its id, whatever a later PUT writes.
fn spelled_as_known(world: &World, id: ResourceId) -> ResourceId {
    world.managed(&id).map_or(id, |known| known.id.clone())
}

/// One page of a group's or a subscription's disks or snapshots.
pub(super) fn list(
    world: &World,
    call: &Call,
    (subscription, group, collection): (&str, Option<&str>, &str),
    now: Timestamp,
) -> Result<Reply, Failure> {
    if call.method != Method::GET {
        return Err(not_allowed(call));
    }
    let scope = match group {
        Some(group) => {
            world.group(subscription, group)?;
            group_key(subscription, group)
        }
        None => {
            world.subscription(subscription)?;
            format!("/subscriptions/{}", subscription.to_ascii_lowercase())
        }
    };
    let scope = format!("{scope}/");
    let after = match call.query.get("$skiptoken") {
        None => None,
        Some(token) => Some(read_token(token)?),
    };
    let size = world.settings.page_size;
    let seen = world.listed_at(now);
    // One more than the page tells whether there is a next one.
    let mut items: Vec<(String, Value)> = match Kind::parse(collection) {
        Some(Kind::Disk) => world
            .disks
            .under_at(&scope, after.as_deref(), seen)
            .take(size + 1)
            .map(|(key, disk)| (key.clone(), wire::disk(disk, now)))
            .collect(),
        _ => world
            .snapshots
            .under_at(&scope, after.as_deref(), seen)
            .take(size + 1)
            .map(|(key, found)| (key.clone(), wire::snapshot(world, found, View::Get, now)))
            .collect(),
    };
    for (_, item) in &mut items {
        wire::for_version(item, call.version());
    }
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(|(key, _)| next_link(call, key));
    let mut body = json!({"value": items.into_iter().map(|(_, item)| item).collect::<Vec<_>>()});
    if let Some(next) = next {
        body["nextLink"] = next.into();
    }
    Ok(Reply::provider(200, body))
}

fn next_link(call: &Call, last: &str) -> String {
    format!(
        "{}/{}?api-version={}&$skiptoken={}",
        call.base,
        call.parts.join("/"),
        call.version(),
        URL_SAFE_NO_PAD.encode(last)
    )
}

fn read_token(token: &str) -> Result<String, Failure> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Failure::new(400, "InvalidParameter", "The skip token is invalid."))
}
