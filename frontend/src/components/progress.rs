//! How far a copy is, how fast it gets on, and when it will be done.

use leptos::prelude::*;
use shared::ResourceId;

use crate::{present::number, store::use_store};

#[component]
pub(crate) fn CopyProgress(
    /// The copy.
    id: ResourceId,
    /// 0 to 100; none until Azure first says so.
    #[prop(into)]
    percent: Signal<Option<f64>>,
) -> impl IntoView {
    let store = use_store();
    let label = format!("Copy progress of {}", id.name());
    let words = move || match percent.get() {
        None => "Azure has not said how far it is".to_owned(),
        Some(percent) => number::percent(percent),
    };
    let pace = move || match (percent.get(), store.pace(&id)) {
        (None, _) => String::new(),
        (Some(_), None) => "pace not known yet".to_owned(),
        (Some(_), Some(pace)) => number::pace(pace),
    };
    view! {
        <span class="copy-progress">
            <span class="copy-line">
                <progress
                    aria-label=label
                    max="100"
                    value=move || percent.get().map(|percent| percent.to_string())
                ></progress>
                <span class="nowrap">{words}</span>
            </span>
            <span class="pace">{pace}</span>
        </span>
    }
}
