//! *Adopt* a snapshot that somebody else made: a policy speaks for it from then on.

use leptos::prelude::*;
use shared::{Action, ResourceId, lineage::lineage, model::AdoptPoint, model::Selected};

use super::frame::ActionDialog;
use crate::{
    components::field::{Choice, SelectField},
    store::use_store,
};

#[component]
pub(super) fn AdoptDialog(snapshot: ResourceId, on_close: Callback<()>) -> impl IntoView {
    let store = use_store();
    let policies = Signal::derive(move || {
        let estate = store.estate.get();
        let choice = |p: &shared::Policy| -> Choice { (p.id.clone(), p.name.clone()) };
        estate.map(|estate| estate.policies.iter().map(choice).collect()).unwrap_or_default()
    });
    let policy = RwSignal::new(covering(&store, &snapshot).unwrap_or_default());
    let title = format!("Adopt {}", snapshot.name());
    let action = Memo::new(move |_| match policy.get() {
        policy if policy.is_empty() => Err("Choose a policy.".to_owned()),
        policy => Ok(Action::AdoptPoint(AdoptPoint { snapshot: snapshot.clone(), policy })),
    });
    view! {
        <ActionDialog title submit="Adopt" action on_close>
            <p class="wide">
                "It becomes a point of the policy as if Snapferry had made it: it may be copied, the \
                 keep rules count it, and once none keeps it, it is marked and deleted."
            </p>
            <SelectField label="Policy" value=policy choices=policies/>
        </ActionDialog>
    }
}

/// A policy that protects the snapshot's disk, or else the only one.
fn covering(store: &crate::store::Store, snapshot: &ResourceId) -> Option<String> {
    let estate = store.estate.get_untracked()?;
    let lineage = lineage(&estate.inventory);
    let point = lineage.chains.values().flatten().find(|point| point.snapshot.id == *snapshot);
    let disk = point.and_then(|p| {
        estate.inventory.disks.iter().find(|disk| disk.unique_id == p.disk_unique_id)
    });
    let covers = |policy: &&shared::Policy| {
        disk.is_some_and(|disk| policy.disks.selects(disk) != Selected::No)
    };
    let found = estate.policies.iter().find(covers);
    let only = || estate.policies.first().filter(|_| estate.policies.len() == 1);
    found.or_else(only).map(|policy| policy.id.clone())
}
