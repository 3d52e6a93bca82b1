//! All policies.

use leptos::{html, prelude::*, task::spawn_local};
use shared::{Keep, Policy, Schedule, api::Imported, model::KeepRule};
use wasm_bindgen_futures::JsFuture;

use crate::{
    api,
    components::{policy_switch::PolicySwitch, prose::prose},
    path, present,
    store::use_store,
};

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
            <span class="button-row push">
                <a class="button" href=path::API_EXPORT rel="external" download="snapferry-policies.json">"Export"</a>
                <Import/>
                <a class="button primary" href=path::new_policy(None)>"New policy"</a>
            </span>
        </div>
        {list}
    }
}

/// Takes a file of policies and saves them, all or none.
#[component]
fn Import() -> impl IntoView {
    let store = use_store();
    let input = NodeRef::<html::Input>::new();
    let is_sending = RwSignal::new(false);
    let why_not = Memo::new(move |_| store.why_no_policies());
    let choose = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let send = move |_| {
        let Some(input) = input.get_untracked() else { return };
        let Some(file) = input.files().and_then(|files| files.get(0)) else { return };
        is_sending.set(true);
        spawn_local(async move {
            let (is_bad, text) = match import(&file).await {
                Ok(imported) => (false, imported_words(&imported)),
                Err(problem) => (true, format!("{}: {problem}", file.name())),
            };
            store.notify(is_bad, text, None);
            store.wake();
            // The same file, mended, is to be a change again.
            input.set_value("");
            is_sending.try_set(false);
        });
    };
    view! {
        <button
            type="button"
            disabled=move || is_sending.get() || why_not.get().is_some()
            title=move || why_not.get()
            on:click=choose
        >
            {move || if is_sending.get() { "Importing…" } else { "Import" }}
        </button>
        <input
            type="file"
            accept=".json,application/json"
            class="visually-hidden"
            tabindex="-1"
            aria-label="File of policies"
            node_ref=input
            on:change=send
        />
    }
}

async fn import(file: &web_sys::File) -> Result<Imported, String> {
    let text = JsFuture::from(file.text()).await;
    let text = text.ok().and_then(|text| text.as_string()).ok_or("It cannot be read.")?;
    let file = serde_json::from_str(&text).map_err(|error| format!("It is not JSON: {error}."))?;
    api::import_policies(&file).await.map_err(|failure| failure.message().to_owned())
}

fn imported_words(imported: &Imported) -> String {
    let policies = |n: usize| match n {
        1 => "1 policy".to_owned(),
        n => format!("{n} policies"),
    };
    let saved = match imported.saved.len() {
        0 => "Nothing had changed".to_owned(),
        n => format!("Saved {} ({})", policies(n), imported.saved.join(", ")),
    };
    let unchanged = match imported.unchanged.len() {
        0 => String::new(),
        n => format!("; {} unchanged", policies(n)),
    };
    let left = match imported.not_in_file.len() {
        0 => String::new(),
        n => format!("; {} not in the file, left as before", policies(n)),
    };
    format!("{saved}{unchanged}{left}.")
}

#[component]
fn Line(policy: Policy) -> impl IntoView {
    let store = use_store();
    let until = policy.paused_until;
    let paused =
        move || until.filter(|until| store.about_now.get().is_some_and(|now| *until > now));
    view! {
        <tr>
            <th scope="row">
                <a class="name" href=path::policy(&policy.id)>{policy.name.clone()}</a>
                <span class="sub">{policy.id.clone()}</span>
            </th>
            <td data-label="Enabled"><PolicySwitch policy=policy.clone()/></td>
            <td data-label="Does">
                {prose(&summary(&policy))}
                {move || paused().map(|until| view! {
                    <span class="sub">{format!("Paused until {}", present::time::minute(until))}</span>
                })}
            </td>
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
