//! What has to be known now: that news do not come, and how requests ended.

use leptos::prelude::*;

use super::{icon::ToneIcon, prose::prose};
use crate::{
    present::{Tone, time},
    store::{Link, Notice, use_store},
};

#[component]
pub(crate) fn Banners() -> impl IntoView {
    let store = use_store();
    let outage = Memo::new(move |_| {
        let estate = store.estate.get();
        let as_of = estate.as_ref().map(|estate| estate.inventory.taken_at);
        let as_of = as_of.map(|at| format!("As of {}", time::clock(at)));
        let lead = as_of.unwrap_or_else(|| "Nothing to show yet".to_owned());
        let away = match store.link.get() {
            Link::Down(reason) => Some(reason),
            Link::Waiting | Link::Up => None,
        };
        let azure = || {
            let stale = estate.as_ref().and_then(|estate| estate.stale.clone());
            let problem = || store.status.get().and_then(|status| status.azure_problem.clone());
            stale.or_else(problem)
        };
        if let Some(reason) = away {
            return Some(format!("{lead}: {}; trying again.", reason.trim_end_matches('.')));
        }
        azure().map(|reason| {
            let reason = reason.trim_end_matches('.').to_owned();
            format!("{lead}, Azure cannot be reached: {reason}; trying again.")
        })
    });
    let gaps = Memo::new(move |_| {
        let estate = store.estate.get()?;
        let inventory = &estate.inventory;
        let first = inventory.gaps.first()?;
        let subscription = crate::present::subscription(inventory, &first.subscription);
        let more = match inventory.gaps.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(format!(
            "Not everything could be listed: {} in {subscription}: {}{more} Until it can, nothing \
             is deleted.",
            first.what, first.message
        ))
    });
    view! {
        <div class="banners">
            <div role="status" aria-live="polite">
                {move || outage.get().map(|text| view! { <p class="banner warn" id="outage"><ToneIcon tone=Tone::Warn/><span>{text}</span></p> })}
                {move || gaps.get().map(|text| view! { <p class="banner warn"><ToneIcon tone=Tone::Warn/><span>{text}</span></p> })}
            </div>
            <div role="region" aria-label="Messages" aria-live="assertive">
                <For each=move || store.notices.get() key=|notice| notice.id let:notice>
                    <NoticeLine notice/>
                </For>
            </div>
        </div>
    }
}

#[component]
fn NoticeLine(notice: Notice) -> impl IntoView {
    let store = use_store();
    let tone = if notice.is_bad { Tone::Bad } else { Tone::Good };
    let id = notice.id;
    let class = format!("banner {}", tone.class());
    let role = if notice.is_bad { "alert" } else { "status" };
    view! {
        <div class=class role=role>
            <ToneIcon tone/>
            <span>
                {prose(&notice.text)}
                {notice.href.map(|href| view! { " " <a href=href>"Show"</a> })}
            </span>
            <button class="plain" type="button" on:click=move |_| store.dismiss(id)>
                "Dismiss"
            </button>
        </div>
    }
}
