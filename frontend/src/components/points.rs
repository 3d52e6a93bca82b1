//! Snapshots and copies in a table: time, state, fate with reasons, and what can be done.

use std::collections::BTreeMap;

use leptos::prelude::*;
use shared::{
    Action, KeepPoint, PointState, Reason, ResourceId, api::RequestView, model::RequestState,
};

use super::{badge::Badge, progress::CopyProgress, prose::prose, time::Time};
use crate::{
    derive::disk::PointRow,
    path, present,
    query::{Query, use_query},
    store::{Store, use_store},
};

#[component]
pub(crate) fn Points(
    /// What the table is of, for those who do not see it.
    #[prop(into)]
    label: Signal<String>,
    /// The newest first.
    #[prop(into)]
    rows: Signal<Vec<PointRow>>,
    /// Asked for and not there yet.
    #[prop(into, optional)]
    pending: Signal<Vec<RequestView>>,
    /// `Snapshot` or `Copy`.
    noun: &'static str,
) -> impl IntoView {
    let rows = Memo::new(move |_| rows.get());
    let by_key: Memo<BTreeMap<String, PointRow>> = Memo::new(move |_| {
        rows.get().into_iter().map(|row| (row.snapshot.id.key().to_owned(), row)).collect()
    });
    let ids = move || rows.get().into_iter().map(|row| row.snapshot.id).collect::<Vec<_>>();
    let row = move |id: ResourceId| {
        let key = id.key().to_owned();
        let row = Memo::new(move |_| by_key.with(|rows| rows.get(&key).cloned()));
        view! { <Row id row/> }
    };
    view! {
        <table class="points" aria-label=label>
            <thead>
                <tr>
                    <th scope="col">{noun}</th>
                    <th scope="col">"Point time"</th>
                    <th scope="col">"State"</th>
                    <th scope="col">"Redundancy"</th>
                    <th scope="col">"What becomes of it"</th>
                    <th scope="col">"Actions"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || pending.get() key=|view| view.request.id.clone() let:view>
                    <PendingRow view/>
                </For>
                <For each=ids key=|id| id.key().to_owned() children=row/>
            </tbody>
        </table>
    }
}

#[component]
fn PendingRow(view: RequestView) -> impl IntoView {
    let word = present::request_state(&RequestState::Pending);
    view! {
        <tr class="pending">
            <th scope="row">{view.request.action.result().map(|id| id.name().to_owned())}</th>
            <td data-label="Point time">"—"</td>
            <td data-label="State"><Badge word=Signal::stored(word)/></td>
            <td data-label="Redundancy">"—"</td>
            <td data-label="What becomes of it" class="dim">
                {format!("{} asked for it.", view.request.actor)}
            </td>
            <td></td>
        </tr>
    }
}

#[component]
fn Row(id: ResourceId, row: Memo<Option<PointRow>>) -> impl IntoView {
    let point_time = move || {
        match row.get().and_then(|row| row.point_time) {
        Some(at) => view! { <Time at/> }.into_any(),
        None => view! { <span class="dim" title="Neither tags nor Azure tell when it was taken">"unknown"</span> }.into_any(),
    }
    };
    let sku = move || row.get().map(|row| row.snapshot.sku);
    let pinned = move || row.get().is_some_and(|row| row.snapshot.is_pinned());
    let full = move || row.get().is_some_and(|row| !row.snapshot.incremental);
    view! {
        <tr>
            <th scope="row">
                <a href=path::resource(&id)>{id.name().to_owned()}</a>
                {move || pinned().then(|| view! { <span class="chip">"pinned"</span> })}
                {move || full().then(|| view! { <span class="chip">"full"</span> })}
            </th>
            <td data-label="Point time">{point_time}</td>
            <td data-label="State"><StateCell id=id.clone() row/></td>
            <td data-label="Redundancy" class="word">{sku}</td>
            <td data-label="What becomes of it"><FateCell row/></td>
            <td class="actions"><PointActions id row/></td>
        </tr>
    }
}

