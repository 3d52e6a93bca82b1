//! The overview: how the disks stand, the worst first.

use std::collections::BTreeMap;

use leptos::prelude::*;
use shared::{ResourceId, status::Protection};

use crate::{
    components::{
        badge::Badge, icon::ToneIcon, missing::MissingBanner, progress::CopyProgress, time::Age,
    },
    derive::overview::{Filter, Row, Sort, counts, next_due, rows},
    path,
    present::{self, Tone},
    query::{Query, use_query},
    store::use_store,
};

/// As many rows as are drawn at first: a thousand more take a click.
const FIRST_ROWS: usize = 200;

#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let (store, query) = (use_store(), use_query());
    let filter = Memo::new(move |_| Filter {
        text: query.get("q"),
        protection: query.get("protection"),
        region: query.get("region"),
        sort: Sort::of(&query.get("sort")),
    });
    let rows = Memo::new(move |_| {
        let (estate, statuses) = (store.estate.get(), store.statuses.get());
        estate.map(|estate| rows(&estate.inventory, &statuses, &filter.get())).unwrap_or_default()
    });
    let is_loading = Memo::new(move |_| store.estate.with(Option::is_none));
    view! {
        <h1>"Disks"</h1>
        <HeldBanner/>
        <MissingBanner/>
        <Facts/>
        <Controls query filter shown=Signal::derive(move || rows.with(Vec::len))/>
        {move || match is_loading.get() {
            true => view! { <p class="loading" role="status">"Loading…"</p> }.into_any(),
            false => view! { <Table rows query/> }.into_any(),
        }}
    }
}

/// That deletions wait for somebody.
#[component]
fn HeldBanner() -> impl IntoView {
    let store = use_store();
    let held = Memo::new(move |_| store.plan.get()?.held.as_ref().map(|batch| batch.points.len()));
    move || {
        held.get().map(|n| {
            let waits = if n == 1 { "waits" } else { "wait" };
            view! {
                <p class="banner warn" role="status">
                    <ToneIcon tone=Tone::Warn/>
                    <span>{format!("{} {waits} for approval. ", present::count(n, "deletion"))}
                        <a href=path::DELETIONS>"Look at them"</a>
                    </span>
                </p>
            }
        })
    }
}

/// One sentence of counts, each of which filters the table.
#[component]
fn Facts() -> impl IntoView {
    let store = use_store();
    let facts = Memo::new(move |_| {
        let statuses = store.statuses.get();
        let copying = statuses.iter().filter(|status| status.copying.is_some()).count();
        (counts(&statuses), copying, statuses.len())
    });
    let next = Memo::new(move |_| {
        let estate = store.estate.get()?;
        next_due(&estate.policies, store.about_now.get()?)
    });
    let last = Memo::new(move |_| store.status.get().and_then(|status| status.last_tick_at));
    let fact = |protection: Protection, n: usize| {
        let word = present::protection(protection);
        let href = path::home_by_protection(present::protection_key(protection));
        let class = format!("fact {}", if n == 0 { "quiet" } else { word.tone.class() });
        view! {
            <a class=class href=href title=word.meaning>
                <strong>{n}</strong> " " {word.text.to_lowercase()}
            </a>
        }
    };
    let line = move || {
        if store.estate.with(Option::is_none) {
            return view! { <span>"Loading…"</span> }.into_any();
        }
        let (counts, copying, all) = facts.get();
        // A state that nobody is in says nothing, except for those that one looks for.
        let always = [Protection::Failing, Protection::Behind, Protection::Unprotected];
        let shown = counts.into_iter().filter(|(p, n)| *n > 0 || always.contains(p));
        view! {
            <span class="fact"><strong>{all}</strong> {if all == 1 { " disk:" } else { " disks:" }}</span>
            {shown.map(|(protection, n)| fact(protection, n)).collect_view()}
            <a class="fact busy" href=path::home_by_protection("copying")>
                <strong>{copying}</strong> " copying"
            </a>
        }
        .into_any()
    };
    view! {
        <p class="facts" aria-label="Summary">{line}</p>
        <p class="facts-next dim">
            {move || match next.get() {
                Some(at) => view! { "Next snapshots due " <Age at/> ". " }.into_any(),
                None => view! { "No policy is in force, so nothing is due. " }.into_any(),
            }}
            {move || match last.get() {
                Some(at) => view! { "The timer last ran " <Age at/> "." }.into_any(),
                None => view! { "The timer has not run yet." }.into_any(),
            }}
        </p>
    }
}

