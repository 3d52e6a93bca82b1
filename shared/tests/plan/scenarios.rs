//! Stories of one disk, each named after what it shows.

use jiff::SignedDuration;
use shared::{
    Action, CopySnapshot, Decision, Effect, Fate, Gap, History, Keep, Limits, NetworkAccess,
    PointState, Policy, Reason, Region, Request, ResourceId, Schedule, SnapshotSku, Step, Subject,
    lineage::lineage,
    model::{Outcome, Writes},
    plan, preconditions, tags,
};

use crate::world::{SUBSCRIPTION, World, at, disk_id, limits, policy, target};

fn fate_of<'p>(decisions: &'p [Decision], id: &ResourceId) -> &'p Decision {
    decisions.iter().find(|d| d.subject == Subject::Point(id.clone())).unwrap()
}

/// A disk with its points after `days` of an undisturbed policy.
fn after(days: i64) -> World {
    let mut world = World::with_disks(at("2026-11-01T00:10:00Z"), &["data"]);
    for _ in 0..days * 4 {
        world.settle(&[policy(&["data"])]);
        world.pass(6);
    }
    world.settle(&[policy(&["data"])]);
    world
}

#[test]
fn a_new_disk_gets_its_snapshot_then_its_copy_then_nothing_more_for_the_slot() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    let first = world.tick(&policies);
    assert!(
        matches!(&first.steps[..], [step] if matches!(step.effect, Effect::CreateSnapshot { .. }))
    );
    let second = world.tick(&policies);
    assert!(matches!(&second.steps[..], [step] if matches!(step.effect, Effect::StartCopy { .. })));
    assert_eq!(world.tick(&policies).steps, []);
    world.pass(0);
    assert_eq!(world.tick(&policies).steps, []);
    assert_eq!((world.in_group("app").len(), world.in_group("dr").len()), (1, 1));
}

