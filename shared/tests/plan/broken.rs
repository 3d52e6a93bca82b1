//! Plans broken by hand, each of which the check must refuse for the right reason; and the same
//! steps unbroken, which it must accept.
//!
//! A case is an estate in the notation of `golden`, steps, and the violation's name.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use shared::{
    Effect, NetworkAccess, Plan, Region, ResourceId, Side, Step, Violation, check, names,
    plan::Cause, tags,
};

use crate::{
    golden::notation::{Scenario, time},
    world::SUBSCRIPTION,
};

/// Three days of points on both sides; the oldest two of each are marked, one of them due.
pub(super) const ESTATE: &str = "
now 2026-11-23T07:00Z
disk data
snap 2026-11-20T00:00Z marked 2026-11-23T06:30Z
snap 2026-11-20T06:00Z marked 2026-11-23T12:30Z
snaps every 6h from 2026-11-20T12:00Z to 2026-11-23T00:00Z
copy northeurope/dr 2026-11-20T00:00Z marked 2026-11-23T06:30Z
copy northeurope/dr 2026-11-20T06:00Z marked 2026-11-23T12:30Z
copies northeurope/dr every 6h from 2026-11-20T12:00Z to 2026-11-22T18:00Z
";
pub(super) const POLICY: &str = "policy p: every 6h; keep last 3; to northeurope/dr keep last 4\n";

pub(super) const DELETE: &str = "delete snap 2026-11-20T00:00Z";
const DELETE_COPY: &str = "delete copy northeurope/dr 2026-11-20T00:00Z";
const MARK: &str = "mark snap 2026-11-20T12:00Z";
pub(super) const COPY: &str = "copy snap 2026-11-23T00:00Z";
pub(super) const CREATE: &str = "snapshot data 2026-11-23T06:00Z";

/// A step by the policy: `delete LABEL`, `mark LABEL [for HOURS]`, `copy LABEL [to PLACE]`, …
pub(super) fn step(scenario: &Scenario, text: &str) -> Step {
    let (verb, rest) = text.split_once(' ').unwrap();
    let unique_id = |id: &ResourceId| {
        let found = scenario.inventory.snapshot(id);
        found.map_or("gone".to_owned(), |snapshot| snapshot.unique_id.clone())
    };
    let now = scenario.inventory.taken_at;
    let effect = match verb {
        "delete" => {
            let id = scenario.labelled(rest);
            Effect::DeletePoint { unique_id: unique_id(&id), id }
        }
        "unmark" => {
            let id = scenario.labelled(rest);
            Effect::UnmarkPoint { unique_id: unique_id(&id), id }
        }
        "pin" => {
            let id = scenario.labelled(rest);
            Effect::PinPoint { unique_id: unique_id(&id), id, actor: "ann".to_owned() }
        }
        "mark" => {
            let (label, hours) = rest.split_once(" for ").unwrap_or((rest, "24"));
            let (label, approved) = match label.strip_suffix(" approved") {
                Some(label) => (label, Some("0123456789abcdef".to_owned())),
                None => (label, None),
            };
            let id = scenario.labelled(label);
            let delete_after = now + SignedDuration::from_hours(hours.parse().unwrap());
            Effect::MarkPoint { unique_id: unique_id(&id), id, delete_after, approved }
        }
        "abandon" => {
            let id = scenario.labelled(rest);
            Effect::AbandonCopy {
                unique_id: unique_id(&id),
                region: scenario.inventory.snapshot(&id).unwrap().region.clone(),
                id,
                disk_unique_id: "disk-data".to_owned(),
            }
        }
        "copy" => copy(scenario, rest),
        "snapshot" => snapshot(scenario, rest),
        _ => panic!("no step: {text}"),
    };
    Step { effect, cause: Cause::Policy { id: "p".to_owned(), version: 1 } }
}

