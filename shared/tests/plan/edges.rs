//! Where the check's rules begin: the last step that it takes and the first that it refuses.

use std::collections::BTreeMap;

use shared::{Effect, Plan, Policy, Region, ResourceId, Step, Violation, check, plan::Cause, tags};

use crate::{
    broken::{COPY, CREATE, DELETE, ESTATE, POLICY, name, step, violations},
    golden::notation::Scenario,
    world::SUBSCRIPTION,
};

/// The names of what is wrong with a plan on an estate.
fn names(estate: &str, policy: &str, steps: &[&str]) -> Vec<String> {
    violations(estate, policy, steps, |_| {}).iter().map(name).collect()
}

/// The same for one step that is no policy's.
fn asked(scenario: &Scenario, effect: Effect) -> Vec<String> {
    let step = Step { effect, cause: Cause::Request { id: "click".to_owned() } };
    check_steps(scenario, vec![step])
}

fn check_steps(scenario: &Scenario, steps: Vec<Step>) -> Vec<String> {
    let plan = Plan { steps, decisions: vec![], held: None };
    let Scenario { inventory, policies, history, limits, .. } = scenario;
    check(&plan, inventory, policies, &[], history, limits).iter().map(name).collect()
}

fn estate(lines: &str, policy: &str) -> Scenario {
    Scenario::read(&format!("{ESTATE}{lines}{policy}"))
}

#[test]
fn azures_number_of_snapshots_counts_no_copies() {
    // Thirteen snapshots and twelve copies.
    assert!(names(&format!("{ESTATE}limit snapshots 14\n"), POLICY, &[CREATE]).is_empty());
    let refused = names(&format!("{ESTATE}limit snapshots 13\n"), POLICY, &[CREATE]);
    assert_eq!(refused, ["TooManySnapshots"]);
    let full = format!("{ESTATE}limit snapshots 14\nsnap 2026-11-22T03:00Z full\n");
    assert!(names(&full, POLICY, &[CREATE]).is_empty());
}

#[test]
fn a_slot_that_is_missed_in_another_group_is_not_done_again() {
    let missed = |group: &str| {
        names(&format!("{ESTATE}missed {group} data 2026-11-23T06:00Z\n"), POLICY, &[CREATE])
    };
    assert_eq!(missed("vault"), ["SlotTwice"]);
    assert!(missed("app").is_empty());
}

#[test]
fn no_whole_disk_is_sent_to_where_the_list_is_missing() {
    let policy = "policy p: every 6h; to northeurope/dr; to westus/dr\n";
    let step = ["copy snap 2026-11-23T00:00Z to westus/dr"];
    let with = |gap: &str| names(&format!("{ESTATE}{gap}\n"), policy, &step);
    assert_eq!(with("gap snapshots"), ["SecondFull"]);
    assert_eq!(with("gap subscription"), ["SecondFull"]);
    assert!(with("gap locks").is_empty());
    assert!(with("gap snapshots elsewhere").is_empty());
    // What changed since may go to where copies are seen.
    assert!(names(&format!("{ESTATE}gap snapshots\n"), POLICY, &[COPY]).is_empty());
}

#[test]
fn only_the_whole_copy_itself_is_sent_anew_when_it_fails() {
    let policy = "policy p: every 6h; to northeurope/dr; to westus/dr\n";
    let step = ["copy snap 2026-11-23T00:00Z to westus/dr"];
    let failed = "copy westus/dr 2026-11-22T00:00Z failed\nseeded westus/dr";
    assert_eq!(names(&format!("{ESTATE}{failed}\n"), policy, &step), ["SecondFull"]);
    let whole = format!("{ESTATE}{failed} by copy westus/dr 2026-11-22T00:00Z\n");
    assert!(names(&whole, policy, &step).is_empty());
}

#[test]
fn immutability_ends_on_its_minute() {
    let until = |end: &str| ESTATE.replacen("06:30Z", &format!("06:30Z immutable {end}"), 1);
    assert!(names(&until("2026-11-23T07:00Z"), POLICY, &[DELETE]).is_empty());
    assert_eq!(names(&until("2026-11-23T07:01Z"), POLICY, &[DELETE]), ["Locked"]);
}