#[test]
fn missed_slots_collapse_into_the_latest() {
    let mut world = World::with_disks(at("2026-11-01T00:10:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    world.settle(&policies);
    world.pass(100);
    let plan = world.tick(&policies);
    assert_eq!(plan.steps.len(), 1);
}

/// Azure takes no point older than the newest in the region: the hourly side, which is always the
/// more urgent, would bar every daily point for good.
#[test]
fn an_hourly_side_does_not_pass_the_daily_one_beside_it() {
    let mut world = World::with_disks(at("2026-11-01T00:00:00Z"), &["data"]);
    let targets = |sides: &[(&str, &str)]| {
        sides.iter().map(|(region, group)| target(region, group, Keep::default())).collect()
    };
    let hourly = Policy {
        schedule: Schedule::Every { minutes: 60 },
        targets: targets(&[("northeurope", "dr"), ("westeurope", "dr")]),
        ..policy(&["data"])
    };
    let daily = Policy {
        id: "q".to_owned(),
        schedule: Schedule::Cron { expression: "30 2 * * *".to_owned() },
        targets: targets(&[("northeurope", "dr"), ("northeurope", "app"), ("westeurope", "dr")]),
        ..policy(&["data"])
    };
    let (policies, north) = ([hourly, daily], Region::new("northeurope"));
    for quarter in 0..5 * 96 {
        let now = at("2026-11-01T00:00:00Z") + SignedDuration::from_mins(15 * quarter);
        world.inventory.taken_at = now;
        world.pass(0);
        world.tick(&policies);
        let lineage = lineage(&world.inventory);
        let points = lineage.of(&world.inventory.disks[0]).iter();
        let mine = points.filter(|p| p.side().region == north && p.side().group == "app");
        let newest = mine.map(|p| p.point_time).max();
        let late = newest.is_none_or(|newest| now.duration_since(newest).as_hours() > 26);
        assert!(quarter < 2 * 96 || !late, "at {now} the newest daily point is of {newest:?}");
    }
}

#[test]
fn each_side_keeps_its_own_number_once_the_marks_have_come_due() {
    let world = after(10);
    // 24 h of marks stand beside what is kept: four slots of six hours.
    let marked =
        |group: &str| world.in_group(group).iter().filter(|s| s.delete_after().is_some()).count();
    assert_eq!(world.in_group("app").len() - marked("app"), 3);
    assert_eq!(world.in_group("dr").len() - marked("dr"), 4);
    assert_eq!((marked("app"), marked("dr")), (4, 4));
}

#[test]
fn a_point_goes_in_two_phases_and_not_an_hour_before() {
    let mut world = after(1);
    let policies = [policy(&["data"])];
    let first = world.in_group("app")[0].id.clone();
    let due = world.inventory.snapshot(&first).unwrap().delete_after().unwrap();
    while world.inventory.taken_at < due {
        assert!(world.inventory.snapshot(&first).is_some());
        world.pass(1);
        world.settle(&policies);
    }
    assert!(world.inventory.snapshot(&first).is_none());
}

#[test]
fn a_pin_takes_the_mark_back_and_holds() {
    let mut world = after(1);
    let marked = world.in_group("app")[0].id.clone();
    let unique_id = world.inventory.snapshot(&marked).unwrap().unique_id.clone();
    world.apply(&Effect::PinPoint { id: marked.clone(), unique_id, actor: "ann".into() });
    for _ in 0..20 {
        world.pass(6);
        world.settle(&[policy(&["data"])]);
    }
    assert!(world.inventory.snapshot(&marked).is_some());
}

#[test]
fn a_disabled_a_missing_an_unreadable_and_a_deselecting_policy_delete_nothing() {
    let world = after(3);
    let unreadable = shared::Policy {
        schedule: Schedule::Cron { expression: "whenever".to_owned() },
        ..policy(&["data"])
    };
    let disabled = shared::Policy { enabled: false, ..policy(&["data"]) };
    let other = policy(&["other"]);
    for policies in [vec![disabled], vec![], vec![unreadable], vec![other]] {
        let mut world = world.clone();
        for _ in 0..20 {
            world.pass(6);
            let plan = world.tick(&policies);
            assert_eq!(plan.steps, []);
            let id = &world.in_group("app")[0].id;
            assert_eq!(fate_of(&plan.decisions, id).fate, Fate::Released);
        }
    }
}

#[test]
fn a_deleted_disk_keeps_all_its_points() {
    let mut world = after(3);
    let before = world.inventory.snapshots.len();
    world.inventory.disks.clear();
    for _ in 0..20 {
        world.pass(6);
        assert_eq!(world.tick(&[policy(&["data"])]).steps, []);
    }
    assert_eq!(world.inventory.snapshots.len(), before);
}

#[test]
fn a_disk_made_again_under_its_old_name_begins_a_chain_of_its_own() {
    let mut world = after(2);
    let before: Vec<ResourceId> = world.inventory.snapshots.iter().map(|s| s.id.clone()).collect();
    world.make_disk("data");
    world.settle(&[policy(&["data"])]);
    let chains = lineage(&world.inventory);
    let disk = world.inventory.disk(&disk_id("data")).unwrap();
    assert_eq!(chains.of(disk).len(), 2, "one snapshot and its copy");
    assert_eq!(chains.of_namesakes(disk).len(), before.len());
    assert!(before.iter().all(|id| world.inventory.snapshot(id).is_some()));
}

#[test]
fn a_point_that_the_target_lacks_stays_however_old() {
    let mut world = World::with_disks(at("2026-11-01T00:10:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    world.settle(&policies);
    // Another copy of the disk hangs at 40 %: nothing of this disk can be copied.
    let hung = world.in_group("dr")[0].id.clone();
    for _ in 0..12 {
        world.pass(6);
        let copy = world.inventory.snapshots.iter_mut().find(|s| s.id == hung).unwrap();
        copy.state = PointState::Copying { percent: Some(40.0) };
        world.tick(&policies);
    }
    world.tick(&policies);
    // The source of the hung copy and the last four, which the target wants, are unmarked.
    let unmarked: Vec<_> =
        world.in_group("app").into_iter().filter(|s| s.delete_after().is_none()).collect();
    assert_eq!(unmarked.len(), 5);
    assert_eq!(world.in_group("dr").len(), 1, "one copy of a disk at a time");
}

#[test]
fn the_base_of_the_next_copy_stays_while_the_target_is_away() {
    let mut world = after(3);
    let policies = [policy(&["data"])];
    let newest_copy = world.in_group("dr").last().unwrap().source_id.clone().unwrap();
    world.inventory.gaps.clear();
    // The target refuses every copy: they fail in Azure.
    for _ in 0..30 {
        world.pass(6);
        let plan = world.plan(&policies);
        for step in plan.steps.iter().filter(|s| !matches!(s.effect, Effect::StartCopy { .. })) {
            world.apply(&step.effect);
        }
    }
    assert!(world.inventory.snapshot(&newest_copy).is_some(), "the base went");
}

#[test]
fn a_failed_copy_is_started_anew_once_and_then_wants_a_person() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    world.tick(&policies);
    for attempt in 1..=2 {
        let plan = world.tick(&policies);
        assert_eq!(plan.steps.len(), 1, "attempt {attempt}");
        for copy in world.inventory.snapshots.iter_mut().filter(|s| s.is_copy) {
            copy.state = PointState::Failed { code: "X".into(), message: "it broke".into() };
        }
    }
    let plan = world.tick(&policies);
    assert_eq!(plan.steps, []);
    assert!(
        plan.decisions.iter().any(|d| matches!(&d.reasons[..], [Reason::CopyFailedTwice { .. }]))
    );
}

#[test]
fn a_second_full_copy_is_a_persons_decision() {
    let mut world = after(1);
    // Somebody deleted every snapshot at the source that the target has.
    world.inventory.snapshots.retain(|s| s.is_copy);
    world.pass(6);
    world.tick(&[policy(&["data"])]);
    let plan = world.tick(&[policy(&["data"])]);
    assert_eq!(plan.steps, []);
    assert!(plan.decisions.iter().any(|d| matches!(&d.reasons[..], [Reason::BaseGone { .. }])));
}

#[test]
fn gaps_and_clocks_apart_and_an_unreadable_history_bar_every_mark_and_delete() {
    let mut world = after(3);
    world.pass(48);
    let policies = [policy(&["data"])];
    let now = world.inventory.taken_at;
    let mut gappy = world.inventory.clone();
    gappy.gaps.push(Gap { subscription: "s".into(), what: "disks".into(), message: "no".into() });
    let apart = Limits { clock_agrees: false, ..limits() };
    let unread = History::default();
    let plans = [
        plan(&gappy, &policies, &[], &History::none(), &limits(), now),
        plan(&world.inventory, &policies, &[], &History::none(), &apart, now),
        plan(&world.inventory, &policies, &[], &unread, &limits(), now),
    ];
    for plan in plans {
        let harmless = |effect: &Effect| matches!(effect, Effect::CreateSnapshot { .. });
        assert!(plan.steps.iter().all(|step| harmless(&step.effect)), "{:#?}", plan.steps);
    }
}

#[test]
fn what_somebody_else_made_is_never_touched() {
    let mut world = after(3);
    for snapshot in &mut world.inventory.snapshots {
        snapshot.tags.insert(tags::INSTALLATION.to_owned(), "elsewhere".to_owned());
    }
    world.pass(300);
    let plan = world.plan(&[policy(&["data"])]);
    let touches =
        |effect: &Effect| matches!(effect, Effect::MarkPoint { .. } | Effect::DeletePoint { .. });
    assert!(!plan.steps.iter().any(|step| touches(&step.effect)));
}

fn copy_request(world: &World, source: &ResourceId) -> Request {
    Request {
        id: "11111111-aaaa".into(),
        actor: "ann".into(),
        asked_at: world.inventory.taken_at,
        action: Action::CopySnapshot(CopySnapshot {
            source: source.clone(),
            subscription: SUBSCRIPTION.into(),
            group: "dr".into(),
            region: Region::new("northeurope"),
            name: "by-hand".into(),
            sku: SnapshotSku::StandardLrs,
            network_access: NetworkAccess::DenyAll,
            tags: [].into(),
        }),
    }
}

#[test]
fn a_click_and_a_policy_never_copy_one_disk_at_once() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    world.tick(&policies);
    let source = world.in_group("app")[0].id.clone();
    let request = copy_request(&world, &source);
    let now = world.inventory.taken_at;
    let both = plan(&world.inventory, &policies, &[request], &History::none(), &limits(), now);
    let copies = both.steps.iter().filter(|s| matches!(s.effect, Effect::StartCopy { .. }));
    assert_eq!(copies.count(), 1);
    assert_eq!(world.check(&both, &policies), []);
}

#[test]
fn a_request_that_was_carried_out_is_not_carried_out_again() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    world.tick(&[policy(&["data"])]);
    let source = world.in_group("app")[0].id.clone();
    let request = [copy_request(&world, &source)];
    let once = |world: &World| {
        let now = world.inventory.taken_at;
        plan(&world.inventory, &[], &request, &History::none(), &limits(), now)
    };
    let first = once(&world);
    world.apply(&first.steps[0].effect);
    let second = once(&world);
    assert_eq!(second.steps, []);
    assert_eq!(second.about_request(&request[0].id).unwrap().fate, Fate::Idle);
}

#[test]
fn a_click_sends_the_whole_disk_only_where_the_region_has_none_of_it() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    world.tick(&[policy(&["data"])]);
    let source = world.in_group("app")[0].id.clone();
    world.inventory.disks[0].size_bytes = 800;
    world.inventory.snapshots[0].size_bytes = 800;
    let share = |world: &World| {
        let request = [copy_request(world, &source)];
        let now = world.inventory.taken_at;
        let plan = plan(&world.inventory, &[], &request, &History::none(), &limits(), now);
        match &plan.steps[..] {
            [Step { effect: Effect::StartCopy { first, bytes, .. }, .. }] => (*first, *bytes),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(share(&world), (true, 800));
    // A copy that is there, of this disk and in this region, makes it a delta: a tenth by default.
    let mut there = world.clone();
    let mut copy = there.inventory.snapshots[0].clone();
    copy.id = ResourceId::snapshot(SUBSCRIPTION, "elsewhere", "earlier");
    (copy.is_copy, copy.region) = (true, Region::new("northeurope"));
    copy.source_id = Some(source.clone());
    copy.source_unique_id = Some(world.inventory.snapshots[0].unique_id.as_str().into());
    copy.unique_id = "the copy".to_owned();
    there.inventory.snapshots.push(copy);
    assert_eq!(share(&there), (false, 80));
    // Neither one in another region, nor the snapshot itself, nor one that failed.
    for change in 0..3 {
        let mut world = there.clone();
        let copy = world.inventory.snapshots.last_mut().unwrap();
        match change {
            0 => copy.region = Region::new("westus"),
            1 => copy.is_copy = false,
            _ => {
                let (code, message) = ("CopyFailed".to_owned(), "it broke".to_owned());
                copy.state = PointState::Failed { code, message };
            }
        }
        assert_eq!(share(&world), (true, 800), "{change}");
    }
}

#[test]
fn an_older_snapshot_is_not_copied_after_a_newer_one() {
    let world = after(2);
    let older = world.in_group("app")[0].id.clone();
    let action = copy_request(&world, &older).action;
    let obstacles = preconditions(&action, &world.inventory, &limits());
    assert!(matches!(&obstacles[..], [shared::Obstacle::OutOfOrder { .. }]), "{obstacles:?}");
}

#[test]
fn an_installation_that_observes_says_so_before_anything_is_tried() {
    let world = after(1);
    let newest = world.in_group("app").last().unwrap().id.clone();
    let observing = Limits::new("here", Writes::Only(vec![]));
    let obstacles =
        preconditions(&copy_request(&world, &newest).action, &world.inventory, &observing);
    assert!(obstacles.iter().any(|o| matches!(o, shared::Obstacle::ReadOnly { .. })));
}

#[test]
fn a_policy_for_a_group_that_is_not_there_says_so_and_the_snapshots_go_on() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    world.inventory.groups.retain(|group| group.name != "dr");
    world.tick(&[policy(&["data"])]);
    let plan = world.tick(&[policy(&["data"])]);
    assert_eq!((plan.steps.len(), world.in_group("app").len()), (0, 1));
    let says = |d: &Decision| {
        matches!(&d.reasons[..], [Reason::Obstacle(shared::Obstacle::UnknownGroup { .. })])
    };
    assert!(plan.decisions.iter().any(says), "{:#?}", plan.decisions);
}

#[test]
fn a_snapshot_that_no_run_has_told_of_still_fills_its_slot_when_it_is_not_listed() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    world.settle(&policies);
    // The process died before it recorded the run.
    world.history = History::none();
    let seen = |plan: &shared::Plan| {
        let slot = |reason: &Reason| matches!(reason, Reason::SlotSeen { .. });
        plan.decisions.iter().filter(|d| d.reasons.iter().any(slot)).count()
    };
    assert_eq!(seen(&world.tick(&policies)), 1);
    assert_eq!(seen(&world.tick(&policies)), 0);
    world.inventory.snapshots.clear();
    world.inventory.gaps.push(Gap {
        subscription: SUBSCRIPTION.to_owned(),
        what: "snapshots".to_owned(),
        message: "no".to_owned(),
    });
    assert_eq!(world.tick(&policies).steps, []);
}

