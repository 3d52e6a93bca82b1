//! What holds of every plan: over random estates, policies, times and mishaps.
//!
//! `PROPTEST_CASES=10000 cargo test --release -p shared --test plan properties` is the full form.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use shared::{
    Disk, Effect, Gap, Keep, Plan, PointState, Policy, ResourceId, Schedule, Selection, Selector,
    Side,
    lineage::{Lineage, lineage},
    model::{Lock, LockLevel, RulesBefore, Vanished, time_zone},
    status::{source_side, target_side},
    tags,
};

use crate::world::{SUBSCRIPTION, World, at, policy, target};

/// Cases of one property: a short form here, `PROPTEST_CASES` for more.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration but this number")]
pub(super) fn cases(short: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: cases.unwrap_or(short), ..ProptestConfig::default() }
}

/// Something that happens between two ticks.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Pass(i64),
    RemakeDisk(usize),
    DeleteDisk(usize),
    LoseSnapshot(usize),
    FailCopy(usize),
    StallCopies,
    Pin(usize),
    Disown(usize),
    Immutable(usize),
    Untag(usize),
    LockGroup(usize),
    Unlock,
    Gap,
    Vanish,
    MendLists,
    ForgetHistory,
    ClocksApart(bool),
    EditPolicy(usize, Box<Policy>),
    Disable(usize, bool),
}

const DISKS: [&str; 3] = ["a", "b", "c"];

fn keep() -> impl Strategy<Value = Keep> {
    let n = || prop::option::weighted(0.3, 1..6_u32);
    (
        prop::option::weighted(0.6, 1..6_u32),
        n(),
        n(),
        n(),
        n(),
        prop::option::weighted(0.2, 1..60_u32),
    )
        .prop_map(|(last, hourly, daily, weekly, monthly, within_hours)| Keep {
            last,
            within_hours,
            hourly,
            daily,
            weekly,
            monthly,
            yearly: None,
        })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let cron = |expression: &str| Schedule::Cron { expression: expression.to_owned() };
    prop_oneof![
        3 => (1..24_u32).prop_map(|hours| Schedule::Every { minutes: hours * 60 }),
        1 => Just(cron("30 2 * * *")),
        1 => Just(cron("0 */4 * * *")),
        1 => Just(cron("15 6 * * MON-FRI")),
    ]
}

const PLACES: [(&str, &str); 5] = [
    ("northeurope", "dr"),
    ("westus", "dr"),
    ("northeurope", "app"),
    ("westeurope", "dr"),
    ("westus", "nowhere"),
];

fn a_policy(id: &'static str) -> impl Strategy<Value = Policy> {
    (
        schedule(),
        keep(),
        prop::collection::btree_map(
            0..PLACES.len(),
            (keep(), prop::option::of(60..3000_u32)),
            0..4,
        ),
        prop::option::weighted(0.2, 6..48_u32),
        prop::option::weighted(0.2, 1..20_u32),
        any::<bool>(),
        prop::bool::weighted(0.3),
    )
        .prop_map(move |(schedule, keep, places, abandon, stop_loss, berlin, by_rule)| {
            Policy {
                id: id.to_owned(),
                schedule,
                keep,
                time_zone: if berlin { "Europe/Berlin" } else { "UTC" }.to_owned(),
                disks: if by_rule {
                    let (subscription, group) = (SUBSCRIPTION.to_owned(), "app".to_owned());
                    Selection {
                        include: vec![Selector::Group { subscription, group }],
                        exclude: vec![],
                    }
                } else {
                    policy(&DISKS).disks
                },
                targets: places
                    .into_iter()
                    .map(|(place, (keep, rpo_minutes))| {
                        let (region, group) = PLACES[place];
                        shared::Target { rpo_minutes, ..target(region, group, keep) }
                    })
                    .collect(),
                abandon_after_hours: abandon,
                stop_loss_gib: stop_loss,
                ..policy(&[])
            }
        })
}

