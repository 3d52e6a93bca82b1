//! What a page fetches for itself, beside the estate: runs.

use std::future::Future;

use leptos::{prelude::*, task::spawn_local};

use crate::api::Failure;

/// How far a fetch is. Old data stay while new ones are awaited or cannot be had.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Load<T> {
    Loading,
    Ready(T),
    Failed(String),
}

impl<T> Load<T> {
    pub(crate) fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Loading | Self::Failed(_) => None,
        }
    }
}

/// Fetches at once and whenever what `again` tracks changes.
pub(crate) fn load<T, F, Fut>(again: impl Fn() + 'static, fetch: F) -> RwSignal<Load<T>>
where
    T: Clone + PartialEq + Send + Sync + 'static,
    F: Fn() -> Fut + 'static,
    Fut: Future<Output = Result<T, Failure>> + 'static,
{
    let held = RwSignal::new(Load::Loading);
    Effect::new(move |_| {
        again();
        let answer = fetch();
        spawn_local(async move {
            let news = match answer.await {
                Ok(value) => Load::Ready(value),
                Err(failure) => Load::Failed(failure.message().to_owned()),
            };
            // The page may be gone by then.
            let _ = held.try_maybe_update(|held| {
                let old_is_better = matches!((&*held, &news), (Load::Ready(_), Load::Failed(_)));
                let differs = !old_is_better && *held != news;
                if differs {
                    *held = news;
                }
                (differs, ())
            });
        });
    });
    held
}
