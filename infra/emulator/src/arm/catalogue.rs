//! All resources of all types in one order, as their GET shows them: for lists over types,
//! Resource Graph, references of templates.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{World, id::ResourceId};

use super::{
    encryption, machines, network,
    wire::{self, View},
};

/// The resource of that key, in full.
pub(super) fn show(world: &World, key: &str, now: Timestamp) -> Option<Value> {
    let tenant = &world.tenant;
    if let Some(id) = ResourceId::parse(key) {
        return wire::resource(world, &id, View::Get, now);
    }
    if let Some(set) = tenant.encryption_sets.get(key) {
        return Some(encryption::body(world, set));
    }
    if let Some(machine) = tenant.machines.get(key) {
        return Some(machines::body(world, machine, false));
    }
    if let Some(set) = tenant.scale_sets.get(key) {
        return Some(machines::scale_set_body(world, set));
    }
    if let Some(found) = tenant.network.get(key) {
        return Some(network::body(found));
    }
    if let Some(deployment) = tenant.deployments.get(key) {
        return Some(super::deployments::body(deployment));
    }
    tenant.locks.get(key).map(super::locks::body)
}

pub(super) fn exists(world: &World, key: &str) -> bool {
    let tenant = &world.tenant;
    world.disks.contains(key)
        || world.snapshots.contains(key)
        || tenant.encryption_sets.contains(key)
        || tenant.machines.contains(key)
        || tenant.scale_sets.contains(key)
        || tenant.network.contains(key)
        || tenant.deployments.contains(key)
        || tenant.locks.contains(key)
}

/// The keys of the resources under a scope, in order; machines of a uniform set are not among
/// them, for they are the set's.
pub(super) fn keys(world: &World, scope: &str) -> Vec<String> {
    let scope = format!("{}/", scope.to_ascii_lowercase());
    let tenant = &world.tenant;
    let mut keys: Vec<String> = Vec::new();
    keys.extend(world.disks.under(&scope, None).map(|(key, _)| key.clone()));
    keys.extend(world.snapshots.under(&scope, None).map(|(key, _)| key.clone()));
    keys.extend(tenant.encryption_sets.under(&scope, None).map(|(key, _)| key.clone()));
    let machines = tenant.machines.under(&scope, None);
    keys.extend(machines.filter(|(_, machine)| !machine.is_instance()).map(|(key, _)| key.clone()));
    keys.extend(tenant.scale_sets.under(&scope, None).map(|(key, _)| key.clone()));
    keys.extend(tenant.network.under(&scope, None).map(|(key, _)| key.clone()));
    keys.sort_unstable();
    keys
}

/// All resources of a subscription as they looked at `at`, in the order of their keys.
pub(super) fn all_at(world: &World, subscription: &str, at: Timestamp) -> Vec<Value> {
    let scope = format!("/subscriptions/{}/", subscription.to_ascii_lowercase());
    let tenant = &world.tenant;
    let mut all = BTreeMap::new();
    for (key, disk) in world.disks.under_at(&scope, None, at) {
        all.insert(key.clone(), wire::disk(disk, at));
    }
    for (key, snapshot) in world.snapshots.under_at(&scope, None, at) {
        all.insert(key.clone(), wire::snapshot(world, snapshot, View::Get, at));
    }
    for (key, set) in tenant.encryption_sets.under_at(&scope, None, at) {
        all.insert(key.clone(), encryption::body(world, set));
    }
    for (key, machine) in tenant.machines.under_at(&scope, None, at) {
        if !machine.is_instance() {
            all.insert(key.clone(), machines::body(world, machine, false));
        }
    }
    for (key, set) in tenant.scale_sets.under_at(&scope, None, at) {
        all.insert(key.clone(), machines::scale_set_body(world, set));
    }
    for (key, found) in tenant.network.under(&scope, None) {
        all.insert(key.clone(), network::body(found));
    }
    all.into_values().collect()
}

/// What lists over all types show of a resource.
pub(super) fn brief(full: &Value) -> Value {
    let mut brief = json!({});
    for name in ["id", "name", "type", "sku", "managedBy", "location", "zones", "identity", "tags"]
    {
        if let Some(value) = full.get(name) {
            brief[name] = value.clone();
        }
    }
    brief
}
