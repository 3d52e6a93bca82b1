//! Planner and check are written apart and agree: what the planner keeps, the check lets nobody mark or
//! delete; what the planner copies to a place, the check lets nobody send there otherwise.

use jiff::SignedDuration;
use proptest::prelude::*;
use shared::{
    Decision, Effect, Fate, Plan, Policy, Reason, ResourceId, Snapshot, Step, Subject, Violation,
    check, plan::Cause,
};

use crate::{
    properties::{cases, event, happen, policies, world},
    world::World,
};

/// The points that stay, of a plan.
fn kept(plan: &Plan) -> impl Iterator<Item = (&ResourceId, &Decision)> {
    plan.decisions.iter().filter_map(|decision| match (&decision.subject, decision.fate) {
        (
            Subject::Point(id),
            Fate::Keep | Fate::Released | Fate::Foreign | Fate::Held | Fate::Blocked,
        ) => Some((id, decision)),
        _ => None,
    })
}

/// What somebody would have to do to lose the point: mark it, or delete it where it is marked.
fn loss(world: &World, snapshot: &Snapshot) -> Step {
    let now = world.inventory.taken_at;
    let (id, unique_id) = (snapshot.id.clone(), snapshot.unique_id.clone());
    let effect = match snapshot.delete_after() {
        Some(_) => Effect::DeletePoint { id, unique_id },
        None => {
            let delete_after = now + SignedDuration::from_hours(24);
            Effect::MarkPoint { id, unique_id, delete_after, approved: None }
        }
    };
    let policy = snapshot.policies().next().unwrap_or("p").to_owned();
    Step { effect, cause: Cause::Policy { id: policy, version: 1 } }
}

/// Asks the check about the loss of each point that stays.
fn nothing_kept_may_go(world: &World, policies: &[Policy]) {
    let plan = world.plan(policies);
    for (id, decision) in kept(&plan) {
        let Some(snapshot) = world.inventory.snapshot(id) else { continue };
        // Near Azure's number of snapshots the planner thins the middle; the check holds the newest alone.
        let for_targets = |reason: &Reason| matches!(reason, Reason::KeptForTarget { .. });
        if world.limits.thin_above < 450 && decision.reasons.iter().all(for_targets) {
            continue;
        }
        // Beside what the planner marks itself: the brake counts them all.
        let marks = |step: &&Step| matches!(step.effect, Effect::MarkPoint { .. });
        let mut steps: Vec<Step> = plan.steps.iter().filter(marks).cloned().collect();
        steps.push(loss(world, snapshot));
        let lossy = Plan { steps, decisions: vec![], held: None };
        let World { inventory, history, limits, .. } = world;
        let violations = check(&lossy, inventory, policies, &[], history, limits);
        assert_ne!(violations, [], "{id} stays as of {decision:#?}");
    }
}

/// Whether check and planner hold the same snapshots for the same reason: a target lacks them.
fn the_same_wait_for_targets(world: &World, policies: &[Policy]) {
    let World { inventory, history, limits, .. } = world;
    for decision in &world.plan(policies).decisions {
        let (Subject::Point(id), Fate::Keep | Fate::Marked | Fate::Held) =
            (&decision.subject, decision.fate)
        else {
            continue;
        };
        let snapshot = inventory.snapshot(id).unwrap();
        // What is deleted by hand or barred has no reasons of its own.
        let alone =
            |reason: &Reason| matches!(reason, Reason::DeletesBarred { .. } | Reason::MadeByHand);
        if snapshot.is_copy || decision.reasons.iter().any(alone) {
            continue;
        }
        let lossy = Plan { steps: vec![loss(world, snapshot)], decisions: vec![], held: None };
        let violations = check(&lossy, inventory, policies, &[], history, limits);
        let for_targets = |reason: &Reason| matches!(reason, Reason::KeptForTarget { .. });
        assert_eq!(
            violations.iter().any(|violation| matches!(violation, Violation::Wanted(_))),
            decision.reasons.iter().any(for_targets),
            "{decision:#?}: {violations:?}"
        );
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn planner_and_check_hold_the_same_for_targets(
        mut policies in policies(),
        events in prop::collection::vec((event(), 0..3_usize), 1..40),
    ) {
        let mut world = world("2026-10-22T23:50:00Z");
        for (event, copies) in &events {
            happen(&mut world, &mut policies, event);
            // Now and then nothing can be copied, and targets fall behind.
            world.limits.copies_in_flight = *copies;
            the_same_wait_for_targets(&world, &policies);
            world.tick(&policies);
        }
    }

    #[test]
    fn what_the_planner_keeps_the_check_keeps(
        mut policies in policies(),
        events in prop::collection::vec(event(), 1..40),
        thin_above in prop_oneof![Just(450), 2..8_usize],
    ) {
        let mut world = world("2026-10-22T23:50:00Z");
        world.limits.thin_above = thin_above;
        for event in &events {
            happen(&mut world, &mut policies, event);
            nothing_kept_may_go(&world, &policies);
            world.tick(&policies);
        }
    }
}
