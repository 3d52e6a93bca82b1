//! Resource groups: list, GET, PUT, PATCH, DELETE with its polling, and export as a template.

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::world::{
    World,
    failure::Failure,
    operations::{Effect, Operation},
    resource::{Group, Tags},
    tags::check_tags,
};

use super::{Call, catalogue, lists, not_allowed, reply::Reply, resources::get_only};

pub(super) fn list(world: &World, call: &Call, id: &str) -> Result<Reply, Failure> {
    get_only(call)?;
    let prefix = format!("/subscriptions/{}/", world.subscription(id)?.id.to_ascii_lowercase());
    let filter = lists::filter(call)?;
    if let Some((name, _)) = filter.iter().find(|(n, _)| n != "tagname" && n != "tagvalue") {
        return Err(Failure::gateway(
            400,
            "InvalidFilterInQueryString",
            format!("Invalid $filter specified in the query string: '{name}' is not supported."),
        ));
    }
    let groups = world.groups.under(&prefix, None);
    let shown = groups.filter(|(_, group)| lists::tagged(&filter, group.tags.as_ref()));
    lists::page(world, call, shown.map(|(key, g)| (key.clone(), group_body(g))).collect(), false)
}

pub(super) fn group_body(group: &Group) -> Value {
    let mut body = json!({
        "id": format!("/subscriptions/{}/resourceGroups/{}", group.subscription, group.name),
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "properties": {
            "provisioningState": if group.deleting { "Deleting" } else { "Succeeded" },
        },
    });
    if let Some(tags) = &group.tags {
        body["tags"] = json!(tags);
    }
    if let Some(owner) = &group.managed_by {
        body["managedBy"] = owner.clone().into();
    }
    body
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupRequest {
    location: Option<String>,
    tags: Option<Tags>,
    managed_by: Option<String>,
}

/// GET, HEAD, PUT, PATCH and DELETE of a resource group.
pub(super) fn group(
    world: &mut World,
    call: &Call,
    (subscription, name): (&str, &str),
    now: Timestamp,
) -> Result<Reply, Failure> {
    match call.method {
        Method::GET => Ok(Reply::json(200, group_body(world.group(subscription, name)?))),
        Method::HEAD => {
            world.subscription(subscription)?;
            Ok(match world.group(subscription, name) {
                Ok(_) => Reply::empty(204),
                Err(_) => Reply::empty(404).header("x-ms-failure-cause", "gateway"),
            })
        }
        Method::PUT => {
            let request: GroupRequest = call.json()?;
            check_tags(request.tags.as_ref().unwrap_or(&Tags::new()))?;
            let new =
                world.put_group(subscription, name, request.location.as_deref(), request.tags)?;
            let key = crate::world::id::group_key(subscription, name);
            if let (true, Some(owner), Some(group)) =
                (new, request.managed_by, world.groups.get_mut(&key))
            {
                group.managed_by = Some(owner);
            }
            let body = group_body(world.group(subscription, name)?);
            Ok(Reply::json(if new { 201 } else { 200 }, body))
        }
        Method::PATCH => {
            let request: GroupRequest = call.json()?;
            check_tags(request.tags.as_ref().unwrap_or(&Tags::new()))?;
            let known = world.group(subscription, name)?.clone();
            let tags = request.tags.or(known.tags);
            world.put_group(subscription, &known.name, Some(&known.location), tags)?;
            Ok(Reply::json(200, group_body(world.group(subscription, name)?)))
        }
        Method::DELETE => {
            let operation = world.delete_group(subscription, name, now)?;
            let mut reply = Reply::empty(202)
                .header("location", job_url(call, &operation))
                .header("retry-after", "15");
            reply.polling = true;
            Ok(reply)
        }
        _ => Err(not_allowed(call)),
    }
}

/// Where the deletion of a group is polled (compute-snapshots §3.1).
pub(super) fn job_url(call: &Call, operation: &Operation) -> String {
    let name = match &operation.effect {
        Effect::DeleteGroup { name, .. } => name.to_uppercase(),
        _ => String::new(),
    };
    let location = &operation.location;
    // The recorded id ends in a number of Azure's own; here it is the operation.
    let job =
        format!("RESOURCEGROUPDELETIONJOB-{name}|{}-{}", operation.id, location.to_uppercase());
    let job = json!({"jobId": job, "jobLocation": location}).to_string();
    format!(
        "{}/subscriptions/{}/operationresults/{}?api-version={}",
        call.base,
        operation.subscription,
        URL_SAFE_NO_PAD.encode(job),
        call.version()
    )
}

/// The operation's key in the token of [`job_url`].
pub(super) fn read_job(token: &str) -> Option<String> {
    let job: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (_, rest) = job["jobId"].as_str()?.split_once('|')?;
    Some(rest.get(..36)?.to_owned())
}

#[derive(Deserialize)]
struct ExportRequest {
    #[serde(default)]
    resources: Vec<String>,
}

/// `exportTemplate`. Recorded for an empty group; GUESS: for others Azure may answer 202 first.
pub(super) fn export(world: &World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    if call.method != Method::POST {
        return Err(not_allowed(call));
    }
    let group = world.group(&call.parts[1], &call.parts[3])?;
    let request: ExportRequest = call.json()?;
    let all = request.resources.iter().any(|wanted| wanted == "*");
    let scope = crate::world::id::group_key(&group.subscription, &group.name);
    let mut parameters = Map::new();
    let mut exported = Vec::new();
    for key in catalogue::keys(world, &scope) {
        if !all && !request.resources.iter().any(|wanted| wanted.eq_ignore_ascii_case(&key)) {
            continue;
        }
        let Some(shown) = catalogue::show(world, &key, now) else { continue };
        let (kind, name) = (
            shown["type"].as_str().unwrap_or_default(),
            shown["name"].as_str().unwrap_or_default(),
        );
        let plain: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let parameter = format!("{}_{plain}_name", kind.rsplit('/').next().unwrap_or_default());
        parameters.insert(parameter.clone(), json!({"defaultValue": name, "type": "String"}));
        let mut resource = catalogue::brief(&shown);
        if let Some(resource) = resource.as_object_mut() {
            resource.remove("id");
            resource.remove("managedBy");
        }
        resource["apiVersion"] = "2023-10-02".into();
        resource["name"] = format!("[parameters('{parameter}')]").into();
        resource["properties"] = settable(&shown["properties"]);
        exported.push(resource);
    }
    Ok(Reply::json(
        200,
        json!({"template": {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "parameters": parameters,
            "variables": {},
            "resources": exported,
        }}),
    ))
}

/// Properties that can be sent again.
fn settable(properties: &Value) -> Value {
    const READ_ONLY: &[&str] = &[
        "provisioningState",
        "timeCreated",
        "uniqueId",
        "diskState",
        "diskSizeBytes",
        "completionPercent",
        "incrementalSnapshotFamilyId",
        "vmId",
        "resourceGuid",
        "defaultSecurityRules",
        "previousKeys",
    ];
    let mut properties = properties.clone();
    if let Some(object) = properties.as_object_mut() {
        object.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        if let Some(data) = object.get_mut("creationData").and_then(Value::as_object_mut) {
            data.remove("sourceUniqueId");
        }
    }
    properties
}
