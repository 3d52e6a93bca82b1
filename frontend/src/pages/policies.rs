//! All policies.

use leptos::prelude::*;
use shared::Policy;

use crate::{components::policy_switch::PolicySwitch, path, present, store::use_store};

#[component]
pub(crate) fn PoliciesPage() -> impl IntoView {
    let store = use_store();
    let policies = Memo::new(move |_| store.estate.get().map(|estate| estate.policies.clone()));
    let list = move || match policies.get() {
        None => view! { <p class="loading" role="status">"Loading…"</p> }.into_any(),
        Some(policies) if policies.is_empty() => view! {
            <p class="empty">
                "There is no policy yet, so nothing happens by itself. A policy says how often \
                 snapshots are taken, where copies go and how many are kept."
            </p>
        }
        .into_any(),
        Some(_) => {
            let each = move || policies.get().unwrap_or_default();
            // A saved policy is drawn anew: its version is part of the key.
            view! {
                <table aria-label="Policies">
                    <thead>
                        <tr>
                            <th scope="col">"Policy"</th>
                            <th scope="col">"Enabled"</th>
                            <th scope="col">"Does"</th>
                            <th scope="col" class="number">"Disks"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=each key=|policy| (policy.id.clone(), policy.version, policy.enabled) let:policy>
                            <Line policy/>
                        </For>
                    </tbody>
                </table>
            }
            .into_any()
        }
    };
    view! {
        <div class="title-row">
            <h1>"Policies"</h1>
            <a class="button primary push" href=path::new_policy(None)>"New policy"</a>
        </div>
        {list}
    }
}

#[component]
fn Line(policy: Policy) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">
                <a class="name" href=path::policy(&policy.id)>{policy.name.clone()}</a>
                <span class="sub">{policy.id.clone()}</span>
            </th>
            <td data-label="Enabled"><PolicySwitch policy=policy.clone()/></td>
            <td data-label="Does">{summary(&policy)}</td>
            <td data-label="Disks" class="number">{policy.disks.len()}</td>
        </tr>
    }
}

/// `Snapshot every 6 h; copies to northeurope; keeps the last 12 here and 30 there`
pub(crate) fn summary(policy: &Policy) -> String {
    let every = present::time::span(i64::from(policy.every_hours) * 3600);
    let keeps =
        |keep: Option<u32>| keep.map_or("everything".to_owned(), |n| format!("the last {n}"));
    let here = keeps(policy.keep_source);
    match &policy.target {
        None => format!("Snapshot every {every}, no copies; keeps {here}"),
        Some(target) => format!(
            "Snapshot every {every}, copied to {}; keeps {here} here and {} there",
            target.region,
            keeps(policy.keep_target)
        ),
    }
}
