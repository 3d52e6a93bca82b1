//! `Microsoft.Authorization`: locks at any scope, and the permissions of whoever asks.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::world::{
    World,
    failure::Failure,
    locks::{Level, Lock, lock_key},
    path::{ResourcePath, within},
};

use super::{Call, catalogue, guard, not_allowed, reply::Reply};

#[derive(Deserialize)]
struct Request {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    level: String,
    notes: Option<String>,
}

/// `{scope}/providers/Microsoft.Authorization/locks[/{name}]`; `at` is where the scope ends.
pub(super) fn serve(world: &mut World, call: &Call, at: usize) -> Result<Reply, Failure> {
    let scope = scope(world, call, at)?;
    let Some(name) = call.parts.get(at + 3) else { return list(world, call, &scope) };
    let key = lock_key(&scope, name);
    let missing =
        || Failure::gateway(404, "LockNotFound", format!("The lock '{name}' could not be found."));
    match call.method {
        Method::GET => world
            .tenant
            .locks
            .get(&key)
            .map(|lock| Reply::json(200, body(lock)))
            .ok_or_else(missing),
        Method::PUT => {
            let request: Request = call.json()?;
            let level = match request.properties.level.to_ascii_lowercase().as_str() {
                "cannotdelete" => Level::CanNotDelete,
                "readonly" => Level::ReadOnly,
                other => {
                    return Err(Failure::gateway(
                        400,
                        "LockLevelNotSupported",
                        format!(
                            "The lock level '{other}' is not supported. Supported levels are 'CanNotDelete, ReadOnly'."
                        ),
                    ));
                }
            };
            let notes = request.properties.notes;
            let lock = Lock { scope, name: name.clone(), level, notes };
            let status = if world.tenant.locks.contains(&key) { 200 } else { 201 };
            let reply = Reply::json(status, body(&lock));
            world.tenant.locks.insert(key, lock);
            Ok(reply)
        }
        Method::DELETE => {
            let status = if world.tenant.locks.remove(&key).is_some() { 200 } else { 204 };
            Ok(Reply::empty(status))
        }
        _ => Err(not_allowed(call)),
    }
}

/// The scope before `/providers/Microsoft.Authorization`, which must be there.
fn scope(world: &World, call: &Call, at: usize) -> Result<String, Failure> {
    let parts = &call.parts[..at];
    let subscription = &world.subscription(&parts[1])?.id;
    match parts.len() {
        2 => Ok(format!("/subscriptions/{subscription}")),
        4 => {
            let group = world.group(&parts[1], &parts[3])?;
            Ok(format!("/subscriptions/{}/resourceGroups/{}", group.subscription, group.name))
        }
        _ => {
            world.group(&parts[1], &parts[3])?;
            let path =
                ResourcePath::of_parts(parts).ok_or_else(|| super::tenant::unknown_type(call))?;
            if !catalogue::exists(world, &path.key()) {
                return Err(path.not_found());
            }
            Ok(path.path())
        }
    }
}

/// GUESS: the locks at the scope, above it and in it; with `atScope()` only the first two.
fn list(world: &World, call: &Call, scope: &str) -> Result<Reply, Failure> {
    if call.method != Method::GET {
        return Err(not_allowed(call));
    }
    let key = scope.to_ascii_lowercase();
    let at_scope =
        call.query.get("$filter").is_some_and(|f| f.to_lowercase().contains("atscope()"));
    let shows = |lock: &&Lock| {
        let at = lock.scope.to_ascii_lowercase();
        within(&key, &at) || (!at_scope && within(&at, &key))
    };
    let value: Vec<Value> = world.tenant.locks.values().filter(shows).map(body).collect();
    Ok(Reply::json(200, json!({"value": value})))
}

pub(super) fn body(lock: &Lock) -> Value {
    let level = match lock.level {
        Level::CanNotDelete => "CanNotDelete",
        Level::ReadOnly => "ReadOnly",
    };
    let mut properties = json!({"level": level});
    if let Some(notes) = &lock.notes {
        properties["notes"] = notes.clone().into();
    }
    json!({
        "properties": properties,
        "id": lock.id(),
        "type": "Microsoft.Authorization/locks",
        "name": lock.name,
    })
}

/// `{scope}/providers/Microsoft.Authorization/permissions`.
pub(super) fn permissions(world: &World, call: &Call, at: usize) -> Result<Reply, Failure> {
    if call.method != Method::GET {
        return Err(not_allowed(call));
    }
    let scope = scope(world, call, at)?;
    let (actions, not_actions) = world.permissions(&guard::caller(world, call), &scope);
    let permission = json!({
        "actions": actions, "notActions": not_actions, "dataActions": [], "notDataActions": [],
    });
    Ok(Reply::json(200, json!({"value": [permission]})))
}
