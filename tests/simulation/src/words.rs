//! What people of a simulation say, in the words of the model: policies and requests.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{Policy, Request};

use crate::scenario::{Keep, Scenario, Wish};

/// The policy that a wish stands for, replacing `version`.
pub(crate) fn policy(scenario: &Scenario, wish: &Wish, version: u32) -> anyhow::Result<Policy> {
    let disks: Vec<Value> = wish
        .disks
        .iter()
        .map(|number| json!({ "kind": "disk", "id": scenario.disks[*number].id }))
        .collect();
    let targets: Vec<Value> = wish
        .targets
        .iter()
        .map(|(place, keep)| {
            let place = &scenario.places[*place];
            json!({
                "region": place.region, "subscription": place.subscription, "group": place.group,
                "keep": rules(keep),
            })
        })
        .collect();
    let schedule = match wish.daily_at {
        Some((hour, minute)) => {
            json!({ "kind": "cron", "expression": format!("{minute} {hour} * * *") })
        }
        None => json!({ "kind": "every", "minutes": wish.every_minutes }),
    };
    Ok(serde_json::from_value(json!({
        "id": wish.id, "version": version, "name": wish.id, "enabled": wish.enabled,
        "paused_until": wish.paused_until, "disks": { "include": disks },
        "schedule": schedule, "time_zone": wish.zone, "group": wish.group,
        "keep": rules(&wish.keep), "targets": targets,
        "abandon_after_hours": wish.abandon_after_hours,
    }))?)
}

fn rules(keep: &Keep) -> Value {
    let mut rules = json!({});
    for (name, number) in [("last", keep.last), ("daily", keep.daily)] {
        if let Some(number) = number {
            rules[name] = number.into();
        }
    }
    rules
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

/// A run of a chain that did nothing.
#[cfg(test)]
pub(crate) fn run(chain: &str, now: Timestamp) -> anyhow::Result<shared::Run> {
    Ok(serde_json::from_value(json!({
        "id": "", "link": { "chain": chain, "number": 0, "previous": null },
        "trigger": { "kind": "timer" }, "now": now, "duration_ms": 1, "inventory": null,
        "inputs": null, "steps": [], "decisions": [], "problems": ["nothing"],
    }))?)
}
