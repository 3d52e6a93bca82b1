//! `Microsoft.Resources/tags/default` of a subscription, a group or a resource.

use axum::http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::world::{
    World,
    failure::Failure,
    id::{ResourceId, group_key},
    path::ResourcePath,
    resource::Tags,
    tags::TagOperation,
};

use super::{Call, not_allowed, reply::Reply};

#[derive(Deserialize)]
struct TagsRequest {
    #[serde(default)]
    operation: String,
    properties: TagsProperties,
}

#[derive(Deserialize)]
struct TagsProperties {
    #[serde(default)]
    tags: Tags,
}

/// GET, PATCH, PUT (which replaces) and DELETE (of all); `at` is where the scope ends.
pub(super) fn serve(world: &mut World, call: &Call, at: usize) -> Result<Reply, Failure> {
    let (path, tags) = current(world, call, at)?;
    let tags = match call.method {
        Method::GET => tags,
        Method::PUT => {
            let request: TagsRequest = call.json()?;
            change(world, &path, TagOperation::Replace, &request.properties.tags)?
        }
        Method::PATCH => {
            let request: TagsRequest = call.json()?;
            let operation = match request.operation.to_ascii_lowercase().as_str() {
                "merge" => TagOperation::Merge,
                "replace" => TagOperation::Replace,
                "delete" => TagOperation::Delete,
                _ => {
                    return Err(Failure::invalid_content(format!(
                        "the operation '{}' is not one of Merge, Replace, Delete",
                        request.operation
                    )));
                }
            };
            change(world, &path, operation, &request.properties.tags)?
        }
        Method::DELETE => {
            change(world, &path, TagOperation::Replace, &Tags::new())?;
            return Ok(Reply::empty(200));
        }
        _ => return Err(not_allowed(call)),
    };
    Ok(Reply::json(
        200,
        json!({
            "id": format!("{path}/providers/Microsoft.Resources/tags/default"),
            "name": "default",
            "type": "Microsoft.Resources/tags",
            "properties": {"tags": tags},
        }),
    ))
}

/// The scope's id as it is known, and its tags.
fn current(world: &World, call: &Call, at: usize) -> Result<(String, Tags), Failure> {
    let parts = &call.parts[..at];
    let subscription = world.subscription(&parts[1])?;
    if parts.len() == 2 {
        return Ok((format!("/subscriptions/{}", subscription.id), subscription.tags.clone()));
    }
    let group = world.group(&parts[1], parts.get(3).map_or("", String::as_str))?;
    if parts.len() == 4 {
        let path = format!("/subscriptions/{}/resourceGroups/{}", group.subscription, group.name);
        return Ok((path, group.tags.clone().unwrap_or_default()));
    }
    let text = parts.join("/");
    if let Some(id) = ResourceId::parse(&text) {
        let resource = world.find(&id)?;
        return Ok((resource.id.path(), resource.tags.clone().unwrap_or_default()));
    }
    let path = ResourcePath::parse(&text).ok_or_else(|| super::tenant::unknown_type(call))?;
    let key = path.key();
    let tenant = &world.tenant;
    let machine = tenant.machines.get(&key).map(|found| (&found.path, &found.tags));
    let set = tenant.scale_sets.get(&key).map(|found| (&found.path, &found.tags));
    let encryption = tenant.encryption_sets.get(&key).map(|found| (&found.path, &found.tags));
    let network = tenant.network.get(&key).map(|found| (&found.path, &found.tags));
    let found = machine.or(set).or(encryption).or(network);
    let (path, tags) = found.ok_or_else(|| path.not_found())?;
    Ok((path.path(), tags.clone().unwrap_or_default()))
}

/// Changes the tags of a scope that is there.
fn change(
    world: &mut World,
    path: &str,
    operation: TagOperation,
    given: &Tags,
) -> Result<Tags, Failure> {
    if let Some(id) = ResourceId::parse(path) {
        return world.change_tags(&id, operation, given);
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let key = path.to_ascii_lowercase();
    let tenant = &mut world.tenant;
    let place = match parts.as_slice() {
        [_, subscription] => {
            let key = subscription.to_ascii_lowercase();
            let Some(found) = world.subscriptions.get_mut(&key) else {
                return Err(Failure::subscription_not_found(subscription));
            };
            found.tags = operation.apply(&found.tags, given)?;
            return Ok(found.tags.clone());
        }
        [_, subscription, _, group] => {
            world.groups.get_mut(&group_key(subscription, group)).map(|found| &mut found.tags)
        }
        _ if tenant.machines.contains(&key) => {
            tenant.machines.get_mut(&key).map(|found| &mut found.tags)
        }
        _ if tenant.scale_sets.contains(&key) => {
            tenant.scale_sets.get_mut(&key).map(|found| &mut found.tags)
        }
        _ if tenant.encryption_sets.contains(&key) => {
            tenant.encryption_sets.get_mut(&key).map(|found| &mut found.tags)
        }
        _ => tenant.network.get_mut(&key).map(|found| &mut found.tags),
    };
    let Some(place) = place else { return Ok(Tags::new()) };
    let tags = operation.apply(place.as_ref().unwrap_or(&Tags::new()), given)?;
    *place = Some(tags.clone());
    Ok(tags)
}
