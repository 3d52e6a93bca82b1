//! One run: gather → plan → check → apply → record. A tick takes no input; a click is a request
//! into the same.

use std::time::Duration;

use jiff::Timestamp;
use shared::{
    Decision, Fate, Plan, Policy, Request, Run, Subject, check,
    model::{Outcome, RequestState, RunTrigger, StepOutcome},
    plan::{Cause, plan},
};
use tokio::time::Instant;

use crate::{app::App, apply::apply, error::Error};

/// A message waits so long for the run before it, which may well end its request, too. Beyond that
/// it comes back later, lest the host take it for a hung one and kill the process.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does what is due, and records what was seen, decided and done.
pub async fn tick(app: &App, trigger: RunTrigger) -> Result<Run, Error> {
    let _turn = app.turn.lock().await;
    run(app, trigger).await
}

/// Does what a message asks for: one request, unless a run has ended it already.
pub async fn carry_out(app: &App, id: &str) -> Result<Option<Run>, Error> {
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
    run(app, trigger).await.map(Some)
}

async fn run(app: &App, trigger: RunTrigger) -> Result<Run, Error> {
    let begun = Instant::now();
    let host_now = app.now().await;
    let seen = app.fresh().await;
    let mut run = new_run(app, trigger, host_now);
    let inventory = match seen.current() {
        Ok(inventory) => inventory,
        Err(problem) => {
            run.problems.push(format!("Nothing was planned: {problem}"));
            return record(app, run, begun).await;
        }
    };
    run.now = inventory.taken_at;
    run.id = run_id(app, run.now);
    run.inventory = Some(app.records.store_inventory(inventory).await?);
    let limits = app.limits(run.now, host_now);
    let requests = app.records.pending().await?;
    let policies = policies_for(app, &run.trigger).await?;
    let history = app.records.history().await;
    let plan = plan(inventory, &policies, &requests, &history, &limits, run.now);
    let violations = check(&plan, inventory, &limits);
    run.problems.extend(inventory.gaps.iter().map(|gap| {
        format!(
            "The {} of subscription {} could not be listed: {}",
            gap.what, gap.subscription, gap.message
        )
    }));
    run.decisions = decisions_for(&run.trigger, &plan);
    if violations.is_empty() {
        run.steps = apply(&app.arm, plan.steps, &limits).await;
        if !run.steps.is_empty() {
            app.changed().await;
        }
        end_requests(app, &requests, &run).await?;
    } else {
        tracing::error!(?violations, "the plan breaks its own rules: nothing of it is done");
        run.problems.extend(violations.iter().map(|violation| {
            format!("The plan was stopped by the check and nothing of it was done: {violation}")
        }));
    }
    record(app, run, begun).await
}

fn new_run(app: &App, trigger: RunTrigger, now: Timestamp) -> Run {
    Run {
        id: run_id(app, now),
        trigger,
        now,
        duration_ms: 0,
        inventory: None,
        steps: vec![],
        decisions: vec![],
        problems: vec![],
    }
}

/// Sorts by time, as the store lists ids in order.
fn run_id(app: &App, now: Timestamp) -> String {
    let stamp = now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%dT%H%M%S%3f").to_string();
    format!("{stamp}-{}", app.ids.next())
}

/// A click does not wait for what the policies want.
async fn policies_for(app: &App, trigger: &RunTrigger) -> Result<Vec<Policy>, Error> {
    match trigger {
        RunTrigger::Timer => app.records.policies().await,
        RunTrigger::Request { .. } => Ok(vec![]),
    }
}

/// Without the policies, nothing is decided about points and disks.
fn decisions_for(trigger: &RunTrigger, plan: &Plan) -> Vec<Decision> {
    let speaks = |decision: &&Decision| match trigger {
        RunTrigger::Timer => true,
        RunTrigger::Request { .. } => matches!(decision.subject, Subject::Request(_)),
    };
    plan.decisions.iter().filter(speaks).cloned().collect()
}

/// Ends the requests that this run carried out or refused; the others stay pending.
async fn end_requests(app: &App, requests: &[Request], run: &Run) -> Result<(), Error> {
    for request in requests {
        let decision = run.decisions.iter().find(
            |decision| matches!(&decision.subject, Subject::Request(id) if *id == request.id),
        );
        let Some(decision) = decision else { continue };
        let step = run
            .steps
            .iter()
            .find(|step| matches!(&step.step.cause, Cause::Request { id } if *id == request.id));
        if let Some(state) = ended(decision, step, &run.id) {
            app.records.end(request, state).await?;
        }
    }
    Ok(())
}

fn ended(decision: &Decision, step: Option<&StepOutcome>, run: &str) -> Option<RequestState> {
    let run = run.to_owned();
    let refused = |message: String| Some(RequestState::Refused { run: run.clone(), message });
    match decision.fate {
        Fate::Idle => Some(RequestState::Done { run }),
        Fate::Blocked => {
            let words: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
            refused(words.join(" "))
        }
        Fate::Act => match &step?.outcome {
            Outcome::Done | Outcome::Accepted => Some(RequestState::Done { run }),
            Outcome::Failed { code, .. } if is_passing(code) => None,
            Outcome::Failed { code, message } => refused(format!("{code}: {message}")),
            Outcome::Skipped { message } => refused(message.clone()),
        },
        Fate::Wait | Fate::Keep | Fate::Released | Fate::Foreign | Fate::Marked | Fate::Delete => {
            None
        }
    }
}

/// What the next tick may well carry out.
fn is_passing(code: &str) -> bool {
    ["AzureUnreachable", "AzureThrottled", "NoToken"].contains(&code)
}

/// Stores the run, unless it says nothing that the one before it did not.
async fn record(app: &App, mut run: Run, begun: Instant) -> Result<Run, Error> {
    run.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if run.trigger == RunTrigger::Timer {
        app.records.beat(run.now).await?;
        let recent = app.records.runs(10).await.unwrap_or_default();
        if says_nothing_new(&run, &recent) {
            return Ok(run);
        }
    }
    app.records.store_run(&run).await?;
    Ok(run)
}

/// Whether a run tried nothing and found nothing that the timer's last stored one had not.
fn says_nothing_new(run: &Run, recent: &[Run]) -> bool {
    let Some(last) = recent.iter().find(|run| run.trigger == RunTrigger::Timer) else {
        return false;
    };
    let untried =
        |run: &Run| run.steps.iter().all(|step| matches!(step.outcome, Outcome::Skipped { .. }));
    if !untried(run) || !untried(last) || run.problems != last.problems {
        return false;
    }
    // An installation that observes plans the same steps at every tick, with other times in them.
    let resources = |run: &Run| -> Vec<String> {
        run.steps.iter().map(|step| step.step.effect.id().to_string()).collect()
    };
    let fates = |run: &Run| -> Vec<(Subject, Fate)> {
        run.decisions.iter().map(|d| (d.subject.clone(), d.fate)).collect()
    };
    if run.steps.is_empty() {
        last.decisions == run.decisions
    } else {
        resources(run) == resources(last) && fates(run) == fates(last)
    }
}
