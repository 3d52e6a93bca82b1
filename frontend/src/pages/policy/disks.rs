//! Which disks a policy protects: named one by one, and by rules.

use leptos::prelude::*;
use shared::{Disk, Policy, ResourceId, model::Selected};

use super::{draft::Draft, rules::Rules};
use crate::{components::field::TextField, present, store::use_store};

#[component]
pub(super) fn DiskFields(
    draft: Draft,
    policy: Memo<Policy>,
    disabled: Signal<bool>,
) -> impl IntoView {
    let store = use_store();
    let selected = Memo::new(move |_| {
        let estate = store.estate.get()?;
        let disks = estate.inventory.disks.iter();
        let selects = |policy: &Policy, disk: &Disk| policy.disks.selects(disk) != Selected::No;
        Some(policy.with(|policy| disks.filter(|disk| selects(policy, disk)).count()))
    });
    let words = move || {
        let selected = selected.get()?;
        Some(format!(" selects {} of today", present::count(selected, "disk")))
    };
    let by_rule = draft.include.with_untracked(|rules| !rules.is_empty())
        || draft.exclude.with_untracked(|rules| !rules.is_empty());
    view! {
        <fieldset>
            <legend>"Disks" <span class="dim">{words}</span></legend>
            <DiskList draft disabled/>
            <details open=by_rule>
                <summary>"By group, subscription or tag"</summary>
                <p class="hint">
                    "Every disk that a rule matches is protected, and those that come later from \
                     the day after they are made."
                </p>
                <Rules rules=draft.include noun="Rule" add="Add a rule" with_disks=false disabled/>
                <h3>"Left out, although a rule matches"</h3>
                <Rules rules=draft.exclude noun="Exception" add="Add an exception" with_disks=true disabled/>
            </details>
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
        <TextField label="Filter disks" value=filter/>
        <ul class="check-list" aria-label="Disks">
            <For each=shown key=|(id, words)| (id.key().to_owned(), words.clone()) children=line/>
        </ul>
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
