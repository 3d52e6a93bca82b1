//! The end of a run: its requests ended, and its record, unless it says nothing new.

use shared::{
    Decision, Fate, Request, Run, Subject,
    model::{Outcome, RequestState, RunTrigger, StepOutcome},
    plan::Cause,
};
use tokio::time::Instant;

use crate::{app::App, error::Error};

/// Runs of its chain that a run is compared with: of these, the timer's last.
const COMPARED: usize = 10;

/// Stores the run, then ends the requests that it carried out or refused. A run that says nothing
/// that the timer's last one in its chain did not is not stored, and goes by that one's id.
///
/// Should the process die in between, a later run finds what they asked for done.
pub(super) async fn record(
    app: &App,
    mut run: Run,
    requests: &[Request],
    begun: Instant,
) -> Result<Run, Error> {
    run.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if run.trigger == RunTrigger::Timer {
        let last = app.records.last_of_timer(&run.link.chain, COMPARED).await.unwrap_or_default();
        if let Some(last) = last.filter(|last| says_nothing_new(&run, &last.run)) {
            return Ok(Run { id: last.run.id.clone(), link: last.run.link.clone(), ..run });
        }
    }
    let run = app.records.store_run(run).await?;
    end_requests(app, requests, &run).await?;
    Ok(run)
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
            Outcome::Failed { code, message } | Outcome::Blocked { code, message } => {
                refused(format!("{code}: {message}"))
            }
            Outcome::Skipped { why, .. } if why.is_passing() => None,
            Outcome::Skipped { message, .. } => refused(message.clone()),
        },
        Fate::Wait
        | Fate::Keep
        | Fate::Released
        | Fate::Foreign
        | Fate::Held
        | Fate::Marked
        | Fate::Delete => None,
    }
}

/// What the next tick may well carry out.
fn is_passing(code: &str) -> bool {
    ["AzureUnreachable", "AzureThrottled", "NoToken", "TimeUp"].contains(&code)
}

/// Whether a run tried nothing and found nothing that the timer's last stored one had not.
fn says_nothing_new(run: &Run, last: &Run) -> bool {
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
