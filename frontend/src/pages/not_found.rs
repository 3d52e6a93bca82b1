//! For addresses that lead nowhere, and for resources that are not there.

use leptos::prelude::*;
use shared::ResourceId;

use crate::{path, store::use_store};

#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! {
        <h1>"Nothing here"</h1>
        <p>"No page has this address. " <a href=path::HOME>"See all disks"</a> "."</p>
    }
}

/// A resource that the last listing does not have; says so only once there was a listing.
#[component]
pub(crate) fn Missing(id: ResourceId, noun: &'static str) -> impl IntoView {
    let store = use_store();
    let text = move || {
        if store.estate.with(Option::is_none) {
            return view! { <p class="loading">"Loading…"</p> }.into_any();
        }
        let gaps = store
            .estate
            .with(|estate| estate.as_ref().is_some_and(|estate| !estate.inventory.is_complete()));
        let but = gaps.then_some(" Not everything could be listed, so it may exist nevertheless.");
        view! {
            <p>
                {format!("The last listing has no {noun} of this name in group {}.", id.group())} {but}
            </p>
            <p><a href=path::HOME>"See all disks"</a></p>
        }
        .into_any()
    };
    view! { <div>{text}</div> }
}
