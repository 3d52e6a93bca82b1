//! The beginning of a run: Azure listed, compared with what was listed before, and stored.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use shared::{
    Gap, Inventory, ResourceId, Run,
    model::{Link, RunTrigger},
};
use tokio::time::Instant;

use super::new_run;
use crate::{app::App, error::Error, records::describe};

/// A listing that takes longer leaves no time to do anything.
const LISTING: Duration = Duration::from_secs(150);

/// What a gap is called that leaves open which points are missed.
const LISTED_BEFORE: &str = "points listed before";

/// Runs among which one is sought that knew what was listed before it.
const LOOKED_BACK: usize = 100;

/// What a run plans on.
pub(super) struct Seen {
    pub(super) trigger: RunTrigger,
    pub(super) inventory: Arc<Inventory>,
    /// The inventory's hash.
    pub(super) hash: String,
    pub(super) host_now: Timestamp,
    pub(super) begun: Instant,
}

/// Lists Azure and stores what was seen; or the run that says why not.
pub(super) async fn look(
    app: &App,
    trigger: RunTrigger,
    begun: Instant,
) -> Result<Result<Seen, Run>, Error> {
    let host_now = app.now().await;
    let nothing = |trigger: RunTrigger, problem: String| {
        let mut run = new_run(Link::ESTATE, trigger, host_now);
        run.problems.push(format!("Nothing was planned: {problem}"));
        run
    };
    let Ok(seen) = tokio::time::timeout(LISTING, app.fresh()).await else {
        let problem = "Azure takes too long to list. Nothing is lost; the next tick tries again.";
        return Ok(Err(nothing(trigger, problem.to_owned())));
    };
    let mut inventory = match seen.current() {
        Ok(inventory) => inventory.clone(),
        Err(problem) => return Ok(Err(nothing(trigger, problem))),
    };
    note_vanished(app, &mut inventory, host_now).await;
    let hash = app.records.store_inventory(&inventory).await?;
    Ok(Ok(Seen { trigger, inventory, hash, host_now, begun }))
}

/// Notes which points of ours are listed no more, although no run deleted them. What was listed
/// before cannot always be told; then that is a gap.
pub(crate) async fn note_vanished(app: &App, inventory: &mut Arc<Inventory>, host_now: Timestamp) {
    let before = match app.records.last_inventory().await {
        Ok(None) => return,
        Ok(Some(hash)) => app.records.inventory(&hash).await,
        Err(error) => Err(error),
    };
    let before = match before {
        Ok(Some(before)) if !was_compared(&before) => compared_before(app).await,
        other => other,
    };
    let why = match before {
        Ok(Some(before)) if misses_nothing(inventory, &before, &app.config.installation) => return,
        Ok(Some(before)) => {
            // A run that died before it was recorded may have deleted what was marked and due.
            let due: BTreeSet<&str> = before
                .snapshots
                .iter()
                .filter(|point| point.delete_after().is_some_and(|at| at <= inventory.taken_at))
                .map(|point| point.id.key())
                .collect();
            let history = app.records.history().await.history;
            let deleted = |id: &ResourceId| history.deleted(id) || due.contains(id.key());
            let installation = &app.config.installation;
            let acknowledged = history.acknowledged.keys().cloned().collect();
            let agrees = app.limits(inventory.taken_at, host_now).clock_agrees;
            let inventory = Arc::make_mut(inventory);
            return inventory.mark_vanished(&before, installation, deleted, &acknowledged, agrees);
        }
        Ok(None) => "it is missing".to_owned(),
        Err(error) => describe(&error),
    };
    Arc::make_mut(inventory).gaps.push(Gap {
        subscription: Link::ESTATE.to_owned(),
        what: LISTED_BEFORE.to_owned(),
        message: format!("the inventory of the last run cannot be read: {why}"),
    });
}

/// Whether an inventory was compared with the one before it: else it does not tell what is missed.
fn was_compared(inventory: &Inventory) -> bool {
    inventory.gaps.iter().all(|gap| gap.what != LISTED_BEFORE)
}

/// The newest inventory that was compared; none of the last runs' is as bad as one unread.
async fn compared_before(app: &App) -> Result<Option<Arc<Inventory>>, Error> {
    for run in app.records.runs(LOOKED_BACK).await? {
        let Some(hash) = &run.inventory else { continue };
        match app.records.inventory(hash).await? {
            Some(inventory) if !was_compared(&inventory) => {}
            found => return Ok(found),
        }
    }
    Ok(None)
}

/// Whether everything of ours that was there or missed before is there: then the past need not be
/// read to know who deleted it.
fn misses_nothing(inventory: &Inventory, before: &Inventory, installation: &str) -> bool {
    let there: BTreeSet<(&str, &str)> = inventory
        .snapshots
        .iter()
        .map(|point| (point.id.key(), point.unique_id.as_str()))
        .collect();
    let mut ours = before.snapshots.iter().filter(|point| point.is_of(installation));
    before.vanished.is_empty()
        && ours.all(|point| {
            point.unique_id.is_empty() || there.contains(&(point.id.key(), &point.unique_id))
        })
}
