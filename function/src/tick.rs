//! One run: gather → plan → check → apply → record. A tick takes no input; a click is a request
//! into the same. With several subscriptions, a tick hands each one's steps to a message (ADR 0009).

mod handing;
mod look;
mod parts;
mod record;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use shared::{
    Action, Inventory, Plan, Policy, Request, Run, Subject, check,
    model::{
        Inputs, Link, Outcome, PolicyRef, RequestRef, RequestState, RunTrigger, Skip, StepOutcome,
    },
    plan::plan,
};
use tokio::time::Instant;

use crate::{
    app::App,
    apply::{Applying, apply},
    error::Error,
    message::Part,
    records::parts::HandedOut,
};
pub(crate) use look::note_vanished;
use look::{Seen, look};
use record::record;

/// A message waits so long for the run before it, which may well end its request, too. Beyond that
/// it comes back later, lest the host take it for a hung one and kill the process.
const PATIENCE: Duration = Duration::from_secs(60);

/// A part of a tick that comes later than this is left to the next tick, which has a newer inventory.
const PART_AGE: SignedDuration = SignedDuration::from_mins(10);

/// A plan, parted by chain, and what every part's record says of it.
struct Planned {
    parts: BTreeMap<String, Plan>,
    inputs: Inputs,
    requests: Vec<Request>,
    problems: Vec<String>,
    /// Whether the check let it pass.
    holds: bool,
}

/// What came of a tick.
#[derive(Debug)]
pub struct Ticked {
    /// A run for each subscription that something is to be said of.
    pub runs: Vec<Run>,
    /// Whether the steps of some were handed to messages.
    pub queued: bool,
}

/// Does what is due, and records what was seen, decided and done.
pub async fn tick(app: &App, begun: Instant) -> Result<Ticked, Error> {
    let _turn = app.turn.lock().await;
    let seen = match look(app, RunTrigger::Timer, begun).await? {
        Ok(seen) => seen,
        Err(run) => {
            let now = run.now;
            let runs = vec![record(app, run, &[], begun).await?];
            app.records.beat(now).await?;
            return Ok(Ticked { runs, queued: false });
        }
    };
    let mut planned = plan_all(app, &seen).await?;
    let queued = handing::hand_out(app, &seen, &mut planned).await;
    let runs = finish_all(app, &seen, planned).await?;
    app.records.beat(seen.inventory.taken_at).await?;
    Ok(Ticked { runs, queued })
}

/// Does the part of a tick that a message names. None if there is nothing left of it to do.
pub async fn tick_part(app: &App, part: &Part, begun: Instant) -> Result<Option<Run>, Error> {
    let host_now = app.now().await;
    let Some(HandedOut { inventory: hash, now }) = app.records.handed_out(&part.tick).await? else {
        tracing::warn!(tick.id = part.tick, "the queue names a tick that is not in this store");
        return Ok(None);
    };
    let newest = app.records.head(&part.subscription).await?;
    let done = newest
        .as_ref()
        .is_some_and(|head| head.run.trigger == RunTrigger::Timer && head.run.now >= now);
    if done || host_now.duration_since(now).abs() > PART_AGE {
        return Ok(None);
    }
    let number = newest.map_or(0, |head| head.run.link.number);
    if let Some((seen, planned)) =
        handing::as_planned(app, part, (hash.as_str(), now), (number, host_now), begun).await?
    {
        return Ok(finish_all(app, &seen, planned).await?.pop());
    }
    let Some(inventory) = app.records.inventory(&hash).await? else {
        tracing::warn!(inventory = hash, "a tick names an inventory that is not there");
        return Ok(None);
    };
    let inventory = Arc::new(Inventory { taken_at: now, ..(*inventory).clone() });
    let seen = Seen { trigger: RunTrigger::Timer, inventory, hash, host_now, begun };
    let mut planned = plan_all(app, &seen).await?;
    planned.parts.retain(|chain, _| *chain == part.subscription);
    if planned.parts.is_empty() {
        return Ok(None);
    }
    Ok(finish_all(app, &seen, planned).await?.pop())
}

/// Does what a message asks for: one request, unless a run has ended it already.
pub async fn carry_out(app: &App, id: &str, begun: Instant) -> Result<Option<Run>, Error> {
    let turn = tokio::time::timeout(PATIENCE, app.turn.lock()).await;
    let _turn = turn.map_err(|_| Error::Busy)?;
    let Some(view) = app.records.request(id).await? else {
        tracing::warn!(request.id = id, "the queue names a request that is not in this store");
        return Ok(None);
    };
    if view.state != RequestState::Pending {
        return Ok(None);
    }
    let trigger = RunTrigger::Request { id: view.request.id, actor: view.request.actor };
    let seen = match look(app, trigger, begun).await? {
        Ok(seen) => seen,
        Err(run) => return record(app, run, &[], begun).await.map(Some),
    };
    let planned = plan_all(app, &seen).await?;
    Ok(finish_all(app, &seen, planned).await?.pop())
}

