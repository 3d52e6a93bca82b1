//! `Microsoft.Resources/deployments` of a group: validate, create, look at, cancel, delete.
//!
//! Shapes are those of the recordings of 2022-09-01. What a deployment does over time is in
//! `deployments/steps.rs`, what its request says in `deployments/request.rs`.

mod request;
mod steps;

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::{
    World,
    deployments::{Deployment, DeploymentState, Step, StepState},
    failure::Failure,
    path::ResourcePath,
};

use super::{Call, lists, not_allowed, reply::Reply, template};

pub(crate) use steps::step as step_deployment;

/// A deployment's time in the answer to a validation.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// How long a deployment is only accepted. GUESS: recorded polls saw `Accepted`, then the end.
const START: SignedDuration = SignedDuration::from_millis(1000);

/// `deployments/{name}` and what comes after the name; `rest` is that.
pub(super) fn serve(
    world: &mut World,
    call: &Call,
    rest: &[&str],
    now: Timestamp,
) -> Result<Reply, Failure> {
    let path = ResourcePath::of_parts(&call.parts[..8])
        .ok_or_else(|| super::tenant::unknown_type(call))?;
    let path = path.spelled("Microsoft.Resources", &["deployments"]);
    let group = world.group(&path.subscription, &path.group)?;
    let path = ResourcePath {
        subscription: group.subscription.clone(),
        group: group.name.clone(),
        ..path
    };
    let key = path.key();
    let missing = || {
        Failure::gateway(
            404,
            "DeploymentNotFound",
            format!("Deployment '{}' could not be found.", path.name()),
        )
    };
    let found = world.tenant.deployments.get(&key);
    match (&call.method, rest) {
        (&Method::POST, ["validate"]) => {
            let made = request::read(world, call, path, now)?;
            let ids: Vec<Value> = made.steps.iter().map(|step| json!({"id": step.id})).collect();
            let mut body = body(&made);
            let properties = &mut body["properties"];
            properties["provisioningState"] = "Succeeded".into();
            properties["timestamp"] = NO_TIME.into();
            properties["duration"] = "PT0S".into();
            properties["validatedResources"] = ids.into();
            Ok(Reply::json(200, body))
        }
        (&Method::PUT, []) => {
            if let Some(found) = found.filter(|found| !found.state.is_over()) {
                return Err(Failure::gateway(
                    409,
                    "DeploymentActive",
                    format!(
                        "Unable to edit or replace deployment '{}': previous deployment from '{}' \
                         is still active. Please see https://aka.ms/arm-deploy for usage details.",
                        path.name(),
                        zulu(found.started_at)
                    ),
                ));
            }
            let status = if found.is_some() { 200 } else { 201 };
            let mut made = request::read(world, call, path, now)?;
            made.next_at = now.checked_add(START).ok();
            let mut reply = Reply::json(status, body(&made));
            reply.headers.push((
                "azure-asyncoperation",
                format!(
                    "{}/{}/operationStatuses/{}?api-version={}",
                    call.base,
                    call.parts.join("/"),
                    made.status_id,
                    call.version()
                ),
            ));
            reply.polling = true;
            world.schedule_deployment(made);
            Ok(reply)
        }
        (&Method::GET, []) => found.map(|found| Reply::json(200, body(found))).ok_or_else(missing),
        (&Method::HEAD, []) => Ok(Reply::empty(if found.is_some() { 204 } else { 404 })),
        (&Method::DELETE, []) => {
            if found.is_some_and(|found| !found.state.is_over()) {
                return Err(Failure::gateway(
                    409,
                    "DeploymentActive",
                    format!("Deployment '{}' is still active and cannot be deleted.", path.name()),
                ));
            }
            // GUESS: at once; Azure answers 202 and takes seconds.
            let gone = world.tenant.deployments.remove(&key).is_some();
            Ok(Reply::empty(if gone { 200 } else { 204 }))
        }
        (&Method::POST, ["cancel"]) => {
            let mut found = found.cloned().ok_or_else(missing)?;
            if found.state.is_over() {
                return Err(Failure::gateway(
                    409,
                    "DeploymentCannotBeCancelled",
                    format!("Deployment '{}' is not running.", path.name()),
                ));
            }
            (found.state, found.changed_at, found.next_at) = (DeploymentState::Canceled, now, None);
            world.schedule_deployment(found);
            Ok(Reply::empty(204))
        }
        (&Method::POST, ["exporttemplate"]) => {
            let found = found.ok_or_else(missing)?;
            Ok(Reply::json(200, json!({"template": found.template})))
        }
        (&Method::GET, ["operationstatuses", id]) => {
            let found = found.filter(|found| found.status_id == *id).ok_or_else(missing)?;
            let mut status = json!({"status": found.state.word()});
            if let Some(error) = &found.error {
                status["error"] = error.clone();
            }
            let mut reply = Reply::json(200, status);
            reply.polling = true;
            Ok(reply)
        }
        (&Method::GET, ["operations"]) => {
            let found = found.ok_or_else(missing)?;
            let steps = found.steps.iter().filter(|step| step.state != StepState::Waiting);
            let mut value: Vec<Value> = steps.map(|step| operation(found, step)).collect();
            if found.state == DeploymentState::Succeeded {
                value.push(evaluation(found));
            }
            Ok(Reply::json(200, json!({"value": value})))
        }
        (&Method::GET, ["operations", id]) => {
            let found = found.ok_or_else(missing)?;
            let step = found.steps.iter().find(|step| step.operation.eq_ignore_ascii_case(id));
            step.map(|step| Reply::json(200, operation(found, step))).ok_or_else(missing)
        }
        _ => Err(not_allowed(call)),
    }
}