#[test]
fn only_a_person_has_a_disk_made() {
    let scenario = estate("", POLICY);
    let restored = || Effect::CreateDisk {
        id: ResourceId::disk(SUBSCRIPTION, "app", "restored"),
        region: Region::new("westeurope"),
        source: scenario.labelled("snap 2026-11-23T00:00Z"),
        sku: "Premium_LRS".to_owned(),
        zone: None,
        tags: BTreeMap::from([
            (tags::INSTALLATION.to_owned(), "here".to_owned()),
            (tags::REQUEST.to_owned(), "click".to_owned()),
            (tags::POLICY.to_owned(), "p".to_owned()),
            (tags::DISK.to_owned(), "disk-data".to_owned()),
            (tags::POINT.to_owned(), "2026-11-23T00:00:00Z".to_owned()),
        ]),
    };
    assert!(asked(&scenario, restored()).is_empty());
    let cause = Cause::Policy { id: "p".to_owned(), version: 1 };
    let by_policy = check_steps(&scenario, vec![Step { effect: restored(), cause }]);
    assert_eq!(by_policy, ["NotAskedFor"]);
}

/// The newest copy, as if its source had been made again under the same name.
fn remade() -> Scenario {
    let mut scenario =
        estate("", "policy p: every 6h; keep last 1; to northeurope/dr keep last 4\n");
    let copy = scenario.labelled("copy northeurope/dr 2026-11-22T18:00Z");
    let copies = &mut scenario.inventory.snapshots;
    let newest = copies.iter_mut().find(|s| s.id == copy).unwrap();
    newest.source_unique_id = Some("the-one-before".into());
    scenario
}

#[test]
fn a_snapshot_made_again_under_its_name_is_no_base() {
    let scenario = remade();
    let mark = |scenario: &Scenario| {
        check_steps(scenario, vec![step(scenario, "mark snap 2026-11-22T18:00Z")])
    };
    assert!(mark(&scenario).is_empty());
    let plain = estate("", "policy p: every 6h; keep last 1; to northeurope/dr keep last 4\n");
    assert_eq!(mark(&plain), ["Base"]);
    // And the next copy would be a whole one.
    assert_eq!(check_steps(&scenario, vec![step(&scenario, COPY)]), ["SecondFull"]);
}

#[test]
fn a_target_holds_what_it_lacks_until_the_disk_has_many_snapshots() {
    let policy = "policy p: every 6h; keep last 3; to northeurope/dr keep last 4; to westus/dr keep last 9\n";
    let mark = ["mark snap 2026-11-21T06:00Z"];
    // Thirteen snapshots; the twelve copies do not count.
    assert_eq!(names(&format!("{ESTATE}limit thin 14\n"), policy, &mark), ["Wanted"]);
    let many = format!("{ESTATE}limit thin 13\n");
    assert!(names(&many, policy, &mark).is_empty());
    // The newest is held all the same.
    let newest = names(&many, policy, &["mark snap 2026-11-23T00:00Z"]);
    assert!(newest.contains(&"Wanted".to_owned()), "{newest:?}");
}

#[test]
fn only_policies_that_select_the_disk_hold_its_points_for_their_targets() {
    let both = ESTATE.replace("to 2026-11-23T00:00Z", "to 2026-11-23T00:00Z of p,q");
    let mark = ["mark snap 2026-11-21T06:00Z"];
    let q = |disks: &str| {
        format!("{POLICY}policy q: every 6h; keep last 3; disks {disks}; to westus/dr\n")
    };
    let selecting = names(&both, &q("data"), &mark);
    assert!(selecting.contains(&"Wanted".to_owned()), "{selecting:?}");
    let other = names(&both, &q("logs"), &mark);
    assert!(!other.contains(&"Wanted".to_owned()), "{other:?}");
}

#[test]
fn copies_in_flight_count_among_a_regions_copies() {
    let flying = "disk logs\nsnap 2026-11-23T00:00Z logs\n\
                  copy northeurope/dr 2026-11-23T00:00Z logs copying 10\n";
    let with = |limit: usize| format!("{ESTATE}{flying}limit copies {limit}\n");
    assert!(names(&with(2), POLICY, &[COPY]).is_empty());
    assert_eq!(names(&with(1), POLICY, &[COPY]), ["TooManyCopies"]);
}

