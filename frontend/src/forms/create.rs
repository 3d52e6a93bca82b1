//! *Create snapshot* of a disk.

use leptos::prelude::*;
use shared::{Action, CreateSnapshot, ResourceId};

use super::{access, frame};
use crate::{
    components::field::{CheckField, SelectField, TextArea, TextField},
    derive::suggest,
    store::use_store,
};
use frame::ActionDialog;

#[component]
pub(super) fn CreateDialog(disk: ResourceId, on_close: Callback<()>) -> impl IntoView {
    let store = use_store();
    let estate = store.estate.get_untracked();
    let inventory = estate.as_ref().map(|estate| &estate.inventory);
    let found = inventory.and_then(|inventory| inventory.disk(&disk));
    let now = store.now.get_untracked().or(inventory.map(|inventory| inventory.taken_at));

    let first_name = inventory.zip(now).map(|(inventory, now)| {
        suggest::name(inventory, &store.requests.get_untracked(), disk.name(), now)
    });
    let name = RwSignal::new(first_name.unwrap_or_default());
    let groups = frame::groups(&estate, disk.subscription());
    let group = RwSignal::new(frame::spelled(&groups, disk.group()));
    let incremental = RwSignal::new(true);
    let sku = inventory.zip(found).map(|(all, disk)| suggest::redundancy(all, &disk.region));
    let sku = RwSignal::new(sku.map(|sku| sku.name().to_owned()).unwrap_or_default());
    let network = RwSignal::new(access::of("").name().to_owned());
    let tags = RwSignal::new(String::new());

    let subscription = disk.subscription().to_owned();
    let title = format!("Create snapshot of {}", disk.name());
    let action = Memo::new(move |_| {
        Ok(Action::CreateSnapshot(CreateSnapshot {
            disk: disk.clone(),
            group: group.get(),
            name: name.get().trim().to_owned(),
            incremental: incremental.get(),
            sku: frame::redundancy(&sku.get()),
            network_access: access::of(&network.get()),
            tags: suggest::tags(&tags.get())?,
        }))
    });
    let groups = Signal::derive(move || frame::groups(&store.estate.get(), &subscription));
    view! {
        <ActionDialog title submit="Create snapshot" action on_close>
            <TextField label="Name" value=name/>
            <SelectField label="Resource group" value=group choices=groups/>
            <CheckField
                label="Incremental"
                value=incremental
                hint="Stores only what changed since the last one; only such can be copied across regions."
            />
            <SelectField label="Redundancy" value=sku choices=Signal::stored(frame::redundancies())/>
            <SelectField label="Network access" value=network choices=Signal::stored(access::choices())/>
            <TextArea label="Tags" value=tags hint="One name=value per line."/>
        </ActionDialog>
    }
}
