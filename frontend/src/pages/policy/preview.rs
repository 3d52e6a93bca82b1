//! What the next tick would do if the draft were saved: the planner itself says it, here.

use std::collections::BTreeSet;

use leptos::prelude::*;
use shared::{
    Fate, History, Plan, Policy, ResourceId, Step, Subject, lineage::lineage, model::Selected,
    plan, plan::Cause,
};

use crate::{
    components::{badge::Badge, prose::prose},
    present::{self, Word},
    store::use_store,
};

/// As many lines of each kind as are shown.
const SHOWN: usize = 12;

#[derive(Clone, Default, PartialEq)]
struct Outlook {
    steps: Vec<Step>,
    disks: Vec<(String, Word, String)>,
    going: Vec<(String, Word, String)>,
    kept: usize,
}

#[component]
pub(super) fn Preview(policy: Memo<Policy>) -> impl IntoView {
    let store = use_store();
    let outlook = Memo::new(move |_| {
        let (estate, status) = (store.estate.get()?, store.status.get()?);
        let draft = policy.get();
        let mut policies = estate.policies.clone();
        policies.retain(|known| known.id != draft.id);
        policies.push(draft.clone());
        let inventory = &estate.inventory;
        let history = History::none();
        let now = inventory.taken_at;
        let plan = plan(inventory, &policies, &[], &history, &status.limits, now);
        Some(look(&plan, &draft, inventory))
    });
    let body = move || match outlook.get() {
        None => view! { <p class="loading">"Loading…"</p> }.into_any(),
        Some(outlook) => view! { <Shown outlook/> }.into_any(),
    };
    view! {
        <aside class="preview" aria-label="Preview">
            <h2>"At the next tick, if saved"</h2>
            {body}
        </aside>
    }
}

/// What of the plan concerns the policy.
fn look(plan: &Plan, draft: &Policy, inventory: &shared::Inventory) -> Outlook {
    let of_it = |step: &&Step| matches!(&step.cause, Cause::Policy { id, .. } if *id == draft.id);
    let lineage = lineage(inventory);
    let selected: BTreeSet<&ResourceId> = inventory
        .disks
        .iter()
        .filter(|disk| draft.disks.selects(disk) != Selected::No)
        .map(|disk| &disk.id)
        .chain(draft.named_disks())
        .collect();
    let covers = |id: &ResourceId| selected.contains(id);
    let mut outlook =
        Outlook { steps: plan.steps.iter().filter(of_it).cloned().collect(), ..Outlook::default() };
    for decision in &plan.decisions {
        let reasons = || present::reasons(decision);
        let line = |name: &str| (name.to_owned(), present::fate(decision.fate), reasons());
        match (&decision.subject, decision.fate) {
            (Subject::Disk(id), _) if covers(id) => {
                outlook.disks.push(line(&format!("{} in {}", id.name(), id.group())))
            }
            (Subject::Point(id), fate) => {
                let covered = inventory.disks.iter().filter(|disk| covers(&disk.id));
                let is_of_it =
                    covered.flat_map(|disk| lineage.of(disk)).any(|point| point.snapshot.id == *id);
                match fate {
                    Fate::Marked | Fate::Delete | Fate::Held if is_of_it => {
                        outlook.going.push(line(id.name()))
                    }
                    Fate::Keep if is_of_it => outlook.kept += 1,
                    _ => {}
                }
            }
            (Subject::Disk(_) | Subject::Request(_), _) => {}
        }
    }
    outlook
}

#[component]
fn Shown(outlook: Outlook) -> impl IntoView {
    let more = |n: usize| {
        (n > SHOWN).then(|| view! { <li class="dim">{format!("and {} more", n - SHOWN)}</li> })
    };
    let line = |(name, word, reasons): (String, Word, String)| {
        view! {
            <li>
                <Badge word=Signal::stored(word)/>
                " " <strong>{name}</strong> " " <span class="dim">{prose(&reasons)}</span>
            </li>
        }
    };
    let Outlook { steps, disks, going, kept } = outlook;
    let (step_count, disk_count, going_count) = (steps.len(), disks.len(), going.len());
    let step = |step: Step| view! { <li>{step.effect.title()}</li> };
    view! {
        <h3>{present::count(step_count, "step")}</h3>
        <ol class="lines">
            {steps.into_iter().take(SHOWN).map(step).collect_view()}
            {more(step_count)}
        </ol>
        <h3>"Why"</h3>
        <ul class="lines">
            {disks.into_iter().take(SHOWN).map(line).collect_view()}
            {more(disk_count)}
        </ul>
        <h3>"Deletions"</h3>
        {if going_count == 0 {
            view! { <p class="dim">{format!("None. {} of its disks are kept by rule.", present::count(kept, "point"))}</p> }.into_any()
        } else {
            view! {
                <ul class="lines">
                    {going.into_iter().take(SHOWN).map(line).collect_view()}
                    {more(going_count)}
                </ul>
            }.into_any()
        }}
    }
}
