//! What holds of every plan: over random estates, policies, times and mishaps.

use proptest::prelude::*;
use shared::{Effect, Keep, Plan, PointState, Policy, Schedule, lineage::lineage, tags};

use crate::world::{World, at, limits, policy};

/// Something that happens between two ticks.
#[derive(Clone, Debug)]
enum Event {
    Pass(i64),
    RemakeDisk(usize),
    LoseSnapshot(usize),
    FailCopy(usize),
    Pin(usize),
    EditPolicy { every_hours: u32, keep_source: u32, keep_target: u32, enabled: bool },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..30_i64).prop_map(Event::Pass),
        1 => (0..3_usize).prop_map(Event::RemakeDisk),
        1 => (0..50_usize).prop_map(Event::LoseSnapshot),
        1 => (0..50_usize).prop_map(Event::FailCopy),
        1 => (0..50_usize).prop_map(Event::Pin),
        1 => (1..24_u32, 2..6_u32, 2..6_u32, any::<bool>()).prop_map(
            |(every_hours, keep_source, keep_target, enabled)| {
                Event::EditPolicy { every_hours, keep_source, keep_target, enabled }
            }
        ),
    ]
}

const DISKS: [&str; 3] = ["a", "b", "c"];

fn happen(world: &mut World, policy: &mut Policy, event: &Event) {
    let count = world.inventory.snapshots.len();
    match event {
        Event::Pass(hours) => world.pass(*hours),
        Event::RemakeDisk(which) => world.make_disk(DISKS[*which]),
        Event::LoseSnapshot(which) if count > 0 => {
            world.inventory.snapshots.remove(which % count);
        }
        Event::FailCopy(which) if count > 0 => {
            let snapshot = &mut world.inventory.snapshots[which % count];
            if snapshot.state.is_under_way() {
                snapshot.state = PointState::Failed { code: "X".into(), message: "broke".into() };
            }
        }
        Event::Pin(which) if count > 0 => {
            let id = world.inventory.snapshots[which % count].id.clone();
            world.tag(&id, tags::PIN, "ann");
        }
        Event::EditPolicy { every_hours, keep_source, keep_target, enabled } => {
            policy.schedule = Schedule::Every { minutes: every_hours * 60 };
            policy.keep = Keep::last(*keep_source);
            policy.targets[0].keep = Keep::last(*keep_target);
            policy.enabled = *enabled;
        }
        Event::LoseSnapshot(_) | Event::FailCopy(_) | Event::Pin(_) => {}
    }
}

/// Every side that had a ready point before has one after.
fn sides_with_points(world: &World) -> Vec<(String, shared::Side)> {
    let mut sides: Vec<_> = lineage(&world.inventory)
        .chains
        .iter()
        .flat_map(|(disk, chain)| {
            chain.iter().filter(|p| p.snapshot.state.is_ready()).map(|p| (disk.clone(), p.side()))
        })
        .collect();
    sides.sort();
    sides.dedup();
    sides
}

fn deletes(plan: &Plan) -> impl Iterator<Item = &Effect> {
    plan.steps.iter().map(|s| &s.effect).filter(|e| matches!(e, Effect::DeletePoint { .. }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_check_accepts_every_plan_and_no_plan_empties_a_side(
        events in prop::collection::vec(event(), 1..40),
    ) {
        let mut world = World::with_disks(at("2026-03-28T23:50:00Z"), &DISKS);
        let mut policy = policy(&DISKS);
        for event in &events {
            happen(&mut world, &mut policy, event);
            let before = sides_with_points(&world);
            // `tick` asserts that the check has nothing against the plan.
            let plan = world.tick(std::slice::from_ref(&policy));
            let after = sides_with_points(&world);
            prop_assert!(before.iter().all(|side| after.contains(side)));
            prop_assert!(deletes(&plan).count() <= limits().deletes_per_tick);
        }
    }

    #[test]
    fn the_order_of_what_was_listed_does_not_matter(
        events in prop::collection::vec(event(), 1..20),
        seed in any::<u64>(),
    ) {
        let mut world = World::with_disks(at("2026-10-24T23:50:00Z"), &DISKS);
        let mut policy = policy(&DISKS);
        for event in &events {
            happen(&mut world, &mut policy, event);
            world.tick(std::slice::from_ref(&policy));
        }
        world.pass(7);
        let straight = world.plan(std::slice::from_ref(&policy));
        let mut shuffled = world.clone();
        let len = shuffled.inventory.snapshots.len().max(1);
        shuffled.inventory.snapshots.rotate_left(usize::try_from(seed % len as u64).unwrap() % len);
        shuffled.inventory.snapshots.reverse();
        shuffled.inventory.disks.reverse();
        policy.disks.include.reverse();
        prop_assert_eq!(straight, shuffled.plan(&[policy]));
    }

    #[test]
    fn planning_again_after_applying_ends(events in prop::collection::vec(event(), 1..20)) {
        let mut world = World::with_disks(at("2026-02-28T23:50:00Z"), &DISKS);
        let mut policy = policy(&DISKS);
        for event in &events {
            happen(&mut world, &mut policy, event);
            world.settle(std::slice::from_ref(&policy));
            let plan = world.plan(std::slice::from_ref(&policy));
            prop_assert_eq!(&plan.steps, &vec![]);
            prop_assert_eq!(world.check(&plan, std::slice::from_ref(&policy)), vec![]);
        }
    }
}
