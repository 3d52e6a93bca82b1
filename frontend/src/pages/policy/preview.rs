//! What the next tick would do if the draft were saved: the planner itself says it, here.

use std::collections::BTreeSet;

use leptos::prelude::*;
use shared::{
    Fate, Plan, Policy, ResourceId, Step, Subject,
    foresight::{CopyBound, copy_bound},
    lineage::lineage,
    model::Selected,
    plan,
    plan::Cause,
};

use super::picture::Picture;

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
        let mut draft = policy.get();
        if let Some(saved) = estate.policies.iter().find(|known| known.id == draft.id) {
            // What saving it does: the rules that it replaces hold until a person approves.
            draft.version = saved.version + 1;
            draft.rules_before = draft.replacing(saved);
        }
        let mut policies = estate.policies.clone();
        policies.retain(|known| known.id != draft.id);
        policies.push(draft.clone());
        let inventory = &estate.inventory;
        let history = store.history.get()?;
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
            <Bound policy/>
            <Picture policy/>
        </aside>
    }
}

/// The most that copies may move; nothing for a policy without targets.
#[component]
fn Bound(policy: Memo<Policy>) -> impl IntoView {
    let store = use_store();
    let words = Memo::new(move |_| {
        let (estate, status) = (store.estate.get()?, store.status.get()?);
        let policy = policy.get();
        let inventory = &estate.inventory;
        let bound = copy_bound(&policy, inventory, &status.limits, inventory.taken_at);
        (!policy.targets.is_empty())
            .then(|| bound_words(&policy, bound, status.limits.delta_percent))
    });
    let line = |text: String| view! { <li>{text}</li> };
    move || {
        words.get().map(|lines| {
            view! {
                <section aria-label="Upper bound of copies">
                    <h2>"What copies may move"</h2>
                    <ul class="bound">{lines.into_iter().map(line).collect_view()}</ul>
                </section>
            }
        })
    }
}

fn bound_words(policy: &Policy, bound: CopyBound, delta_percent: u64) -> Vec<String> {
    let size = present::number::size;
    let first = match bound.first_bytes {
        0 => "No first copies are left to be made.".to_owned(),
        bytes => format!("First copies are whole: up to {}, once.", size(bytes)),
    };
    let month = format!(
        "After that, at most {} a month: {}, {} and {}, each copy taken to be {delta_percent} % of its \
         disk, as Azure tells no delta's size before.",
        size(bound.month_bytes),
        present::count(bound.disks, "disk"),
        present::count(policy.targets.len(), "target"),
        present::count(bound.slots, "slot"),
    );
    let stop = match policy.stop_loss_gib {
        None => "No stop-loss is set.".to_owned(),
        Some(gib) => format!("The stop-loss ends it at {gib} GiB in a month."),
    };
    vec![first, month, stop]
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
        {if disk_count == 0 {
            view! { <p class="dim">"Nothing for any disk: none is selected, or the policy is off."</p> }.into_any()
        } else {
            view! {
                <h3>"Why"</h3>
                <ul class="lines">
                    {disks.into_iter().take(SHOWN).map(line).collect_view()}
                    {more(disk_count)}
                </ul>
            }.into_any()
        }}
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
