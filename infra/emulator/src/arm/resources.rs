//! Tenants and subscriptions, and all that is in a subscription or a group, in one list.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{World, failure::Failure, resource::Subscription};

use super::{Call, catalogue, lists, not_allowed, reply::Reply};

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
    let mut body = json!({
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
    });
    if !found.tags.is_empty() {
        body["tags"] = json!(found.tags);
    }
    body
}

/// `resources` of a subscription or a group.
pub(super) fn list(world: &World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    get_only(call)?;
    let subscription = &call.parts[1];
    let scope = match call.parts.get(3) {
        Some(group) => {
            world.group(subscription, group)?;
            crate::world::id::group_key(subscription, group)
        }
        None => {
            world.subscription(subscription)?;
            format!("/subscriptions/{}", subscription.to_ascii_lowercase())
        }
    };
    let filter = lists::filter(call)?;
    let mut keys = catalogue::keys(world, &scope);
    let wanted = |name: &str| filter.iter().find(|(known, _)| known == name).map(|(_, v)| v);
    if let Some(wanted) = wanted("resourcetype") {
        let part = wanted.to_ascii_lowercase();
        let (provider, kind) = part.split_once('/').unwrap_or((&part, ""));
        let part = format!("/providers/{provider}/{kind}/");
        keys.retain(|key| key.contains(&part));
    }
    if let Some(name) = wanted("name") {
        let end = format!("/{}", name.to_ascii_lowercase());
        keys.retain(|key| key.ends_with(&end));
    }
    if filter.iter().any(|(name, _)| name == "tagname" || name == "location") {
        keys.retain(|key| {
            let shown = catalogue::show(world, key, now).unwrap_or_default();
            let tags = serde_json::from_value(shown["tags"].clone()).ok();
            let location = wanted("location").is_none_or(|location| {
                shown["location"].as_str()
                    == Some(crate::world::region::normalise(location).as_str())
            });
            location && lists::tagged(&filter, tags.as_ref())
        });
    }
    let cut = lists::cut(world, call, &keys)?;
    let page = keys.iter().skip(cut.start).take(cut.count);
    let shown = page.filter_map(|key| catalogue::show(world, key, now));
    let body = cut.body(call, &keys, shown.map(|full| catalogue::brief(&full)).collect());
    Ok(Reply::json(200, body))
}

pub(super) fn get_only(call: &Call) -> Result<(), Failure> {
    if call.method == Method::GET { Ok(()) } else { Err(not_allowed(call)) }
}
