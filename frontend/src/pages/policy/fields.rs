//! The fields of a policy.

use leptos::prelude::*;
use shared::{Disk, ResourceId, SnapshotSku};

use super::draft::Draft;
use crate::{
    components::field::{CheckField, Choice, SelectField, TextField},
    forms, present,
    store::use_store,
};

const PRESETS: [u32; 5] = [1, 4, 6, 12, 24];

#[component]
pub(super) fn Fields(draft: Draft, #[prop(into)] disabled: Signal<bool>) -> impl IntoView {
    let store = use_store();
    let with_first = |words: &str, mut choices: Vec<Choice>| {
        choices.insert(0, (String::new(), words.to_owned()));
        choices
    };
    let skus = with_first(
        "ZRS where the region offers it",
        [SnapshotSku::StandardLrs, SnapshotSku::StandardZrs]
            .map(|sku| (sku.name().to_owned(), sku.name().to_owned()))
            .to_vec(),
    );
    let regions = Signal::derive(move || {
        let estate = store.estate.get();
        let regions = estate.map(|estate| forms::regions(&estate.inventory)).unwrap_or_default();
        with_first("No copies", regions)
    });
    let subscriptions = Signal::derive(move || {
        let estate = store.estate.get();
        let all = estate.map(|estate| forms::subscriptions(&estate.inventory)).unwrap_or_default();
        with_first("The disk's own", all)
    });
    let groups = move |own: &'static str| {
        Signal::derive(move || {
            let estate = store.estate.get();
            let mut names: Vec<String> = estate
                .iter()
                .flat_map(|estate| &estate.inventory.groups)
                .map(|group| group.name.clone())
                .collect();
            names.sort_by_key(|name| name.to_lowercase());
            names.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
            with_first(own, names.into_iter().map(|name| (name.clone(), name)).collect())
        })
    };
    let preset = move |hours: u32| {
        let set = move |_| draft.every_hours.set(hours.to_string());
        let is_set = move || (draft.every_hours.get() == hours.to_string()).to_string();
        view! {
            <button type="button" class="small" aria-pressed=is_set disabled=disabled on:click=set>
                {format!("{hours} h")}
            </button>
        }
    };
    let copies = Memo::new(move |_| !draft.target_region.with(String::is_empty));
    let skus_there = skus.clone();
    view! {
        <fieldset class="two">
            <legend>"Policy"</legend>
            <TextField label="Name" value=draft.name disabled/>
            <CheckField label="Enabled" value=draft.enabled disabled hint="The timer carries it out only while it is on."/>
        </fieldset>
        <DiskList draft disabled/>
        <fieldset class="two">
            <legend>"Snapshots"</legend>
            <TextField label="Every n hours, or cron" value=draft.every_hours disabled hint="Hours are counted from midnight UTC; or five cron fields, such as 0 6 * * MON-FRI."/>
            <div class="button-row presets" role="group" aria-label="Presets">{PRESETS.map(preset).collect_view()}</div>
            <SelectField label="Group for snapshots" value=draft.group choices=groups("The disk's own") disabled/>
            <SelectField label="Redundancy" value=draft.sku choices=Signal::stored(skus) disabled/>
            <TextField label="Keep the last n snapshots" value=draft.keep_source kind="number" disabled hint="Empty keeps everything."/>
        </fieldset>
        <fieldset class="two">
            <legend>"Copies"</legend>
            <SelectField label="Target region" value=draft.target_region choices=regions disabled/>
            {move || copies.get().then(|| view! {
                <SelectField label="Target subscription" value=draft.target_subscription choices=subscriptions disabled/>
                <SelectField label="Target group" value=draft.target_group choices=groups("The snapshots' own") disabled/>
                <SelectField label="Target redundancy" value=draft.target_sku choices=Signal::stored(skus_there.clone()) disabled/>
                <TextField label="Keep the last n copies" value=draft.keep_target kind="number" disabled hint="Empty keeps everything."/>
            })}
        </fieldset>
    }
}

/// Every disk with a box; those that a policy names but the listing lacks are shown, too.
#[component]
fn DiskList(draft: Draft, disabled: Signal<bool>) -> impl IntoView {
    let store = use_store();
    let filter = RwSignal::new(String::new());
    let disks = Memo::new(move |_| {
        let estate = store.estate.get();
        let inventory = estate.as_ref().map(|estate| &estate.inventory);
        let mut found: Vec<(ResourceId, String)> = inventory
            .iter()
            .flat_map(|inventory| inventory.disks.iter().map(move |disk| (inventory, disk)))
            .map(|(inventory, disk)| (disk.id.clone(), words(inventory, disk)))
            .collect();
        found.sort_by(|a, b| (a.0.name(), &a.0).cmp(&(b.0.name(), &b.0)));
        let listed = |id: &ResourceId| found.iter().any(|(known, _)| known == id);
        let gone: Vec<(ResourceId, String)> = draft
            .disks
            .get_untracked()
            .into_iter()
            .filter(|id| !listed(id))
            .map(|id| (id, "was not listed; it may be gone".to_owned()))
            .collect();
        gone.into_iter().chain(found).collect::<Vec<_>>()
    });
    let shown = move || {
        let text = filter.get().to_lowercase();
        let matches = |(id, words): &(ResourceId, String)| {
            let all = format!("{} {} {words}", id.name(), id.group()).to_lowercase();
            text.split_whitespace().all(|part| all.contains(part))
        };
        disks.get().into_iter().filter(matches).collect::<Vec<_>>()
    };
    let line = move |(id, words): (ResourceId, String)| {
        let (name, own, asked) = (id.name().to_owned(), id.clone(), id);
        let toggle = move |checked: bool| {
            draft.disks.update(|disks| {
                disks.retain(|disk| *disk != own);
                if checked {
                    disks.push(own.clone());
                }
            });
        };
        view! {
            <li>
                <label>
                    <input
                        type="checkbox"
                        prop:checked=move || draft.disks.with(|disks| disks.contains(&asked))
                        disabled=disabled
                        on:change:target=move |ev| toggle(ev.target().checked())
                    />
                    <span>{name}</span>
                    <span class="dim">{words}</span>
                </label>
            </li>
        }
    };
    view! {
        <fieldset>
            <legend>"Disks" <span class="dim">{move || format!(" {} chosen", draft.disks.with(Vec::len))}</span></legend>
            <TextField label="Filter disks" value=filter/>
            <ul class="check-list" aria-label="Disks">
                <For each=shown key=|(id, words)| (id.key().to_owned(), words.clone()) children=line/>
            </ul>
        </fieldset>
    }
}

fn words(inventory: &shared::Inventory, disk: &Disk) -> String {
    format!(
        "{} · {} · {}",
        disk.id.group(),
        present::region(inventory, &disk.region),
        present::number::size(disk.size_bytes)
    )
}
