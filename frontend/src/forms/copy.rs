//! *Copy* of a snapshot to another region or subscription, or onto zone-redundant storage.

use leptos::prelude::*;
use shared::{
    Action, CopySnapshot, Inventory, Region, ResourceId, lineage::lineage, model::Selected,
};

use super::{access, frame};
use crate::{
    components::field::{Choice, SelectField, TextField},
    derive::suggest,
    store::use_store,
};
use frame::ActionDialog;

#[component]
pub(super) fn CopyDialog(source: ResourceId, on_close: Callback<()>) -> impl IntoView {
    let store = use_store();
    let first = first_values(&store, &source);
    let subscription = RwSignal::new(first.subscription);
    let region = RwSignal::new(first.region);
    let group = RwSignal::new(first.group);
    let name = RwSignal::new(first.name);
    let sku = RwSignal::new(first.sku);
    let network = RwSignal::new(access::of("").name().to_owned());

    // What a new choice makes impossible follows it: a group of another subscription, zones.
    Effect::watch(
        move || subscription.get(),
        move |subscription, _, _| {
            let known = frame::groups(&store.estate.get_untracked(), subscription);
            let here = group.get_untracked();
            let keep = known.iter().any(|(name, _)| *name == here);
            if let Some((first, _)) = known.first().filter(|_| !keep) {
                group.set(first.clone());
            }
        },
        false,
    );
    Effect::watch(
        move || region.get(),
        move |region, _, _| {
            if let Some(estate) = store.estate.get_untracked() {
                let best = suggest::redundancy(&estate.inventory, &Region::new(region));
                sku.set(best.name().to_owned());
            }
        },
        false,
    );

    let title = format!("Copy {}", source.name());
    let action = Memo::new(move |_| {
        Ok(Action::CopySnapshot(CopySnapshot {
            source: source.clone(),
            subscription: subscription.get(),
            group: group.get(),
            region: Region::new(&region.get()),
            name: name.get().trim().to_owned(),
            sku: frame::redundancy(&sku.get()),
            network_access: access::of(&network.get()),
            tags: std::collections::BTreeMap::new(),
        }))
    });
    let with = move |list: fn(&Inventory) -> Vec<Choice>| {
        store.estate.get().map(|estate| list(&estate.inventory)).unwrap_or_default()
    };
    let subscriptions = Signal::derive(move || with(subscriptions));
    let regions = Signal::derive(move || with(regions));
    let groups = Signal::derive(move || frame::groups(&store.estate.get(), &subscription.get()));
    view! {
        <ActionDialog title submit="Copy snapshot" action on_close>
            <SelectField label="Subscription" value=subscription choices=subscriptions/>
            <SelectField label="Region" value=region choices=regions/>
            <SelectField label="Resource group" value=group choices=groups/>
            <TextField label="Name" value=name/>
            <SelectField label="Redundancy" value=sku choices=Signal::stored(frame::redundancies())/>
            <SelectField label="Network access" value=network choices=Signal::stored(access::choices())/>
        </ActionDialog>
    }
}

#[derive(Default)]
struct First {
    subscription: String,
    region: String,
    group: String,
    name: String,
    sku: String,
}

/// Where the policy that covers the disk sends copies, or else the paired region.
fn first_values(store: &crate::store::Store, source: &ResourceId) -> First {
    let estate = store.estate.get_untracked();
    let mut first = First {
        subscription: source.subscription().to_owned(),
        group: source.group().to_owned(),
        ..First::default()
    };
    let Some(estate) = &estate else { return first };
    let inventory = &estate.inventory;
    let Some(snapshot) = inventory.snapshot(source) else { return first };
    let lineage = lineage(inventory);
    let point = lineage.chains.values().flatten().find(|point| point.snapshot.id == *source);
    let disk =
        point.and_then(|p| inventory.disks.iter().find(|disk| disk.unique_id == p.disk_unique_id));
    let covers = |policy: &&shared::Policy| {
        !policy.targets.is_empty()
            && disk.is_some_and(|disk| policy.disks.selects(disk) != Selected::No)
    };
    let policy = estate.policies.iter().find(covers);
    let region = suggest::target_region(inventory, snapshot, policy);
    if let Some(side) = policy
        .zip(disk)
        .and_then(|(p, disk)| Some(shared::status::target_side(p, p.targets.first()?, disk)))
        && side.region == region
    {
        let known = inventory.subscription(&side.subscription);
        first.subscription = known.map_or(side.subscription, |found| found.id.clone());
        first.group = side.group;
    }
    let groups = frame::groups(&Some(estate.clone()), &first.subscription);
    first.group = frame::spelled(&groups, &first.group);
    let stem = format!("{}-{region}", suggest::stem(snapshot, disk));
    let at = point.map_or(inventory.taken_at, |point| point.point_time);
    first.name = suggest::name(inventory, &store.requests.get_untracked(), &stem, at);
    first.sku = suggest::redundancy(inventory, &region).name().to_owned();
    first.region = region.to_string();
    first
}

pub(crate) fn subscriptions(inventory: &Inventory) -> Vec<Choice> {
    inventory.subscriptions.iter().map(|s| (s.id.clone(), s.name.clone())).collect()
}

/// The regions by their names for people.
pub(crate) fn regions(inventory: &Inventory) -> Vec<Choice> {
    let mut regions: Vec<Choice> = inventory
        .regions
        .iter()
        .map(|info| (info.region.to_string(), info.display_name.clone()))
        .collect();
    regions.sort_by(|a, b| a.1.cmp(&b.1));
    regions
}
