//! What keeps a point whatever the rules say, worked out once for a chain: the floor of a side, bases, what is being
//! copied, what a target lacks, pins.

use foldhash::HashMap;
use jiff::Timestamp;

use super::{Context, Reason, View};
use crate::{
    lineage::Point,
    model::{PointState, Region, ResourceId, Side},
    tags,
};

/// What keeps one point, and the target that goes without it.
#[derive(Clone, Default)]
pub(super) struct Guard<'c> {
    pub(super) pinned_by: Option<&'c str>,
    is_floor: bool,
    /// The copy of it that the next one is reckoned from.
    base_of: Option<&'c ResourceId>,
    /// The copy that is being made from it.
    read_by: Option<&'c ResourceId>,
    wanted_by: Option<&'c Side>,
    pub(super) given_up_for: Option<&'c Side>,
}

/// One for each point of `chain`, in its order; `pinned` are the points that a step of this very
/// plan pins, with who asked.
pub(super) fn guards<'c, 'a: 'c>(
    context: &Context<'a>,
    chain: &'c [Point<'a>],
    view: Option<&'c View<'_, 'a>>,
    pinned: &'c HashMap<ResourceId, String>,
) -> Vec<Guard<'c>> {
    let mut guards = vec![Guard::default(); chain.len()];
    let mut sides: Vec<&Side> = vec![];
    let mut regions: Vec<(&Region, Timestamp)> = vec![];
    for (at, point) in chain.iter().enumerate().rev() {
        let snapshot = point.snapshot;
        let actor = tags::read(&snapshot.tags, tags::PIN);
        guards[at].pinned_by = actor.or_else(|| pinned.get(&snapshot.id).map(String::as_str));
        if snapshot.is_copy
            && snapshot.state.is_under_way()
            && let Some(source) =
                chain.iter().position(|p| Some(&p.snapshot.id) == snapshot.source_id.as_ref())
        {
            guards[source].read_by = Some(&snapshot.id);
        }
        if !snapshot.state.is_ready() {
            continue;
        }
        let side = point.side();
        if !sides.contains(&side) {
            sides.push(side);
            guards[at].is_floor = true;
        }
        if snapshot.is_copy {
            // Two sides of a region may hold its newest point; each is a base.
            let known = regions.iter().find(|(region, _)| **region == snapshot.region);
            let newest = known.map(|(_, newest)| *newest);
            if newest.is_none() {
                regions.push((&snapshot.region, point.point_time));
            }
            if newest.is_none_or(|newest| newest == point.point_time)
                && let Some(source) = context.index.source_of(snapshot)
                && let Some(source) = chain.iter().position(|p| std::ptr::eq(p.snapshot, source))
            {
                guards[source].base_of = Some(&snapshot.id);
            }
        }
    }
    for want in view.iter().flat_map(|view| &view.wants) {
        for wanted in &want.points {
            guards[wanted.at].wanted_by = Some(&want.side);
        }
        for at in &want.given_up {
            guards[*at].given_up_for = Some(&want.side);
        }
    }
    guards
}

impl Guard<'_> {
    /// Adds everything that keeps `point` to `reasons`.
    pub(super) fn add_reasons(&self, point: &Point<'_>, reasons: &mut Vec<Reason>) {
        match &point.snapshot.state {
            PointState::Creating | PointState::Copying { .. } => reasons.push(Reason::UnderWay),
            PointState::Failed { message, .. } => {
                reasons.push(Reason::FailedInAzure { message: message.clone() });
            }
            PointState::Ready => {}
        }
        if let Some(actor) = self.pinned_by {
            reasons.push(Reason::KeptByPin { actor: actor.to_owned() });
        }
        if self.is_floor {
            reasons.push(Reason::KeptAsFloor);
        }
        if let Some(copy) = self.base_of {
            reasons.push(Reason::KeptAsBase { copy: copy.clone() });
        }
        if let Some(copy) = self.read_by {
            reasons.push(Reason::KeptAsCopySource { copy: copy.clone() });
        }
        if let Some(side) = self.wanted_by {
            reasons.push(Reason::KeptForTarget { region: side.region.clone() });
        }
    }
}