/// The deployments of a group, newest name last.
pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Failure> {
    if call.method != Method::GET {
        return Err(not_allowed(call));
    }
    let group = world.group(&call.parts[1], &call.parts[3])?;
    let scope = crate::world::id::group_key(&group.subscription, &group.name);
    let scope = format!("{scope}/providers/microsoft.resources/deployments/");
    let filter = lists::filter(call)?;
    let wanted = filter.iter().find(|(name, _)| name == "provisioningstate").map(|(_, v)| v);
    let rows = world.tenant.deployments.under(&scope, None);
    let items = rows
        .filter(|(_, d)| wanted.is_none_or(|state| state.eq_ignore_ascii_case(d.state.word())))
        .map(|(key, deployment)| (key.clone(), body(deployment)));
    lists::page(world, call, items.collect(), false)
}

/// A deployment as its GET shows it.
pub(super) fn body(found: &Deployment) -> Value {
    let mut properties = json!({
        "templateHash": found.template_hash,
        "mode": if found.complete { "Complete" } else { "Incremental" },
        "provisioningState": found.state.word(),
        "timestamp": zulu(found.changed_at),
        "duration": duration(found.changed_at.duration_since(found.started_at)),
        "correlationId": found.run,
        "providers": found.providers,
        "dependencies": found.dependencies,
    });
    let optional = [
        ("templateLink", &found.template_link),
        ("parametersLink", &found.parameters_link),
        ("parameters", &found.parameters),
        ("outputs", &found.outputs),
        ("error", &found.error),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            properties[name] = value.clone();
        }
    }
    if found.state == DeploymentState::Succeeded {
        let mut ids: Vec<&str> = found
            .steps
            .iter()
            .filter(|step| !step.deletes && step.state == StepState::Done)
            .map(|step| step.id.as_str())
            .collect();
        ids.sort_unstable();
        properties["outputResources"] = ids.iter().map(|id| json!({"id": id})).collect();
    }
    json!({
        "id": found.path.path(),
        "name": found.path.name(),
        "type": "Microsoft.Resources/deployments",
        "properties": properties,
    })
}