fn tags_of(disk: &str, when: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (tags::INSTALLATION.to_owned(), "here".to_owned()),
        (tags::DISK.to_owned(), format!("disk-{disk}")),
        (tags::POINT.to_owned(), time(when).to_string()),
        (tags::POLICY.to_owned(), "p".to_owned()),
        (tags::SLOT.to_owned(), time(when).to_string()),
    ])
}

fn copy(scenario: &Scenario, text: &str) -> Effect {
    let (label, place) = text.split_once(" to ").unwrap_or((text, "northeurope/dr"));
    let (region, group) = place.split_once('/').unwrap();
    let region = Region::new(region);
    let source = scenario.labelled(label);
    let when = label.rsplit(' ').next().unwrap();
    let side = Side::new(&region, SUBSCRIPTION, group);
    let name = names::copy_name("here", "data", "disk-data", time(when), &side, 1);
    Effect::StartCopy {
        id: ResourceId::snapshot(SUBSCRIPTION, group, &name),
        region,
        source,
        disk_unique_id: if label.contains("logs") { "disk-logs" } else { "disk-data" }.to_owned(),
        sku: "Standard_ZRS".to_owned(),
        network_access: NetworkAccess::DenyAll,
        encryption_set: None,
        fast: false,
        first: false,
        bytes: 1 << 30,
        tags: tags_of("data", when),
    }
}

fn snapshot(scenario: &Scenario, text: &str) -> Effect {
    let (text, group) = text.split_once(" in ").unwrap_or((text, "app"));
    let (disk, when) = text.split_once(' ').unwrap();
    let source = ResourceId::disk(SUBSCRIPTION, "app", disk);
    let name = names::snapshot_name("here", &source, &format!("disk-{disk}"), time(when));
    let region = scenario.inventory.disk(&source).map(|disk| disk.region.clone());
    Effect::CreateSnapshot {
        id: ResourceId::snapshot(SUBSCRIPTION, group, &name),
        region: region.unwrap_or(Region::new("westeurope")),
        source,
        incremental: true,
        sku: "Standard_ZRS".to_owned(),
        network_access: NetworkAccess::DenyAll,
        tags: tags_of(disk, when),
    }
}

pub(super) fn violations(
    estate: &str,
    policy: &str,
    steps: &[&str],
    mend: fn(&mut Step),
) -> Vec<Violation> {
    let scenario = Scenario::read(&format!("{estate}{policy}"));
    let mut steps: Vec<Step> = steps.iter().map(|text| step(&scenario, text)).collect();
    steps.iter_mut().for_each(mend);
    let plan = Plan { steps, decisions: vec![], held: None };
    let Scenario { inventory, policies, history, limits, .. } = &scenario;
    check(&plan, inventory, policies, &scenario.requests(), history, limits)
}

