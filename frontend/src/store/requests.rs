//! What was asked for here, followed until a run has come to it.

use leptos::{prelude::*, task::spawn_local};
use shared::{Action, ResourceKind, api::RequestView, model::RequestState};

use super::Store;
use crate::{
    api::{self, Failure},
    path,
};

impl Store {
    /// Asks for `action` under `id`. The same id again is the same request.
    pub(crate) async fn ask(&self, id: &str, action: &Action) -> Result<(), Failure> {
        let view = api::ask(id, action).await?;
        let pending = RequestView { state: RequestState::Pending, ..view.clone() };
        self.asked.update(|asked| {
            asked.insert(id.to_owned(), pending);
        });
        // A function that carries it out at once has its end in the very answer.
        self.settle_requests(&[view]);
        self.wake();
        Ok(())
    }

    /// Asks from a button: what fails is told as a message that begins with `failure`.
    pub(crate) fn ask_or_tell(self, id: &str, action: &Action, failure: &'static str) {
        let (id, action) = (id.to_owned(), action.clone());
        spawn_local(async move {
            if let Err(error) = self.ask(&id, &action).await {
                self.notify(true, format!("{failure}: {}", error.message()), None);
            }
        });
    }

    /// Whether `action` has been asked for and waits.
    pub(crate) fn waits_for(self, action: Action) -> Memo<bool> {
        Memo::new(move |_| {
            self.requests.with(|requests| {
                requests.iter().any(|view| {
                    view.request.action == action && view.state == RequestState::Pending
                })
            })
        })
    }

    /// Compares news of requests with those made here; what ended is told.
    pub(super) fn settle_requests(&self, news: &[RequestView]) {
        for view in news {
            let id = &view.request.id;
            let waited = self.asked.with_untracked(|asked| {
                asked.get(id).is_some_and(|mine| mine.state == RequestState::Pending)
            });
            if !waited || view.state == RequestState::Pending {
                continue;
            }
            let what = title(&view.request.action);
            match &view.state {
                RequestState::Pending => {}
                RequestState::Done { .. } => {
                    let made = view.request.action.result().map(|id| path::resource(&id));
                    let href = made.or_else(|| Some(path::DELETIONS.to_owned()));
                    self.notify(false, format!("{what}: carried out."), href);
                }
                RequestState::Refused { run, message } => {
                    let text = format!("{what} was refused: {message}");
                    self.notify(true, text, Some(path::run(run)));
                }
            }
            self.asked.update(|asked| {
                asked.insert(id.clone(), view.clone());
            });
        }
    }
}

/// An action in a few words.
pub(crate) fn title(action: &Action) -> String {
    let (Some(source), Some(result)) = (action.source(), action.result()) else {
        return match action {
            Action::AcknowledgeVanished(_) => "Acknowledge missing points".to_owned(),
            _ => "Approve of held deletions".to_owned(),
        };
    };
    let verb = match action {
        Action::CreateSnapshot(_) => "Create snapshot",
        Action::CopySnapshot(_) => "Copy as",
        Action::RestoreDisk(_) => "Restore to disk",
        Action::KeepPoint(_) => return format!("Keep {}", result.name()),
        Action::AdoptPoint(_) => return format!("Adopt {}", result.name()),
        Action::AbandonCopy(_) => return format!("Give up the copy {}", result.name()),
        Action::ApproveDeletions(_) => return "Approve of held deletions".to_owned(),
        Action::AcknowledgeVanished(_) => return "Acknowledge missing points".to_owned(),
    };
    let of = match source.kind() {
        ResourceKind::Disk => "of disk",
        ResourceKind::Snapshot => "from",
    };
    format!("{verb} {} {of} {}", result.name(), source.name())
}