pub(super) fn policies() -> impl Strategy<Value = Vec<Policy>> {
    (a_policy("p"), prop::option::of(a_policy("q")))
        .prop_map(|(p, q)| std::iter::once(p).chain(q).collect())
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let nth = || 0..200_usize;
    prop_oneof![
        16 => (0..30_i64).prop_map(Event::Pass),
        1 => (0..3_usize).prop_map(Event::RemakeDisk),
        1 => (0..3_usize).prop_map(Event::DeleteDisk),
        1 => nth().prop_map(Event::LoseSnapshot),
        2 => nth().prop_map(Event::FailCopy),
        2 => Just(Event::StallCopies),
        1 => nth().prop_map(Event::Pin),
        1 => nth().prop_map(Event::Disown),
        1 => nth().prop_map(Event::Immutable),
        1 => nth().prop_map(Event::Untag),
        1 => (0..2_usize).prop_map(Event::LockGroup),
        1 => Just(Event::Unlock),
        1 => Just(Event::Gap),
        1 => Just(Event::Vanish),
        3 => Just(Event::MendLists),
        1 => Just(Event::ForgetHistory),
        1 => any::<bool>().prop_map(Event::ClocksApart),
        2 => (0..2_usize, a_policy("p")).prop_map(|(n, p)| Event::EditPolicy(n, Box::new(p))),
        1 => (0..2_usize, any::<bool>()).prop_map(|(n, on)| Event::Disable(n, on)),
    ]
}

pub(super) fn happen(world: &mut World, policies: &mut [Policy], event: &Event) {
    let now = world.inventory.taken_at;
    let count = world.inventory.snapshots.len().max(1);
    let snapshots = &mut world.inventory.snapshots;
    match event {
        Event::Pass(hours) => world.pass(*hours),
        Event::RemakeDisk(which) => world.make_disk(DISKS[*which]),
        Event::DeleteDisk(which) => {
            world.inventory.disks.retain(|disk| disk.id.name() != DISKS[*which]);
        }
        Event::LoseSnapshot(which) if !snapshots.is_empty() => {
            snapshots.remove(which % count);
        }
        Event::FailCopy(which) => {
            if let Some(snapshot) = snapshots.get_mut(which % count)
                && snapshot.state.is_under_way()
            {
                snapshot.state = PointState::Failed { code: "X".into(), message: "broke".into() };
            }
        }
        Event::StallCopies => {
            // Time passes and no copy gets on.
            world.inventory.taken_at += SignedDuration::from_hours(7);
        }
        Event::Pin(which) => tag(world, which % count, tags::PIN, "ann"),
        Event::Disown(which) => tag(world, which % count, tags::INSTALLATION, "elsewhere"),
        Event::Untag(which) => {
            if let Some(snapshot) = snapshots.get_mut(which % count) {
                snapshot.tags.clear();
            }
        }
        Event::Immutable(which) => {
            if let Some(snapshot) = snapshots.get_mut(which % count) {
                snapshot.immutable_until = Some(now + SignedDuration::from_hours(100));
            }
        }
        Event::LockGroup(which) => world.inventory.locks.push(Lock {
            scope: format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/{}",
                ["app", "dr"][*which]
            ),
            name: "keep".to_owned(),
            level: if now.as_second() % 2 == 0 {
                LockLevel::ReadOnly
            } else {
                LockLevel::CanNotDelete
            },
        }),
        Event::Unlock => world.inventory.locks.clear(),
        Event::Gap => {
            let subscription = SUBSCRIPTION.to_owned();
            let gap = Gap { subscription, what: "snapshots".into(), message: "no".into() };
            world.inventory.gaps.push(gap);
        }
        Event::Vanish => world.inventory.vanished.push(Vanished {
            id: ResourceId::snapshot(SUBSCRIPTION, "app", "lost"),
            unique_id: "lost".to_owned(),
            since: now,
            whole_since: None,
        }),
        Event::MendLists => {
            world.inventory.gaps.clear();
            world.inventory.vanished.clear();
        }
        Event::ForgetHistory => world.history.readable = !world.history.readable,
        Event::ClocksApart(apart) => world.limits.clock_agrees = !apart,
        Event::EditPolicy(which, edited) => {
            if let Some(old) = policies.get_mut(*which) {
                let mut new =
                    Policy { id: old.id.clone(), version: old.version + 1, ..(**edited).clone() };
                new.rules_before = new.replacing(old);
                *old = new;
            }
        }
        Event::Disable(which, enabled) => {
            if let Some(policy) = policies.get_mut(*which) {
                policy.enabled = *enabled;
            }
        }
        Event::LoseSnapshot(_) => {}
    }
}

