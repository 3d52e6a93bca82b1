//! What each target of a disk lacks: the points that its rules would keep, in creation order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Context, force::Force};
use crate::{
    lineage::Point,
    model::{Disk, PointState, Side, Target},
    status::target_side,
};

/// Points that remain wanted by a target that takes none, once the source nears Azure's limit.
const THINNED: usize = 50;

/// What one target side of a disk lacks.
pub(super) struct Want<'c, 'a> {
    pub(super) side: Side,
    /// Oldest first.
    pub(super) points: Vec<Wanted<'c, 'a>>,
    /// Places in the chain of points that are given up because the target does not take any.
    pub(super) given_up: Vec<usize>,
    /// When the side breaks its RPO.
    pub(super) deadline: Timestamp,
}

/// A point that a side lacks, for a policy of the point; the first by id where several want it.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'c, 'a> {
    /// Its place in the chain.
    pub(super) at: usize,
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
            let oldest = points.first().map(|wanted| wanted.point.point_time);
            let deadline = deadline(context, force, target, chain, &side, oldest);
            let want = by_side.entry(side.clone()).or_insert_with(|| Want {
                side,
                points: vec![],
                given_up: vec![],
                deadline,
            });
            want.deadline = want.deadline.min(deadline);
            want.points.extend(points);
        }
    }
    let sources = chain.iter().enumerate();
    let sources = sources.filter(|(_, p)| !p.snapshot.is_copy && p.snapshot.incremental);
    let sources: Vec<usize> = sources.map(|(at, _)| at).collect();
    by_side
        .into_values()
        .map(|mut want| {
            want.points.sort_by_key(|wanted| wanted.at);
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
    force: &'c Force<'a>,
    target: &'a Target,
    chain: &'c [Point<'a>],
    side: &Side,
) -> Vec<Wanted<'c, 'a>> {
    let alive = |p: &&Point<'_>| !matches!(p.snapshot.state, PointState::Failed { .. });
    let copies = || chain.iter().filter(|p| p.snapshot.is_copy).filter(alive);
    let in_region = copies().filter(|p| p.snapshot.region == side.region);
    let newest = in_region.map(|p| p.point_time).max();
    let on_side: Vec<Timestamp> =
        copies().filter(|p| *p.side() == *side).map(|p| p.point_time).collect();
    // Times are compared before tags are read: nearly all points are older than the newest copy.
    let mut lacking: Vec<Wanted<'_, '_>> = chain
        .iter()
        .enumerate()
        .map(|(at, point)| Wanted { at, point, force, target })
        .filter(|w| newest.is_none_or(|newest| w.point.point_time >= newest))
        .filter(|w| !w.point.snapshot.is_copy && w.point.snapshot.incremental)
        .filter(|w| alive(&w.point))
        .filter(|w| !on_side.contains(&w.point.point_time))
        .filter(|w| w.point.snapshot.is_of(&context.limits.installation))
        .filter(|w| w.point.snapshot.is_of_policy(&force.policy.id))
        .collect();
    if !lacking.is_empty() && !target.keep.is_empty() {
        let mut all: Vec<(Timestamp, Option<usize>)> = copies()
            .filter(|p| *p.side() == *side && p.snapshot.is_of_policy(&force.policy.id))
            .map(|p| (p.point_time, None))
            .chain(lacking.iter().map(|w| (w.point.point_time, Some(w.at))))
            .collect();
        all.sort_by(|a, b| b.cmp(a));
        let times: Vec<Timestamp> = all.iter().map(|(at, _)| *at).collect();
        let kept = target.keep.kept(&times, &force.zone);
        let kept: BTreeSet<usize> = all
            .iter()
            .zip(kept)
            .filter(|(_, rules)| !rules.is_empty())
            .filter_map(|((_, at), _)| *at)
            .collect();
        lacking.retain(|wanted| kept.contains(&wanted.at));
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
    oldest_wanted: Option<Timestamp>,
) -> Timestamp {
    let newest = chain
        .iter()
        .filter(|p| p.snapshot.state.is_ready() && *p.side() == *side)
        .filter(|p| p.snapshot.is_of(&context.limits.installation))
        .map(|p| p.point_time)
        .max();
    let since = newest.or(oldest_wanted);
    let rpo = jiff::SignedDuration::from_secs(force.rpo_seconds(target.rpo_minutes));
    since.and_then(|since| since.checked_add(rpo).ok()).unwrap_or(Timestamp::MAX)
}

/// Thins the middle: the newest stays, and of the others some at even distances in the chain, the
/// same for every target.
fn thin(want: &mut Want<'_, '_>, sources: &[usize]) {
    let stride = sources.len().div_ceil(THINNED);
    let stay: BTreeSet<usize> =
        sources.iter().step_by(stride).chain(sources.last()).copied().collect();
    want.points.retain(|Wanted { at, .. }| {
        let stays = stay.contains(at);
        if !stays {
            want.given_up.push(*at);
        }
        stays
    });
}
