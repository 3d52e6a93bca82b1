//! All policies.

use leptos::prelude::*;
use shared::{Keep, Policy, Schedule, model::KeepRule};

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
            <td data-label="Disks" class="number">{disks(&policy)}</td>
        </tr>
    }
}

/// How many disks it names, and whether rules select more.
fn disks(policy: &Policy) -> String {
    let (named, all) = (policy.named_disks().len(), policy.disks.include.len());
    match (named, all - named) {
        (named, 0) => named.to_string(),
        (0, _) => "by rule".to_owned(),
        (named, _) => format!("{named} and by rule"),
    }
}

/// `Snapshot every 6 h, copied to northeurope; keeps the last 12 here and the last 30 there`
pub(crate) fn summary(policy: &Policy) -> String {
    let schedule = match &policy.schedule {
        Schedule::Every { minutes } => {
            format!("every {}", present::time::span(i64::from(*minutes) * 60))
        }
        Schedule::Cron { expression } => format!("at `{expression}` {}", policy.time_zone),
    };
    let here = keeps(&policy.keep);
    let there: Vec<String> = policy
        .targets
        .iter()
        .map(|target| format!("{} in {}", keeps(&target.keep), target.region))
        .collect();
    if there.is_empty() {
        return format!("Snapshot {schedule}, no copies; keeps {here}");
    }
    format!("Snapshot {schedule}; keeps {here} here, {}", there.join(", "))
}

fn keeps(keep: &Keep) -> String {
    let words: Vec<String> = keep
        .rules()
        .map(|(rule, n)| match rule {
            KeepRule::Last => format!("the last {n}"),
            KeepRule::Within => format!("{n} hours"),
            rule => format!("{n} {}", rule.word()),
        })
        .collect();
    if words.is_empty() { "everything".to_owned() } else { words.join(" + ") }
}
