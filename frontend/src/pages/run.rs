//! A run: every step with what came of it, and every decision with its reasons.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use shared::{Decision, Fate, ResourceId, Run, Subject, model::StepOutcome};

use super::runs::result;
use crate::{
    api,
    components::{
        badge::Badge,
        prose::{failed, prose},
        time::Time,
    },
    load::{Load, load},
    path, present,
};

#[component]
pub(crate) fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let run = load(move || id.track(), move || async move { api::run(&id.get_untracked()).await });
    let body = move || match run.get() {
        Load::Loading => view! { <p class="loading" role="status">"Loading…"</p> }.into_any(),
        Load::Failed(message) => failed(&message).into_any(),
        Load::Ready(run) => view! { <Found run/> }.into_any(),
    };
    view! {
        <nav class="crumbs" aria-label="Breadcrumb"><a href=path::RUNS>"Runs"</a></nav>
        {body}
    }
}

#[component]
fn Found(run: Run) -> impl IntoView {
    let word = result(run.steps.len(), run.failures(), run.problems.len());
    let problems = run.problems.iter().map(|text| view! { <li class="problem">{prose(text)}</li> });
    let took = format!("{:.1} s", run.duration_ms as f64 / 1000.0);
    let inventory = run.inventory.clone().unwrap_or_else(|| "nothing could be listed".to_owned());
    let by_fate = present::FATES.into_iter().filter_map(|fate| {
        let of_fate: Vec<Decision> =
            run.decisions.iter().filter(|d| d.fate == fate).cloned().collect();
        (!of_fate.is_empty()).then(|| view! { <Decisions fate decisions=of_fate/> })
    });
    view! {
        <div class="title-row">
            <h1>{format!("Run of {}", present::time::second(run.now))}</h1>
            <Badge word=Signal::stored(word)/>
        </div>
        <dl class="fact-list">
            <div><dt>"Set off by"</dt><dd>{present::trigger(&run.trigger)}</dd></div>
            <div><dt>"Began"</dt><dd><Time at=run.now/></dd></div>
            <div><dt>"Took"</dt><dd>{took}</dd></div>
            <div><dt>"Run"</dt><dd>{run.id.clone()}</dd></div>
            <div><dt>"Inventory"</dt><dd>{inventory}</dd></div>
        </dl>
        <ul class="plain-list">{problems.collect_view()}</ul>
        <section class="block" aria-label="Steps">
            <h2>{present::count(run.steps.len(), "step")}</h2>
            <Steps steps=run.steps.clone()/>
        </section>
        <section class="block" aria-label="Decisions">
            <h2>{present::count(run.decisions.len(), "decision")}</h2>
            {by_fate.collect_view()}
        </section>
    }
}

#[component]
fn Steps(steps: Vec<StepOutcome>) -> impl IntoView {
    if steps.is_empty() {
        return view! { <p class="empty">"There was nothing to do."</p> }.into_any();
    }
    let row = |step: StepOutcome| {
        let word = present::outcome(&step.outcome);
        let message = present::outcome_message(&step.outcome);
        let id = step.azure_request_id.unwrap_or_else(|| "—".to_owned());
        view! {
            <tr>
                <th scope="row">
                    <a href=path::resource(step.step.effect.id())>{step.step.effect.title()}</a>
                </th>
                <td data-label="Outcome">
                    <Badge word=Signal::stored(word)/>
                    {message.map(|text| view! { <p class="cell-message">{prose(&text)}</p> })}
                </td>
                <td data-label="Azure request id" class="code">{id}</td>
            </tr>
        }
    };
    view! {
        <table aria-label="Steps">
            <thead>
                <tr>
                    <th scope="col">"Step"</th>
                    <th scope="col">"Outcome"</th>
                    <th scope="col">"Azure request id"</th>
                </tr>
            </thead>
            <tbody>{steps.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Decisions(fate: Fate, decisions: Vec<Decision>) -> impl IntoView {
    let word = present::fate(fate);
    let link = |id: &ResourceId| {
        view! { <a href=path::resource(id)>{id.name().to_owned()}</a> }.into_any()
    };
    let line = move |decision: Decision| {
        let about = match &decision.subject {
            Subject::Disk(id) | Subject::Point(id) => link(id),
            Subject::Request(id) => view! { <span>"Request " {id.clone()}</span> }.into_any(),
        };
        let reasons = prose(&present::reasons(&decision));
        view! { <li>{about} " " <span class="dim">{reasons}</span></li> }
    };
    let n = decisions.len();
    view! {
        <details open=true>
            <summary><Badge word=Signal::stored(word)/> " " {n}</summary>
            <ul class="lines decisions">{decisions.into_iter().map(line).collect_view()}</ul>
        </details>
    }
}
