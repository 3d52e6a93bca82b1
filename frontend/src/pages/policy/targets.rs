//! Where copies go: none to five targets, each with what stays there.

use leptos::prelude::*;
use shared::model::MAX_TARGETS;

use super::{
    draft::{Draft, TargetDraft},
    fields::{group_choices, sku_choices, with_first},
    keep::{KeepLast, KeepMore},
};
use crate::{
    components::field::{CheckField, SelectField, TextField},
    derive::suggest,
    forms,
    store::use_store,
};

#[component]
pub(super) fn Targets(draft: Draft, disabled: Signal<bool>) -> impl IntoView {
    let store = use_store();
    let add = move |_| {
        let estate = store.estate.get_untracked();
        let source = draft.disks.with_untracked(|disks| disks.first().cloned());
        let region = estate.as_ref().and_then(|estate| {
            let inventory = &estate.inventory;
            let disk = inventory.disk(&source?).map(|disk| &disk.region);
            suggest::another_region(inventory, disk?)
        });
        let region = region.map(|region| region.to_string()).unwrap_or_default();
        let taken = |t: &TargetDraft| t.region.with_untracked(|known| *known == region);
        let is_taken = draft.targets.with_untracked(|targets| targets.iter().any(taken));
        let target = TargetDraft::new(if is_taken { "" } else { &region });
        draft.targets.update(|targets| targets.push(target));
    };
    let full = move || draft.targets.with(|targets| targets.len() >= MAX_TARGETS);
    view! {
        <fieldset>
            <legend>"Copies"</legend>
            {move || draft.targets.with(Vec::is_empty).then(|| view! {
                <p class="dim">"No copies: a region that is lost takes its recovery points with it."</p>
            })}
            <For each=move || draft.targets.get() key=|target| target.key let:target>
                <TargetFields draft target disabled/>
            </For>
            <button
                type="button"
                class="small add"
                disabled=move || disabled.get() || full()
                title=move || full().then(|| format!("A policy has at most {MAX_TARGETS} targets."))
                on:click=add
            >
                "Add a target"
            </button>
        </fieldset>
    }
}

#[component]
fn TargetFields(draft: Draft, target: TargetDraft, disabled: Signal<bool>) -> impl IntoView {
    let store = use_store();
    let regions = Signal::derive(move || {
        store.estate.get().map(|estate| forms::regions(&estate.inventory)).unwrap_or_default()
    });
    let subscriptions = Signal::derive(move || {
        let estate = store.estate.get();
        let all = estate.map(|estate| forms::subscriptions(&estate.inventory)).unwrap_or_default();
        with_first("The disk's own", all)
    });
    let title = move || {
        let place = draft.targets.with(|all| all.iter().position(|known| known.key == target.key));
        format!("Target {}", place.unwrap_or_default() + 1)
    };
    let remove =
        move |_| draft.targets.update(|targets| targets.retain(|known| known.key != target.key));
    let is_special = target.is_special();
    view! {
        <fieldset class="row">
            <legend>{title}</legend>
            <div class="two">
                <SelectField label="Region" value=target.region choices=regions disabled/>
                <SelectField label="Resource group" value=target.group
                    choices=group_choices("The snapshots' own") disabled/>
                <SelectField label="Subscription" value=target.subscription choices=subscriptions disabled/>
                <KeepLast keep=target.keep label="Keep the last n copies" disabled/>
            </div>
            <KeepMore keep=target.keep disabled/>
            <details open=is_special>
                <summary>"More about this target"</summary>
                <div class="two">
                    <SelectField label="Redundancy" value=target.sku choices=sku_choices() disabled/>
                    <TextField label="RPO in minutes" value=target.rpo_minutes kind="number" disabled
                        hint="How old its newest point may become. Empty: twice the schedule's longest gap."/>
                    <TextField label="Disk encryption set" value=target.encryption_set disabled
                        hint="Its ARM id in this region, for disks under a customer's key."/>
                    <CheckField label="Faster, dearer copying" value=target.fast disabled
                        hint="Asks Azure for provisionedBandwidthCopySpeed."/>
                </div>
            </details>
            <button
                type="button"
                class="small"
                disabled=disabled
                aria-label=move || format!("Remove {}", title().to_lowercase())
                on:click=remove
            >
                "Remove"
            </button>
        </fieldset>
    }
}
