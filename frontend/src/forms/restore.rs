//! *Restore* of a recovery point to a new disk.

use std::collections::BTreeMap;

use leptos::prelude::*;
use shared::{Action, ResourceId, RestoreDisk, lineage::lineage, preconditions::DISK_SKUS};

use super::frame;
use crate::{
    components::field::{Choice, SelectField, TextField},
    derive::suggest,
    present,
    store::use_store,
};
use frame::ActionDialog;

#[component]
pub(super) fn RestoreDialog(source: ResourceId, on_close: Callback<()>) -> impl IntoView {
    let store = use_store();
    let estate = store.estate.get_untracked();
    let inventory = estate.as_ref().map(|estate| &estate.inventory);
    let snapshot = inventory.and_then(|inventory| inventory.snapshot(&source));
    let disk = inventory.and_then(|inventory| {
        let lineage = lineage(inventory);
        let point = lineage.chains.values().flatten().find(|p| p.snapshot.id == source)?;
        inventory.disks.iter().find(|disk| disk.unique_id == point.disk_unique_id)
    });
    let now = store.now.get_untracked().or(inventory.map(|inventory| inventory.taken_at));
    let first_name = inventory.zip(snapshot).zip(now).map(|((inventory, snapshot), now)| {
        let stem = format!("{}-restored", suggest::stem(snapshot, disk));
        suggest::name(inventory, &store.requests.get_untracked(), &stem, now)
    });
    let name = RwSignal::new(first_name.unwrap_or_default());
    let groups = frame::groups(&estate, source.subscription());
    let group = RwSignal::new(frame::spelled(&groups, source.group()));
    let same_sku = disk.and_then(|disk| DISK_SKUS.into_iter().find(|sku| *sku == disk.sku));
    let sku = RwSignal::new(same_sku.unwrap_or("Premium_LRS").to_owned());
    let zone = RwSignal::new(String::new());

    let subscription = source.subscription().to_owned();
    let size = snapshot.map(|snapshot| present::number::size(snapshot.size_bytes));
    let region = inventory.zip(snapshot).map(|(all, s)| present::region(all, &s.region));
    let facts = size.zip(region).map(|(size, region)| {
        format!(
            "A new disk of {size} in {region}, the point's own region. The old disk stays as it is."
        )
    });
    let title = format!("Restore {}", source.name());
    let action = Memo::new(move |_| {
        Ok(Action::RestoreDisk(RestoreDisk {
            source: source.clone(),
            group: group.get(),
            name: name.get().trim().to_owned(),
            sku: sku.get(),
            zone: Some(zone.get()).filter(|zone| !zone.is_empty()),
            tags: BTreeMap::new(),
        }))
    });
    let groups = Signal::derive(move || frame::groups(&store.estate.get(), &subscription));
    let skus: Vec<Choice> = DISK_SKUS.map(|sku| (sku.to_owned(), sku.to_owned())).to_vec();
    let zones = ["", "1", "2", "3"].map(|zone| {
        let words = if zone.is_empty() { "None".to_owned() } else { format!("Zone {zone}") };
        (zone.to_owned(), words)
    });
    view! {
        <ActionDialog title submit="Restore disk" action on_close>
            {facts.map(|facts| view! { <p class="wide dim">{facts}</p> })}
            <TextField label="Name" value=name/>
            <SelectField label="Resource group" value=group choices=groups/>
            <SelectField label="Disk type" value=sku choices=Signal::stored(skus)/>
            <SelectField label="Zone" value=zone choices=Signal::stored(zones.to_vec())/>
        </ActionDialog>
    }
}
