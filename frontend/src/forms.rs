//! The dialogs in which somebody asks for an action, one file each.

mod abandon;
mod access;
mod adopt;
mod copy;
mod create;
mod frame;
mod restore;

use leptos::prelude::*;
use shared::ResourceId;

use crate::{
    query::{Query, use_query},
    store::use_store,
};
use abandon::AbandonDialog;
pub(crate) use access::{choices as access_choices, of as access};
use adopt::AdoptDialog;
use copy::CopyDialog;
pub(crate) use copy::{regions, subscriptions};
use create::CreateDialog;
pub(crate) use frame::groups;
use restore::RestoreDialog;

/// A dialog and what it is about.
#[derive(Clone, PartialEq)]
enum Open {
    Create(ResourceId),
    Copy(ResourceId),
    Restore(ResourceId),
    Adopt(ResourceId),
    Abandon(ResourceId),
}

/// The dialog that the address bar names, once there is an estate to fill it from.
#[component]
pub(crate) fn Dialogs(
    /// The page's disk or snapshot.
    #[prop(into)]
    page: Signal<ResourceId>,
) -> impl IntoView {
    let (store, query) = (use_store(), use_query());
    let is_ready = Memo::new(move |_| {
        store.estate.with(Option::is_some) && store.status.with(Option::is_some)
    });
    let open = Memo::new(move |_| {
        let of = query.get("of").parse::<ResourceId>().ok().unwrap_or_else(|| page.get());
        let what = match query.get("do").as_str() {
            "create" => Open::Create(of),
            "copy" => Open::Copy(of),
            "restore" => Open::Restore(of),
            "adopt" => Open::Adopt(of),
            "abandon" => Open::Abandon(of),
            _ => return None,
        };
        is_ready.get().then_some(what)
    });
    let on_close = Callback::new(move |()| close(query));
    move || {
        open.get().map(|open| match open {
            Open::Create(disk) => view! { <CreateDialog disk on_close/> }.into_any(),
            Open::Copy(source) => view! { <CopyDialog source on_close/> }.into_any(),
            Open::Restore(source) => view! { <RestoreDialog source on_close/> }.into_any(),
            Open::Adopt(snapshot) => view! { <AdoptDialog snapshot on_close/> }.into_any(),
            Open::Abandon(copy) => view! { <AbandonDialog copy on_close/> }.into_any(),
        })
    }
}

fn close(query: Query) {
    query.replace(&[("do", String::new()), ("of", String::new())]);
}
