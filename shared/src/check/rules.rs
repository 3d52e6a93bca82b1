//! The keep rules and the brake once more, by other means than the planner's: each rule as a set
//! of periods, each policy asked about the whole side.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Facts, Found, Violation};
use crate::{
    lineage::Point,
    model::{
        Disk, Keep, KeepRule, LockLevel, PointState, Policy, ResourceId, Selector, Side, Target,
        time_zone,
    },
    tags,
};

/// Whether the policy's selection holds the disk.
pub(super) fn selects(policy: &Policy, disk: &Disk) -> bool {
    let any = |selectors: &[Selector]| selectors.iter().any(|selector| selector.matches(disk));
    any(&policy.disks.include) && !any(&policy.disks.exclude)
}

/// Whether the disk has a snapshot of ours of the slot that `tags` name, in whichever group, or may
/// have one where not everything is listed.
pub(super) fn has_slot(
    facts: &Facts<'_>,
    id: &ResourceId,
    disk: &Disk,
    tags: &BTreeMap<String, String>,
) -> bool {
    let Some(slot) = tags::read_time(tags, tags::SLOT) else { return false };
    let last = facts.history.slots.get(&disk.unique_id).filter(|last| **last <= facts.now);
    let made = last.is_some_and(|last| *last >= slot);
    let seen = facts
        .chain(&disk.unique_id)
        .iter()
        .map(|point| point.snapshot)
        .filter(|s| !s.is_copy && !matches!(s.state, PointState::Failed { .. }))
        .filter(|s| s.is_of(&facts.limits.installation))
        .any(|s| tags::read_time(&s.tags, tags::SLOT) == Some(slot));
    let elsewhere = |gone: &ResourceId| gone.name() == id.name() && gone != id;
    let missed = facts.inventory.vanished.iter().any(|gone| elsewhere(&gone.id));
    seen || missed || (made && !facts.inventory.gaps.is_empty())
}

/// What the policies write is let alone where a lock forbids it or Azure has said that it will go on
/// to refuse; a person may try.
pub(super) fn check_obstacles(facts: &Facts<'_>, id: &ResourceId, violations: &mut Vec<Violation>) {
    let locks = || facts.inventory.locks.iter().filter(|lock| lock.level == LockLevel::ReadOnly);
    let under = |scope: &str| format!("{}/", id.key()).starts_with(&format!("{scope}/"));
    if locks().any(|lock| under(lock.scope.to_ascii_lowercase().trim_end_matches('/'))) {
        violations.push(Violation::ReadOnly(id.clone()));
    }
    let pause = SignedDuration::from_hours(i64::from(facts.limits.retry_refused_hours));
    // A time to come is that of a clock gone wrong.
    let soon = SignedDuration::from_mins(5);
    let lately = |at: Timestamp| (-soon..pause).contains(&facts.now.duration_since(at));
    if facts.history.refused.get(id.key()).is_some_and(|refused| lately(refused.at)) {
        violations.push(Violation::Retried(id.clone()));
    }
}

fn side_of(policy: &Policy, target: &Target, disk: &Disk) -> Side {
    let own = disk.id.subscription();
    let group = target.group.as_deref().or(policy.group.as_deref());
    Side::new(
        &target.region,
        target.subscription.as_deref().unwrap_or(own),
        group.unwrap_or(disk.id.group()),
    )
}

/// The rules that `policy` has for the side that the point stands on; none if it has no such side.
fn keep_of<'p>(
    policy: &'p Policy,
    source: &'p Keep,
    targets: &'p [Target],
    disk: &Disk,
    point: &Point<'_>,
) -> Option<&'p Keep> {
    if !point.snapshot.is_copy {
        return (point.snapshot.region == disk.region).then_some(source);
    }
    let side = point.side();
    targets.iter().find(|target| side_of(policy, target, disk) == *side).map(|target| &target.keep)
}

