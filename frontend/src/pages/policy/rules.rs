//! Rules that select disks: by group, subscription or tag; and what they leave out.

use leptos::prelude::*;
use shared::{Inventory, ResourceId, Selector};

use super::draft::{next_key, some};
use crate::{
    components::field::{Choice, SelectField, TextField},
    forms,
    store::use_store,
};

const GROUP: &str = "group";
const SUBSCRIPTION: &str = "subscription";
const TAG: &str = "tag";
const DISK: &str = "disk";

/// A rule's fields; which of them count depends on its kind.
#[derive(Clone, Copy)]
pub(super) struct RuleDraft {
    pub(super) key: u32,
    kind: RwSignal<String>,
    subscription: RwSignal<String>,
    group: RwSignal<String>,
    name: RwSignal<String>,
    value: RwSignal<String>,
    disk: RwSignal<String>,
}

impl RuleDraft {
    pub(super) fn of(selector: &Selector) -> Self {
        let text = || RwSignal::new(String::new());
        let rule = Self {
            key: next_key(),
            kind: text(),
            subscription: text(),
            group: text(),
            name: text(),
            value: text(),
            disk: text(),
        };
        let kind = match selector {
            Selector::Disk { id } => {
                rule.disk.set(id.to_string());
                DISK
            }
            Selector::Group { subscription, group } => {
                rule.subscription.set(subscription.clone());
                rule.group.set(group.clone());
                GROUP
            }
            Selector::Subscription { subscription } => {
                rule.subscription.set(subscription.clone());
                SUBSCRIPTION
            }
            Selector::Tag { name, value } => {
                rule.name.set(name.clone());
                rule.value.set(value.clone().unwrap_or_default());
                TAG
            }
        };
        rule.kind.set(kind.to_owned());
        rule
    }

    /// The selector that the fields make; none for a disk that is not chosen yet.
    pub(super) fn selector(&self) -> Option<Selector> {
        let subscription = || self.subscription.get();
        Some(match self.kind.get().as_str() {
            GROUP => Selector::Group { subscription: subscription(), group: self.group.get() },
            SUBSCRIPTION => Selector::Subscription { subscription: subscription() },
            DISK => Selector::Disk { id: self.disk.get().parse::<ResourceId>().ok()? },
            _ => Selector::Tag {
                name: self.name.get().trim().to_owned(),
                value: some(self.value.get()),
            },
        })
    }
}

#[component]
pub(super) fn Rules(
    rules: RwSignal<Vec<RuleDraft>>,
    /// What each rule is called: `Rule 1`.
    noun: &'static str,
    /// The words of the button that adds one.
    add: &'static str,
    /// Whether single disks are offered, too.
    with_disks: bool,
    disabled: Signal<bool>,
) -> impl IntoView {
    let new = move |_| {
        let rule = RuleDraft::of(&Selector::Tag { name: String::new(), value: None });
        rules.update(|rules| rules.push(rule));
    };
    let row = move |rule: RuleDraft| {
        let place = move || rules.with(|all| all.iter().position(|known| known.key == rule.key));
        let title = move || format!("{noun} {}", place().unwrap_or_default() + 1);
        let remove = move |_| rules.update(|rules| rules.retain(|known| known.key != rule.key));
        view! {
            <fieldset class="row">
                <legend>{title}</legend>
                <div class="two"><RuleFields rule with_disks disabled/></div>
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
    };
    view! {
        <For each=move || rules.get() key=|rule| rule.key children=row/>
        <button type="button" class="small add" disabled=disabled on:click=new>{add}</button>
    }
}

#[component]
fn RuleFields(rule: RuleDraft, with_disks: bool, disabled: Signal<bool>) -> impl IntoView {
    let store = use_store();
    let mut kinds = vec![(TAG, "Tag"), (GROUP, "Resource group"), (SUBSCRIPTION, "Subscription")];
    kinds.extend(with_disks.then_some((DISK, "One disk")));
    let kinds: Vec<Choice> =
        kinds.into_iter().map(|(key, words)| (key.to_owned(), words.to_owned())).collect();
    let with = move |list: fn(&Inventory) -> Vec<Choice>| {
        store.estate.get().map(|estate| list(&estate.inventory)).unwrap_or_default()
    };
    let subscriptions = Signal::derive(move || with(forms::subscriptions));
    let groups =
        Signal::derive(move || forms::groups(&store.estate.get(), &rule.subscription.get()));
    let disks = Signal::derive(move || with(disks));
    let fields = move || {
        match rule.kind.get().as_str() {
        GROUP => view! {
            <SelectField label="Subscription" value=rule.subscription choices=subscriptions disabled/>
            <SelectField label="Resource group" value=rule.group choices=groups disabled/>
        }
        .into_any(),
        SUBSCRIPTION => view! {
            <SelectField label="Subscription" value=rule.subscription choices=subscriptions disabled/>
        }
        .into_any(),
        DISK => view! { <SelectField label="Disk" value=rule.disk choices=disks disabled/> }.into_any(),
        _ => view! {
            <TextField label="Tag" value=rule.name disabled/>
            <TextField label="Value" value=rule.value disabled hint="Empty for any value."/>
        }
        .into_any(),
    }
    };
    view! {
        <SelectField label="By" value=rule.kind choices=Signal::stored(kinds) disabled/>
        {fields}
    }
}

fn disks(inventory: &Inventory) -> Vec<Choice> {
    let mut found: Vec<Choice> = inventory
        .disks
        .iter()
        .map(|disk| (disk.id.to_string(), format!("{} · {}", disk.id.name(), disk.id.group())))
        .collect();
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}
