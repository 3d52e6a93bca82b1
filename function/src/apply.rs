//! Step → one idempotent call to Azure. Decides nothing but to leave alone what has changed, and
//! what there is no time or budget for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt, stream};
use reqwest::Method;
use shared::{
    Effect, Inventory, Limits, Step,
    model::{Outcome, Skip, Snapshot, StepOutcome},
    tags,
};
use tokio::time::Instant;

use crate::azure::{ArmClient, ArmError, Ended, compute::mark};

/// Disks whose steps are taken at a time.
const CONCURRENCY: usize = 8;

/// No step begins later than this in a run.
const LAST_BEGINNING: Duration = Duration::from_secs(200);

/// No step is waited for longer than this in a run: the host's `functionTimeout` of 5 minutes kills
/// the process, and the run has yet to be recorded.
const LAST_END: Duration = Duration::from_secs(270);

/// What steps are applied with.
pub struct Applying<'a> {
    /// Azure.
    pub arm: &'a ArmClient,
    /// What the steps were planned on.
    pub inventory: &'a Inventory,
    /// The limits that they were planned with.
    pub limits: &'a Limits,
    /// When the host called: listing and planning count, too.
    pub begun: Instant,
}

/// The steps of one disk, in order, with their places in the plan.
type Lane = Vec<(usize, Step)>;

/// Tries every step; a failed one does not stop the others. The outcomes stand in the plan's order.
///
/// What makes or keeps points goes first; marks and deletions follow when that has ended. The steps
/// of one disk are taken in order, those of different disks at once.
pub async fn apply(applying: &Applying<'_>, steps: Vec<Step>) -> Vec<StepOutcome> {
    let disks = disks(applying.inventory, &steps);
    let (mut first, mut second) = (BTreeMap::new(), BTreeMap::new());
    for (index, step) in steps.into_iter().enumerate() {
        let wave = if is_pruning(&step.effect) { &mut second } else { &mut first };
        let disk = disk(&disks, &step.effect);
        wave.entry(disk).or_insert_with(Lane::new).push((index, step));
    }
    let mut outcomes = vec![];
    for wave in [first, second] {
        let lanes = stream::iter(wave.into_values().map(|lane| apply_lane(applying, lane)));
        let mut lanes = lanes.buffer_unordered(CONCURRENCY);
        while let Some(lane) = lanes.next().await {
            outcomes.extend(lane);
        }
    }
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn apply_lane(applying: &Applying<'_>, lane: Lane) -> Vec<(usize, StepOutcome)> {
    let mut outcomes = vec![];
    for (index, step) in lane {
        let (outcome, azure_request_id) = match skip(applying, &step.effect) {
            Some((why, message)) => (Outcome::Skipped { why, message }, None),
            None => apply_in_time(applying, &step.effect).await,
        };
        let title = step.effect.title();
        tracing::info!(step = title, resource.id = %step.effect.id(), ?outcome, "step");
        outcomes.push((index, StepOutcome { step, outcome, azure_request_id }));
    }
    outcomes
}

/// Why a step is not even tried.
fn skip(applying: &Applying<'_>, effect: &Effect) -> Option<(Skip, String)> {
    let subscription = effect.id().subscription();
    if !applying.limits.writes.allow(subscription) {
        let message = format!(
            "this installation observes subscription {subscription} and writes nothing there"
        );
        return Some((Skip::Observes, message));
    }
    if applying.begun.elapsed() > LAST_BEGINNING {
        let message = "the time of this run was up; the next tick goes on".to_owned();
        return Some((Skip::TimeUp, message));
    }
    let refusal = applying.arm.refusal(&method(effect), subscription)?;
    Some((Skip::Throttled, refusal))
}

async fn apply_in_time(applying: &Applying<'_>, effect: &Effect) -> (Outcome, Option<String>) {
    let end = applying.begun + LAST_END;
    match tokio::time::timeout_at(end, apply_one(applying, effect)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let message = "the time of this run was up before Azure answered; the next tick looks \
                           what came of it";
            (Outcome::Failed { code: "TimeUp".to_owned(), message: message.to_owned() }, None)
        }
    }
}

async fn apply_one(applying: &Applying<'_>, effect: &Effect) -> (Outcome, Option<String>) {
    match try_one(applying, effect).await {
        Ok(Some((Ended::Succeeded, request_id))) => (Outcome::Done, request_id),
        Ok(Some((Ended::StillRunning, request_id))) => (Outcome::Accepted, request_id),
        Ok(None) => {
            let message = "it has changed or gone since it was listed; the next tick looks again";
            (Outcome::Skipped { why: Skip::Changed, message: message.to_owned() }, None)
        }
        Err(error) => {
            let (code, message) = (error.code().to_owned(), error.chain());
            let persists = error.persists();
            let request_id = match error {
                ArmError::Refused { request_id, .. } => request_id,
                _ => None,
            };
            let outcome = if persists {
                Outcome::Blocked { code, message }
            } else {
                Outcome::Failed { code, message }
            };
            (outcome, request_id)
        }
    }
}

