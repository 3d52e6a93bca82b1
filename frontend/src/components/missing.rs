//! Points of ours that are listed no more although no run deleted them: nothing is deleted meanwhile. Whoever deleted
//! them on purpose says so here.

use leptos::prelude::*;
use shared::{
    Action,
    model::{AcknowledgeVanished, Vanished},
};

use crate::{
    components::{ask_button::AskButton, icon::ToneIcon, time::Time},
    path,
    present::{self, Tone},
    store::use_store,
};

/// As many points as are drawn at first.
const FIRST_POINTS: usize = 100;

/// The missing points and the button; nothing where none is missing.
#[component]
pub(crate) fn Missing() -> impl IntoView {
    let store = use_store();
    let missing: Memo<Vec<Vanished>> = Memo::new(move |_| {
        store.estate.get().map(|e| e.inventory.missed().cloned().collect()).unwrap_or_default()
    });
    move || {
        let missing = missing.get();
        (!missing.is_empty()).then(|| view! { <Points missing/> })
    }
}

#[component]
fn Points(missing: Vec<Vanished>) -> impl IntoView {
    let points = missing.iter().map(|gone| gone.unique_id.clone()).collect();
    let action = Action::AcknowledgeVanished(AcknowledgeVanished { points });
    let count = present::count(missing.len(), "point");
    let more = missing.len().saturating_sub(FIRST_POINTS);
    let line = |gone: Vanished| {
        let group = gone.id.group().to_owned();
        view! {
            <tr>
                <th scope="row">{gone.id.name().to_owned()}</th>
                <td data-label="Missed since"><Time at=gone.since/></td>
                <td data-label="Resource group">{group}</td>
            </tr>
        }
    };
    let title = format!("{count} missing");
    let label = format!("{count} deleted on purpose");
    view! {
        <section class="block" aria-label="Missing points">
            <h2>{title}</h2>
            <p>
                <ToneIcon tone=Tone::Warn/>
                " Azure lists them no more, and no run deleted them. Until they are back, have been away for 24 h while \
                 their group is listed, or an owner says that they were deleted on purpose, nothing at all is deleted."
            </p>
            <table aria-label="Missing points">
                <thead>
                    <tr>
                        <th scope="col">"Point"</th>
                        <th scope="col">"Missed since"</th>
                        <th scope="col">"Resource group"</th>
                    </tr>
                </thead>
                <tbody>{missing.into_iter().take(FIRST_POINTS).map(line).collect_view()}</tbody>
            </table>
            {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more; GET /api/estate names them all")}</p> })}
            <AskButton action label busy="Acknowledging…" failure="The acknowledgement failed"/>
        </section>
    }
}

/// A line that says so, with the way to the page where it can be acknowledged.
#[component]
pub(crate) fn MissingBanner() -> impl IntoView {
    let store = use_store();
    let missing = Memo::new(move |_| {
        store.estate.get().map_or(0, |estate| estate.inventory.missed().count())
    });
    move || {
        let n = missing.get();
        let are = if n == 1 { "is" } else { "are" };
        (n > 0).then(|| {
            view! {
                <p class="banner warn" role="status">
                    <ToneIcon tone=Tone::Warn/>
                    <span>
                        {format!("{} {are} missing that no run deleted; nothing is deleted meanwhile. ", present::count(n, "point"))}
                        <a href=path::DELETIONS>"Look at what is missing"</a>
                    </span>
                </p>
            }
        })
    }
}