pub(super) fn name(violation: &Violation) -> String {
    let text = format!("{violation:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

#[test]
fn the_steps_unbroken_are_accepted() {
    for step in [DELETE, DELETE_COPY, MARK, COPY, CREATE, "unmark snap 2026-11-20T06:00Z"] {
        assert_eq!(violations(ESTATE, POLICY, &[step], |_| {}), [], "{step}");
    }
    let all = [CREATE, COPY, MARK, DELETE, DELETE_COPY];
    assert_eq!(violations(ESTATE, POLICY, &all, |_| {}), []);
}

#[test]
fn what_no_target_can_take_any_more_may_go() {
    // A newer copy is there, and Azure takes none that is older.
    let estate = format!("{ESTATE}snap 2026-11-19T18:00Z\n");
    let policy = "policy p: every 6h; keep last 3; to northeurope/dr\n";
    assert_eq!(violations(&estate, policy, &["mark snap 2026-11-19T18:00Z"], |_| {}), []);
    // Near Azure's limit of snapshots only the newest waits for a target.
    let policy = "policy p: every 6h; keep last 3; to northeurope/dr keep last 4; to westus/dr\n";
    let estate = format!("{ESTATE}snap 2026-11-19T18:00Z\nlimit thin 5\n");
    for step in ["mark snap 2026-11-19T18:00Z", "mark snap 2026-11-20T12:00Z"] {
        assert_eq!(violations(&estate, policy, &[step], |_| {}), [], "{step}");
    }
}

/// What is broken, lines that are added to the estate, the policy, the steps, the violation.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str);

const CASES: &[Case] = &[
    ("a mark that has not come due", "", POLICY, &["delete snap 2026-11-20T06:00Z"], "NotMarked"),
    ("an unmarked point", "", POLICY, &["delete snap 2026-11-20T12:00Z"], "NotMarked"),
    (
        "a mark that is due at once",
        "",
        POLICY,
        &["mark snap 2026-11-20T12:00Z for 0"],
        "MarkTooShort",
    ),
    ("a mark due in 23 hours", "", POLICY, &["mark snap 2026-11-20T12:00Z for 23"], "MarkTooShort"),
    ("a second mark", "", POLICY, &["mark snap 2026-11-20T06:00Z"], "MarkedAlready"),
    ("the newest at the source", "", POLICY, &["delete snap 2026-11-23T00:00Z"], "Floor"),
    ("a mark of the newest at the source", "", POLICY, &["mark snap 2026-11-23T00:00Z"], "Floor"),
    (
        "the newest at the target",
        "",
        POLICY,
        &["delete copy northeurope/dr 2026-11-22T18:00Z"],
        "Floor",
    ),
    (
        "a mark of the newest at the target",
        "",
        POLICY,
        &["mark copy northeurope/dr 2026-11-22T18:00Z"],
        "Floor",
    ),
    ("the base of the next copy", "", POLICY, &["delete snap 2026-11-22T18:00Z"], "Base"),
    ("a mark of the base", "", POLICY, &["mark snap 2026-11-22T18:00Z"], "Base"),
    ("what a rule of the source keeps", "", POLICY, &["mark snap 2026-11-22T12:00Z"], "KeptByRule"),
    (
        "what a rule of the target keeps",
        "",
        POLICY,
        &["mark copy northeurope/dr 2026-11-22T06:00Z"],
        "KeptByRule",
    ),
    (
        "anything where there are no rules",
        "",
        "policy p: every 6h; to northeurope/dr keep last 4\n",
        &[DELETE],
        "KeptByRule",
    ),
    (
        "what a target lacks",
        "",
        "policy p: every 6h; keep last 3; to northeurope/dr keep last 4; to westus/dr\n",
        &[DELETE],
        "Wanted",
    ),
    (
        "what a busy target lacks",
        "copy westus/dr 2026-11-19T00:00Z\n",
        "policy p: every 6h; keep last 3; to westus/dr keep last 40\n",
        &[MARK],
        "Wanted",
    ),
    (
        "anything of a disabled policy",
        "",
        "policy p: every 6h; keep last 3; disabled\n",
        &[DELETE],
        "NoPolicy",
    ),
    (
        "anything of a paused policy",
        "",
        "policy p: every 6h; keep last 3; paused 2027-01-01T00:00Z\n",
        &[MARK],
        "NoPolicy",
    ),
    (
        "anything of a missing policy",
        "",
        "policy q: every 6h; keep last 3\n",
        &[DELETE],
        "NoPolicy",
    ),
    (
        "anything of a deselected disk",
        "disk logs\n",
        "policy p: every 6h; keep last 3; disks logs\n",
        &[DELETE],
        "NoPolicy",
    ),
    (
        "anything of an excluded disk",
        "",
        "policy p: every 6h; keep last 3; select group app; except disk data\n",
        &[DELETE],
        "NoPolicy",
    ),
    (
        "a copy of a deselected target",
        "",
        "policy p: every 6h; keep last 3\n",
        &[DELETE_COPY],
        "NoPolicy",
    ),
    (
        "what only an edit lets go",
        "",
        "policy p: every 6h; keep last 3; before 2 last 30\n",
        &[DELETE],
        "HeldByEdit",
    ),
    (
        "a mark of what only an edit lets go",
        "",
        "policy p: every 6h; keep last 3; before 2 last 30\n",
        &[MARK],
        "HeldByEdit",
    ),
    (
        "an approval that nobody gave",
        "",
        "policy p: every 6h; keep last 3; before 2 last 30\n",
        &["mark snap 2026-11-20T12:00Z approved"],
        "NotApproved",
    ),
    ("while something was not listed", "gap disks\n", POLICY, &[DELETE], "Blind"),
    ("a mark while something was not listed", "gap snapshots\n", POLICY, &[MARK], "Blind"),
    ("while points have vanished", "vanished\n", POLICY, &[DELETE], "Blind"),
    ("while clocks are apart", "clocks apart\n", POLICY, &[MARK], "Blind"),
    ("while history is unreadable", "history unreadable\n", POLICY, &[DELETE], "Blind"),
    ("under a lock", "lock app CanNotDelete\n", POLICY, &[DELETE], "Locked"),
    (
        "more than a tick may delete",
        "limit deletes 1\n",
        POLICY,
        &[DELETE, DELETE_COPY],
        "TooManyDeletes",
    ),
    ("more steps than a tick may make", "limit steps 1\n", POLICY, &[CREATE, COPY], "TooManySteps"),
    (
        "more marks than were foretold",
        "limit brake 0\n",
        POLICY,
        &[
            "mark snap 2026-11-20T12:00Z",
            "mark snap 2026-11-20T18:00Z",
            "mark snap 2026-11-21T00:00Z",
            "mark snap 2026-11-21T06:00Z",
            "mark snap 2026-11-21T12:00Z",
            "mark snap 2026-11-21T18:00Z",
            "mark snap 2026-11-22T00:00Z",
            "mark copy northeurope/dr 2026-11-20T12:00Z",
        ],
        "Brake",
    ),
    ("one step twice", "", POLICY, &[DELETE, DELETE], "Exists"),
    ("a pin that nobody asked for", "", POLICY, &["pin snap 2026-11-20T06:00Z"], "NotAskedFor"),
    (
        "two copies of a disk",
        "",
        "policy p: every 6h; to northeurope/dr; to westus/dr\n",
        &[COPY, "copy snap 2026-11-22T18:00Z to westus/dr"],
        "SecondCopy",
    ),
    (
        "a copy beside one in flight",
        "copy westus/dr 2026-11-23T00:00Z copying 5\n",
        POLICY,
        &[COPY],
        "SecondCopy",
    ),
    (
        "a copy of what is copied already",
        "copy northeurope/dr 2026-11-23T00:00Z failed\n",
        POLICY,
        &[COPY],
        "Exists",
    ),
    (
        "a copy out of order",
        "",
        POLICY,
        &["copy snap 2026-11-20T12:00Z to northeurope/app"],
        "OutOfOrder",
    ),
    (
        "a copy onto its own side",
        "",
        POLICY,
        &["copy snap 2026-11-23T00:00Z to westeurope/app"],
        "OntoItself",
    ),
    (
        "a second whole copy",
        "seeded westus/dr\n",
        "policy p: every 6h; to northeurope/dr; to westus/dr\n",
        &["copy snap 2026-11-23T00:00Z to westus/dr"],
        "SecondFull",
    ),
    (
        "a whole copy while history is unreadable",
        "history unreadable\n",
        "policy p: every 6h; to northeurope/dr; to westus/dr\n",
        &["copy snap 2026-11-23T00:00Z to westus/dr"],
        "SecondFull",
    ),
    (
        "a copy whose base is gone",
        "copy westus/dr 2026-11-19T00:00Z\n",
        "policy p: every 6h; to westus/dr\n",
        &["copy snap 2026-11-23T00:00Z to westus/dr"],
        "SecondFull",
    ),
    (
        "a copy of a full snapshot",
        "snap 2026-11-23T03:00Z full\n",
        POLICY,
        &["copy snap 2026-11-23T03:00Z"],
        "NotCopyable",
    ),
    (
        "a copy of an unready snapshot",
        "snap 2026-11-23T03:00Z creating\n",
        POLICY,
        &["copy snap 2026-11-23T03:00Z"],
        "NotCopyable",
    ),
    (
        "a copy of a failed snapshot",
        "snap 2026-11-23T03:00Z failed\n",
        POLICY,
        &["copy snap 2026-11-23T03:00Z"],
        "NotCopyable",
    ),
    (
        "a copy in another disk's name",
        "disk logs\nsnap 2026-11-23T00:00Z logs earlier\n",
        POLICY,
        &["copy snap logs 2026-11-23T00:00Z"],
        "NotCopyable",
    ),
    ("more copies than a region takes", "limit copies 0\n", POLICY, &[COPY], "TooManyCopies"),
    (
        "a copy beyond the stop-loss",
        "spent p delta 5\n",
        "policy p: every 6h; to northeurope/dr; stop-loss 5\n",
        &[COPY],
        "StopLoss",
    ),
    (
        "giving up a copy before its time",
        "copy northeurope/dr 2026-11-23T00:00Z copying 5\n",
        "policy p: every 6h; to northeurope/dr; abandon 12h\n",
        &["abandon copy northeurope/dr 2026-11-23T00:00Z"],
        "NotStuck",
    ),
    (
        "giving up a copy without the policy's leave",
        "copy northeurope/dr 2026-11-23T00:00Z copying 5\n",
        POLICY,
        &["abandon copy northeurope/dr 2026-11-23T00:00Z"],
        "NotStuck",
    ),
    (
        "giving up a complete copy",
        "",
        "policy p: every 6h; to northeurope/dr; abandon 12h\n",
        &["abandon copy northeurope/dr 2026-11-22T00:00Z"],
        "NotStuck",
    ),
    (
        "giving up another's copy",
        "copy northeurope/dr 2026-11-22T00:30Z copying 5 foreign\n",
        "policy p: every 6h; to northeurope/dr; abandon 12h\n",
        &["abandon copy northeurope/dr 2026-11-22T00:30Z"],
        "NotStuck",
    ),
    (
        "a snapshot of a disk that no policy selects",
        "disk logs\n",
        "policy p: every 6h; disks data\n",
        &["snapshot logs 2026-11-23T06:00Z"],
        "NotAskedFor",
    ),
    (
        "a snapshot for a disabled policy",
        "",
        "policy p: every 6h; disabled\n",
        &[CREATE],
        "NotAskedFor",
    ),
    (
        "a snapshot of a disk that is not there",
        "",
        POLICY,
        &["snapshot logs 2026-11-23T06:00Z"],
        "Unknown",
    ),
    (
        "a slot's second snapshot in another group",
        "",
        "policy p: every 6h; keep last 3; group dr\n",
        &["snapshot data 2026-11-23T00:00Z in dr"],
        "SlotTwice",
    ),
    (
        "a snapshot of a slot that was done, while not everything is listed",
        "gap snapshots\nslot data 2026-11-23T06:00Z\n",
        POLICY,
        &[CREATE],
        "SlotTwice",
    ),
    ("a snapshot under a lock", "lock app ReadOnly\n", POLICY, &[CREATE], "ReadOnly"),
    ("a copy under a lock", "lock dr ReadOnly\n", POLICY, &[COPY], "ReadOnly"),
    (
        "taking a mark back under a lock",
        "lock app ReadOnly\n",
        POLICY,
        &["unmark snap 2026-11-20T06:00Z"],
        "ReadOnly",
    ),
    (
        "taking a mark back that Azure would not let go of",
        "refused snap 2026-11-20T06:00Z ScopeLocked 2026-11-22T08:00Z\n",
        POLICY,
        &["unmark snap 2026-11-20T06:00Z"],
        "Retried",
    ),
    (
        "taking a mark back from what Azure may be deleting",
        "snap 2026-11-19T18:00Z creating marked 2026-11-22T06:00Z\n",
        POLICY,
        &["unmark snap 2026-11-19T18:00Z"],
        "NotReady",
    ),
    ("a snapshot over another", "", POLICY, &["snapshot data 2026-11-23T00:00Z"], "Exists"),
    (
        "a snapshot beyond Azure's number",
        "limit snapshots 3\n",
        POLICY,
        &[CREATE],
        "TooManySnapshots",
    ),
];

#[test]
fn every_broken_plan_is_refused_for_its_reason() {
    for (what, lines, policy, steps, expected) in CASES {
        let found = violations(&format!("{ESTATE}{lines}"), policy, steps, |_| {});
        assert!(found.iter().any(|v| name(v) == *expected), "{what}: found only {found:?}");
    }
    println!("{} broken plans", CASES.len());
}

/// Points that something protects, whatever the rules say: the oldest snapshot with one word more.
#[test]
fn a_protected_point_does_not_go() {
    for (word, expected) in [
        ("pinned", "Pinned"),
        ("foreign", "NotOurs"),
        ("by-hand", "NotOurs"),
        ("immutable 2027-01-01T00:00Z", "Locked"),
        ("creating", "NotReady"),
        ("failed", "NotReady"),
        ("bare", "Unknown"),
    ] {
        let estate = ESTATE.replacen("06:30Z", &format!("06:30Z {word}"), 1);
        let found = violations(&estate, POLICY, &[DELETE], |_| {});
        assert!(found.iter().any(|v| name(v) == expected), "{word}: found only {found:?}");
    }
}

/// Steps that say something else than they should.
#[test]
fn a_step_with_a_wrong_word_is_refused() {
    type Mend = fn(&mut Step);
    let cases: [(&str, Mend, &str); 9] = [
        (DELETE, |step| namesake(&mut step.effect), "Unknown"),
        (MARK, |step| namesake(&mut step.effect), "Unknown"),
        ("unmark snap 2026-11-20T06:00Z", |step| namesake(&mut step.effect), "Unknown"),
        (CREATE, |step| retag(step, tags::INSTALLATION, "elsewhere"), "Untagged"),
        (CREATE, |step| retag(step, tags::DISK, "disk-logs"), "Untagged"),
        (CREATE, |step| retag(step, tags::POLICY, "q"), "Untagged"),
        (COPY, |step| retag(step, tags::POINT, "yesterday"), "Untagged"),
        (CREATE, |step| open(step), "TooOpen"),
        (CREATE, |step| misname(step), "Name"),
    ];
    for (text, mend, expected) in cases {
        let found = violations(ESTATE, POLICY, &[text], mend);
        assert!(found.iter().any(|v| name(v) == expected), "{text}: found only {found:?}");
    }
}

fn namesake(effect: &mut Effect) {
    if let Effect::DeletePoint { unique_id, .. }
    | Effect::MarkPoint { unique_id, .. }
    | Effect::UnmarkPoint { unique_id, .. } = effect
    {
        *unique_id = "another".to_owned();
    }
}

fn retag(step: &mut Step, name: &str, value: &str) {
    if let Effect::CreateSnapshot { tags, .. } | Effect::StartCopy { tags, .. } = &mut step.effect {
        tags.insert(name.to_owned(), value.to_owned());
    }
}

fn open(step: &mut Step) {
    if let Effect::CreateSnapshot { network_access, .. } = &mut step.effect {
        *network_access = NetworkAccess::AllowAll;
    }
}

fn misname(step: &mut Step) {
    if let Effect::CreateSnapshot { id, .. } = &mut step.effect {
        *id = ResourceId::snapshot(SUBSCRIPTION, "app", "a name");
    }
}
