//! A disk: its facts, its policy, and its recovery points on all sides.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use shared::{Policy, ResourceId, ResourceKind, Side, lineage::lineage};

use super::not_found::Missing;
use crate::{
    components::{
        badge::Badge, points::Points, prose::prose, requests::Requests, time::Age,
        timeline::TimelinePicture,
    },
    derive::{
        disk::{DiskView, SideView, disk_view, orphans},
        timeline::timeline,
    },
    forms::Dialogs,
    path, present,
    query::use_query,
    store::use_store,
};

#[component]
pub(crate) fn DiskPage() -> impl IntoView {
    let store = use_store();
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| path::id_of(ResourceKind::Disk, |part| params.get(part)))
    });
    let view = Memo::new(move |_| {
        let estate = store.estate.get()?;
        let inventory = &estate.inventory;
        let (lineage, plan) = (lineage(inventory), store.plan.get());
        let requests = store.requests.get();
        disk_view(&id.get(), inventory, &lineage, &estate.policies, &requests, plan.as_deref())
    });
    let exists = Memo::new(move |_| view.with(Option::is_some));
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <a href=path::HOME>"Disks"</a>
            <span aria-hidden="true">" / "</span>
            <span>{move || id.get().group().to_owned()}</span>
        </nav>
        <div class="title-row">
            <h1>{move || id.get().name().to_owned()}</h1>
            {move || exists.get().then(|| view! { <TitleEnd view/> })}
        </div>
        {move || match exists.get() {
            true => view! { <Found view id/> }.into_any(),
            false => view! { <Missing id=id.get() noun="disk"/> <Orphans id/> }.into_any(),
        }}
        <Dialogs page=id/>
    }
}

/// The badge and the first action, beside the name.
#[component]
fn TitleEnd(view: Memo<Option<DiskView>>) -> impl IntoView {
    let (store, query) = (use_store(), use_query());
    let word = Memo::new(move |_| {
        view.with(|view| Some(present::protection(view.as_ref()?.status.protection)))
    });
    let why_not = Memo::new(move |_| store.why_no_actions());
    view! {
        {move || word.get().map(|word| view! {
            <Badge word=Signal::stored(word)/>
            <span class="dim">{word.meaning}</span>
        })}
        <button
            type="button"
            class="primary push"
            disabled=move || why_not.get().is_some()
            title=move || why_not.get()
            on:click=move |_| query.push(&[("do", "create".to_owned())])
        >
            "Create snapshot"
        </button>
    }
}

#[component]
fn Found(view: Memo<Option<DiskView>>, id: Memo<ResourceId>) -> impl IntoView {
    let store = use_store();
    let sides = move || {
        view.with(|view| {
            let sides = view.as_ref().map(|view| &view.sides);
            sides.into_iter().flatten().map(|side| side.side.clone()).collect::<Vec<_>>()
        })
    };
    let picture = Memo::new(move |_| {
        let now = store.about_now.get();
        view.with(|view| Some(timeline(view.as_ref()?, now?))).unwrap_or_default()
    });
    let requests = Signal::derive(move || {
        view.with(|view| view.as_ref().map(|view| view.requests.clone())).unwrap_or_default()
    });
    view! {
        <Facts view/>
        <Policies view id/>
        <section class="block" aria-label="Timeline">
            <h2>"Recovery points over time (UTC)"</h2>
            {move || match picture.with(|picture| picture.dots.is_empty()) {
                true => view! { <p class="dim">"There is no snapshot or copy of this disk yet."</p> }.into_any(),
                false => view! { <TimelinePicture picture/> }.into_any(),
            }}
        </section>
        <For each=sides key=Clone::clone let:side>
            <SideSection side view/>
        </For>
        <Requests requests/>
        <Earlier view/>
    }
}

#[component]
fn Facts(view: Memo<Option<DiskView>>) -> impl IntoView {
    let store = use_store();
    let facts = Memo::new(move |_| {
        let (view, estate) = (view.get()?, store.estate.get()?);
        let disk = view.status.disk;
        let unknown = || "unknown".to_owned();
        let subscription = present::subscription(&estate.inventory, disk.id.subscription());
        Some(vec![
            ("Group", disk.id.group().to_owned()),
            ("Subscription", subscription),
            ("Region", present::region(&estate.inventory, &disk.region)),
            ("Zone", if disk.zones.is_empty() { "none".into() } else { disk.zones.join(", ") }),
            ("Size", present::number::size(disk.size_bytes)),
            ("Type", disk.sku.clone()),
            ("Role", present::role_of_disk(&disk)),
            ("Attached to", present::owner(&disk)),
            ("State", if disk.state.is_empty() { unknown() } else { disk.state.clone() }),
            ("Network access", disk.network_access.name().to_owned()),
            (
                "Encryption set",
                disk.encryption_set.map_or_else(|| "platform key".into(), last_part),
            ),
            ("Created", disk.created_at.map_or_else(unknown, present::time::minute)),
            ("Unique id", disk.unique_id),
        ])
    });
    view! { <FactList facts/> }
}