fn tag(world: &mut World, nth: usize, name: &str, value: &str) {
    if let Some(snapshot) = world.inventory.snapshots.get_mut(nth) {
        snapshot.tags.insert(name.to_owned(), value.to_owned());
    }
}

/// The ready points of every side of every disk.
fn sides_with_points(world: &World) -> BTreeMap<(String, Side), Vec<ResourceId>> {
    let mut sides: BTreeMap<_, Vec<ResourceId>> = BTreeMap::new();
    for (disk, chain) in lineage(&world.inventory).chains.iter() {
        for point in chain.iter().filter(|p| p.snapshot.state.is_ready()) {
            let side = (disk.clone(), point.side().clone());
            sides.entry(side).or_default().push(point.snapshot.id.clone());
        }
    }
    sides
}

/// What the plan deletes or marks.
fn goes(plan: &Plan) -> impl Iterator<Item = (&ResourceId, bool)> {
    plan.steps.iter().filter_map(|step| match &step.effect {
        Effect::DeletePoint { id, .. } => Some((id, true)),
        Effect::MarkPoint { id, .. } => Some((id, false)),
        _ => None,
    })
}

/// The deletion rules once more, in their plainest words.
fn nothing_needed_goes(world: &World, policies: &[Policy], plan: &Plan) {
    let inventory = &world.inventory;
    let now = inventory.taken_at;
    let lineage = lineage(inventory);
    for (id, is_deletion) in goes(plan) {
        let snapshot = inventory.snapshot(id).unwrap();
        assert!(inventory.gaps.is_empty() && inventory.vanished.is_empty(), "blind");
        assert!(world.history.readable && world.limits.clock_agrees, "blind");
        assert!(snapshot.is_of("here") && !snapshot.is_pinned(), "{id}");
        assert!(snapshot.state.is_ready(), "{id}");
        assert!(snapshot.immutable_until.is_none_or(|until| until <= now), "{id}");
        assert!(inventory.lock_on(id).is_none(), "{id}");
        assert!(!is_deletion || snapshot.delete_after().unwrap() <= now, "{id}");
        for name in snapshot.policies() {
            let policy = policies.iter().find(|policy| policy.id == name);
            assert!(policy.is_some_and(|policy| policy.enabled), "{id} of {name}");
        }
        // Nothing that a copy under way reads, or the newest copy of a region was made from.
        for chain in lineage.chains.values() {
            for copy in chain.iter().filter(|p| p.snapshot.is_copy) {
                let of_it = copy.snapshot.source_id.as_ref() == Some(id)
                    && copy.snapshot.source_unique_id.as_deref() == Some(&snapshot.unique_id);
                let newest = chain
                    .iter()
                    .filter(|p| p.snapshot.is_copy && p.snapshot.state.is_ready())
                    .filter(|p| p.snapshot.region == copy.snapshot.region)
                    .map(|p| p.point_time)
                    .max();
                let is_base = copy.snapshot.state.is_ready() && newest == Some(copy.point_time);
                let is_read = copy.snapshot.state.is_under_way();
                assert!(!of_it || !(is_base || is_read), "{id} is needed by {}", copy.snapshot.id);
            }
        }
    }
}

