//! Deletions that wait for a person: what would go, why it is held, and the one button.

use std::collections::BTreeMap;

use leptos::prelude::*;
use shared::{
    Action, ResourceId,
    lineage::lineage,
    model::ApproveDeletions,
    plan::{Batch, Held},
};

use crate::{
    api,
    components::{
        ask_button::AskButton,
        icon::ToneIcon,
        missing::Missing,
        prose::{failed, prose},
        requests::Requests,
        time::Time,
    },
    load::{Load, load},
    path,
    present::{self, Tone},
    store::use_store,
};

/// As many points as are drawn of one reason at first.
const FIRST_POINTS: usize = 100;

#[component]
pub(crate) fn DeletionsPage() -> impl IntoView {
    let store = use_store();
    let last = Memo::new(move |_| store.status.get().and_then(|status| status.last_tick_at));
    // The function's own plan: an approval is of exactly its batch.
    let again = move || {
        last.track();
        store.estate.track();
    };
    let plan = load(again, api::plan);
    let batch = Memo::new(move |_| plan.with(|plan| plan.ready()?.plan.held.clone()));
    let body = move || match plan.with(|plan| match plan {
        Load::Loading => Some(None),
        Load::Failed(message) => Some(Some(message.clone())),
        Load::Ready(_) => None,
    }) {
        Some(None) => view! { <p class="loading" role="status">"Loading…"</p> }.into_any(),
        Some(Some(message)) => failed(&message).into_any(),
        None => match batch.get() {
            None => view! { <p class="empty">"No deletion waits for approval."</p> }.into_any(),
            Some(batch) => view! { <HeldBatch batch/> }.into_any(),
        },
    };
    let approvals = Signal::derive(move || {
        let mut all = store.requests.get();
        all.retain(|view| {
            matches!(
                view.request.action,
                Action::ApproveDeletions(_) | Action::AcknowledgeVanished(_)
            )
        });
        all.sort_by_key(|view| std::cmp::Reverse(view.request.asked_at));
        all
    });
    view! {
        <nav class="crumbs" aria-label="Breadcrumb"><a href=path::HOME>"Disks"</a></nav>
        <div class="title-row"><h1>"Held deletions"</h1></div>
        <p class="dim">
            "An edit that keeps less, or more deletions in a day than the policies foretold, waits here \
             until an owner approves. Until then every point stays; after it, each is marked and may \
             still be kept for a day."
        </p>
        {body}
        <Missing/>
        <Requests requests=approvals/>
    }
}

#[component]
fn HeldBatch(batch: Batch) -> impl IntoView {
    let action = Action::ApproveDeletions(ApproveDeletions { batch: batch.hash.clone() });
    let count = present::count(batch.points.len(), "deletion");
    let label = format!("Approve {count}");
    let accepts: Vec<String> = batch
        .policies
        .iter()
        .map(|(policy, version)| format!("version {version} of policy `{policy}`"))
        .collect();
    let accepts = (!accepts.is_empty())
        .then(|| format!("It also accepts the shorter retention of {}.", accepts.join(", ")));
    let mut by_reason: BTreeMap<String, Vec<Held>> = BTreeMap::new();
    for held in batch.points {
        by_reason.entry(held.reason.to_string()).or_default().push(held);
    }
    let group = |(reason, points): (String, Vec<Held>)| view! { <Group reason points/> };
    view! {
        <section class="block" aria-label="Approval">
            <p>
                {format!("An approval is of exactly these {count}, batch ")} <code>{batch.hash}</code> ". "
                {accepts.map(|text| prose(&text))}
            </p>
            <AskButton action label busy="Approving…" failure="The approval failed"/>
        </section>
        {by_reason.into_iter().map(group).collect_view()}
    }
}

/// The points that are held for one reason.
#[component]
fn Group(reason: String, points: Vec<Held>) -> impl IntoView {
    let store = use_store();
    let estate = store.estate.get_untracked();
    let count = points.len();
    let more = count.saturating_sub(FIRST_POINTS);
    let facts = estate.as_ref().map(|estate| {
        let lineage = lineage(&estate.inventory);
        let of = |id: &ResourceId| {
            let point = lineage.chains.values().flatten().find(|p| p.snapshot.id == *id)?;
            let mut disks = estate.inventory.disks.iter();
            let disk = disks.find(|disk| disk.unique_id == point.disk_unique_id);
            let region = present::region(&estate.inventory, &point.snapshot.region);
            Some((point.point_time, disk.map(|disk| disk.id.clone()), region))
        };
        points.iter().take(FIRST_POINTS).map(|held| of(&held.id)).collect::<Vec<_>>()
    });
    let facts = facts.unwrap_or_default().into_iter().chain(std::iter::repeat(None));
    let line = |(held, fact): (Held, Option<(jiff::Timestamp, Option<ResourceId>, String)>)| {
        let (at, disk, region) = match fact {
            Some((at, disk, region)) => (Some(at), disk, region),
            None => (None, None, "unknown".to_owned()),
        };
        view! {
            <tr>
                <th scope="row"><a href=path::resource(&held.id)>{held.id.name().to_owned()}</a></th>
                <td data-label="Point time">{at.map(|at| view! { <Time at/> })}</td>
                <td data-label="Disk">
                    {disk.map(|disk| view! { <a href=path::resource(&disk)>{disk.name().to_owned()}</a> })}
                </td>
                <td data-label="Region">{region}</td>
            </tr>
        }
    };
    let label = format!("Held points: {reason}");
    view! {
        <section class="block">
            <h2>{present::count(count, "point")}</h2>
            <p><ToneIcon tone=Tone::Warn/> " " {prose(&reason)}</p>
            <table aria-label=label>
                <thead>
                    <tr>
                        <th scope="col">"Point"</th>
                        <th scope="col">"Point time"</th>
                        <th scope="col">"Disk"</th>
                        <th scope="col">"Region"</th>
                    </tr>
                </thead>
                <tbody>{points.into_iter().take(FIRST_POINTS).zip(facts).map(line).collect_view()}</tbody>
            </table>
            {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more; GET /api/plan names them all")}</p> })}
        </section>
    }
}
