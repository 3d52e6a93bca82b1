//! Switches a policy on or off where it is shown.

use leptos::{prelude::*, task::spawn_local};
use shared::Policy;

use crate::{api, store::use_store};

#[component]
pub(crate) fn PolicySwitch(policy: Policy) -> impl IntoView {
    let store = use_store();
    let is_saving = RwSignal::new(false);
    let why_not = Memo::new(move |_| store.why_no_policies());
    let label = format!("{} enabled", policy.name);
    let enabled = policy.enabled;
    let flip = move |_| {
        let wanted = Policy { enabled: !policy.enabled, ..policy.clone() };
        is_saving.set(true);
        spawn_local(async move {
            if let Err(failure) = api::save_policy(&wanted).await {
                let text = format!("{} was not changed: {}", wanted.name, failure.message());
                store.notify(true, text, None);
            }
            store.wake();
            is_saving.try_set(false);
        });
    };
    view! {
        <button
            type="button"
            role="switch"
            class="switch"
            aria-checked=enabled.to_string()
            aria-label=label
            disabled=move || is_saving.get() || why_not.get().is_some()
            title=move || why_not.get()
            on:click=flip
        >
            <span class="knob" aria-hidden="true"></span>
            <span>{if enabled { "On" } else { "Off" }}</span>
        </button>
    }
}
