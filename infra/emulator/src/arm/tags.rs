//! `Microsoft.Resources/tags/default` of a disk or snapshot.

use axum::http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::world::{World, failure::Failure, id::ResourceId, resource::Tags, tags::TagOperation};

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

/// GET, PATCH and PUT (which replaces).
pub(super) fn serve(world: &mut World, call: &Call) -> Result<Reply, Failure> {
    let Some(id) = ResourceId::parse(&call.parts[..8].join("/")) else {
        return Err(Failure::gateway(404, "InvalidResourceType", "There is no such resource."));
    };
    let (path, tags) = {
        let resource = world.find(&id)?;
        (resource.id.path(), resource.tags.clone().unwrap_or_default())
    };
    let tags = match call.method {
        Method::GET => tags,
        Method::PUT => {
            let request: TagsRequest = call.json()?;
            world.change_tags(&id, TagOperation::Replace, &request.properties.tags)?
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
            world.change_tags(&id, operation, &request.properties.tags)?
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