#[component]
fn Controls(query: Query, filter: Memo<Filter>, shown: Signal<usize>) -> impl IntoView {
    let store = use_store();
    let regions = Memo::new(move |_| {
        let estate = store.estate.get();
        let found: BTreeMap<String, String> = estate
            .iter()
            .flat_map(|estate| estate.inventory.disks.iter().map(move |disk| (estate, disk)))
            .map(|(estate, disk)| {
                (disk.region.to_string(), present::region(&estate.inventory, &disk.region))
            })
            .collect();
        found.into_iter().collect::<Vec<_>>()
    });
    let option = |key: String, words: String, chosen: Signal<String>| {
        let own = key.clone();
        view! { <option value=key prop:selected=move || chosen.get() == own>{words}</option> }
    };
    let protection = Signal::derive(move || filter.get().protection);
    let region = Signal::derive(move || filter.get().region);
    let sort = Signal::derive(move || filter.get().sort.key().to_owned());
    let protections = || {
        let known = present::PROTECTIONS.map(|p| {
            (present::protection_key(p).to_owned(), present::protection(p).text.to_owned())
        });
        [(String::new(), "Any protection".to_owned())]
            .into_iter()
            .chain(known)
            .chain([("copying".to_owned(), "Copying".to_owned())])
    };
    view! {
        <div class="controls" role="search">
            <label>
                <span class="visually-hidden">"Filter"</span>
                <input
                    type="search"
                    placeholder="Filter by name, group, region, VM…"
                    prop:value=move || filter.get().text
                    on:input:target=move |ev| query.replace(&[("q", ev.target().value())])
                />
            </label>
            <label>
                <span class="visually-hidden">"Protection"</span>
                <select on:change:target=move |ev| query.replace(&[("protection", ev.target().value())])>
                    {protections().map(|(key, words)| option(key, words, protection)).collect_view()}
                </select>
            </label>
            <label>
                <span class="visually-hidden">"Region"</span>
                <select on:change:target=move |ev| query.replace(&[("region", ev.target().value())])>
                    {option(String::new(), "Any region".to_owned(), region)}
                    {move || regions.get().into_iter().map(|(key, words)| option(key, words, region)).collect_view()}
                </select>
            </label>
            <label>
                <span class="visually-hidden">"Sort"</span>
                <select on:change:target=move |ev| query.replace(&[("sort", ev.target().value())])>
                    {Sort::ALL.map(|s| option(s.key().to_owned(), s.label().to_owned(), sort)).collect_view()}
                </select>
            </label>
            <span class="dim" role="status">{move || present::count(shown.get(), "disk")}</span>
        </div>
    }
}

