//! Azure's time in the browser: the last that was heard, moved on by the browser's stopwatch.
//!
//! The browser's own clock may be wrong, and the emulator's can be set: neither is asked what time
//! it is, only how much has passed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use leptos::prelude::*;
use web_sys::js_sys::Date;

use super::Store;

/// A time of Azure's and the stopwatch when it was heard.
#[derive(Clone, Copy)]
pub(super) struct Anchor {
    azure: Timestamp,
    heard_ms: f64,
}

/// Moves `store.now` on every second.
pub(super) fn start(store: Store) {
    let tick = move || store.now.set(read(&store));
    let handle = set_interval_with_handle(tick, Duration::from_secs(1));
    on_cleanup(move || {
        if let Ok(handle) = handle {
            handle.clear();
        }
    });
}

/// Notes a time that Azure told.
pub(super) fn hear(store: &Store, azure: Timestamp) {
    let known = store.anchor.get_value();
    if known.is_some_and(|anchor| anchor.azure == azure) {
        // Told before: the stopwatch knows better how long ago.
        return;
    }
    store.anchor.set_value(Some(Anchor { azure, heard_ms: Date::now() }));
    store.now.set(Some(azure));
}

/// Whether any time was heard.
pub(super) fn is_set(store: &Store) -> bool {
    store.anchor.with_value(Option::is_some)
}

fn read(store: &Store) -> Option<Timestamp> {
    let anchor = store.anchor.get_value()?;
    let passed = SignedDuration::from_millis((Date::now() - anchor.heard_ms).max(0.0) as i64);
    anchor.azure.checked_add(passed).ok()
}

/// Ages in words need no second.
pub(super) fn to_ten_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(10) * 10).unwrap_or(at)
}