/// The times of the ready points that stand with `point` and are the policy's, oldest first.
fn together(
    facts: &Facts<'_>,
    chain: &[Point<'_>],
    policy: &Policy,
    point: &Point<'_>,
) -> Vec<Timestamp> {
    let mut times: Vec<Timestamp> = chain
        .iter()
        .filter(|p| p.snapshot.state.is_ready())
        .filter(|p| p.snapshot.is_of(&facts.limits.installation))
        .filter(|p| p.snapshot.policies().any(|id| id == policy.id))
        .filter(|p| match (p.snapshot.is_copy, point.snapshot.is_copy) {
            (true, true) => p.side() == point.side(),
            (false, false) => p.snapshot.region == point.snapshot.region,
            (true, false) | (false, true) => false,
        })
        .map(|p| p.point_time)
        .collect();
    times.sort();
    times
}

/// The times that the rules keep, of `times`, oldest first. Everything where there are no rules.
fn kept(keep: &Keep, times: &[Timestamp], zone: &TimeZone) -> BTreeSet<Timestamp> {
    let (Some(oldest), Some(newest)) = (times.first(), times.last()) else {
        return BTreeSet::new();
    };
    if keep.is_empty() {
        return times.iter().copied().collect();
    }
    let mut kept = BTreeSet::new();
    for (rule, n) in keep.rules() {
        let n = n as usize;
        match rule {
            KeepRule::Within => {
                let span = SignedDuration::from_hours(i64::try_from(n).unwrap_or(i64::MAX));
                kept.extend(times.iter().filter(|at| newest.duration_since(**at) <= span));
            }
            KeepRule::Last => kept.extend(times.iter().rev().take(n)),
            KeepRule::Hourly
            | KeepRule::Daily
            | KeepRule::Weekly
            | KeepRule::Monthly
            | KeepRule::Yearly => {
                // The newest of each period; times are ascending, so that the last one stays.
                let periods: BTreeMap<(i16, i16, i8), Timestamp> =
                    times.iter().map(|at| (period(rule, *at, zone), *at)).collect();
                let newest_periods: Vec<Timestamp> =
                    periods.values().rev().take(n).copied().collect();
                if newest_periods.len() < n {
                    kept.insert(*oldest);
                }
                kept.extend(newest_periods);
            }
        }
    }
    kept
}

/// Numbers that two times of one period share and that sort by time.
fn period(rule: KeepRule, at: Timestamp, zone: &TimeZone) -> (i16, i16, i8) {
    let local = at.to_zoned(zone.clone());
    let date = local.date();
    match rule {
        // The first two have no periods and are not asked for.
        KeepRule::Last | KeepRule::Within | KeepRule::Hourly => {
            (date.year(), date.day_of_year(), local.hour())
        }
        KeepRule::Daily => (date.year(), date.day_of_year(), 0),
        KeepRule::Weekly => {
            // A week is known by its Monday.
            let since = i64::from(date.weekday().to_monday_zero_offset());
            let monday = date.checked_sub(jiff::Span::new().days(since)).unwrap_or(date);
            (monday.year(), monday.day_of_year(), 0)
        }
        KeepRule::Monthly => (date.year(), i16::from(date.month()), 0),
        KeepRule::Yearly => (date.year(), 0, 0),
    }
}

/// Every policy of the point must be in force, select its disk, and let it go; rules before an
/// edit must, too, unless a person approved; no target may lack it.
pub(super) fn check_policies(
    facts: &Facts<'_>,
    found: &Found<'_>,
    approved: bool,
    violations: &mut Vec<Violation>,
) {
    let id = &found.snapshot.id;
    let disk = facts.by_unique_id.get(found.disk_unique_id).copied();
    let point = found.chain.iter().find(|p| p.snapshot.id == *id);
    let (Some(disk), Some(point)) = (disk, point) else {
        return violations.push(Violation::NoPolicy(id.clone()));
    };
    let mut is_let_go = false;
    for name in found.snapshot.policies() {
        let policy = facts.policy(name).filter(|policy| policy.is_in_force(facts.now));
        let Some(policy) = policy.filter(|policy| selects(policy, disk)) else {
            violations.push(Violation::NoPolicy(id.clone()));
            continue;
        };
        let Some(keep) = keep_of(policy, &policy.keep, &policy.targets, disk, point) else {
            continue;
        };
        let zone = time_zone(&policy.time_zone).unwrap_or(TimeZone::UTC);
        let times = together(facts, found.chain, policy, point);
        if kept(keep, &times, &zone).contains(&found.point_time) {
            violations.push(Violation::KeptByRule(id.clone(), name.to_owned()));
        } else {
            is_let_go = true;
        }
        let accepted = facts.history.accepted.get(name).copied().unwrap_or_default();
        let held = policy.rules_before.iter().filter(|before| before.replaced_by > accepted).any(
            |before| {
                let keep = keep_of(policy, &before.keep, &before.targets, disk, point);
                let zone = time_zone(&before.time_zone).unwrap_or_else(|_| zone.clone());
                keep.is_none_or(|keep| kept(keep, &times, &zone).contains(&found.point_time))
            },
        );
        if held && !approved {
            violations.push(Violation::HeldByEdit(id.clone()));
        }
    }
    if !is_let_go {
        violations.push(Violation::NoPolicy(id.clone()));
    }
    if !found.snapshot.is_copy && is_wanted(facts, found.chain, disk, point) {
        violations.push(Violation::Wanted(id.clone()));
    }
}

/// Whether a target of a policy in force lacks the point and would keep it. Near Azure's limit of
/// snapshots, only the newest is held for a target.
fn is_wanted(facts: &Facts<'_>, chain: &[Point<'_>], disk: &Disk, point: &Point<'_>) -> bool {
    let sources = chain.iter().filter(|p| !p.snapshot.is_copy && p.snapshot.incremental);
    let is_newest = |at: Timestamp| !chain.iter().any(|p| !p.snapshot.is_copy && p.point_time > at);
    if sources.count() >= facts.limits.thin_above && !is_newest(point.point_time) {
        return false;
    }
    let policies = facts.policies.iter().filter(|policy| {
        policy.is_in_force(facts.now)
            && selects(policy, disk)
            && point.snapshot.policies().any(|id| id == policy.id)
    });
    policies.into_iter().any(|policy| {
        let zone = time_zone(&policy.time_zone).unwrap_or(TimeZone::UTC);
        policy.targets.iter().any(|target| {
            let side = side_of(policy, target, disk);
            let alive = |p: &&Point<'_>| {
                p.snapshot.is_copy
                    && !matches!(p.snapshot.state, crate::model::PointState::Failed { .. })
            };
            let in_region = chain.iter().filter(alive).filter(|p| p.snapshot.region == side.region);
            let newest = in_region.map(|p| p.point_time).max();
            let there: BTreeSet<Timestamp> = chain
                .iter()
                .filter(alive)
                .filter(|p| *p.side() == side)
                .map(|p| p.point_time)
                .collect();
            if there.contains(&point.point_time) || newest.is_some_and(|at| at > point.point_time) {
                return false;
            }
            // What it has, and what of this policy it could still get.
            let mut times: Vec<Timestamp> = chain
                .iter()
                .filter(|p| p.snapshot.policies().any(|id| id == policy.id))
                .filter(|p| {
                    if p.snapshot.is_copy {
                        *p.side() == side && alive(p)
                    } else {
                        p.snapshot.incremental
                            && p.snapshot.is_of(&facts.limits.installation)
                            && !matches!(p.snapshot.state, crate::model::PointState::Failed { .. })
                            && newest.is_none_or(|at| p.point_time >= at)
                            && !there.contains(&p.point_time)
                    }
                })
                .map(|p| p.point_time)
                .collect();
            times.sort();
            kept(&target.keep, &times, &zone).contains(&point.point_time)
        })
    })
}

