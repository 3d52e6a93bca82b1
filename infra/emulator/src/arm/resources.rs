//! Tenants, subscriptions, locations, resource groups, and the Compute provider's own entry.

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::world::{
    World,
    failure::Failure,
    operations::{Effect, Operation},
    region::REGIONS,
    resource::{Group, Subscription, Tags},
    tags::check_tags,
};

use super::{Call, not_allowed, reply::Reply};

pub(super) fn list_tenants(world: &World, call: &Call) -> Result<Reply, Failure> {
    get_only(call)?;
    let tenant = world.settings.tenant_id;
    Ok(Reply::json(
        200,
        json!({"value": [{
            "id": format!("/tenants/{tenant}"),
            "tenantId": tenant,
            "countryCode": "US",
            "displayName": "Emulator",
            "domains": ["emulator.localhost"],
            "tenantCategory": "Home",
        }]}),
    ))
}

pub(super) fn list_subscriptions(world: &World, call: &Call) -> Result<Reply, Failure> {
    get_only(call)?;
    let value: Vec<_> = world.subscriptions.values().map(|s| subscription(world, s)).collect();
    let count = json!({"type": "Total", "value": value.len()});
    Ok(Reply::json(200, json!({"value": value, "count": count})))
}

pub(super) fn get_subscription(world: &World, call: &Call, id: &str) -> Result<Reply, Failure> {
    get_only(call)?;
    Ok(Reply::json(200, subscription(world, world.subscription(id)?)))
}

fn subscription(world: &World, found: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", found.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": found.id,
        "tenantId": world.settings.tenant_id,
        "displayName": found.name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Internal_2014-09-01",
            "quotaId": "Internal_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

pub(super) fn list_locations(world: &World, call: &Call, id: &str) -> Result<Reply, Failure> {
    get_only(call)?;
    let scope = format!("/subscriptions/{}/locations", world.subscription(id)?.id);
    let location = |region: &crate::world::region::Region| {
        let pair: Vec<_> = Some(region.pair)
            .filter(|pair| !pair.is_empty())
            .map(|pair| json!({"name": pair, "id": format!("{scope}/{pair}")}))
            .into_iter()
            .collect();
        let mut location = json!({
            "id": format!("{scope}/{}", region.name),
            "name": region.name,
            "type": "Region",
            "displayName": region.display_name,
            "regionalDisplayName":
                format!("({}) {}", region.geography_group, region.display_name),
            "metadata": {
                "regionType": "Physical",
                "regionCategory": if region.recommended { "Recommended" } else { "Other" },
                "geography": region.geography,
                "geographyGroup": region.geography_group,
                "longitude": region.position.0,
                "latitude": region.position.1,
                "physicalLocation": region.place,
                "pairedRegion": pair,
            },
        });
        if region.zones > 0 {
            let zone = |number: u8| {
                let physical = format!("{}-az{number}", region.name);
                json!({"logicalZone": number.to_string(), "physicalZone": physical})
            };
            location["availabilityZoneMappings"] = (1..=region.zones).map(zone).collect();
        }
        location
    };
    let value: Vec<_> = REGIONS.iter().map(location).collect();
    Ok(Reply::json(200, json!({"value": value})))
}

pub(super) fn list_groups(world: &World, call: &Call, id: &str) -> Result<Reply, Failure> {
    get_only(call)?;
    let prefix = format!("/subscriptions/{}/", world.subscription(id)?.id.to_ascii_lowercase());
    let value: Vec<_> = world.groups.under(&prefix, None).map(|(_, g)| group_body(g)).collect();
    Ok(Reply::json(200, json!({"value": value})))
}

fn group_body(group: &Group) -> Value {
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
    body
}

#[derive(Deserialize)]
struct GroupRequest {
    location: Option<String>,
    tags: Option<Tags>,
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
            Ok(Reply::empty(if world.group(subscription, name).is_ok() { 204 } else { 404 }))
        }
        Method::PUT => {
            let request: GroupRequest = call.json()?;
            check_tags(request.tags.as_ref().unwrap_or(&Tags::new()))?;
            let new =
                world.put_group(subscription, name, request.location.as_deref(), request.tags)?;
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

/// `providers/Microsoft.Compute`, always registered; also the answer to its registration.
pub(super) fn compute_provider(world: &World, call: &Call, id: &str) -> Result<Reply, Failure> {
    let registers = call.parts.len() == 5;
    if call.method != (if registers { Method::POST } else { Method::GET }) {
        return Err(not_allowed(call));
    }
    let scope = &world.subscription(id)?.id;
    let locations: Vec<_> = REGIONS.iter().map(|region| region.display_name).collect();
    let resource_type = |name: &str| {
        json!({
            "resourceType": name,
            "locations": locations,
            "apiVersions": API_VERSIONS,
            "defaultApiVersion": API_VERSIONS[0],
            "capabilities": "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, \
                             SupportsTags, SupportsLocation",
        })
    };
    Ok(Reply::json(
        200,
        json!({
            "id": format!("/subscriptions/{scope}/providers/Microsoft.Compute"),
            "namespace": "Microsoft.Compute",
            "registrationPolicy": "RegistrationRequired",
            "registrationState": "Registered",
            "resourceTypes": [
                resource_type("disks"),
                resource_type("snapshots"),
                resource_type("locations/diskOperations"),
            ],
        }),
    ))
}

/// Versions that clients were seen to send, newest first (compute-snapshots §2.5).
const API_VERSIONS: &[&str] = &[
    "2026-03-02",
    "2025-01-02",
    "2024-03-02",
    "2023-10-02",
    "2023-04-02",
    "2023-01-02",
    "2022-07-02",
    "2022-03-02",
    "2021-12-01",
    "2021-08-01",
    "2021-04-01",
    "2020-12-01",
    "2020-09-30",
    "2020-06-30",
    "2020-05-01",
    "2019-11-01",
    "2019-07-01",
    "2019-03-01",
];

fn get_only(call: &Call) -> Result<(), Failure> {
    if call.method == Method::GET { Ok(()) } else { Err(not_allowed(call)) }
}
