//! `Microsoft.Compute/diskEncryptionSets`.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{World, encryption::EncryptionSet, failure::Failure, path::ResourcePath};

use super::{Call, lists, not_allowed, reply::Reply, wire::provisioning};

const TYPE: &str = "diskEncryptionSets";

/// GET, PUT, PATCH and DELETE of one set.
pub(super) fn serve(
    world: &mut World,
    call: &Call,
    path: ResourcePath,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let path = path.spelled("Microsoft.Compute", &[TYPE]);
    let key = path.key();
    match call.method {
        Method::GET => {
            world.group(&path.subscription, &path.group)?;
            let found = world.tenant.encryption_sets.get(&key).ok_or_else(|| path.not_found())?;
            Ok(Reply::provider(200, body(world, found)))
        }
        Method::PUT | Method::PATCH => {
            let mut request: crate::world::encryption::SetRequest = call.json()?;
            let mut path = path;
            if let Some(known) = world.tenant.encryption_sets.get(&key) {
                path = known.path.clone();
                request.location.get_or_insert(known.location.clone());
            } else if call.method == Method::PATCH {
                return Err(path.not_found());
            }
            let operation = world.put_encryption_set(path, request, now)?;
            let found = world.tenant.encryption_sets.get(&key).map(|set| body(world, set));
            Ok(Reply::accepted(call, &operation, found))
        }
        Method::DELETE => Ok(match world.delete_encryption_set(&path, now)? {
            Some(operation) => Reply::accepted(call, &operation, None),
            None => Reply { provider: true, ..Reply::empty(204) },
        }),
        _ => Err(not_allowed(call)),
    }
}

/// The sets of a group or a subscription.
pub(super) fn list(world: &World, call: &Call, scope: &str) -> Result<Reply, Failure> {
    let scope = format!("{scope}/");
    let rows = world.tenant.encryption_sets.under(&scope, None);
    lists::page(world, call, rows.map(|(key, set)| (key.clone(), body(world, set))).collect(), true)
}

pub(super) fn body(world: &World, set: &EncryptionSet) -> Value {
    let mut properties = set.properties.clone();
    properties.entry("rotationToLatestKeyVersionEnabled").or_insert(false.into());
    properties.insert("previousKeys".into(), json!([]));
    properties.insert("provisioningState".into(), provisioning(set.provisioning).into());
    if set.key_disabled {
        // GUESS: that a disabled key shows here; the member is documented for failed rotations.
        let error = json!({"code": "KeyVaultAccessForbidden", "message": "The key is disabled."});
        properties.insert("autoKeyRotationError".into(), error);
    }
    let mut body = json!({
        "name": set.path.name(),
        "id": set.path.path(),
        "type": set.path.resource_type(),
        "location": set.location,
        "properties": properties,
    });
    if let Some(kind) = &set.identity {
        body["identity"] = json!({
            "type": kind, "principalId": set.principal, "tenantId": world.settings.tenant_id,
        });
    }
    if let Some(tags) = &set.tags {
        body["tags"] = json!(tags);
    }
    body
}