/// Bytes that the policy's copies may have moved this month of UTC.
pub(super) fn spent(facts: &Facts<'_>, policy: &str) -> u64 {
    let today = facts.now.to_zoned(TimeZone::UTC).date();
    let days = facts.history.spent.get(policy).into_iter().flatten();
    days.filter(|(day, _)| (day.year(), day.month()) == (today.year(), today.month()))
        .map(|(_, spent)| spent.first_bytes + spent.delta_bytes)
        .sum()
}

/// How many points are marked without an approval, and how many may be: what the rules let go of
/// in the last 24 hours, and the margin.
pub(super) fn brake(facts: &Facts<'_>) -> (usize, usize) {
    let ours = || facts.inventory.snapshots.iter().filter(|s| s.is_of(&facts.limits.installation));
    let marked = ours()
        .filter(|s| tags::read_time(&s.tags, tags::DELETE_AFTER).is_some_and(|at| at > facts.now))
        .filter(|s| tags::read(&s.tags, tags::APPROVED).is_none())
        .count();
    let day_ago = facts.now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
    let was_there = |at: &Timestamp| *at <= day_ago;
    let mut foretold = 0;
    for disk in &facts.inventory.disks {
        let chain = facts.chain(&disk.unique_id);
        for policy in facts.policies.iter().filter(|p| p.is_in_force(facts.now) && selects(p, disk))
        {
            let zone = time_zone(&policy.time_zone).unwrap_or(TimeZone::UTC);
            let mut done: BTreeSet<Option<&Side>> = BTreeSet::new();
            for point in chain.iter().filter(|p| p.snapshot.state.is_ready()) {
                let own = point.snapshot.is_of(&facts.limits.installation)
                    && point.snapshot.policies().any(|id| id == policy.id);
                let keep = keep_of(policy, &policy.keep, &policy.targets, disk, point);
                let Some(keep) = keep.filter(|_| own) else { continue };
                if !done.insert(point.snapshot.is_copy.then(|| point.side())) {
                    continue;
                }
                let times = together(facts, chain, policy, point);
                let then: Vec<Timestamp> = times.iter().copied().filter(was_there).collect();
                let (now_kept, then_kept) = (kept(keep, &times, &zone), kept(keep, &then, &zone));
                foretold += times
                    .iter()
                    .filter(|at| !now_kept.contains(at))
                    .filter(|at| !was_there(at) || then_kept.contains(at))
                    .count();
            }
        }
    }
    let margin = facts.limits.brake_points.max(ours().count() * facts.limits.brake_percent / 100);
    (marked, foretold + margin)
}
