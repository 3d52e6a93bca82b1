//! `Microsoft.Network`, as far as machines and templates need something to name: GET, PUT,
//! DELETE and lists of four types, without rules.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::world::{
    World,
    failure::Failure,
    network::{NetworkResource, TYPES},
    path::ResourcePath,
    resource::Tags,
};

use super::{Call, lists, not_allowed, reply::Reply};

#[derive(Deserialize)]
struct Request {
    location: Option<String>,
    tags: Option<Tags>,
    sku: Option<Value>,
    properties: Option<Map<String, Value>>,
}

/// One resource, or a child of one.
pub(super) fn serve(world: &mut World, call: &Call, path: ResourcePath) -> Result<Reply, Failure> {
    let kind = path.pairs.first().map(|(kind, _)| kind.as_str()).unwrap_or_default();
    let Some(kind) = TYPES.iter().find(|known| known.eq_ignore_ascii_case(kind)) else {
        return Err(super::tenant::unknown_type(call));
    };
    let path = path.spelled("Microsoft.Network", &[kind, "subnets"]);
    world.group(&path.subscription, &path.group)?;
    let key = path.key();
    match call.method {
        Method::GET if path.pairs.len() == 1 => {
            let found = world.tenant.network.get(&key).ok_or_else(|| path.not_found())?;
            Ok(told(found, body(found)))
        }
        Method::GET => {
            let mut parent = path.clone();
            parent.pairs.truncate(1);
            let found = world.tenant.network.get(&parent.key()).ok_or_else(|| path.not_found())?;
            let children = body(found)["properties"]["subnets"].take();
            let named = |child: &&Value| {
                child["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(path.name()))
            };
            let child = children.as_array().and_then(|all| all.iter().find(named).cloned());
            child.map(|child| told(found, child)).ok_or_else(|| path.not_found())
        }
        Method::PUT if path.pairs.len() == 1 => {
            let request: Request = call.json()?;
            let location = world.place(&path.resource_type(), request.location.as_deref())?;
            let known = world.tenant.network.get(&key).cloned();
            let guid = match &known {
                Some(known) => known.guid,
                None => world.new_id(),
            };
            let resource = NetworkResource {
                path,
                location,
                tags: request.tags,
                sku: request.sku,
                properties: request.properties.unwrap_or_default(),
                guid,
            };
            let reply = Reply::json(if known.is_some() { 200 } else { 201 }, body(&resource));
            world.tenant.network.insert(key, resource);
            Ok(reply)
        }
        Method::DELETE if path.pairs.len() == 1 => {
            let status = if world.tenant.network.remove(&key).is_some() { 200 } else { 204 };
            Ok(Reply::empty(status))
        }
        _ => Err(not_allowed(call)),
    }
}

/// An answer of the network provider, with its own headers (recorded).
fn told(found: &NetworkResource, body: Value) -> Reply {
    Reply::json(200, body)
        .header("etag", format!("W/\"{}\"", found.guid))
        .header("x-ms-arm-service-request-id", found.guid.to_string())
}

/// The resources of a type in a group or a subscription.
pub(super) fn list(world: &World, call: &Call, scope: &str, kind: &str) -> Result<Reply, Failure> {
    if !TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Err(super::tenant::unknown_type(call));
    }
    let scope = format!("{scope}/");
    let rows = world.tenant.network.under(&scope, None);
    let items = rows
        .filter(|(_, found)| found.path.pairs[0].0.eq_ignore_ascii_case(kind))
        .map(|(key, found)| (key.clone(), body(found)));
    lists::page(world, call, items.collect(), false)
}

/// The resource as its GET shows it.
pub(super) fn body(found: &NetworkResource) -> Value {
    let id = found.path.path();
    let etag = format!("W/\"{}\"", found.guid);
    let mut properties = found.properties.clone();
    properties.insert("provisioningState".into(), "Succeeded".into());
    properties.insert("resourceGuid".into(), json!(found.guid));
    match found.path.pairs[0].0.as_str() {
        "networkSecurityGroups" => {
            properties.entry("securityRules").or_insert_with(|| json!([]));
            properties.insert("defaultSecurityRules".into(), default_rules(&id, &etag));
        }
        "virtualNetworks" => {
            let subnets = properties.entry("subnets").or_insert_with(|| json!([]));
            for subnet in subnets.as_array_mut().into_iter().flatten() {
                let name = subnet["name"].as_str().unwrap_or_default().to_owned();
                subnet["id"] = format!("{id}/subnets/{name}").into();
                subnet["etag"] = etag.clone().into();
                subnet["type"] = "Microsoft.Network/virtualNetworks/subnets".into();
                subnet["properties"]["provisioningState"] = "Succeeded".into();
            }
        }
        _ => {}
    }
    let mut body = json!({
        "name": found.path.name(),
        "id": id,
        "etag": etag,
        "location": found.location,
        "properties": properties,
        "type": found.path.resource_type(),
    });
    if let Some(tags) = &found.tags {
        body["tags"] = json!(tags);
    }
    if let Some(sku) = &found.sku {
        body["sku"] = sku.clone();
    }
    body
}

/// The rules that every security group has, as recorded.
fn default_rules(id: &str, etag: &str) -> Value {
    let rule = |name: &str,
                description: &str,
                (from, to): (&str, &str),
                allow: bool,
                priority: u32,
                inbound: bool| {
        json!({
            "name": name,
            "id": format!("{id}/defaultSecurityRules/{name}"),
            "etag": etag,
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": "Succeeded",
                "description": description,
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": from,
                "destinationAddressPrefix": to,
                "access": if allow { "Allow" } else { "Deny" },
                "priority": priority,
                "direction": if inbound { "Inbound" } else { "Outbound" },
            },
        })
    };
    let vnet = ("VirtualNetwork", "VirtualNetwork");
    json!([
        rule(
            "AllowVnetInBound",
            "Allow inbound traffic from all VMs in VNET",
            vnet,
            true,
            65_000,
            true
        ),
        rule(
            "AllowAzureLoadBalancerInBound",
            "Allow inbound traffic from azure load balancer",
            ("AzureLoadBalancer", "*"),
            true,
            65_001,
            true
        ),
        rule("DenyAllInBound", "Deny all inbound traffic", ("*", "*"), false, 65_500, true),
        rule(
            "AllowVnetOutBound",
            "Allow outbound traffic from all VMs to all VMs in VNET",
            vnet,
            true,
            65_000,
            false
        ),
        rule(
            "AllowInternetOutBound",
            "Allow outbound traffic from all VMs to Internet",
            ("*", "Internet"),
            true,
            65_001,
            false
        ),
        rule("DenyAllOutBound", "Deny all outbound traffic", ("*", "*"), false, 65_500, false),
    ])
}