#[test]
fn a_person_may_copy_what_cannot_be_placed_but_not_what_is_not_there_yet() {
    let copied = |word: &str| {
        let scenario = estate(&format!("disk logs\nsnap 2026-11-23T03:00Z logs {word}\n"), POLICY);
        let mut effect = step(&scenario, "copy snap logs 2026-11-23T03:00Z").effect;
        if let Effect::StartCopy { tags, disk_unique_id, .. } = &mut effect {
            tags.insert(tags::REQUEST.to_owned(), "click".to_owned());
            "nobody-knows".clone_into(disk_unique_id);
        }
        asked(&scenario, effect)
    };
    assert!(copied("").is_empty());
    assert_eq!(copied("creating"), ["NotCopyable"]);
    assert_eq!(copied("full"), ["NotCopyable"]);
}

#[test]
fn the_brake_says_how_many_would_be_marked() {
    let marks: Vec<String> = ["12", "18"]
        .iter()
        .map(|hour| format!("mark snap 2026-11-20T{hour}:00Z"))
        .chain(
            ["00", "06", "12", "18"].iter().map(|hour| format!("mark snap 2026-11-21T{hour}:00Z")),
        )
        .collect();
    let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
    let estate = format!("{ESTATE}limit brake 0\n");
    let found = violations(&estate, POLICY, &marks, |_| {});
    let brake = found.iter().find_map(|v| match v {
        Violation::Brake(would, may) => Some((*would, *may)),
        _ => None,
    });
    // Two are marked already.
    let (would, may) = brake.unwrap();
    assert_eq!(would, 2 + marks.len());
    assert!(may < would);
}

/// How many marks the check allows where no margin helps.
fn allowed(points: &str, policies: &str) -> usize {
    let estate = format!(
        "now 2026-11-23T06:00Z\ndisk data\nlimit brake 0\nlimit percent 0\n\
         snaps every 6h from 2026-11-20T06:00Z to 2026-11-23T06:00Z {points}\n"
    );
    let marks: Vec<String> = ["20", "21", "22"]
        .iter()
        .flat_map(|day| {
            ["06", "12", "18"].map(|hour| format!("mark snap 2026-11-{day}T{hour}:00Z"))
        })
        .collect();
    let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
    let found = violations(&estate, policies, &marks, |_| {});
    let brake = found.iter().find_map(|v| match v {
        Violation::Brake(_, may) => Some(*may),
        _ => None,
    });
    brake.unwrap_or_else(|| panic!("{found:?}"))
}

#[test]
fn the_brake_foretells_by_the_policies_of_the_points_that_select_the_disk() {
    let p = "policy p: every 6h; keep last 1\n";
    // Three of the last day, and the one that was the newest a day ago.
    assert_eq!(allowed("", p), 4);
    let q = |disks: &str| format!("{p}policy q: every 6h; keep last 2; disks {disks}\n");
    assert_eq!(allowed("", &q("data")), 4);
    assert_eq!(allowed("of p,q", &q("logs")), 4);
    // Three of the last day by `q`, too.
    assert_eq!(allowed("of p,q", &q("data")), 8);
}

#[test]
fn what_azure_refused_at_this_very_time_is_not_tried() {
    let unmark = "unmark snap 2026-11-20T06:00Z";
    let refused = |at: &str| {
        let lines = format!("{ESTATE}refused snap 2026-11-20T06:00Z ScopeLocked {at}\n");
        names(&lines, POLICY, &[unmark])
    };
    assert_eq!(refused("2026-11-23T07:00Z"), ["Retried"]);
    assert_eq!(refused("2026-11-23T07:05Z"), ["Retried"]);
    assert_eq!(refused("2026-11-22T07:01Z"), ["Retried"]);
    // A day ago, and by a clock gone wrong.
    assert!(refused("2026-11-22T07:00Z").is_empty());
    assert!(refused("2026-11-23T07:06Z").is_empty());
}

/// Approval is for exactly one batch: the policy's version is part of it.
#[test]
fn an_approval_of_another_version_approves_nothing() {
    let held = |version: u32| {
        let policy = format!("policy p: every 6h; keep last 3; before {version} last 30\n");
        let scenario = Scenario::read(&format!("{ESTATE}{policy}"));
        let Scenario { inventory, policies, history, limits, .. } = &scenario;
        let policies: &[Policy] = policies;
        shared::plan(inventory, policies, &[], history, limits, inventory.taken_at)
            .held
            .unwrap()
            .hash
    };
    assert_ne!(held(2), held(3));
    assert_eq!(held(2), held(2));
}