/// Names and values; the longest value may wrap.
#[component]
pub(crate) fn FactList(facts: Memo<Option<Vec<(&'static str, String)>>>) -> impl IntoView {
    let fact = |(name, value): (&'static str, String)| {
        view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
    };
    view! {
        <dl class="fact-list">
            {move || facts.get().map(|facts| facts.into_iter().map(fact).collect_view())}
        </dl>
    }
}

fn last_part(id: String) -> String {
    id.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The policies that name the disk, what the next tick would do, and the way to a new policy.
#[component]
fn Policies(view: Memo<Option<DiskView>>, id: Memo<ResourceId>) -> impl IntoView {
    let store = use_store();
    let policies = Memo::new(move |_| {
        let (estate, view) = (store.estate.get()?, view.get()?);
        let named = |policy: &&Policy| view.status.policies.contains(&policy.id);
        Some(estate.policies.iter().filter(named).cloned().collect::<Vec<_>>())
    });
    let decisions = Memo::new(move |_| {
        let decisions = view.with(|view| view.as_ref().map(|view| view.decisions.clone()));
        let mut lines = vec![];
        for decision in decisions.unwrap_or_default() {
            let word = present::fate(decision.fate);
            lines.push((word, present::reasons(&decision)));
        }
        lines
    });
    let list = move || {
        let policies = policies.get().unwrap_or_default();
        if policies.is_empty() {
            return view! {
                <p>
                    "No policy protects this disk, so nothing happens by itself. "
                    <a class="button" href=path::new_policy(Some(&id.get()))>"Protect it with a new policy"</a>
                    " or add it to " <a href=path::POLICIES>"one that exists"</a> "."
                </p>
            }
            .into_any();
        }
        let line = |policy: Policy| view! { <PolicyLine policy/> };
        view! { <ul class="lines">{policies.into_iter().map(line).collect_view()}</ul> }.into_any()
    };
    let decision_line = |(word, reasons): (_, String)| {
        view! { <li><Badge word=Signal::stored(word)/> <span>{prose(&reasons)}</span></li> }
    };
    view! {
        <section class="block" aria-label="Policy">
            <h2>"Policy"</h2>
            {list}
            {move || (!decisions.with(Vec::is_empty)).then(|| view! {
                <h3>"At the next tick"</h3>
                <ul class="lines">{decisions.get().into_iter().map(decision_line).collect_view()}</ul>
            })}
        </section>
    }
}

#[component]
fn PolicyLine(policy: Policy) -> impl IntoView {
    let summary = super::policies::summary(&policy);
    view! {
        <li>
            <crate::components::policy_switch::PolicySwitch policy=policy.clone()/>
            <a href=path::policy(&policy.id)>{policy.name.clone()}</a>
            <span class="dim">{prose(&summary)}</span>
        </li>
    }
}

#[component]
fn SideSection(side: Side, view: Memo<Option<DiskView>>) -> impl IntoView {
    let this: Memo<Option<SideView>> = Memo::new(move |_| {
        view.with(|view| view.as_ref()?.sides.iter().find(|known| known.side == side).cloned())
    });
    let heading = move || {
        this.with(|side| {
            let side = side.as_ref()?;
            let noun = if side.is_target { "Copies in" } else { "Snapshots in" };
            Some(format!("{noun} {}", side.region))
        })
    };
    let place = move || this.with(|side| side.as_ref().map(|side| side.label.clone()));
    let newest =
        Memo::new(move |_| this.with(|side| side.as_ref().map(|s| (s.recovery_points, s.newest))));
    let lag = move || match newest.get() {
        None => ().into_any(),
        Some((_, None)) => view! { "no recovery point yet" }.into_any(),
        Some((n, Some(at))) => {
            view! { {present::count(n, "recovery point")} ", newest " <Age at/> }.into_any()
        }
    };
    let rows = Signal::derive(move || this.get().map(|side| side.points).unwrap_or_default());
    let pending = Signal::derive(move || this.get().map(|side| side.pending).unwrap_or_default());
    let noun = if this.with_untracked(|side| side.as_ref().is_some_and(|side| side.is_target)) {
        "Copy"
    } else {
        "Snapshot"
    };
    let label = Signal::derive(move || heading().unwrap_or_default());
    let is_empty = move || rows.with(Vec::is_empty) && pending.with(Vec::is_empty);
    view! {
        <section class="block" aria-label=label>
            <h2>{heading} <span class="side-lag">{lag}</span></h2>
            <p class="dim">{place}</p>
            {move || match is_empty() {
                true => view! { <p class="empty">"Nothing is here yet."</p> }.into_any(),
                false => view! { <Points label rows pending noun/> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn Earlier(view: Memo<Option<DiskView>>) -> impl IntoView {
    let rows = Memo::new(move |_| {
        view.with(|view| view.as_ref().map(|view| view.earlier.clone())).unwrap_or_default()
    });
    let some = Memo::new(move |_| !rows.with(Vec::is_empty));
    move || {
        some.get().then(|| {
            view! {
                <details class="block">
                    <summary>
                        "From an earlier disk of this name ("
                        {move || present::count(rows.with(Vec::len), "point")} ")"
                    </summary>
                    <p class="dim">
                        "A disk of the same name and group stood here before. These points hold its \
                         data, not this disk's, and no chain mixes the two."
                    </p>
                    <Points label=Signal::stored("From an earlier disk of this name".to_owned()) rows noun="Snapshot"/>
                </details>
            }
        })
    }
}

/// What is left of a disk that is gone.
#[component]
fn Orphans(id: Memo<ResourceId>) -> impl IntoView {
    let store = use_store();
    let rows = Memo::new(move |_| {
        let estate = store.estate.get()?;
        Some(orphans(&id.get(), &lineage(&estate.inventory), store.plan.get().as_deref()))
    });
    let rows = Signal::derive(move || rows.get().unwrap_or_default());
    let some = Memo::new(move |_| !rows.with(Vec::is_empty));
    move || {
        some.get().then(|| {
            view! {
                <section class="block" aria-label="Points">
                    <h2>"Its points are still there"</h2>
                    <Points label=Signal::stored("Points of a disk that is gone".to_owned()) rows noun="Snapshot"/>
                </section>
            }
        })
    }
}
