//! A snapshot or copy: its facts, where it comes from, what was copied from it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use shared::{ResourceKind, lineage::lineage};

use super::{disk::FactList, not_found::Missing};
use crate::{
    components::{
        points::{FateCell, PointActions, Points, StateCell},
        requests::Requests,
        time::Time,
    },
    derive::disk::{SnapshotView, snapshot_view},
    forms::Dialogs,
    path, present,
    store::use_store,
};

#[component]
pub(crate) fn SnapshotPage() -> impl IntoView {
    let store = use_store();
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| path::id_of(ResourceKind::Snapshot, |part| params.get(part)))
    });
    let view = Memo::new(move |_| {
        let estate = store.estate.get()?;
        let inventory = &estate.inventory;
        let plan = store.plan.get();
        let requests = store.requests.get();
        snapshot_view(&id.get(), inventory, &lineage(inventory), &requests, plan.as_deref())
    });
    let exists = Memo::new(move |_| view.with(Option::is_some));
    let disk = Memo::new(move |_| view.with(|view| Some(view.as_ref()?.disk.as_ref()?.id.clone())));
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <a href=path::HOME>"Disks"</a>
            {move || disk.get().map(|disk| view! {
                <span aria-hidden="true">" / "</span>
                <a href=path::resource(&disk)>{disk.name().to_owned()}</a>
            })}
        </nav>
        <div class="title-row">
            <h1>{move || id.get().name().to_owned()}</h1>
        </div>
        {move || match exists.get() {
            true => view! { <Found view/> }.into_any(),
            false => view! { <Missing id=id.get() noun="snapshot or copy"/> }.into_any(),
        }}
        <Dialogs page=id/>
    }
}

#[component]
fn Found(view: Memo<Option<SnapshotView>>) -> impl IntoView {
    let row = Memo::new(move |_| view.get().map(|view| view.row));
    let copies = Signal::derive(move || view.get().map(|view| view.copies).unwrap_or_default());
    let requests = Signal::derive(move || view.get().map(|view| view.requests).unwrap_or_default());
    let is_copy = move || row.with(|row| row.as_ref().is_some_and(|row| row.snapshot.is_copy));
    let id = Memo::new(move |_| row.with(|row| Some(row.as_ref()?.snapshot.id.clone())));
    view! {
        {move || id.get().map(|id| view! {
            <section class="block summary" aria-label="State">
                <div class="summary-cell"><h2>"State"</h2><StateCell id=id.clone() row/></div>
                <div class="summary-cell"><h2>"What becomes of it"</h2><FateCell row/></div>
                <div class="summary-cell">
                    <h2>"Point time"</h2>
                    {move || match row.with(|row| row.as_ref()?.point_time) {
                        Some(at) => view! { <Time at/> }.into_any(),
                        None => view! { <span class="dim">"unknown: neither tags nor Azure tell"</span> }.into_any(),
                    }}
                </div>
                <div class="summary-cell"><h2>"Actions"</h2><PointActions id row always_keep=true/></div>
            </section>
        })}
        <Facts view/>
        <section class="block" aria-label="Source">
            <h2>"Made from"</h2>
            <Source view/>
        </section>
        {move || (!is_copy() || !copies.with(Vec::is_empty)).then(|| view! {
            <section class="block" aria-label="Copies">
                <h2>"Copies of it"</h2>
                {move || match copies.with(Vec::is_empty) {
                    true => view! { <p class="empty">"It has not been copied anywhere."</p> }.into_any(),
                    false => view! { <Points label=Signal::stored("Copies of it".to_owned()) rows=copies noun="Copy"/> }.into_any(),
                }}
            </section>
        })}
        <Requests requests/>
        <Tags view/>
    }
}

#[component]
fn Facts(view: Memo<Option<SnapshotView>>) -> impl IntoView {
    let store = use_store();
    let facts = Memo::new(move |_| {
        let (view, estate) = (view.get()?, store.estate.get()?);
        let snapshot = view.row.snapshot;
        let unknown = || "unknown".to_owned();
        let kind = match (snapshot.is_copy, snapshot.incremental) {
            (true, _) => "Copy",
            (false, true) => "Incremental snapshot",
            (false, false) => "Full snapshot",
        };
        let id = &snapshot.id;
        let policies: Vec<&str> = snapshot.policies().collect();
        let policies = if policies.is_empty() { "none".to_owned() } else { policies.join(", ") };
        let mut facts = vec![
            ("Kind", kind.to_owned()),
            ("Region", present::region(&estate.inventory, &snapshot.region)),
            ("Group", id.group().to_owned()),
            ("Subscription", present::subscription(&estate.inventory, id.subscription())),
            ("Size of the disk", present::number::size(snapshot.size_bytes)),
            ("Redundancy", snapshot.sku.clone()),
            ("Network access", snapshot.network_access.name().to_owned()),
            ("Made", snapshot.created_at.map_or_else(unknown, present::time::minute)),
            ("Policy", policies),
            ("Unique id", snapshot.unique_id.clone()),
            ("Family", snapshot.family_id.as_deref().map_or_else(unknown, str::to_owned)),
        ];
        let marked = snapshot.delete_after().map(present::time::minute);
        facts.extend(marked.map(|at| ("Marked: may go from", at)));
        Some(facts)
    });
    view! { <FactList facts/> }
}

#[component]
fn Source(view: Memo<Option<SnapshotView>>) -> impl IntoView {
    let source = Memo::new(move |_| {
        let view = view.get()?;
        Some((view.row.snapshot.source_id, view.source_exists))
    });
    move || {
        match source.get() {
        Some((Some(id), true)) => {
            let noun = match id.kind() {
                ResourceKind::Disk => "Disk ",
                ResourceKind::Snapshot => "Snapshot ",
            };
            view! { <p>{noun} <a href=path::resource(&id)>{id.name().to_owned()}</a> " in " {id.group().to_owned()}</p> }.into_any()
        }
        Some((Some(id), false)) => {
            view! { <p>{id.name().to_owned()} <span class="dim">" which does not exist any more"</span></p> }.into_any()
        }
        Some((None, _)) | None => view! { <p class="dim">"unknown: Azure does not say"</p> }.into_any(),
    }
    }
}

#[component]
fn Tags(view: Memo<Option<SnapshotView>>) -> impl IntoView {
    let tags =
        Memo::new(move |_| view.get().map(|view| view.row.snapshot.tags).unwrap_or_default());
    let list = move || match tags.with(shared::model::Tags::is_empty) {
        true => view! { <p class="dim">"It has none."</p> }.into_any(),
        false => {
            let line = |(name, value): (&str, &str)| {
                view! { <div><dt>{name.to_owned()}</dt><dd>{value.to_owned()}</dd></div> }
            };
            view! { <dl class="fact-list tags">{tags.with(|tags| tags.iter().map(line).collect_view())}</dl> }
                .into_any()
        }
    };
    view! { <section class="block" aria-label="Tags"><h2>"Tags"</h2>{list}</section> }
}
