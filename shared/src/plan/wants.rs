//! What each target of a disk lacks: the points that its rules would keep, in creation order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Context, force::Force};
use crate::{
    lineage::Point,
    model::{Disk, PointState, ResourceId, Side, Target},
    status::target_side,
};

/// Points that remain wanted by a target that takes none, once the source nears Azure's limit.
const THINNED: usize = 50;

/// What one target side of a disk lacks.
pub(super) struct Want<'c, 'a> {
    pub(super) side: Side,
    /// Oldest first.
    pub(super) points: Vec<Wanted<'c, 'a>>,
    /// Points that are given up because the target does not take any.
    pub(super) given_up: BTreeSet<ResourceId>,
    /// When the side breaks its RPO.
    pub(super) deadline: Timestamp,
}

/// A point that a side lacks, for a policy of the point; the first by id where several want it.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'c, 'a> {
    pub(super) point: &'c Point<'a>,
    pub(super) force: &'c Force<'a>,
    pub(super) target: &'a Target,
}

/// The wants of a disk, by side.
pub(super) fn wants<'c, 'a>(
    context: &Context<'a>,
    disk: &Disk,
    chain: &'c [Point<'a>],
    covering: &[&'c Force<'a>],
) -> Vec<Want<'c, 'a>> {
    let mut by_side: BTreeMap<Side, Want<'c, 'a>> = BTreeMap::new();
    for force in covering {
        for target in &force.policy.targets {
            let side = target_side(force.policy, target, disk);
            let points = wanted(context, force, target, chain, &side);
            let deadline = deadline(context, force, target, chain, &side, &points);
            let want = by_side.entry(side.clone()).or_insert_with(|| Want {
                side,
                points: vec![],
                given_up: BTreeSet::new(),
                deadline,
            });
            want.deadline = want.deadline.min(deadline);
            want.points.extend(points.into_iter().map(|point| Wanted { point, force, target }));
        }
    }
    let sources: Vec<&ResourceId> = chain
        .iter()
        .filter(|p| !p.snapshot.is_copy && p.snapshot.incremental)
        .map(|p| &p.snapshot.id)
        .collect();
    by_side
        .into_values()
        .map(|mut want| {
            want.points.sort_by(|a, b| {
                let key = |w: &Wanted<'c, 'a>| (w.point.point_time, &w.point.snapshot.id);
                key(a).cmp(&key(b))
            });
            want.points.dedup_by_key(|wanted| &wanted.point.snapshot.id);
            if sources.len() >= context.limits.thin_above {
                thin(&mut want, &sources);
            }
            want
        })
        .collect()
}

/// The points that a target wants for one policy and does not have, oldest first.
///
/// Azure copies in creation order: nothing older than the newest copied point of the region, but
/// that one may go to a second side there (compute-snapshots §1.6). What the target's rules would
/// delete at once is not wanted.
fn wanted<'c, 'a>(
    context: &Context<'_>,
    force: &Force<'_>,
    target: &Target,
    chain: &'c [Point<'a>],
    side: &Side,
) -> Vec<&'c Point<'a>> {
    let alive = |p: &&Point<'_>| !matches!(p.snapshot.state, PointState::Failed { .. });
    let copies = || chain.iter().filter(|p| p.snapshot.is_copy).filter(alive);
    let in_region = copies().filter(|p| p.snapshot.region == side.region);
    let newest = in_region.map(|p| p.point_time).max();
    let on_side: Vec<Timestamp> =
        copies().filter(|p| *p.side() == *side).map(|p| p.point_time).collect();
    let mut lacking: Vec<&Point<'_>> = chain
        .iter()
        .filter(|p| !p.snapshot.is_copy && p.snapshot.incremental)
        .filter(|p| p.snapshot.is_of(&context.limits.installation))
        .filter(|p| p.snapshot.is_of_policy(&force.policy.id))
        .filter(alive)
        .filter(|p| newest.is_none_or(|newest| p.point_time >= newest))
        .filter(|p| !on_side.contains(&p.point_time))
        .collect();
    if !target.keep.is_empty() {
        let mut all: Vec<(Timestamp, Option<&ResourceId>)> = copies()
            .filter(|p| *p.side() == *side && p.snapshot.is_of_policy(&force.policy.id))
            .map(|p| (p.point_time, None))
            .chain(lacking.iter().map(|p| (p.point_time, Some(&p.snapshot.id))))
            .collect();
        all.sort_by(|a, b| b.cmp(a));
        let times: Vec<Timestamp> = all.iter().map(|(at, _)| *at).collect();
        let kept = target.keep.kept(&times, &force.zone);
        let kept: BTreeSet<&ResourceId> = all
            .iter()
            .zip(kept)
            .filter(|(_, rules)| !rules.is_empty())
            .filter_map(|((_, id), _)| *id)
            .collect();
        lacking.retain(|p| kept.contains(&p.snapshot.id));
    }
    lacking
}

/// When the side breaks its RPO. Another installation's copies do not put it off: they stay and go
/// as that one pleases, and where two share a disk, each would hold up the other for ever.
fn deadline(
    context: &Context<'_>,
    force: &Force<'_>,
    target: &Target,
    chain: &[Point<'_>],
    side: &Side,
    points: &[&Point<'_>],
) -> Timestamp {
    let newest = chain
        .iter()
        .filter(|p| p.snapshot.state.is_ready() && *p.side() == *side)
        .filter(|p| p.snapshot.is_of(&context.limits.installation))
        .map(|p| p.point_time)
        .max();
    let since = newest.or_else(|| points.first().map(|p| p.point_time));
    let rpo = jiff::SignedDuration::from_secs(force.rpo_seconds(target.rpo_minutes));
    since.and_then(|since| since.checked_add(rpo).ok()).unwrap_or(Timestamp::MAX)
}

/// Thins the middle: the newest stays, and of the others some at even distances in the chain, the
/// same for every target.
fn thin(want: &mut Want<'_, '_>, sources: &[&ResourceId]) {
    let stride = sources.len().div_ceil(THINNED);
    let stay: BTreeSet<&ResourceId> =
        sources.iter().step_by(stride).chain(sources.last()).copied().collect();
    want.points.retain(|Wanted { point, .. }| {
        let stays = stay.contains(&point.snapshot.id);
        if !stays {
            want.given_up.insert(point.snapshot.id.clone());
        }
        stays
    });
}