fn operation(found: &Deployment, step: &Step) -> Value {
    let started = step.started_at.unwrap_or(found.started_at);
    let ended = step.ended_at.unwrap_or(found.changed_at);
    let (state, message) = match &step.state {
        StepState::Waiting | StepState::Running { .. } => ("Running", None),
        StepState::Done => ("Succeeded", None),
        StepState::Failed(error) => ("Failed", Some(json!({"error": error}))),
    };
    let code = http_word(step.status);
    let mut properties = json!({
        "provisioningOperation": if step.deletes { "Delete" } else { "Create" },
        "provisioningState": state,
        "timestamp": zulu(ended),
        "duration": duration(ended.duration_since(started)),
        "trackingId": found.run,
        "statusCode": code,
        "targetResource": {
            "id": step.id, "resourceType": step.resource_type, "resourceName": step.name,
        },
    });
    if let Some(message) = message {
        properties["statusMessage"] = message;
    }
    json!({
        "id": format!("{}/operations/{}", found.path.path(), step.operation),
        "operationId": step.operation,
        "properties": properties,
    })
}

/// The operation that ends every deployment's list.
fn evaluation(found: &Deployment) -> Value {
    json!({
        "id": format!("{}/operations/{}", found.path.path(), found.status_id),
        "operationId": found.status_id,
        "properties": {
            "provisioningOperation": "EvaluateDeploymentOutput",
            "provisioningState": "Succeeded",
            "timestamp": zulu(found.changed_at),
            "duration": "PT0S",
            "trackingId": found.run,
            "statusCode": "OK",
        },
    })
}

/// .NET's name of a status.
fn http_word(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "NoContent",
        400 => "BadRequest",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        429 => "TooManyRequests",
        _ => "InternalServerError",
    }
}

/// A time as deployments write it: up to seven digits, without zeros at the end.
pub(super) fn zulu(at: Timestamp) -> String {
    let text = at.strftime("%Y-%m-%dT%H:%M:%S%.7f").to_string();
    format!("{}Z", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A duration in ISO 8601, as .NET writes it.
fn duration(span: SignedDuration) -> String {
    let span = if span.is_negative() { SignedDuration::ZERO } else { span };
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = format!("{seconds}.{:07}", span.subsec_nanos() / 100);
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    let mut text = "PT".to_owned();
    if hours > 0 {
        text.push_str(&format!("{hours}H"));
    }
    if minutes > 0 {
        text.push_str(&format!("{minutes}M"));
    }
    if fraction != "0" || text == "PT" {
        text.push_str(&format!("{fraction}S"));
    }
    text
}

/// What functions of a template know of a deployment's surroundings.
fn context(world: &World, found: &Deployment, now: Timestamp) -> template::Context {
    let group = world.group(&found.path.subscription, &found.path.group);
    let subscription = world.subscription(&found.path.subscription);
    template::Context {
        group: group.map(super::groups::group_body).unwrap_or_default(),
        subscription: subscription
            .map(|subscription| {
                json!({
                    "id": format!("/subscriptions/{}", subscription.id),
                    "subscriptionId": subscription.id,
                    "tenantId": world.settings.tenant_id,
                    "displayName": subscription.name,
                })
            })
            .unwrap_or_default(),
        deployment: json!({
            "name": found.path.name(),
            "properties": {
                "templateLink": found.template_link,
                "template": found.template,
                "parameters": found.parameters,
                "mode": if found.complete { "Complete" } else { "Incremental" },
                "provisioningState": found.state.word(),
            },
        }),
        now,
        seed: found.run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_written_as_recorded() {
        let at: Timestamp = "2023-02-07T12:50:49.518928Z".parse().unwrap();
        assert_eq!(zulu(at), "2023-02-07T12:50:49.518928Z");
        assert_eq!(zulu("2023-02-07T12:50:40Z".parse().unwrap()), "2023-02-07T12:50:40Z");
        assert_eq!(duration(SignedDuration::from_micros(4_953_146)), "PT4.953146S");
        assert_eq!(duration(SignedDuration::from_secs(3665)), "PT1H1M5S");
        assert_eq!(duration(SignedDuration::from_secs(120)), "PT2M");
        assert_eq!(duration(SignedDuration::ZERO), "PT0S");
        assert_eq!(duration(SignedDuration::from_secs(10)), "PT10S");
    }
}