/// None if the point is no longer what was planned on.
async fn try_one(
    applying: &Applying<'_>,
    effect: &Effect,
) -> Result<Option<(Ended, Option<String>)>, ArmError> {
    let arm = applying.arm;
    let (unique_id, tags) = match effect {
        Effect::CreateSnapshot { .. } | Effect::StartCopy { .. } | Effect::CreateDisk { .. } => {
            return Ok(Some(arm.create(effect).await?));
        }
        Effect::MarkPoint { unique_id, delete_after, approved, .. } => {
            (unique_id, mark(Some(*delete_after), approved.as_deref()))
        }
        Effect::UnmarkPoint { unique_id, .. } => (unique_id, mark(None, None)),
        Effect::AdoptPoint { unique_id, tags, .. } => {
            let tags = tags.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            (unique_id, tags)
        }
        Effect::PinPoint { unique_id, actor, .. } => {
            let mut tags = mark(None, None);
            tags.insert(tags::PIN, actor.chars().take(256).collect());
            (unique_id, tags)
        }
        Effect::DeletePoint { id, unique_id, .. } => {
            // The mark may have been taken back, or put anew.
            let marked = |point: &Snapshot| {
                let due = point.delete_after().is_some_and(|at| at <= applying.inventory.taken_at);
                point.unique_id == *unique_id && !point.is_pinned() && due
            };
            return arm.delete(id, marked).await;
        }
        Effect::AbandonCopy { id, unique_id, .. } => {
            // A copy that has become complete meanwhile is a recovery point.
            let stuck = |point: &Snapshot| {
                let under_way = point.state.is_under_way();
                point.unique_id == *unique_id && !point.is_pinned() && under_way
            };
            return arm.delete(id, stuck).await;
        }
    };
    // The point is read again right before it is touched.
    let point = arm.snapshot(effect.id()).await?;
    if point.is_none_or(|point| point.unique_id != *unique_id) {
        return Ok(None);
    }
    Ok(Some(arm.merge_tags(effect.id(), tags).await?))
}

/// Marks and deletions: all that leads to fewer points.
fn is_pruning(effect: &Effect) -> bool {
    match effect {
        Effect::MarkPoint { .. } | Effect::DeletePoint { .. } | Effect::AbandonCopy { .. } => true,
        Effect::CreateSnapshot { .. }
        | Effect::StartCopy { .. }
        | Effect::CreateDisk { .. }
        | Effect::UnmarkPoint { .. }
        | Effect::AdoptPoint { .. }
        | Effect::PinPoint { .. } => false,
    }
}

/// The call that changes something.
fn method(effect: &Effect) -> Method {
    match effect {
        Effect::CreateSnapshot { .. } | Effect::StartCopy { .. } | Effect::CreateDisk { .. } => {
            Method::PUT
        }
        Effect::MarkPoint { .. }
        | Effect::UnmarkPoint { .. }
        | Effect::AdoptPoint { .. }
        | Effect::PinPoint { .. } => Method::PATCH,
        Effect::DeletePoint { .. } | Effect::AbandonCopy { .. } => Method::DELETE,
    }
}

/// The disks, by unique id, of the points that the steps touch, by the key of the point's id.
fn disks(inventory: &Inventory, steps: &[Step]) -> BTreeMap<String, String> {
    let touched: BTreeSet<&str> = steps.iter().map(|step| step.effect.id().key()).collect();
    let touched = inventory.snapshots.iter().filter(|point| touched.contains(point.id.key()));
    touched
        .filter_map(|point| {
            let disk = tags::read(&point.tags, tags::DISK).or(point.source_unique_id.as_deref())?;
            Some((point.id.key().to_owned(), disk.to_owned()))
        })
        .collect()
}

/// What the step belongs with: its disk, or else the resource itself.
fn disk(disks: &BTreeMap<String, String>, effect: &Effect) -> String {
    let id = effect.id();
    let of_tags = match effect {
        Effect::CreateSnapshot { tags, .. }
        | Effect::StartCopy { tags, .. }
        | Effect::CreateDisk { tags, .. } => tags::read(tags, tags::DISK),
        Effect::MarkPoint { .. }
        | Effect::UnmarkPoint { .. }
        | Effect::PinPoint { .. }
        | Effect::AdoptPoint { .. }
        | Effect::AbandonCopy { .. }
        | Effect::DeletePoint { .. } => disks.get(id.key()).map(String::as_str),
    };
    of_tags.unwrap_or_else(|| id.key()).to_owned()
}
