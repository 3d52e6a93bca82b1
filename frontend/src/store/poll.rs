//! The one loop that asks for news: often while something moves, seldom else, not while hidden.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;
use web_sys::{VisibilityState, js_sys::Promise};

use super::{Link, Store, clock};
use crate::api::{self, Failure};

const MOVING_MS: i32 = 2_000;
const RESTING_MS: i32 = 10_000;
/// The first retry comes soon, as most outages are a restart.
const FIRST_RETRY_MS: i32 = 1_000;
/// How long a wait goes on before it looks whether somebody clicked or came back to the tab.
const SLICE_MS: i32 = 200;

pub(super) fn start(store: Store) {
    spawn_local(async move {
        let mut etag: Option<String> = None;
        let mut retry_ms = FIRST_RETRY_MS;
        loop {
            let wakes = store.wakes.get_value();
            let (link, delay) = match ask(&store, &mut etag).await {
                Ok(()) => {
                    retry_ms = FIRST_RETRY_MS;
                    (Link::Up, if store.is_moving() { MOVING_MS } else { RESTING_MS })
                }
                Err(failure) => {
                    let delay = retry_ms;
                    retry_ms = (retry_ms * 2).min(RESTING_MS);
                    (Link::Down(failure.message().to_owned()), delay)
                }
            };
            store.link.maybe_update(|held| set(held, link));
            wait(&store, wakes, delay).await;
        }
    });
}

/// Replaces what is held and says whether it differs, so that equal news wake nobody.
fn set<T: PartialEq>(held: &mut T, news: T) -> bool {
    let differs = *held != news;
    *held = news;
    differs
}

async fn ask(store: &Store, etag: &mut Option<String>) -> Result<(), Failure> {
    let status = api::status().await?;
    if let Some(seen) = status.azure_seen_at {
        clock::hear(store, seen);
    }
    let status = Some(Arc::new(status));
    store.status.maybe_update(|held| set(held, status));
    if let Some(fetched) = api::estate(etag.as_deref()).await? {
        // Whatever a run changes shows in the estate: its points, or the request that it ended.
        let history = Some(Arc::new(api::history().await?));
        store.history.maybe_update(|held| set(held, history));
        let estate = Arc::new(fetched.estate);
        if !clock::is_set(store) {
            clock::hear(store, estate.inventory.taken_at);
        }
        store.observe(&estate);
        store.settle_requests(&estate.requests);
        store.estate.set(Some(estate));
        *etag = fetched.etag;
    }
    Ok(())
}

/// Waits for `delay` while the tab is seen, and for its return while it is not.
async fn wait(store: &Store, wakes: u64, delay: i32) {
    let mut waited = 0;
    while (waited < delay && store.wakes.get_value() == wakes) || is_hidden() {
        sleep(SLICE_MS).await;
        waited += SLICE_MS;
    }
}

async fn sleep(milliseconds: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        let set =
            window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
        // A window that sets no timers is being torn down, and the loop with it.
        let _ = set;
    });
    let _ = JsFuture::from(promise).await;
}

fn is_hidden() -> bool {
    document().visibility_state() == VisibilityState::Hidden
}
