//! A policy's editor, with what the next tick would do if it were saved as it stands.

mod disks;
mod draft;
mod fields;
mod keep;
mod picture;
mod preview;
mod rules;
mod schedule;
mod targets;

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use shared::{Policy, foresight::cautions};

use crate::{
    api,
    components::{
        dialog::Dialog,
        icon::ToneIcon,
        prose::{failed, prose},
    },
    path,
    present::Tone,
    query::{Query, use_query},
    store::use_store,
};
use draft::Draft;
use fields::Fields;
use preview::Preview;

#[component]
pub(crate) fn PolicyPage() -> impl IntoView {
    let (store, query) = (use_store(), use_query());
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let is_ready = Memo::new(move |_| store.estate.with(Option::is_some));
    let body = move || {
        let id = id.get();
        if !is_ready.get() {
            return view! { <p class="loading" role="status">"Loading…"</p> }.into_any();
        }
        let estate = store.estate.get_untracked();
        let saved = estate.and_then(|estate| estate.policies.iter().find(|p| p.id == id).cloned());
        match saved {
            Some(policy) => {
                view! { <Editor draft=Draft::of(&policy) saved=Some(policy)/> }.into_any()
            }
            None if id == "new" => {
                let disk = query.get("disk").parse().ok();
                view! { <Editor draft=Draft::new(disk) saved=None/> }.into_any()
            }
            None => view! { <h1>{id}</h1> <p>"There is no policy of this id."</p> }.into_any(),
        }
    };
    view! {
        <nav class="crumbs" aria-label="Breadcrumb"><a href=path::POLICIES>"Policies"</a></nav>
        {body}
    }
}