/// Plans, checks, and parts the plan.
async fn plan_all(app: &App, seen: &Seen) -> Result<Planned, Error> {
    let inventory = &*seen.inventory;
    let now = inventory.taken_at;
    let limits = app.limits(now, seen.host_now);
    let mut requests = app.records.pending().await?;
    if let RunTrigger::Request { .. } = seen.trigger {
        // Without policies nothing is held, and an approval would be one of nothing.
        requests.retain(|request| !matches!(request.action, Action::ApproveDeletions(_)));
    }
    let (policies, mut problems) = policies_for(app, &seen.trigger).await?;
    let past = app.records.history().await;
    let inputs = Inputs {
        policies: policy_refs(&policies),
        requests: request_refs(&requests),
        history: past.reference,
        limits: limits.clone(),
    };
    let plan = plan(inventory, &policies, &requests, &past.history, &limits, now);
    let violations = check(&plan, inventory, &policies, &requests, &past.history, &limits);
    problems.extend(inventory.gaps.iter().map(|gap| {
        format!(
            "Not all is known of the {} of subscription {}, so that nothing is deleted: {}",
            gap.what, gap.subscription, gap.message
        )
    }));
    problems.extend(inventory.missed().map(|gone| {
        format!(
            "`{}` ({}) is listed no more since {}, and no run deleted it: nothing is deleted until it \
             is back, has been away for 24 h while its group is listed, or an owner acknowledges it",
            gone.id, gone.unique_id, gone.since
        )
    }));
    if !violations.is_empty() {
        tracing::error!(?violations, "the plan breaks its own rules: nothing of it is done");
        problems.extend(violations.iter().map(|violation| {
            format!("The plan was stopped by the check and nothing of it was done: {violation}")
        }));
    }
    let mut parts = parts_of(plan, inventory, &seen.trigger);
    if parts.is_empty() {
        parts.insert(parts::default_chain(inventory), Plan::default());
    }
    Ok(Planned { parts, inputs, requests, problems, holds: violations.is_empty() })
}

fn policy_refs(policies: &[Policy]) -> Vec<PolicyRef> {
    let of = |policy: &Policy| PolicyRef { id: policy.id.clone(), version: policy.version };
    policies.iter().map(of).collect()
}

fn request_refs(requests: &[Request]) -> Vec<RequestRef> {
    let of = |asked: &Request| RequestRef { id: asked.id.clone(), actor: asked.actor.clone() };
    requests.iter().map(of).collect()
}

/// The parts of a plan that a run with this trigger carries out and records.
pub(crate) fn parts_of(
    mut plan: Plan,
    inventory: &Inventory,
    trigger: &RunTrigger,
) -> BTreeMap<String, Plan> {
    // Without the policies, nothing is decided about points and disks.
    if matches!(trigger, RunTrigger::Request { .. }) {
        plan.decisions.retain(|decision| matches!(decision.subject, Subject::Request(_)));
    }
    parts::part(plan, inventory)
}

/// A click does not wait for what the policies want.
async fn policies_for(
    app: &App,
    trigger: &RunTrigger,
) -> Result<(Vec<Policy>, Vec<String>), Error> {
    match trigger {
        RunTrigger::Timer => app.records.policies_and_problems().await,
        RunTrigger::Request { .. } => Ok((vec![], vec![])),
    }
}

/// Applies and records each part.
async fn finish_all(app: &App, seen: &Seen, planned: Planned) -> Result<Vec<Run>, Error> {
    let mut runs = vec![];
    for (chain, plan) in planned.parts {
        let mut run = new_run(&chain, seen.trigger.clone(), seen.inventory.taken_at);
        run.inventory = Some(seen.hash.clone());
        run.inputs = Some(planned.inputs.clone());
        run.problems.clone_from(&planned.problems);
        run.decisions = plan.decisions;
        run.steps = if planned.holds {
            let limits = &planned.inputs.limits;
            let inventory = &*seen.inventory;
            let applying = Applying { arm: &app.arm, inventory, limits, begun: seen.begun };
            let steps = apply(&applying, plan.steps).await;
            if !steps.is_empty() {
                app.changed().await;
            }
            steps
        } else {
            let stopped = |step| StepOutcome {
                step,
                outcome: Outcome::Skipped {
                    why: Skip::Check,
                    message: "the check stopped the plan".to_owned(),
                },
                azure_request_id: None,
            };
            plan.steps.into_iter().map(stopped).collect()
        };
        let requests: &[Request] = if planned.holds { &planned.requests } else { &[] };
        runs.push(record(app, run, requests, seen.begun).await?);
    }
    Ok(runs)
}

fn new_run(chain: &str, trigger: RunTrigger, now: Timestamp) -> Run {
    Run {
        // Its place and with it its id are known once it is stored.
        id: String::new(),
        link: Link { chain: chain.to_owned(), number: 0, previous: None },
        trigger,
        now,
        duration_ms: 0,
        inventory: None,
        inputs: None,
        steps: vec![],
        decisions: vec![],
        problems: vec![],
    }
}
