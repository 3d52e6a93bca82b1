//! A deployment over time: resources are put when those before them are there, their operations
//! are followed, and the end is told.
//!
//! Each resource goes through the same routes as a client's PUT, in the name of whoever deploys.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::{
    World,
    deployments::{Deployment, DeploymentState, Step, StepState},
    path::ResourcePath,
};

use super::super::{
    Call, answer, catalogue, guard,
    reply::Reply,
    split_path, split_query,
    template::{self, Live},
};

/// How soon what gives no time of its end is looked at again.
const AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// A request to ourselves, in the name of a deployment's caller.
pub(crate) fn call(deployment: &Deployment, id: &str, version: &str, body: &Value) -> Call {
    let mut headers = HeaderMap::new();
    if let Ok(bearer) = HeaderValue::from_str(&guard::bearer(&deployment.caller)) {
        headers.insert(header::AUTHORIZATION, bearer);
    }
    let (path, query) = id.split_once('?').unwrap_or((id, ""));
    let mut query = split_query(query);
    query.entry("api-version".to_owned()).or_insert_with(|| version.to_owned());
    Call {
        method: Method::PUT,
        parts: split_path(path),
        query,
        headers,
        body: Bytes::from(body.to_string()),
        base: String::new(),
        expired_token: false,
    }
}

/// Takes what steps can be taken at `at`.
pub(crate) fn step(world: &mut World, key: &str, at: Timestamp) {
    let Some(mut deployment) = world.tenant.deployments.get(key).cloned() else { return };
    if deployment.state.is_over() || deployment.next_at.is_some_and(|next| next > at) {
        return;
    }
    deployment.state = DeploymentState::Running;
    deployment.next_at = None;
    for index in 0..deployment.steps.len() {
        follow(world, &mut deployment, index, at);
    }
    if let Err(error) = advance(world, &mut deployment, at) {
        fail(&mut deployment, error, at);
    }
    world.schedule_deployment(deployment);
}

/// The answer of our own routes, with what a person corrected of it.
fn ask(world: &mut World, request: &Call, at: Timestamp) -> Reply {
    let answered = answer(world, request, at);
    answered.unwrap_or_else(|failure| world.corrected(failure).into())
}

/// Asks how an operation stands.
fn follow(world: &mut World, deployment: &mut Deployment, index: usize, at: Timestamp) {
    let StepState::Running { poll } = deployment.steps[index].state.clone() else { return };
    let mut request = call(deployment, &poll, "2022-09-01", &Value::Null);
    request.method = Method::GET;
    let status = ask(world, &request, at).body.unwrap_or_default();
    let step = &mut deployment.steps[index];
    step.state = match status["status"].as_str().unwrap_or_default() {
        "Succeeded" => StepState::Done,
        "Failed" | "Canceled" => StepState::Failed(status["error"].clone()),
        // The status is gone with the group.
        "" => StepState::Failed(status["error"].clone()),
        _ => {
            plan_look(world, deployment, &poll, at);
            return;
        }
    };
    step.status = if step.state == StepState::Done { 200 } else { 409 };
    step.ended_at = Some(at);
}

/// Looks again when the operation ends.
fn plan_look(world: &World, deployment: &mut Deployment, poll: &str, at: Timestamp) {
    let path = poll.split('?').next().unwrap_or_default();
    let id = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let ends = world.operations.get(&id).map(|operation| operation.ends_at);
    let later = at.checked_add(AGAIN).unwrap_or(at);
    let look = ends.filter(|ends| *ends > at).unwrap_or(later);
    deployment.next_at = Some(deployment.next_at.map_or(look, |next| next.min(look)));
}

/// Puts what can be put; ends the deployment when nothing is left.
fn advance(world: &mut World, deployment: &mut Deployment, at: Timestamp) -> Result<(), Value> {
    loop {
        let failed = deployment.steps.iter().any(|step| matches!(step.state, StepState::Failed(_)));
        let runs =
            deployment.steps.iter().any(|step| matches!(step.state, StepState::Running { .. }));
        if failed {
            // What is under way is carried to its end; nothing new begins.
            return if runs { Ok(()) } else { Err(failure(deployment)) };
        }
        let plan = plan(world, deployment, at)?;
        let done = |step: &Step| step.state == StepState::Done;
        let ready: Vec<usize> = (0..plan.resources.len())
            .filter(|index| {
                let waits =
                    deployment.steps.get(*index).is_some_and(|s| s.state == StepState::Waiting);
                waits
                    && plan.resources[*index]
                        .depends
                        .iter()
                        .all(|before| deployment.steps.get(*before).is_some_and(done))
            })
            .collect();
        for index in &ready {
            let planned = &plan.resources[*index];
            match &planned.body {
                Some(body) => {
                    let request = call(deployment, &planned.known.id, &planned.api_version, body);
                    send(world, deployment, *index, &request, at);
                }
                None => {
                    let why = "The resource needs a value of one that is not deployed.";
                    return Err(template::invalid(why).body());
                }
            }
        }
        if !ready.is_empty() {
            continue;
        }
        if runs {
            return Ok(());
        }
        if deployment.complete
            && !deployment.steps.iter().any(|step| step.deletes)
            && remove_others(world, deployment, at)
        {
            continue;
        }
        return finish(world, deployment, at);
    }
}

