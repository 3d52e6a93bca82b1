//! What people of a simulation say, in the words of the model: policies and requests.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{Policy, Request};

use crate::scenario::{Scenario, Wish};

/// The policy that a wish stands for, replacing `version`.
pub(crate) fn policy(scenario: &Scenario, wish: &Wish, version: u32) -> anyhow::Result<Policy> {
    let disks: Vec<&str> =
        wish.disks.iter().map(|number| scenario.disks[*number].id.as_str()).collect();
    let target = wish.targets.first().map(|(place, keep)| (&scenario.places[*place], keep));
    Ok(serde_json::from_value(json!({
        "id": wish.id, "version": version, "name": wish.id, "enabled": wish.enabled,
        "disks": disks, "every_hours": wish.every_minutes / 60,
        "keep_source": wish.keep, "keep_target": target.and_then(|(_, keep)| *keep),
        "target": target.map(|(place, _)| json!({
            "region": place.region, "subscription": place.subscription, "group": place.group,
        })),
    }))?)
}

/// A request of a person.
pub(crate) fn request(id: u64, asked_at: Timestamp, action: &Value) -> anyhow::Result<Request> {
    Ok(serde_json::from_value(json!({
        "id": format!("click-{id:06}"), "actor": "a person", "asked_at": asked_at, "action": action,
    }))?)
}

/// Takes a snapshot of a disk.
pub(crate) fn snapshot(disk: &str, group: &str, name: &str) -> Value {
    json!({
        "kind": "create_snapshot", "disk": disk, "group": group, "name": name,
        "incremental": true, "sku": "Standard_LRS",
    })
}

/// Keeps a point.
pub(crate) fn keep(point: &str) -> Value {
    json!({ "kind": "keep_point", "snapshot": point })
}
