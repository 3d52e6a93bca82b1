//! What stays on a side: the last n, and folded away the rules by time.

use leptos::prelude::*;

use super::draft::KeepDraft;
use crate::components::field::TextField;

/// The simple rule, with its label.
#[component]
pub(super) fn KeepLast(
    keep: KeepDraft,
    label: &'static str,
    disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <TextField label value=keep.last kind="number" disabled
            hint="With no rule at all, everything is kept."/>
    }
}

/// The other rules. What any rule keeps stays.
#[component]
pub(super) fn KeepMore(keep: KeepDraft, disabled: Signal<bool>) -> impl IntoView {
    let open = keep.has_more();
    view! {
        <details open=open>
            <summary>"More keep rules"</summary>
            <p class="hint">
                "A point stays while any rule keeps it. Of each hour, day, week, month and year \
                 the newest point counts."
            </p>
            <div class="rules">
                <TextField label="Within hours" value=keep.within_hours kind="number" disabled/>
                <TextField label="Hourly" value=keep.hourly kind="number" disabled/>
                <TextField label="Daily" value=keep.daily kind="number" disabled/>
                <TextField label="Weekly" value=keep.weekly kind="number" disabled/>
                <TextField label="Monthly" value=keep.monthly kind="number" disabled/>
                <TextField label="Yearly" value=keep.yearly kind="number" disabled/>
            </div>
        </details>
    }
}
