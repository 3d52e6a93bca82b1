//! The last runs: what each did, and what failed.

use leptos::{prelude::*, task::spawn_local};
use shared::api::RunSummary;

use crate::{
    api,
    components::{badge::Badge, prose::failed, time::Time},
    load::{Load, load},
    path,
    present::{self, Tone, Word},
    query::use_query,
    store::use_store,
};

#[component]
pub(crate) fn RunsPage() -> impl IntoView {
    let (store, query) = (use_store(), use_query());
    // Any news may come from a run; so may a tick that changed nothing.
    let last = Memo::new(move |_| store.status.get().and_then(|status| status.last_tick_at));
    let again = move || {
        last.track();
        store.estate.track();
    };
    let runs = load(again, api::runs);
    let is_running = RwSignal::new(false);
    let why_not = Memo::new(move |_| store.why_no_actions());
    let run_now = move |_| {
        is_running.set(true);
        spawn_local(async move {
            let outcome = api::tick().await;
            is_running.try_set(false);
            store.wake();
            match outcome {
                Ok(ticked) => match ticked.runs.last() {
                    Some(run) => query.to(&path::run(&run.id), false),
                    None => {
                        let text = "The worker was asked for a tick; its run appears here.";
                        store.notify(false, text.to_owned(), None);
                    }
                },
                Err(failure) => {
                    let text = format!("The tick could not be run: {}", failure.message());
                    store.notify(true, text, None);
                }
            }
        });
    };
    let list = move || match runs.get() {
        Load::Loading => view! { <p class="loading" role="status">"Loading…"</p> }.into_any(),
        Load::Failed(message) => failed(&message).into_any(),
        Load::Ready(runs) if runs.runs.is_empty() => {
            view! { <p class="empty">"Nothing has run yet."</p> }.into_any()
        }
        Load::Ready(_) => {
            let each =
                move || runs.with(|runs| runs.ready().map(|r| r.runs.clone())).unwrap_or_default();
            view! { <Table runs=Signal::derive(each)/> }.into_any()
        }
    };
    view! {
        <div class="title-row">
            <h1>"Runs"</h1>
            <button
                type="button"
                class="push"
                disabled=move || is_running.get() || why_not.get().is_some()
                title=move || why_not.get()
                on:click=run_now
            >
                {move || if is_running.get() { "Running…" } else { "Run now" }}
            </button>
        </div>
        <p class="dim">"Each tick lists what exists, decides, does the few things decided, and says why."</p>
        {list}
    }
}

#[component]
fn Table(runs: Signal<Vec<RunSummary>>) -> impl IntoView {
    view! {
        <table aria-label="Runs">
            <thead>
                <tr>
                    <th scope="col">"Time"</th>
                    <th scope="col">"Set off by"</th>
                    <th scope="col">"Result"</th>
                    <th scope="col">"Steps"</th>
                    <th scope="col" class="number">"Took"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || runs.get() key=|run| run.id.clone() let:run>
                    <Line run/>
                </For>
            </tbody>
        </table>
    }
}

/// How a run went, in a word.
pub(crate) fn result(steps: usize, failures: usize, problems: usize) -> Word {
    let word = |text, tone, meaning| Word { text, tone, meaning };
    match (steps, failures, problems) {
        (_, 0, 0) if steps == 0 => word("Nothing due", Tone::Quiet, "There was nothing to do."),
        (_, 0, 0) => word("Done", Tone::Good, "Every step was done or taken on by Azure."),
        (_, 0, _) => word("Problem", Tone::Warn, "The run as a whole met a problem."),
        (..) => word("Failed steps", Tone::Bad, "Azure refused some steps or did not answer."),
    }
}

#[component]
fn Line(run: RunSummary) -> impl IntoView {
    const SHOWN: usize = 3;
    let word = result(run.steps.len(), run.failures, run.problems.len());
    let more = run.steps.len().saturating_sub(SHOWN);
    let steps = run.steps.into_iter().take(SHOWN).map(|title| view! { <li>{title}</li> });
    let problems = run.problems.into_iter().map(|text| view! { <li class="problem">{text}</li> });
    view! {
        <tr>
            <th scope="row"><a href=path::run(&run.id)><Time at=run.now/></a></th>
            <td data-label="Set off by">{present::trigger(&run.trigger)}</td>
            <td data-label="Result">
                <Badge word=Signal::stored(word)/>
                {(run.failures > 0).then(|| view! { <span class="sub">{run.failures} " failed"</span> })}
            </td>
            <td data-label="Steps">
                <ul class="plain-list">
                    {problems.collect_view()}
                    {steps.collect_view()}
                    {(more > 0).then(|| view! { <li class="dim">{format!("and {more} more")}</li> })}
                </ul>
            </td>
            <td data-label="Took" class="number">{format!("{:.1} s", run.duration_ms as f64 / 1000.0)}</td>
        </tr>
    }
}
