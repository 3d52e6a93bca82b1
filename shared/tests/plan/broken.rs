//! Hand-broken plans, each of which the check must refuse.

use shared::{Effect, Gap, Inventory, Plan, PointState, Step, Violation, plan::Cause, tags};

use crate::world::{World, at, limits, policy};

/// An estate with three days of points, all marks come due.
fn world() -> World {
    let mut world = World::with_disks(at("2026-11-01T00:10:00Z"), &["data"]);
    for _ in 0..12 {
        world.settle(&[policy(&["data"])]);
        world.pass(6);
    }
    world.pass(48);
    world
}

fn delete(inventory: &Inventory, at: usize, group: &str) -> Step {
    let mut found: Vec<_> = inventory.snapshots.iter().filter(|s| s.id.group() == group).collect();
    found.sort_by_key(|s| tags::read_time(&s.tags, tags::SLOT));
    let snapshot = found[at];
    let effect =
        Effect::DeletePoint { id: snapshot.id.clone(), unique_id: snapshot.unique_id.clone() };
    Step { effect, cause: Cause::Policy { id: "p".into(), version: 1 } }
}

fn refuses(world: &World, steps: Vec<Step>, expected: impl Fn(&Violation) -> bool) {
    let plan = Plan { steps, decisions: vec![], held: None };
    let violations = world.check(&plan, &[policy(&["data"])]);
    assert!(violations.iter().any(expected), "found only {violations:?}");
}

#[test]
fn the_due_one_alone_may_go() {
    let world = world();
    let steps = vec![delete(&world.inventory, 0, "app")];
    let plan = Plan { steps, decisions: vec![], held: None };
    assert_eq!(world.check(&plan, &[policy(&["data"])]), []);
}

#[test]
fn an_unmarked_point() {
    let mut world = world();
    let step = delete(&world.inventory, 0, "app");
    world.tag(step.effect.id(), tags::DELETE_AFTER, "");
    refuses(&world, vec![step], |v| matches!(v, Violation::NotMarked(_)));
}

#[test]
fn a_mark_that_has_not_come_due() {
    let mut world = world();
    let step = delete(&world.inventory, 0, "app");
    world.tag(step.effect.id(), tags::DELETE_AFTER, "2099-01-01T00:00:00Z");
    refuses(&world, vec![step], |v| matches!(v, Violation::NotMarked(_)));
}

#[test]
fn a_pinned_point() {
    let mut world = world();
    let step = delete(&world.inventory, 0, "app");
    world.tag(step.effect.id(), tags::PIN, "ann");
    refuses(&world, vec![step], |v| matches!(v, Violation::Pinned(_)));
}

#[test]
fn anothers_point() {
    let mut world = world();
    let step = delete(&world.inventory, 0, "app");
    world.tag(step.effect.id(), tags::INSTALLATION, "elsewhere");
    refuses(&world, vec![step], |v| matches!(v, Violation::NotOurs(_)));
}

#[test]
fn a_namesake() {
    let world = world();
    let mut step = delete(&world.inventory, 0, "app");
    if let Effect::DeletePoint { unique_id, .. } = &mut step.effect {
        *unique_id = "another".into();
    }
    refuses(&world, vec![step], |v| matches!(v, Violation::Unknown(_)));
}

#[test]
fn the_newest_of_a_side() {
    let mut world = world();
    for group in ["app", "dr"] {
        let newest = world.in_group(group).len() - 1;
        let step = delete(&world.inventory, newest, group);
        world.tag(step.effect.id(), tags::DELETE_AFTER, "2026-11-01T00:00:00Z");
        refuses(&world, vec![step], |v| matches!(v, Violation::Floor(_)));
    }
}

#[test]
fn the_base_of_the_next_copy() {
    let mut world = world();
    // A newer snapshot that the target has not got, so that the base is not the floor.
    let plan = world.plan(&[policy(&["data"])]);
    let create = plan.steps.iter().find(|s| matches!(s.effect, Effect::CreateSnapshot { .. }));
    world.apply(&create.unwrap().effect.clone());
    let base = world.in_group("app").len() - 2;
    let step = delete(&world.inventory, base, "app");
    world.tag(step.effect.id(), tags::DELETE_AFTER, "2026-11-01T00:00:00Z");
    refuses(&world, vec![step], |v| matches!(v, Violation::Base(_)));
}

#[test]
fn what_azure_is_at_work_on() {
    let mut world = world();
    let step = delete(&world.inventory, 0, "dr");
    let id = step.effect.id().clone();
    for state in [PointState::Copying { percent: Some(1.0) }, PointState::Creating] {
        world.inventory.snapshots.iter_mut().find(|s| s.id == id).unwrap().state = state;
        refuses(&world, vec![step.clone()], |v| matches!(v, Violation::NotReady(_)));
    }
}

#[test]
fn any_deletion_while_something_was_not_listed() {
    let mut world = world();
    let step = delete(&world.inventory, 0, "app");
    let gap = Gap { subscription: "s".into(), what: "snapshots".into(), message: "no".into() };
    world.inventory.gaps.push(gap);
    refuses(&world, vec![step], |v| *v == Violation::Blind);
}

#[test]
fn more_deletions_than_a_tick_may_make() {
    let world = world();
    let step = delete(&world.inventory, 0, "app");
    let steps = vec![step; limits().deletes_per_tick + 1];
    refuses(&world, steps, |v| matches!(v, Violation::TooManyDeletes(..)));
}

#[test]
fn a_copy_beside_another_of_the_disk() {
    let mut world = World::with_disks(at("2026-11-01T00:10:00Z"), &["data"]);
    world.tick(&[policy(&["data"])]);
    let copy = world.plan(&[policy(&["data"])]).steps.remove(0);
    refuses(&world, vec![copy.clone(), copy.clone()], |v| matches!(v, Violation::SecondCopy(_)));
    world.apply(&copy.effect);
    refuses(&world, vec![copy.clone()], |v| matches!(v, Violation::SecondCopy(_)));
    refuses(&world, vec![copy], |v| matches!(v, Violation::Exists(_)));
}

#[test]
fn a_copy_of_a_full_or_unready_snapshot() {
    let mut world = World::with_disks(at("2026-11-01T00:10:00Z"), &["data"]);
    world.tick(&[policy(&["data"])]);
    let copy = world.plan(&[policy(&["data"])]).steps.remove(0);
    world.inventory.snapshots[0].incremental = false;
    refuses(&world, vec![copy.clone()], |v| matches!(v, Violation::NotCopyable(_)));
    world.inventory.snapshots[0].incremental = true;
    world.inventory.snapshots[0].state = PointState::Creating;
    refuses(&world, vec![copy], |v| matches!(v, Violation::NotCopyable(_)));
}

#[test]
fn a_creation_without_our_tag_or_with_a_bad_name() {
    let world = World::with_disks(at("2026-11-01T00:10:00Z"), &["data"]);
    let good = world.plan(&[policy(&["data"])]).steps.remove(0);
    let mut untagged = good.clone();
    let mut misnamed = good;
    if let Effect::CreateSnapshot { tags, .. } = &mut untagged.effect {
        tags.clear();
    }
    if let Effect::CreateSnapshot { id, .. } = &mut misnamed.effect {
        *id = shared::ResourceId::snapshot("s", "g", "a name");
    }
    refuses(&world, vec![untagged], |v| matches!(v, Violation::Untagged(_)));
    refuses(&world, vec![misnamed], |v| matches!(v, Violation::Name(_)));
}
