//! The last runs, and the tick on demand.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use shared::{
    Run,
    api::{RunSummary, Runs, Ticked},
};

use tokio::time::Instant;

use crate::{app::App, error::Error, message::Message, tick::tick};

/// Runs on one page.
const PAGE: usize = 50;

pub(super) async fn list_runs(State(app): State<Arc<App>>) -> Result<Json<Runs>, Error> {
    let runs = app.records.runs(PAGE).await?;
    Ok(Json(Runs { runs: runs.iter().map(RunSummary::of).collect() }))
}

pub(super) async fn show_run(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Run>, Error> {
    let none = || Error::NotFound(format!("there is no run `{id}`"));
    app.records.run(&id).await?.map(Json).ok_or_else(none)
}

/// The timer's own tick: it takes no input, and twice at a slot it does nothing more. A deployment
/// that has no timer asks the worker for it: it has no right to change a disk or snapshot itself.
pub(super) async fn tick_now(State(app): State<Arc<App>>) -> Result<Json<Ticked>, Error> {
    if !app.config.ticks {
        let put = app.queue.put(&Message::Tick(None)).await;
        put.map_err(|error| Error::NoTick(error.to_string()))?;
        return Ok(Json(Ticked { runs: vec![], queued: true }));
    }
    // A client that goes away does not stop a run that has begun.
    let begun = Instant::now();
    let ticked = tokio::spawn(async move { tick(&app, begun).await }).await;
    match ticked {
        Ok(ticked) => {
            let ticked = ticked?;
            let runs = ticked.runs.iter().map(RunSummary::of).collect();
            Ok(Json(Ticked { runs, queued: ticked.queued }))
        }
        Err(_) => Err(Error::Conflict("the run was cut short; the next tick goes on".to_owned())),
    }
}
