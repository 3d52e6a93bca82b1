//! The fields of a policy; what few need is folded away.

use leptos::prelude::*;
use shared::{Policy, SnapshotSku};

use super::{
    disks::DiskFields,
    draft::Draft,
    keep::{KeepLast, KeepMore},
    schedule::ScheduleFields,
    targets::Targets,
};
use crate::{
    components::field::{CheckField, Choice, SelectField, TextField},
    forms,
    store::use_store,
};

#[component]
pub(super) fn Fields(
    draft: Draft,
    policy: Memo<Policy>,
    #[prop(into)] disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <fieldset class="two">
            <legend>"Policy"</legend>
            <TextField label="Name" value=draft.name disabled/>
            <CheckField label="Enabled" value=draft.enabled disabled hint="The timer carries it out only while it is on."/>
        </fieldset>
        <DiskFields draft policy disabled/>
        <fieldset>
            <legend>"Snapshots"</legend>
            <div class="two">
                <ScheduleFields draft policy disabled/>
                <SelectField label="Group for snapshots" value=draft.group
                    choices=group_choices("The disk's own") disabled/>
                <KeepLast keep=draft.keep label="Keep the last n snapshots" disabled/>
            </div>
            <KeepMore keep=draft.keep disabled/>
        </fieldset>
        <Targets draft disabled/>
        <Limits draft disabled/>
    }
}

/// Limits, the pause, and how snapshots are made.
#[component]
fn Limits(draft: Draft, disabled: Signal<bool>) -> impl IntoView {
    let texts = [
        draft.paused_until,
        draft.stop_loss_gib,
        draft.first_copies_gib_per_day,
        draft.abandon_after_hours,
        draft.rpo_minutes,
        draft.sku,
    ];
    let open = texts.iter().any(|text| !text.with_untracked(String::is_empty));
    view! {
        <fieldset>
            <legend>"Limits and more"</legend>
            <details open=open>
                <summary>"Pause, RPO, stop-loss, redundancy, network access"</summary>
                <div class="two">
                    <TextField label="Paused until (UTC)" value=draft.paused_until kind="datetime-local" disabled
                        hint="Until then nothing of it is made or deleted."/>
                    <TextField label="RPO at the source in minutes" value=draft.rpo_minutes kind="number" disabled
                        hint="How old the newest snapshot may become. Empty: twice the schedule's longest gap."/>
                    <TextField label="Stop-loss in GiB a month" value=draft.stop_loss_gib kind="number" disabled
                        hint="No copy starts that could move more, by its upper bound. Empty for no limit."/>
                    <TextField label="First copies in GiB a day" value=draft.first_copies_gib_per_day kind="number" disabled
                        hint="Stages whole copies of many disks. Empty starts all of them."/>
                    <TextField label="Give up a stuck copy after hours" value=draft.abandon_after_hours kind="number" disabled
                        hint="So that it does not hold up the other targets. Empty leaves that to a person."/>
                    <SelectField label="Redundancy of snapshots" value=draft.sku choices=sku_choices() disabled/>
                    <SelectField label="Network access" value=draft.network_access
                        choices=Signal::stored(forms::access_choices()) disabled
                        hint="Never wider than the disk's own."/>
                </div>
            </details>
        </fieldset>
    }
}

/// `choices` after one that stands for nothing in particular.
pub(super) fn with_first(words: &str, mut choices: Vec<Choice>) -> Vec<Choice> {
    choices.insert(0, (String::new(), words.to_owned()));
    choices
}

/// The names of all groups, after what no choice means.
pub(super) fn group_choices(none: &'static str) -> Signal<Vec<Choice>> {
    let store = use_store();
    Signal::derive(move || {
        let estate = store.estate.get();
        let mut names: Vec<String> = estate
            .iter()
            .flat_map(|estate| &estate.inventory.groups)
            .map(|group| group.name.clone())
            .collect();
        names.sort_by_key(|name| name.to_lowercase());
        names.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        with_first(none, names.into_iter().map(|name| (name.clone(), name)).collect())
    })
}

/// The redundancies, after the one that the region offers.
pub(super) fn sku_choices() -> Signal<Vec<Choice>> {
    let skus = [SnapshotSku::StandardLrs, SnapshotSku::StandardZrs]
        .map(|sku| (sku.name().to_owned(), sku.name().to_owned()));
    Signal::stored(with_first("ZRS where the region offers it", skus.to_vec()))
}
