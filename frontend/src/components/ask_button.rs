//! A button that asks for one action, waits for its run, and says why it may not be pressed.

use leptos::prelude::*;
use shared::{Action, api::Role};

use crate::{components::prose::prose, store::use_store};

/// `label` while it may be pressed, `busy` while the action waits; what fails is told as a message that begins with
/// `failure`.
#[component]
pub(crate) fn AskButton(
    action: Action,
    label: String,
    busy: &'static str,
    failure: &'static str,
) -> impl IntoView {
    let store = use_store();
    let role = Role::that_asks_for(&action);
    let why_not = Memo::new(move |_| store.why_not(role));
    // One id for as long as it is shown: a second click is the same request.
    let request = uuid::Uuid::new_v4().to_string();
    let waits = store.waits_for(action.clone());
    let ask = move |_| store.ask_or_tell(&request, &action, failure);
    view! {
        <div class="dialog-foot">
            <button
                type="button"
                class="danger"
                disabled=move || waits.get() || why_not.get().is_some()
                on:click=ask
            >
                {move || if waits.get() { busy.to_owned() } else { label.clone() }}
            </button>
            <span class="dim" role="status">
                {move || why_not.get().map(|reason| prose(&format!("Not possible: {reason}")))}
            </span>
        </div>
    }
}
