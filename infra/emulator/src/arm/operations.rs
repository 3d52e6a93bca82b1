//! Polling of long-running operations (compute-snapshots §3.1).

use jiff::Timestamp;
use serde_json::json;

use crate::world::{
    World,
    failure::Failure,
    operations::{Effect, Operation},
};

use super::{
    Call,
    reply::{Reply, operation_url},
    wire::{self, View, stamp},
};

/// `DiskOperations/{id}`: the status document, or with `monitor=true` the result.
pub(super) fn status(
    world: &World,
    call: &Call,
    (subscription, id): (&str, &str),
    now: Timestamp,
) -> Result<Reply, Failure> {
    world.subscription(subscription)?;
    let operation = world
        .operations
        .get(&id.to_ascii_lowercase())
        .filter(|operation| operation.subscription.eq_ignore_ascii_case(subscription))
        .ok_or_else(|| {
            Failure::new(404, "NotFound", format!("The operation '{id}' was not found."))
        })?;
    let monitor = call.query.get("monitor").is_some_and(|value| value == "true");
    let mut reply = if monitor {
        result(world, call, operation, now)
    } else {
        Reply::provider(200, document(world, call, operation, now))
    };
    reply.polling = true;
    Ok(reply)
}

fn result(world: &World, call: &Call, operation: &Operation, now: Timestamp) -> Reply {
    if !operation.done {
        let reply = Reply { provider: true, ..Reply::empty(202) };
        return reply.header("location", operation_url(call, operation, true));
    }
    match output(world, call, operation, now) {
        Some(body) => Reply::provider(200, body),
        None => Reply { provider: true, ..Reply::empty(200) },
    }
}

fn document(
    world: &World,
    call: &Call,
    operation: &Operation,
    now: Timestamp,
) -> serde_json::Value {
    let mut document = json!({
        "startTime": stamp(operation.started_at),
        "status": if operation.done { "Succeeded" } else { "InProgress" },
        "name": operation.id,
    });
    if operation.done {
        document["endTime"] = stamp(operation.ends_at).into();
        if let Some(output) = output(world, call, operation, now) {
            document["properties"] = json!({"output": output});
        }
    }
    document
}

fn output(
    world: &World,
    call: &Call,
    operation: &Operation,
    now: Timestamp,
) -> Option<serde_json::Value> {
    match &operation.effect {
        Effect::Put(id) | Effect::Patch(id) => {
            let same = world.managed(id).map(|found| found.unique_id) == operation.unique_id;
            let mut body = wire::resource(world, id, View::Output, now).filter(|_| same)?;
            wire::for_version(&mut body, call.version());
            Some(body)
        }
        // What a SAS is, is told only here (compute-snapshots §2.2).
        Effect::Grant { url, .. } => Some(json!({"accessSAS": format!("{}{url}", call.base)})),
        Effect::Tenant { path, deletes: false } => super::catalogue::show(world, &path.key(), now)
            .filter(|_| path.resource_type() == "Microsoft.Compute/diskEncryptionSets"),
        Effect::Delete(_)
        | Effect::Revoke(_)
        | Effect::DeleteGroup { .. }
        | Effect::Tenant { .. } => None,
    }
}

/// `operationresults/{token}`: 202 until the group is gone.
pub(super) fn group_deletion(
    world: &World,
    call: &Call,
    (subscription, token): (&str, &str),
) -> Result<Reply, Failure> {
    world.subscription(subscription)?;
    let operation =
        super::groups::read_job(token).and_then(|id| world.operations.get(&id)).ok_or_else(
            || Failure::gateway(404, "NotFound", format!("The job '{token}' was not found.")),
        )?;
    let mut reply = if operation.done {
        Reply::empty(200)
    } else {
        Reply::empty(202)
            .header("location", super::groups::job_url(call, operation))
            .header("retry-after", "15")
    };
    reply.polling = true;
    Ok(reply)
}