#[component]
fn Table(rows: Memo<Vec<Row>>, query: Query) -> impl IntoView {
    let by_key: Memo<BTreeMap<String, Row>> = Memo::new(move |_| {
        rows.get().into_iter().map(|row| (row.id.key().to_owned(), row)).collect()
    });
    let limit = RwSignal::new(FIRST_ROWS);
    let ids = move || {
        rows.with(|rows| rows.iter().take(limit.get()).map(|r| r.id.clone()).collect::<Vec<_>>())
    };
    let more = move || rows.with(Vec::len).saturating_sub(limit.get());
    let clear = move |_| {
        query.replace(&[
            ("q", String::new()),
            ("protection", String::new()),
            ("region", String::new()),
        ]);
    };
    let line = move |id: ResourceId| {
        let key = id.key().to_owned();
        let row = Memo::new(move |_| by_key.with(|rows| rows.get(&key).cloned()));
        view! { <Line id row/> }
    };
    view! {
        <table class="disks" aria-label="Disks">
            <thead>
                <tr>
                    <th scope="col">"Disk"</th>
                    <th scope="col">"Protection"</th>
                    <th scope="col">"Newest point"</th>
                    <th scope="col">"Region"</th>
                    <th scope="col">"Attached to"</th>
                    <th scope="col" class="number">"Size"</th>
                </tr>
            </thead>
            <tbody>
                <For each=ids key=|id| id.key().to_owned() children=line/>
            </tbody>
        </table>
        {move || rows.with(Vec::is_empty).then(|| view! {
            <p class="empty">
                "No disk is shown. "
                <button type="button" class="small" on:click=clear>"Clear the filter"</button>
            </p>
        })}
        {move || (more() > 0).then(|| view! {
            <button type="button" on:click=move |_| limit.update(|limit| *limit += 1000)>
                {format!("Show {} more", present::count(more(), "disk"))}
            </button>
        })}
    }
}

#[component]
fn Line(id: ResourceId, row: Memo<Option<Row>>) -> impl IntoView {
    let field = move |read: fn(&Row) -> String| move || row.with(|row| row.as_ref().map(read));
    let word =
        Memo::new(move |_| row.with(|row| Some(present::protection(row.as_ref()?.protection))));
    let policies = Memo::new(move |_| row.with(|row| row.as_ref().map(|r| r.policies.clone())));
    let policies = move || {
        let links = policies.get().unwrap_or_default().into_iter().map(|id| {
            view! { <a class="sub" href=path::policy(&id)>{id.clone()}</a> " " }
        });
        links.collect_view()
    };
    let copying = Memo::new(move |_| row.with(|row| row.as_ref()?.copying.clone()));
    let copy_id = Memo::new(move |_| {
        row.with(|row| {
            Some((row.as_ref()?.copying.as_ref()?.id.clone(), row.as_ref()?.copying_to.clone()))
        })
    });
    let percent = Signal::derive(move || copying.get().and_then(|copying| copying.percent));
    view! {
        <tr>
            <th scope="row">
                <a class="name" href=path::resource(&id)>{id.name().to_owned()}</a>
                <span class="sub">{id.group().to_owned()} " · " {field(|row| row.subscription.clone())}</span>
            </th>
            <td data-label="Protection">
                {move || word.get().map(|word| view! { <Badge word=Signal::stored(word)/> })}
                " " {policies}
            </td>
            <td data-label="Newest point">
                <Newest row/>
                {move || copy_id.get().map(|(id, region)| view! {
                    <span class="sub">"Copying to " {region}</span>
                    <CopyProgress id percent/>
                })}
            </td>
            <td data-label="Region">{field(|row| row.region_name.clone())}</td>
            <td data-label="Attached to">
                {field(|row| row.owner.clone())}
                <span class="sub">{field(|row| row.role.clone())}</span>
            </td>
            <td data-label="Size" class="number">
                {field(|row| row.size.clone())}
                <span class="sub">{field(|row| row.sku.clone())}</span>
            </td>
        </tr>
    }
}

/// The newest point at the source and on each target.
#[component]
fn Newest(row: Memo<Option<Row>>) -> impl IntoView {
    let points = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| (row.source, row.targets.clone())))
    });
    let age = |at: Option<jiff::Timestamp>| match at {
        Some(at) => view! { <Age at/> }.into_any(),
        None => view! { <span class="dim" title="No recovery point was listed">"none"</span> }
            .into_any(),
    };
    move || {
        points.get().map(|(source, targets)| {
            view! {
                <span class="point-age"><span class="dim">"Source "</span>{age(source)}</span>
                {targets
                    .into_iter()
                    .map(|(region, at)| view! {
                        <span class="point-age"><span class="dim">{region} " "</span>{age(at)}</span>
                    })
                    .collect_view()}
            }
        })
    }
}
