//! Step → one idempotent call to Azure. Decides nothing but to leave alone what has changed.

use std::time::Duration;

use shared::{
    Effect, Limits, Step,
    model::{Outcome, StepOutcome},
    tags,
};
use tokio::time::Instant;

use crate::azure::{ArmClient, ArmError, Ended, compute::mark};

/// A tick stops before the host's `functionTimeout` of 5 minutes, which would kill the process:
/// one more step may take a minute.
const BUDGET: Duration = Duration::from_secs(200);

/// Tries every step in order; a failed one does not stop the others.
pub async fn apply(arm: &ArmClient, steps: Vec<Step>, limits: &Limits) -> Vec<StepOutcome> {
    let begun = Instant::now();
    let mut outcomes = vec![];
    for step in steps {
        let title = step.effect.title();
        let (outcome, azure_request_id) = if !limits.writes.allow(step.effect.id().subscription()) {
            let message = format!(
                "this installation observes subscription {} and writes nothing there",
                step.effect.id().subscription()
            );
            (Outcome::Skipped { message }, None)
        } else if begun.elapsed() > BUDGET {
            let message = "the time of this run was up; the next tick goes on".to_owned();
            (Outcome::Skipped { message }, None)
        } else {
            apply_one(arm, &step.effect).await
        };
        tracing::info!(step = title, resource.id = %step.effect.id(), ?outcome, "step");
        outcomes.push(StepOutcome { step, outcome, azure_request_id });
    }
    outcomes
}

async fn apply_one(arm: &ArmClient, effect: &Effect) -> (Outcome, Option<String>) {
    match try_one(arm, effect).await {
        Ok(Some((Ended::Succeeded, request_id))) => (Outcome::Done, request_id),
        Ok(Some((Ended::StillRunning, request_id))) => (Outcome::Accepted, request_id),
        Ok(None) => {
            let message = "it has changed or gone since it was listed; the next tick looks again";
            (Outcome::Skipped { message: message.to_owned() }, None)
        }
        Err(error) => {
            let (code, message) = (error.code().to_owned(), error.chain());
            let request_id = match error {
                ArmError::Refused { request_id, .. } => request_id,
                _ => None,
            };
            (Outcome::Failed { code, message }, request_id)
        }
    }
}

/// None if the point is no longer what was planned on.
async fn try_one(
    arm: &ArmClient,
    effect: &Effect,
) -> Result<Option<(Ended, Option<String>)>, ArmError> {
    let (unique_id, tags) = match effect {
        Effect::CreateSnapshot { .. } | Effect::StartCopy { .. } | Effect::CreateDisk { .. } => {
            return Ok(Some(arm.create(effect).await?));
        }
        Effect::MarkPoint { unique_id, delete_after, .. } => {
            (unique_id, Some(mark(Some(*delete_after))))
        }
        Effect::UnmarkPoint { unique_id, .. } => (unique_id, Some(mark(None))),
        Effect::PinPoint { unique_id, actor, .. } => {
            let mut tags = mark(None);
            tags.insert(tags::PIN, actor.chars().take(256).collect());
            (unique_id, Some(tags))
        }
        Effect::DeletePoint { unique_id, .. } => (unique_id, None),
    };
    // The point is read again right before it is touched.
    let Some(point) = arm.snapshot(effect.id()).await?.filter(|p| p.unique_id == *unique_id) else {
        return Ok(None);
    };
    match tags {
        Some(tags) => Ok(Some(arm.merge_tags(effect.id(), tags).await?)),
        None if point.is_pinned() || point.delete_after().is_none() => Ok(None),
        None => Ok(Some(arm.delete(effect.id()).await?)),
    }
}