#[component]
fn Editor(draft: Draft, saved: Option<Policy>) -> impl IntoView {
    let (store, query) = (use_store(), use_query());
    let is_new = saved.is_none();
    let original = RwSignal::new(saved);
    let policy = Memo::new(move |_| {
        let estate = store.estate.get();
        let known = estate.as_ref().map_or(&[][..], |estate| &estate.policies);
        draft.policy(original.get().as_ref(), known)
    });
    let problems = Memo::new(move |_| {
        policy.with(|policy| policy.problems().iter().map(ToString::to_string).collect::<Vec<_>>())
    });
    let cautions = Memo::new(move |_| {
        let estate = store.estate.get();
        let found = estate.map(|estate| policy.with(|p| cautions(p, &estate.inventory)));
        found.unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>()
    });
    let why_not = Memo::new(move |_| store.why_no_policies());
    let is_saving = RwSignal::new(false);
    let failure = RwSignal::new(None::<String>);
    let is_changed = Memo::new(move |_| original.with(|o| o.as_ref() != Some(&policy.get())));
    // Saved by somebody else since this page took its copy.
    let newer = Memo::new(move |_| {
        let original = original.get()?;
        let estate = store.estate.get()?;
        let now = estate.policies.iter().find(|policy| policy.id == original.id)?.version;
        (now > original.version).then_some(now)
    });
    let take_saved = move |_| {
        let id = policy.with_untracked(|policy| policy.id.clone());
        let estate = store.estate.get_untracked();
        if let Some(saved) = estate.and_then(|e| e.policies.iter().find(|p| p.id == id).cloned()) {
            draft.take(&saved);
            original.set(Some(saved));
            failure.set(None);
        }
    };
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if is_saving.get_untracked() || !problems.with_untracked(Vec::is_empty) {
            return;
        }
        let wanted = policy.get_untracked();
        is_saving.set(true);
        failure.set(None);
        spawn_local(async move {
            let outcome = api::save_policy(&wanted).await;
            is_saving.try_set(false);
            store.wake();
            match outcome {
                Ok(saved) => {
                    store.notify(false, format!("{} is saved.", saved.name), None);
                    original.try_set(Some(saved));
                    if is_new {
                        // The list, as the estate that holds the new one is a poll away.
                        query.to(path::POLICIES, true);
                    }
                }
                Err(error) if error.is_conflict() => {
                    failure.try_set(Some(
                        "Somebody else saved this policy meanwhile. Take their version and change \
                         that."
                            .to_owned(),
                    ));
                }
                Err(error) => {
                    failure.try_set(Some(error.message().to_owned()));
                }
            }
        });
    };
    let blocked = Memo::new(move |_| {
        why_not.get().or_else(|| problems.with(|problems| problems.first().cloned()))
    });
    let disabled = Signal::derive(move || why_not.get().is_some());
    let problem = |text: String| {
        view! { <li><ToneIcon tone=Tone::Bad/><span>{prose(&text)}</span></li> }
    };
    let caution = |text: String| {
        view! { <li class="warn"><ToneIcon tone=Tone::Warn/><span>{prose(&text)}</span></li> }
    };
    view! {
        <h1>{move || if is_new { "New policy".to_owned() } else { original.with(|o| o.as_ref().map(|p| p.name.clone()).unwrap_or_default()) }}</h1>
        {move || newer.get().map(|version| view! {
            <p class="banner warn" role="status">
                <ToneIcon tone=Tone::Warn/>
                <span>{format!("Version {version} was saved meanwhile; this form still shows the one before.")}</span>
                <button type="button" class="small" on:click=take_saved>"Take the saved version"</button>
            </p>
        })}
        <div class="editor">
            <form on:submit=save aria-label="Policy">
                <Fields draft policy disabled/>
                <ul class="obstacles" role="status" aria-label="Problems">
                    {move || problems.get().into_iter().map(problem).collect_view()}
                    {move || cautions.get().into_iter().map(caution).collect_view()}
                </ul>
                {move || failure.get().map(|text| failed(&text))}
                <div class="dialog-foot">
                    <button
                        type="submit"
                        class="primary"
                        disabled=move || is_saving.get() || blocked.get().is_some() || !is_changed.get()
                    >
                        {move || if is_saving.get() { "Saving…" } else { "Save policy" }}
                    </button>
                    <span class="dim" role="status">
                        {move || match blocked.get() {
                            Some(reason) => prose(&format!("Not possible: {reason}")),
                            None if !is_changed.get() => prose("Nothing is changed."),
                            None => prose(""),
                        }}
                    </span>
                    {(!is_new).then(|| view! {
                        <button type="button" class="danger push" disabled=disabled
                            on:click=move |_| query.push(&[("do", "delete".to_owned())])>
                            "Delete policy"
                        </button>
                    })}
                </div>
            </form>
            <Preview policy/>
        </div>
        {move || (query.get("do") == "delete").then(|| original.get()).flatten().map(|policy| view! {
            <ConfirmDelete policy query/>
        })}
    }
}

#[component]
fn ConfirmDelete(policy: Policy, query: Query) -> impl IntoView {
    let store = use_store();
    let close = move || query.replace(&[("do", String::new())]);
    let on_close = Callback::new(move |()| close());
    let title = format!("Delete {}?", policy.name);
    let failure = RwSignal::new(None::<String>);
    let delete = move |_| {
        let (id, version) = (policy.id.clone(), policy.version);
        spawn_local(async move {
            match api::delete_policy(&id, version).await {
                Ok(()) => {
                    store.notify(false, format!("Policy {id} is deleted."), None);
                    store.wake();
                    query.to(path::POLICIES, true);
                }
                Err(error) => {
                    failure.try_set(Some(error.message().to_owned()));
                }
            }
        });
    };
    view! {
        <Dialog title on_close>
            <p>
                "Its disks get no more snapshots and copies by itself. Every point that it made \
                 stays: it is released, and nothing deletes it."
            </p>
            {move || failure.get().map(|text| failed(&text))}
            <div class="dialog-foot">
                <button type="button" class="danger" on:click=delete>"Delete policy"</button>
                <button type="button" on:click=move |_| close()>"Cancel"</button>
            </div>
        </Dialog>
    }
}