#[test]
fn a_copy_that_azure_did_not_begin_is_remembered_until_it_does() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    world.tick(&policies);
    let plan = world.plan(&policies);
    let copy = plan.steps[0].effect.id().key().to_owned();
    let answered = |code: &str| Outcome::Failed { code: code.to_owned(), message: String::new() };
    world.fold(&plan, |_| answered("AzureUnreachable"));
    assert!(world.history.declined.is_empty());
    world.fold(&plan, |_| answered("OperationNotAllowed"));
    assert_eq!(world.history.declined.keys().collect::<Vec<_>>(), [&copy]);
    world.fold(&plan, |_| Outcome::Done);
    assert!(world.history.declined.is_empty());
}

#[test]
fn each_subscription_has_a_ticks_steps_of_its_own() {
    const OTHER: &str = "22222222-2222-2222-2222-222222222222";
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["a", "b", "c", "d"]);
    let mut group = world.inventory.groups[0].clone();
    OTHER.clone_into(&mut group.subscription);
    world.inventory.groups.push(group);
    let mut all = policy(&["a", "b"]);
    for (disk, name) in world.inventory.disks[2..].iter_mut().zip(["c", "d"]) {
        disk.id = ResourceId::disk(OTHER, "app", name);
        all.disks.include.push(shared::Selector::Disk { id: disk.id.clone() });
    }
    world.limits.steps_per_tick = 1;
    let plan = world.plan(&[all.clone()]);
    let written: Vec<&str> = plan.steps.iter().map(|s| s.effect.id().subscription()).collect();
    assert_eq!(written, [OTHER, SUBSCRIPTION]);
    assert_eq!(world.check(&plan, &[all]), []);
}