/// The state, with live progress or Azure's message.
#[component]
pub(crate) fn StateCell(id: ResourceId, row: Memo<Option<PointRow>>) -> impl IntoView {
    let state = Memo::new(move |_| row.get().map(|row| row.snapshot.state));
    let word = Memo::new(move |_| state.get().map(|state| present::point_state(&state)));
    let copying = Memo::new(move |_| matches!(state.get(), Some(PointState::Copying { .. })));
    let percent = Signal::derive(move || match state.get() {
        Some(PointState::Copying { percent }) => percent,
        _ => None,
    });
    let message = move || match state.get() {
        Some(PointState::Failed { code, message }) => Some(format!("{code}: {message}")),
        _ => None,
    };
    view! {
        {move || word.get().map(|word| view! { <Badge word=Signal::stored(word)/> })}
        {move || copying.get().then(|| view! { <CopyProgress id=id.clone() percent/> })}
        {move || message().map(|text| view! { <p class="cell-message">{text}</p> })}
    }
}

/// The fate and its reasons, word for word as the planner gives them.
#[component]
pub(crate) fn FateCell(row: Memo<Option<PointRow>>) -> impl IntoView {
    let decision = Memo::new(move |_| row.get().and_then(|row| row.decision));
    let store = use_store();
    move || match decision.get() {
        Some(decision) => {
            let word = present::fate(decision.fate);
            view! {
                <Badge word=Signal::stored(word)/>
                <p class="cell-message">{prose(&present::reasons(&decision))}</p>
            }
            .into_any()
        }
        None if store.plan.get().is_none() => {
            view! { <span class="dim">"Loading…"</span> }.into_any()
        }
        None => view! { <span class="dim">"unknown"</span> }.into_any(),
    }
}

/// *Copy* and *Restore*; *Keep* for what is marked, *Adopt* for what others made, *Give up* for a copy
/// under way.
#[component]
pub(crate) fn PointActions(
    id: ResourceId,
    row: Memo<Option<PointRow>>,
    /// Whether *Keep* is offered for what is not marked, too.
    #[prop(optional)]
    always_keep: bool,
) -> impl IntoView {
    let (store, query) = (use_store(), use_query());
    let why_not = Memo::new(move |_| store.why_no_actions());
    let keepable = Memo::new(move |_| {
        row.get().is_some_and(|row| {
            let marked = row.snapshot.delete_after().is_some();
            let goes = row.decision.as_ref().is_some_and(|decision| {
                use shared::Fate::{Delete, Held, Marked};
                matches!(decision.fate, Marked | Delete | Held)
            });
            marked || goes || (always_keep && !row.snapshot.is_pinned())
        })
    });
    let adoptable = Memo::new(move |_| {
        row.get().and_then(|row| row.decision).is_some_and(|decision| {
            let made_elsewhere =
                |reason: &Reason| matches!(reason, Reason::NotOurs | Reason::MadeByHand);
            decision.reasons.iter().any(made_elsewhere)
        })
    });
    let on_its_way = Memo::new(move |_| {
        row.with(|row| {
            row.as_ref().is_some_and(|r| r.snapshot.is_copy && r.snapshot.state.is_under_way())
        })
    });
    let (copy, restore, keep) = (id.clone(), id.clone(), id.clone());
    let (adopt, abandon) = (id.clone(), id);
    view! {
        <span class="button-row">
            {opener(query, "copy", "Copy", copy)}
            {opener(query, "restore", "Restore", restore)}
            {move || keepable.get().then(|| keep_button(store, keep.clone(), why_not))}
            {move || adoptable.get().then(|| opener(query, "adopt", "Adopt", adopt.clone()))}
            {move || on_its_way.get().then(|| opener(query, "abandon", "Give up", abandon.clone()))}
        </span>
    }
}

fn opener(query: Query, what: &'static str, words: &'static str, id: ResourceId) -> impl IntoView {
    let label = format!("{words} {}", id.name());
    let open = move |_| query.push(&[("do", what.to_owned()), ("of", id.to_string())]);
    view! { <button type="button" class="small" aria-label=label on:click=open>{words}</button> }
}

fn keep_button(store: Store, id: ResourceId, why_not: Memo<Option<String>>) -> impl IntoView {
    let label = format!("Keep {}", id.name());
    let action = Action::KeepPoint(KeepPoint { snapshot: id });
    // One id for as long as the button is there: a second click is the same request.
    let request = uuid::Uuid::new_v4().to_string();
    let waits = store.waits_for(action.clone());
    let keep = move |_| store.ask_or_tell(&request, &action, "Keeping it failed");
    view! {
        <button
            type="button"
            class="small strong"
            aria-label=label
            disabled=move || waits.get() || why_not.get().is_some()
            title=move || why_not.get()
            on:click=keep
        >
            {move || if waits.get() { "Keeping…" } else { "Keep" }}
        </button>
    }
}
