//! How a tick hands its parts to messages, and how a part takes up what the tick planned for it
//! (ADR 0009).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use shared::{
    Action, Inventory, Plan, Request, Snapshot,
    model::{Inputs, RunTrigger},
};
use tokio::time::Instant;

use super::{Planned, look::Seen, policy_refs, request_refs};
use crate::{
    app::App,
    error::Error,
    message::{Message, Part},
    records::{
        describe,
        parts::{HandedOut, PartPlan},
    },
};

/// Puts a message for each part that has steps, where there are several such; what is put is taken
/// off the plan. A part whose message cannot be put is done by this very run, if there is time. Says
/// whether a message was put.
pub(super) async fn hand_out(app: &App, seen: &Seen, planned: &mut Planned) -> bool {
    let writes = &planned.inputs.limits.writes;
    let busy =
        |plan: &Plan| plan.steps.iter().any(|step| writes.allow(step.effect.id().subscription()));
    // An approval is of one batch of the whole estate, and ends with the run that finds it.
    let approval = |request: &Request| matches!(request.action, Action::ApproveDeletions(_));
    if planned.requests.iter().any(approval) {
        return false;
    }
    let chains: Vec<String> = planned
        .parts
        .iter()
        .filter(|(_, plan)| busy(plan))
        .map(|(chain, _)| chain.clone())
        .collect();
    if !planned.holds || chains.len() < 2 {
        return false;
    }
    let tick = HandedOut { inventory: seen.hash.clone(), now: seen.inventory.taken_at };
    let Ok(tick) = app.records.hand_out(&tick).await else { return false };
    let all = planned.parts.values().flat_map(|plan| &plan.steps);
    let touched: BTreeSet<String> = all.map(|step| step.effect.id().key().to_owned()).collect();
    let listed = seen.inventory.snapshots.iter().map(|point| (point.id.key(), point));
    let points: BTreeMap<&str, &Snapshot> =
        listed.filter(|(key, _)| touched.contains(*key)).collect();
    let mut queued = false;
    for chain in chains {
        let Some(plan) = planned.parts.remove(&chain) else { continue };
        // What steps change, for whoever applies them without the inventory.
        let keys = plan.steps.iter().map(|step| step.effect.id().key());
        let keys: BTreeSet<&str> = keys.collect();
        let points = keys.iter().filter_map(|key| Some((*points.get(key)?).clone())).collect();
        let (inputs, problems) = (planned.inputs.clone(), planned.problems.clone());
        let given = PartPlan { plan, inputs, problems, points };
        if let Err(error) = app.records.hand_part(&tick, &chain, &given).await {
            // The part then plans by itself.
            let why = describe(&error);
            tracing::warn!(chain, why, "the plan of a tick's part was not stored");
        }
        let part = Part { subscription: chain.clone(), tick: tick.clone() };
        if app.queue.put(&Message::Tick(Some(part))).await.is_err() {
            planned.parts.insert(chain, given.plan);
            break;
        }
        queued = true;
    }
    queued
}

/// What the tick planned for its part, if all that it was planned from is still so; else the part
/// plans anew.
///
/// Past runs of the part's own chain count, those of the others do not: what they add to the history
/// is about other disks, or is of the same tick, whose plan has shared out what is common to all.
pub(super) async fn as_planned(
    app: &App,
    part: &Part,
    (hash, now): (&str, Timestamp),
    (number, host_now): (u32, Timestamp),
    begun: Instant,
) -> Result<Option<(Seen, Planned)>, Error> {
    let given = match app.records.handed_part(&part.tick, &part.subscription).await {
        Ok(Some(given)) => given,
        Ok(None) => return Ok(None),
        Err(error) => {
            let why = describe(&error);
            tracing::warn!(chain = part.subscription, why, "the plan of a part cannot be read");
            return Ok(None);
        }
    };
    let PartPlan { plan, inputs, problems, points } = given;
    let requests = app.records.pending().await?;
    let (policies, _) = app.records.policies_and_problems().await?;
    let current = Inputs {
        policies: policy_refs(&policies),
        requests: request_refs(&requests),
        history: inputs.history.clone(),
        limits: app.limits(now, host_now),
    };
    let known = inputs.history.heads.get(&part.subscription).copied().unwrap_or(0);
    if current != inputs || !inputs.history.readable || known != number {
        tracing::info!(chain = part.subscription, "a part plans anew: something has changed");
        return Ok(None);
    }
    let inventory = Inventory { snapshots: points, ..Inventory::empty(now) };
    let seen = Seen {
        trigger: RunTrigger::Timer,
        inventory: Arc::new(inventory),
        hash: hash.to_owned(),
        host_now,
        begun,
    };
    let parts = [(part.subscription.clone(), plan)].into();
    Ok(Some((seen, Planned { parts, inputs, requests, problems, holds: true })))
}
