//! What every such dialog has: fields, what would stop the action, the same for other tools, and
//! the button. Asking again after an error is the same request; changing a field makes it another.

use std::sync::Arc;

use leptos::{ev, prelude::*, task::spawn_local};
use shared::{Action, SnapshotSku, api::Estate, equivalent::Tool, preconditions};
use uuid::Uuid;

use crate::{
    components::{
        dialog::Dialog,
        equivalent::Equivalent,
        field::Choice,
        obstacles::{Obstacles, Problem},
        prose::{failed, prose},
    },
    store::use_store,
};

#[component]
pub(super) fn ActionDialog(
    #[prop(into)] title: String,
    /// The button's words.
    submit: &'static str,
    /// What the fields say, or why they say nothing.
    action: Memo<Result<Action, String>>,
    on_close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let store = use_store();
    let is_sending = RwSignal::new(false);
    let failure = RwSignal::new(None::<String>);
    let request: StoredValue<Option<(String, Action)>> = StoredValue::new(None);

    let problems = Memo::new(move |_| {
        let plain = |reason: String| Problem { reason, fix: String::new() };
        let mut problems: Vec<Problem> = store.why_no_actions().map(plain).into_iter().collect();
        match (action.get(), store.estate.get(), store.status.get()) {
            (Err(reason), ..) => problems.push(plain(reason)),
            (Ok(action), Some(estate), Some(status)) => {
                let obstacles = preconditions(&action, &estate.inventory, &status.limits);
                problems
                    .extend(obstacles.iter().map(|o| Problem { reason: o.reason(), fix: o.fix() }));
            }
            (Ok(_), ..) => {}
        }
        problems
    });
    let why_not =
        Memo::new(move |_| problems.with(|problems| Some(problems.first()?.reason.clone())));
    let same_as = Callback::new(move |tool: Tool| match (action.get(), store.estate.get()) {
        (Ok(action), Some(estate)) => {
            shared::equivalent::equivalent(tool, &action, &estate.inventory)
        }
        (Err(reason), _) => reason,
        (Ok(_), None) => String::new(),
    });
    let send = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Ok(action) = action.get_untracked() else { return };
        if is_sending.get_untracked() || why_not.get_untracked().is_some() {
            return;
        }
        let id = request
            .get_value()
            .filter(|(_, asked)| *asked == action)
            .map_or_else(|| Uuid::new_v4().to_string(), |(id, _)| id);
        request.set_value(Some((id.clone(), action.clone())));
        is_sending.set(true);
        failure.set(None);
        spawn_local(async move {
            let outcome = store.ask(&id, &action).await;
            // The dialog may have been closed meanwhile; its signals are gone then.
            is_sending.try_set(false);
            match outcome {
                Ok(()) => on_close.run(()),
                Err(error) => {
                    let _ = failure.try_set(Some(error.message().to_owned()));
                }
            }
        });
    };
    let button = move || if is_sending.get() { "Asking…" } else { submit };
    let error = move || {
        failure.get().map(|text| failed(&format!("{text} What you typed is kept; try again.")))
    };
    view! {
        <Dialog title on_close>
            <form on:submit=send>
                <div class="fields">{children()}</div>
                <Obstacles problems/>
                {error}
                <div class="dialog-foot">
                    <button
                        type="submit"
                        class="primary"
                        disabled=move || is_sending.get() || why_not.get().is_some()
                    >
                        {button}
                    </button>
                    <span class="dim" role="status">
                        {move || why_not.get().map(|reason| prose(&format!("Not possible: {reason}")))}
                    </span>
                </div>
            </form>
            <Equivalent text=same_as/>
        </Dialog>
    }
}

/// The groups of a subscription.
pub(crate) fn groups(estate: &Option<Arc<Estate>>, subscription: &str) -> Vec<Choice> {
    let groups = estate.iter().flat_map(|estate| &estate.inventory.groups);
    let mut names: Vec<String> = groups
        .filter(|group| group.subscription.eq_ignore_ascii_case(subscription))
        .map(|group| group.name.clone())
        .collect();
    names.sort_by_key(|name| name.to_lowercase());
    names.into_iter().map(|name| (name.clone(), name)).collect()
}

/// The name of a group as Azure spells it, for a list that compares with case.
pub(super) fn spelled(choices: &[Choice], group: &str) -> String {
    let known = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(group));
    known.map_or_else(|| group.to_owned(), |(name, _)| name.clone())
}

/// The redundancies.
pub(super) fn redundancies() -> Vec<Choice> {
    let words = [
        (SnapshotSku::StandardLrs, "LRS: three copies in one place"),
        (SnapshotSku::StandardZrs, "ZRS: across three zones"),
    ];
    words.map(|(sku, words)| (sku.name().to_owned(), words.to_owned())).to_vec()
}

/// The redundancy of that name; LRS is offered everywhere.
pub(super) fn redundancy(name: &str) -> SnapshotSku {
    if name == SnapshotSku::StandardZrs.name() {
        SnapshotSku::StandardZrs
    } else {
        SnapshotSku::StandardLrs
    }
}
