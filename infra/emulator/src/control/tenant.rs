//! The tenant's obstacles and scenery by control API: rights, policies, quotas, keys, files.
//!
//! | request | does |
//! | --- | --- |
//! | `GET`, `POST`, `DELETE /_control/access` | narrowings of rights, see [`AccessRule`]: lists, adds one, removes all |
//! | `GET`, `POST`, `DELETE /_control/policies` | denials by policy, see [`Policy`]: the same |
//! | `GET`, `POST`, `DELETE /_control/quotas` | limits in place of Azure's, see [`Quota`]: the same |
//! | `PUT /_control/encryption_key?id=` | `{"enabled": bool}`: the key of a disk-encryption set |
//! | `GET /_control/files` | the names of the files |
//! | `GET`, `PUT`, `DELETE /_control/files/{name}` | a text that the ARM listener serves at `/files/{name}` |

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    azure::Azure,
    world::{
        World,
        failure::Failure,
        path::ResourcePath,
        policies::Policy,
        quotas::{Quota, quota_key},
        rights::AccessRule,
        table::Table,
    },
};

use super::{Answer, Refusal, bad_request};

pub(super) fn router() -> Router<Azure> {
    Router::new()
        .route("/_control/access", get(list_access).post(add_access).delete(clear_access))
        .route("/_control/policies", get(list_policies).post(add_policy).delete(clear_policies))
        .route("/_control/quotas", get(list_quotas).post(add_quota).delete(clear_quotas))
        .route("/_control/encryption_key", put(put_key))
        .route("/_control/files", get(list_files))
        .route("/_control/files/{*name}", get(get_file).put(put_file).delete(delete_file))
}

fn all<V: Clone + Serialize>(table: &Table<V>) -> Vec<&V> {
    table.values().collect()
}

fn clear<V: Clone>(table: &mut Table<V>) {
    let keys: Vec<String> = table.iter().map(|(key, _)| key.clone()).collect();
    for key in keys {
        table.remove(&key);
    }
}

/// The key after the last one, in order.
fn next_key<V: Clone>(table: &Table<V>) -> String {
    let last = table.iter().last().and_then(|(key, _)| key.parse::<u64>().ok());
    format!("{:08}", last.map_or(0, |last| last + 1))
}

fn show_access(world: &World) -> Json<Value> {
    Json(json!({"access": all(&world.tenant.access)}))
}

async fn list_access(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| show_access(world))?)
}

async fn add_access(State(azure): State<Azure>, Json(rule): Json<AccessRule>) -> Answer {
    Ok(azure.with(|world, _| {
        let key = next_key(&world.tenant.access);
        world.tenant.access.insert(key, rule);
        show_access(world)
    })?)
}

async fn clear_access(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| {
        clear(&mut world.tenant.access);
        show_access(world)
    })?)
}

fn show_policies(world: &World) -> Json<Value> {
    Json(json!({"policies": all(&world.tenant.policies)}))
}

async fn list_policies(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| show_policies(world))?)
}

async fn add_policy(State(azure): State<Azure>, Json(policy): Json<Policy>) -> Answer {
    Ok(azure.with(|world, _| {
        let key = next_key(&world.tenant.policies);
        world.tenant.policies.insert(key, policy);
        show_policies(world)
    })?)
}

async fn clear_policies(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| {
        clear(&mut world.tenant.policies);
        show_policies(world)
    })?)
}

fn show_quotas(world: &World) -> Json<Value> {
    Json(json!({"quotas": all(&world.tenant.quotas)}))
}

async fn list_quotas(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| show_quotas(world))?)
}

async fn add_quota(State(azure): State<Azure>, Json(quota): Json<Quota>) -> Answer {
    Ok(azure.with(|world, _| {
        let key = quota_key(&quota.subscription, &quota.location, &quota.name);
        world.tenant.quotas.insert(key, quota);
        show_quotas(world)
    })?)
}

async fn clear_quotas(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| {
        clear(&mut world.tenant.quotas);
        show_quotas(world)
    })?)
}

#[derive(Deserialize)]
struct KeyOf {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    enabled: bool,
}

/// Disables or enables the key of a disk-encryption set.
async fn put_key(
    State(azure): State<Azure>,
    Query(of): Query<KeyOf>,
    Json(key): Json<Key>,
) -> Answer {
    let path = ResourcePath::parse(&of.id)
        .ok_or_else(|| bad_request(format!("not a resource's id: {}", of.id)))?;
    azure.with(|world, _| world.set_key(&path, key.enabled))??;
    Ok(Json(json!({"enabled": key.enabled})))
}

async fn list_files(State(azure): State<Azure>) -> Answer {
    Ok(azure.with(|world, _| {
        let names: Vec<&String> = world.tenant.files.iter().map(|(name, _)| name).collect();
        Json(json!({"files": names}))
    })?)
}

async fn get_file(
    State(azure): State<Azure>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let text = azure.with(|world, _| world.tenant.files.get(&name).cloned())?;
    let missing = || Failure::new(404, "NotFound", format!("There is no file '{name}' here."));
    Ok(text.ok_or_else(missing)?.into_response())
}

async fn put_file(State(azure): State<Azure>, Path(name): Path<String>, text: String) -> Answer {
    let url = format!("{}/files/{name}", azure.arm_url());
    azure.with(|world, _| world.tenant.files.insert(name, text))?;
    Ok(Json(json!({"url": url})))
}

async fn delete_file(State(azure): State<Azure>, Path(name): Path<String>) -> Answer {
    let gone = azure.with(|world, _| world.tenant.files.remove(&name).is_some())?;
    Ok(Json(json!({"deleted": gone})))
}
