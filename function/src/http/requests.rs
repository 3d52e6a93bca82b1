//! Clicks: stored first, then put on the queue, from which a run of the worker carries them out.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use shared::{
    Action, Obstacle, Request,
    api::{Identity, RequestView, Role},
    model::{RequestState, valid_request_id},
    preconditions,
};

use super::body::Body;
use crate::{app::App, error::Error, message::Message};

pub(super) async fn show_request(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<RequestView>, Error> {
    let none = || Error::NotFound(format!("there is no request `{id}`"));
    app.records.request(&id).await?.map(Json).ok_or_else(none)
}

/// Answers 202 once the request is stored and the worker told of it. The timer's next tick comes
/// to what is stored, whatever becomes of the message.
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
    Body(action): Body<Action>,
) -> Result<(StatusCode, Json<RequestView>), Error> {
    if !valid_request_id(&id) {
        let message = "use 8 to 64 letters, digits and hyphens as the request's id, such as a UUID";
        return Err(Error::invalid("InvalidRequestId", message));
    }
    let needed = Role::that_asks_for(&action);
    if identity.role < needed {
        let message = format!(
            "this takes the role {needed:?}; ask whoever administers Snapferry, or an owner to do it"
        );
        return Err(Error::Forbidden(message));
    }
    let seen = app.fresh().await;
    let inventory = seen.current().map_err(Error::Unavailable)?;
    let known = app.records.request(&id).await?.is_some();
    let host_now = app.now().await;
    let limits = app.limits(inventory.taken_at, host_now);
    let obstacles = preconditions(&action, inventory, &limits);
    if !known && let Some(error) = refusal(&obstacles) {
        return Err(error);
    }
    let request = Request { id, actor: identity.name, asked_at: inventory.taken_at, action };
    let view = app.records.ask(request).await?;
    if view.state == RequestState::Pending {
        // A retry of a request that waits puts another message: told twice, it is done once.
        let message = match &view.request.action {
            // What it approves of is what policies would delete: that takes a whole tick.
            Action::ApproveDeletions(_) => Message::Tick(None),
            Action::CreateSnapshot(_)
            | Action::CopySnapshot(_)
            | Action::RestoreDisk(_)
            | Action::KeepPoint(_)
            | Action::AdoptPoint(_)
            | Action::AbandonCopy(_)
            | Action::AcknowledgeVanished(_) => Message::Request(view.request.id.clone()),
        };
        let put = app.queue.put(&message).await;
        put.map_err(|error| Error::NotQueued(error.to_string()))?;
    }
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// The refusal that the obstacles make: every one in the message, the first for the kind.
fn refusal(obstacles: &[Obstacle]) -> Option<Error> {
    let first = obstacles.first()?;
    let words: Vec<String> =
        obstacles.iter().map(|o| format!("{} {}", o.reason(), o.fix())).collect();
    let message = words.join(" ");
    Some(match first {
        Obstacle::ReadOnly { .. } => Error::Forbidden(message),
        Obstacle::SourceMissing { .. } => Error::NotFound(message),
        Obstacle::NameTaken { .. }
        | Obstacle::CopyInFlight { .. }
        | Obstacle::OutOfOrder { .. }
        | Obstacle::TooManyCopies { .. }
        | Obstacle::TooManySnapshots { .. }
        | Obstacle::Locked { .. }
        | Obstacle::AnotherInstallations { .. }
        | Obstacle::NotAbandonable { .. }
        | Obstacle::NotReady { .. } => Error::Conflict(message),
        Obstacle::WrongSource { .. }
        | Obstacle::BadName { .. }
        | Obstacle::UnknownSubscription { .. }
        | Obstacle::UnknownGroup { .. }
        | Obstacle::UnknownRegion { .. }
        | Obstacle::NoZones { .. }
        | Obstacle::NotIncremental { .. }
        | Obstacle::MustBeIncremental { .. }
        | Obstacle::SourceFailed { .. }
        | Obstacle::NeedsDiskAccess
        | Obstacle::Unplaced { .. }
        | Obstacle::BadTag { .. }
        | Obstacle::BadDiskSku { .. }
        | Obstacle::BadZone { .. } => Error::invalid("PreconditionFailed", message),
    })
}
