//! A plan, parted by the subscriptions of the disks: each part is one run, in one chain. Decides
//! nothing.

use std::collections::BTreeMap;

use shared::{Effect, Inventory, Plan, ResourceId, Subject, model::Link, plan::Cause};

/// Parts a plan by chain. Every step and decision is in exactly one part; a request's decision is
/// where its step is.
pub(super) fn part(plan: Plan, inventory: &Inventory) -> BTreeMap<String, Plan> {
    let homes = Homes::new(inventory);
    let mut parts: BTreeMap<String, Plan> = BTreeMap::new();
    let mut of_requests = BTreeMap::new();
    for step in plan.steps {
        let chain = homes.of_effect(&step.effect);
        if let Cause::Request { id } = &step.cause {
            of_requests.insert(id.clone(), chain.clone());
        }
        parts.entry(chain).or_default().steps.push(step);
    }
    for decision in plan.decisions {
        let chain = match &decision.subject {
            Subject::Disk(id) => homes.of(id.subscription()),
            Subject::Point(id) => homes.of_point(id),
            Subject::Request(id) => {
                of_requests.get(id).cloned().unwrap_or_else(|| homes.of(Link::ESTATE))
            }
        };
        parts.entry(chain).or_default().decisions.push(decision);
    }
    parts
}

/// The chain of a run that looked at everything and found nothing to decide.
pub(super) fn default_chain(inventory: &Inventory) -> String {
    Homes::new(inventory).of(Link::ESTATE)
}

/// Where points belong: with what they were made from, so that a copy elsewhere is in the part of
/// its disk.
struct Homes<'a> {
    /// An estate of one subscription has one chain, whatever it is about.
    only: Option<&'a str>,
    points: BTreeMap<&'a str, &'a str>,
}

impl<'a> Homes<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        let only = match inventory.subscriptions.as_slice() {
            [one] => Some(one.id.as_str()),
            _ => None,
        };
        let elsewhere = inventory.snapshots.iter().filter_map(|point| {
            let home = point.source_id.as_ref()?.subscription();
            (home != point.id.subscription()).then(|| (point.id.key(), home))
        });
        Self { only, points: elsewhere.collect() }
    }

    fn of(&self, subscription: &str) -> String {
        self.only.unwrap_or(subscription).to_ascii_lowercase()
    }

    fn of_point(&self, id: &ResourceId) -> String {
        self.of(self.points.get(id.key()).copied().unwrap_or_else(|| id.subscription()))
    }

    fn of_effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::CreateSnapshot { source, .. } | Effect::StartCopy { source, .. } => {
                self.of(source.subscription())
            }
            Effect::CreateDisk { id, .. }
            | Effect::MarkPoint { id, .. }
            | Effect::UnmarkPoint { id, .. }
            | Effect::PinPoint { id, .. }
            | Effect::AdoptPoint { id, .. }
            | Effect::AbandonCopy { id, .. }
            | Effect::DeletePoint { id, .. } => self.of_point(id),
        }
    }
}