pub(super) fn world(start: &str) -> World {
    let mut world = World::with_disks(at(start), &DISKS);
    world.limits.brake_points = 3;
    world.limits.enrol_after_hours = 0;
    world
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn the_check_accepts_every_plan_and_nothing_needed_goes(
        mut policies in policies(),
        events in prop::collection::vec(event(), 1..40),
    ) {
        let mut world = world("2026-03-27T23:50:00Z");
        for event in &events {
            happen(&mut world, &mut policies, event);
            let before = sides_with_points(&world);
            let seen = world.clone();
            // `tick` asserts that the check has nothing against the plan.
            let plan = world.tick(&policies);
            nothing_needed_goes(&seen, &policies, &plan);
            // By what is there, not by lineage: a copy that lost its tags is nobody's once its source
            // has gone, and stays.
            let is_there = |id: &ResourceId| world.inventory.snapshot(id).is_some();
            for (side, points) in before {
                prop_assert!(points.iter().any(is_there), "{side:?} lost its last point");
            }
        }
    }

    #[test]
    fn limits_are_never_exceeded(
        mut policies in policies(),
        events in prop::collection::vec(event(), 1..25),
        copies in 0..3_usize,
        deletes in 0..4_usize,
        steps in 1..6_usize,
        snapshots in 1..8_usize,
    ) {
        let mut world = world("2026-02-27T23:50:00Z");
        world.limits.copies_in_flight = copies;
        world.limits.deletes_per_tick = deletes;
        world.limits.steps_per_tick = steps;
        world.limits.snapshots_per_disk = snapshots;
        world.limits.thin_above = snapshots;
        for event in &events {
            happen(&mut world, &mut policies, event);
            let plan = world.tick(&policies);
            prop_assert!(plan.steps.len() <= steps);
            prop_assert!(goes(&plan).filter(|(_, is_deletion)| *is_deletion).count() <= deletes);
            for chain in lineage(&world.inventory).chains.values() {
                let copying = chain.iter().filter(|p| p.snapshot.is_copy && p.snapshot.state.is_under_way());
                prop_assert!(copying.count() <= 1);
                prop_assert!(chain.iter().filter(|p| !p.snapshot.is_copy).count() <= snapshots);
            }
            for region in ["northeurope", "westus", "westeurope"] {
                let moving = world.inventory.snapshots.iter();
                let moving = moving.filter(|s| s.is_copy && s.state.is_under_way() && s.region.as_str() == region);
                prop_assert!(moving.count() <= copies);
            }
        }
    }

    #[test]
    fn the_order_of_what_was_listed_does_not_matter(
        mut policies in policies(),
        events in prop::collection::vec(event(), 1..20),
        seed in any::<u64>(),
    ) {
        let mut world = world("2026-10-24T23:50:00Z");
        for event in &events {
            happen(&mut world, &mut policies, event);
            world.tick(&policies);
        }
        world.pass(7);
        let straight = world.plan(&policies);
        let mut shuffled = world.clone();
        let len = shuffled.inventory.snapshots.len().max(1);
        shuffled.inventory.snapshots.rotate_left(usize::try_from(seed % len as u64).unwrap() % len);
        shuffled.inventory.snapshots.reverse();
        shuffled.inventory.disks.reverse();
        shuffled.inventory.groups.reverse();
        for policy in &mut policies {
            policy.disks.include.reverse();
        }
        policies.reverse();
        prop_assert_eq!(straight, shuffled.plan(&policies));
    }

    #[test]
    fn planning_again_after_applying_ends(
        mut policies in policies(),
        events in prop::collection::vec(event(), 1..20),
    ) {
        let mut world = world("2026-02-28T23:50:00Z");
        for event in &events {
            happen(&mut world, &mut policies, event);
            world.settle(&policies);
            let plan = world.plan(&policies);
            prop_assert_eq!(&plan.steps, &vec![]);
        }
    }

}

