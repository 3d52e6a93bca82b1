//! `/_control/faults`, `/_control/faults/random` and `/_control/copy`.

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::json;

use super::{Fault, Faults, Random, kind};
use crate::{
    azure::Azure,
    control::{Answer, bad_request, read_id},
    world::transfers::Trouble,
};

pub(crate) async fn list_faults(State(azure): State<Azure>) -> Answer {
    Ok(azure.with_process(|process, _| {
        let Faults { list, random, struck, requests, .. } = &process.faults;
        Json(json!({"faults": list, "random": random, "struck": struck, "requests": requests}))
    })?)
}

pub(crate) async fn add_fault(State(azure): State<Azure>, Json(fault): Json<Fault>) -> Answer {
    let percents = [fault.copy_stall_percent, fault.copy_fail_percent];
    if percents.into_iter().flatten().any(|percent| !(0.0..=100.0).contains(&percent)) {
        return Err(bad_request("a percentage is from 0 to 100"));
    }
    if fault.status.is_some_and(|status| status != 0 && !(200..600).contains(&status)) {
        return Err(bad_request("a status is 0, or from 200 to 599"));
    }
    azure.with_process(|process, _| process.faults.list.push(fault))?;
    list_faults(State(azure)).await
}

/// Takes away all that are to come, also those by chance; names keep theirs.
pub(crate) async fn delete_faults(State(azure): State<Azure>) -> Answer {
    azure.with_process(|process, _| {
        process.faults.list.clear();
        process.faults.random = None;
    })?;
    list_faults(State(azure)).await
}

pub(crate) async fn put_random(State(azure): State<Azure>, Json(random): Json<Random>) -> Answer {
    if !(0.0..=1.0).contains(&random.probability) {
        return Err(bad_request("a probability is from 0 to 1"));
    }
    if random.kinds.is_empty() {
        return Err(bad_request("there is no kind"));
    }
    if let Some(unknown) = random.kinds.iter().find(|kind| !kind::is_known(kind)) {
        return Err(bad_request(format!("there is no kind '{unknown}'")));
    }
    azure.with_process(|process, _| process.faults.random = Some(random))?;
    list_faults(State(azure)).await
}

#[derive(Deserialize)]
pub(crate) struct OfCopy {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyChange {
    stall_percent: Option<f64>,
    fail_percent: Option<f64>,
    /// The code of `copyCompletionError`.
    code: Option<String>,
    #[serde(default)]
    release: bool,
}

/// Lets a copy stall or fail, or go on.
pub(crate) async fn put_copy(
    State(azure): State<Azure>,
    Query(target): Query<OfCopy>,
    Json(change): Json<CopyChange>,
) -> Answer {
    let id = read_id(&target.id)?;
    let percents = [change.stall_percent, change.fail_percent];
    if percents.into_iter().flatten().any(|percent| !(0.0..=100.0).contains(&percent)) {
        return Err(bad_request("a percentage is from 0 to 100"));
    }
    let trouble = match (change.stall_percent, change.fail_percent, change.release) {
        (Some(percent), None, false) => Some(Trouble::Stall { percent }),
        (None, Some(percent), false) => Some(Trouble::Fail { percent, code: change.code }),
        (None, None, true) => None,
        _ => return Err(bad_request("one of stall_percent, fail_percent and release is needed")),
    };
    let moving = azure.with(|world, now| world.trouble_copy(&id, trouble, now))?;
    if moving {
        Ok(Json(json!({"id": id.path()})))
    } else {
        Err(bad_request(format!("no copy moves to {}", id.path())))
    }
}
