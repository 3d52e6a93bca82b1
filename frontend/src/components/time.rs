//! A time with its zone, and how long ago that is.

use jiff::Timestamp;
use leptos::prelude::*;

use crate::{present::time, store::use_store};

/// Both the time and the age.
#[component]
pub(crate) fn Time(at: Timestamp) -> impl IntoView {
    let store = use_store();
    let age = move || store.about_now.get().map(|now| time::relative(at, now));
    view! {
        <span class="time">
            <time datetime=at.to_string()>{time::minute(at)}</time>
            <span class="age">{age}</span>
        </span>
    }
}

/// The age, with the time at hand.
#[component]
pub(crate) fn Age(at: Timestamp) -> impl IntoView {
    let store = use_store();
    let age = move || store.about_now.get().map(|now| time::relative(at, now));
    view! { <time class="nowrap" datetime=at.to_string() title=time::second(at)>{age}</time> }
}