/// The plan, with what is deployed so far to look at.
fn plan(world: &World, deployment: &Deployment, at: Timestamp) -> Result<template::Plan, Value> {
    let context = super::context(world, deployment, at);
    let live = Shown { world, at };
    template::plan(&deployment.template, &deployment.values, &context, Some(&live))
        .map_err(|failure| failure.body())
}

/// Shows resources as a GET does.
struct Shown<'a> {
    world: &'a World,
    at: Timestamp,
}

impl Live for Shown<'_> {
    fn show(&self, id: &str) -> Option<Value> {
        catalogue::show(self.world, &id.to_ascii_lowercase(), self.at)
    }
}

/// Sends a step's request and notes what it is answered.
fn send(
    world: &mut World,
    deployment: &mut Deployment,
    index: usize,
    request: &Call,
    at: Timestamp,
) {
    let reply = ask(world, request, at);
    let step = &mut deployment.steps[index];
    step.started_at = Some(at);
    step.status = reply.status;
    let poll = |wanted: &str| {
        reply.headers.iter().find(|(name, _)| *name == wanted).map(|(_, url)| url.clone())
    };
    match (reply.status, poll("azure-asyncoperation")) {
        (200..=299, Some(poll)) => {
            step.state = StepState::Running { poll: poll.clone() };
            plan_look(world, deployment, &poll, at);
        }
        (200..=299, None) => (step.state, step.ended_at) = (StepState::Done, Some(at)),
        _ => {
            let error = reply.body.map(|mut body| body["error"].take()).unwrap_or_default();
            (step.state, step.ended_at) = (StepState::Failed(error), Some(at));
        }
    }
}

/// A complete deployment deletes what its template lacks; tells whether there was something.
fn remove_others(world: &mut World, deployment: &mut Deployment, at: Timestamp) -> bool {
    let group = crate::world::id::group_key(&deployment.path.subscription, &deployment.path.group);
    let mut others = catalogue::keys(world, &group);
    others.retain(|key| !deployment.steps.iter().any(|step| step.id.eq_ignore_ascii_case(key)));
    // Machines first: a disk that is attached cannot go.
    others.sort_by_key(|key| !key.contains("/virtualmachine"));
    for key in &others {
        let Some(path) = catalogue::show(world, key, at)
            .and_then(|shown| shown["id"].as_str().and_then(ResourcePath::parse))
        else {
            continue;
        };
        let mut request = call(deployment, &path.path(), "2022-09-01", &Value::Null);
        request.method = Method::DELETE;
        let operation = format!("{:016X}", crate::world::mix(deployment.steps.len() as u64));
        deployment.steps.push(Step {
            operation,
            id: path.path(),
            resource_type: path.resource_type(),
            name: path.full_name(),
            deletes: true,
            state: StepState::Waiting,
            status: 202,
            started_at: None,
            ended_at: None,
        });
        let index = deployment.steps.len() - 1;
        send(world, deployment, index, &request, at);
    }
    !others.is_empty()
}

/// Evaluates the outputs, and that is the end.
fn finish(world: &World, deployment: &mut Deployment, at: Timestamp) -> Result<(), Value> {
    let context = super::context(world, deployment, at);
    let plan = template::plan(&deployment.template, &deployment.values, &context, None)
        .map_err(|failure| failure.body())?;
    let live = Shown { world, at };
    let outputs =
        template::outputs(&deployment.template, &deployment.values, &context, &plan, Some(&live));
    deployment.outputs = outputs.map_err(|failure| {
        json!({
            "code": "DeploymentOutputEvaluationFailed",
            "message": "Unable to evaluate template outputs. Please see error details and \
                        deployment operations. Please see https://aka.ms/arm-common-errors for \
                        usage details.",
            "details": [failure.body()],
        })
    })?;
    (deployment.state, deployment.changed_at) = (DeploymentState::Succeeded, at);
    Ok(())
}

fn fail(deployment: &mut Deployment, error: Value, at: Timestamp) {
    (deployment.state, deployment.changed_at) = (DeploymentState::Failed, at);
    deployment.error = Some(error);
    deployment.next_at = None;
}

/// Azure's error of a deployment of which a resource failed.
fn failure(deployment: &Deployment) -> Value {
    let details: Vec<Value> = deployment
        .steps
        .iter()
        .filter_map(|step| match &step.state {
            StepState::Failed(error) => {
                let mut detail = error.clone();
                if detail["target"].is_null() {
                    detail["target"] = step.id.clone().into();
                }
                Some(detail)
            }
            _ => None,
        })
        .collect();
    json!({
        "code": "DeploymentFailed",
        "target": deployment.path.path(),
        "message": "At least one resource deployment operation failed. Please list deployment \
                    operations for details. Please see https://aka.ms/arm-deployment-operations \
                    for usage details.",
        "details": details,
    })
}
