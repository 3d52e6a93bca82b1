//! The last runs, and the tick on demand.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use shared::{
    Run,
    api::{RunSummary, Runs},
    model::RunTrigger,
};

use crate::{app::App, error::Error, tick::tick};

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

/// The timer's own tick: it takes no input, and twice at a slot it does nothing more.
pub(super) async fn tick_now(State(app): State<Arc<App>>) -> Result<Json<Run>, Error> {
    // A client that goes away does not stop a run that has begun.
    let run = tokio::spawn(async move { tick(&app, RunTrigger::Timer).await }).await;
    match run {
        Ok(run) => run.map(Json),
        Err(_) => Err(Error::Conflict("the run was cut short; the next tick goes on".to_owned())),
    }
}