proptest! {
    // Each case is hundreds of ticks.
    #![proptest_config(cases(15))]

    /// Ticks every quarter of an hour, copies that take less: every side meets its RPO once it
    /// has its first point.
    #[test]
    fn a_faultless_world_meets_every_rpo(policies in policies(), days in 2..5_i64) {
        let mut policies = policies;
        for policy in &mut policies {
            policy.stop_loss_gib = None;
            policy.targets.retain(|target| {
                target.group.as_deref() != Some("nowhere")
            });
            // The default: twice the longest gap.
            policy.targets.iter_mut().for_each(|target| target.rpo_minutes = None);
        }
        let start = at("2026-03-27T00:00:00Z");
        let mut world = world("2026-03-27T00:00:00Z");
        world.limits.brake_points = 1_000;
        let rpo = |policy: &Policy| 2 * policy.slots().unwrap().longest_gap_seconds();
        let rpos: Vec<i64> = policies.iter().map(rpo).collect();
        for quarter in 0..days * 96 {
            world.inventory.taken_at = start + SignedDuration::from_mins(15 * quarter);
            world.pass(0);
            world.tick(&policies);
            if quarter < 96 {
                continue;
            }
            world.pass(0);
            let lineage = lineage(&world.inventory);
            for disk in &world.inventory.disks {
                for (policy, rpo) in policies.iter().zip(&rpos) {
                    let sides = policy.targets.iter().map(|t| target_side(policy, t, disk));
                    for side in sides.chain([source_side(policy, disk)]) {
                        let newest = newest_on(&lineage, disk, &side).unwrap();
                        let age = world.inventory.taken_at.duration_since(newest).as_secs();
                        prop_assert!(age <= *rpo, "{side} of {} is {age} s old", policy.id);
                    }
                }
            }
        }
    }

}

proptest! {
    #![proptest_config(cases(150))]

    /// What more rules keep is never less.
    #[test]
    fn more_rules_keep_more(
        keep in keep(),
        more in keep(),
        hours in prop::collection::btree_set(0..5_000_i64, 1..80),
    ) {
        let start = at("2026-01-01T00:00:00Z");
        let times: Vec<Timestamp> =
            hours.iter().rev().map(|h| start + SignedDuration::from_hours(*h)).collect();
        let larger = |a: Option<u32>, b: Option<u32>| a.max(b);
        let both = Keep {
            last: larger(keep.last, more.last),
            within_hours: larger(keep.within_hours, more.within_hours),
            hourly: larger(keep.hourly, more.hourly),
            daily: larger(keep.daily, more.daily),
            weekly: larger(keep.weekly, more.weekly),
            monthly: larger(keep.monthly, more.monthly),
            yearly: None,
        };
        let zone = time_zone("America/New_York").unwrap();
        let (few, many) = (keep.kept(&times, &zone), both.kept(&times, &zone));
        for (at, (few, many)) in times.iter().zip(few.iter().zip(&many)) {
            // A rule that has not used up its number keeps the oldest, too: the one exception.
            let is_oldest = Some(at) == times.last();
            prop_assert!(few.is_empty() || !many.is_empty() || is_oldest);
        }
    }
}

fn newest_on(lineage: &Lineage<'_>, disk: &Disk, side: &Side) -> Option<Timestamp> {
    lineage
        .of(disk)
        .iter()
        .filter(|p| p.snapshot.state.is_ready() && *p.side() == *side)
        .map(|p| p.point_time)
        .max()
}

/// An edit that shortens retention deletes nothing until it is approved, however long it waits.
#[test]
fn an_unapproved_edit_is_pruned_by_the_rules_before() {
    let mut world = World::with_disks(at("2026-11-01T00:10:00Z"), &["data"]);
    let generous = Policy { keep: Keep::last(20), ..policy(&["data"]) };
    let mut stingy = Policy { version: 2, keep: Keep::last(2), ..generous.clone() };
    stingy.rules_before = vec![RulesBefore {
        replaced_by: 2,
        time_zone: "UTC".to_owned(),
        keep: generous.keep.clone(),
        targets: generous.targets.clone(),
    }];
    for _ in 0..40 {
        world.settle(std::slice::from_ref(&generous));
        world.pass(6);
    }
    for _ in 0..40 {
        world.settle(std::slice::from_ref(&stingy));
        world.pass(6);
        let unmarked = world.in_group("app").iter().filter(|s| s.delete_after().is_none()).count();
        assert!(unmarked >= 20, "only {unmarked} points are kept");
    }
}
