//! The chains of runs: two writers never fork one, `verify` names the first link that is broken,
//! `replay` plans the same again, and a policy that cannot be read stops nothing else.

use std::{collections::BTreeMap, fs, path::PathBuf};

use function::{
    audit::{self, Broken},
    records::Records,
    store::Store,
};
use jiff::Timestamp;
use shared::{
    Action, Inventory, KeepPoint, Limits, Request, ResourceId, Run,
    model::{Inputs, Link, RequestRef, RunTrigger, Writes},
    plan::plan,
};

const CHAIN: &str = "11111111-1111-1111-1111-111111111111";

struct Kept {
    records: Records,
    folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { records: Records::new(Store::new(folder.path().to_owned())), folder }
    }

    fn file(&self, chain: &str, number: u32) -> PathBuf {
        self.folder.path().join(format!("runs/{chain}/{number:08}.json"))
    }
}

fn at(minute: i8) -> Timestamp {
    format!("2026-11-26T00:{minute:02}:00Z").parse().unwrap()
}

fn run(chain: &str, minute: i8) -> Run {
    Run {
        id: String::new(),
        link: Link { chain: chain.to_owned(), number: 0, previous: None },
        trigger: RunTrigger::Timer,
        now: at(minute),
        duration_ms: 1,
        inventory: None,
        inputs: None,
        steps: vec![],
        decisions: vec![],
        problems: vec![format!("minute {minute}")],
    }
}

async fn four_runs() -> Kept {
    let kept = Kept::new();
    for minute in 1..=4 {
        kept.records.store_run(run(CHAIN, minute)).await.unwrap();
    }
    kept
}

#[tokio::test]
async fn two_instances_never_fork_a_chain() {
    let kept = Kept::new();
    let writers = (0..16).map(|minute| kept.records.store_run(run(CHAIN, minute)));
    for stored in futures::future::join_all(writers).await {
        stored.unwrap();
    }
    kept.records.store_run(run("estate", 20)).await.unwrap();
    let wholes = audit::verify(&kept.records).await.unwrap();
    let links: Vec<_> = wholes.iter().map(|w| (w.chain.as_str(), w.links)).collect();
    assert_eq!(links, [(CHAIN, 16), ("estate", 1)]);
    let newest = kept.records.runs(3).await.unwrap();
    assert_eq!(newest[0].id, "estate-00000001");
    assert_eq!(newest[1].id, format!("{CHAIN}-00000016"));
    assert_eq!(kept.records.run(&newest[1].id).await.unwrap().unwrap(), newest[1]);
}

#[tokio::test]
async fn an_edited_byte_is_found_wherever_it_is() {
    for number in 1..=4 {
        let kept = four_runs().await;
        let path = kept.file(CHAIN, number);
        let mut content = fs::read(&path).unwrap();
        let place = content.len() / 2;
        content[place] ^= 1;
        fs::write(&path, content).unwrap();
        let broken = audit::verify(&kept.records).await.unwrap_err();
        let expected = format!("{CHAIN}-{number:08}");
        assert!(matches!(&broken, Broken::Unreadable { id, .. } if *id == expected), "{broken}");
    }
}

#[tokio::test]
async fn on_an_altered_end_the_chain_goes_on_and_the_rest_is_shown() {
    let kept = four_runs().await;
    fs::write(kept.file(CHAIN, 4), "spoilt").unwrap();
    let next = kept.records.store_run(run(CHAIN, 5)).await.unwrap();
    assert_eq!(next.id, format!("{CHAIN}-00000005"));
    let shown: Vec<u32> =
        kept.records.runs(9).await.unwrap().iter().map(|run| run.link.number).collect();
    assert_eq!(shown, [5, 3, 2, 1]);
    let broken = audit::verify(&kept.records).await.unwrap_err();
    let expected = format!("{CHAIN}-00000004");
    assert!(matches!(&broken, Broken::Unreadable { id, .. } if *id == expected), "{broken}");
    assert!(!kept.records.history().await.history.readable);
}

#[tokio::test]
async fn a_record_written_anew_with_a_hash_of_its_own_is_found_by_the_next() {
    let kept = four_runs().await;
    let other = Kept::new();
    other.records.store_run(run(CHAIN, 1)).await.unwrap();
    other.records.store_run(run(CHAIN, 9)).await.unwrap();
    fs::copy(other.file(CHAIN, 2), kept.file(CHAIN, 2)).unwrap();
    let broken = audit::verify(&kept.records).await.unwrap_err();
    let expected = format!("{CHAIN}-00000003");
    assert!(matches!(&broken, Broken::Unlinked { id } if *id == expected), "{broken}");
}

#[tokio::test]
async fn a_dropped_record_is_found_and_the_history_counts_as_unreadable() {
    for number in 1..=3 {
        let kept = four_runs().await;
        fs::remove_file(kept.file(CHAIN, number)).unwrap();
        let broken = audit::verify(&kept.records).await.unwrap_err();
        let expected = format!("{CHAIN}-{number:08}");
        assert!(matches!(&broken, Broken::Missing { id } if *id == expected), "{broken}");
        assert!(!kept.records.history().await.history.readable);
    }
}

#[tokio::test]
async fn a_dropped_end_is_found_by_any_later_run_that_knew_of_it() {
    let kept = four_runs().await;
    let past = kept.records.history().await;
    let limits = Limits::new("test", Writes::Everywhere);
    let mut later = run("estate", 5);
    later.inputs =
        Some(Inputs { policies: vec![], requests: vec![], history: past.reference, limits });
    kept.records.store_run(later).await.unwrap();
    assert_eq!(audit::verify(&kept.records).await.unwrap().len(), 2);
    fs::remove_file(kept.file(CHAIN, 4)).unwrap();
    let broken = audit::verify(&kept.records).await.unwrap_err();
    let expected = format!("{CHAIN}-00000004");
    assert!(matches!(&broken, Broken::Missing { id } if *id == expected), "{broken}");
}

#[tokio::test]
async fn two_records_that_changed_places_are_found() {
    let kept = four_runs().await;
    let (second, third) = (kept.file(CHAIN, 2), kept.file(CHAIN, 3));
    let content = fs::read(&second).unwrap();
    fs::copy(&third, &second).unwrap();
    fs::write(&third, content).unwrap();
    let broken = audit::verify(&kept.records).await.unwrap_err();
    let (id, found) = (format!("{CHAIN}-00000002"), format!("{CHAIN}-00000003"));
    let expected =
        matches!(&broken, Broken::Misplaced { id: a, found: b } if *a == id && *b == found);
    assert!(expected, "{broken}");
}

#[tokio::test]
async fn a_history_is_a_checkpoint_and_the_runs_after_it() {
    let kept = Kept::new();
    for minute in 0..50 {
        kept.records.store_run(run(CHAIN, minute)).await.unwrap();
    }
    let first = kept.records.history().await;
    assert_eq!(first.reference.checkpoint, None);
    assert_eq!(first.reference.heads, BTreeMap::from([(CHAIN.to_owned(), 50)]));
    kept.records.store_run(run("estate", 51)).await.unwrap();
    // What the checkpoint holds is not read again.
    fs::write(kept.file(CHAIN, 7), "spoilt").unwrap();
    let second = kept.records.history().await;
    assert_eq!(second.reference.checkpoint, Some(1));
    assert!(second.history.readable);
    let again = kept.records.history_of(&second.reference).await.unwrap();
    assert_eq!(again, second.history);
    fs::write(kept.folder.path().join("histories/checkpoint/00000001.json"), "spoilt").unwrap();
    assert!(!kept.records.history().await.history.readable);
}

/// A run that had one request, which could not be carried out.
async fn planned_run(kept: &Kept) -> Run {
    let inventory = Inventory::empty(at(0));
    let action = Action::KeepPoint(KeepPoint { snapshot: ResourceId::snapshot("s", "g", "gone") });
    let request = Request {
        id: "11111111-0001".to_owned(),
        actor: "Ann".to_owned(),
        asked_at: at(0),
        action,
    };
    kept.records.ask(request.clone()).await.unwrap();
    let limits = Limits::new("test", Writes::Everywhere);
    let past = kept.records.history().await;
    let requests = [request.clone()];
    let plan = plan(&inventory, &[], &requests, &past.history, &limits, at(0));
    assert_eq!(plan.decisions.len(), 1);
    let mut run = run("estate", 0);
    run.inventory = Some(kept.records.store_inventory(&inventory).await.unwrap());
    run.inputs = Some(Inputs {
        policies: vec![],
        requests: vec![RequestRef { id: request.id, actor: request.actor }],
        history: past.reference,
        limits,
    });
    run.decisions = plan.decisions;
    run
}

#[tokio::test]
async fn a_replay_shows_the_same_plan_or_what_differs() {
    let kept = Kept::new();
    let stored = kept.records.store_run(planned_run(&kept).await).await.unwrap();
    let replayed = audit::replay(&kept.records, &stored.id).await.unwrap();
    assert!(replayed.is_same() && replayed.same == 1, "{replayed:?}");

    let mut other = planned_run(&kept).await;
    other.decisions.clear();
    let other = kept.records.store_run(other).await.unwrap();
    let replayed = audit::replay(&kept.records, &other.id).await.unwrap();
    assert!(!replayed.is_same());
    assert_eq!((replayed.recorded_only.len(), replayed.replayed_only.len()), (0, 1));
    assert!(audit::replay(&kept.records, "estate-00000009").await.is_err());
}

#[tokio::test]
async fn an_altered_inventory_is_found() {
    let kept = Kept::new();
    let run = kept.records.store_run(planned_run(&kept).await).await.unwrap();
    let hash = run.inventory.unwrap();
    fs::write(kept.folder.path().join(format!("inventories/{hash}/00000001.json")), "x").unwrap();
    let broken = audit::verify(&kept.records).await.unwrap_err();
    assert!(matches!(&broken, Broken::Inventory { id, .. } if *id == run.id), "{broken}");
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_counts_as_missing_and_is_told_of() {
    let kept = Kept::new();
    for (id, content) in
        [("broken", "{"), ("strange", r#"{"saved":{"id":"strange","surprise":1}}"#)]
    {
        let folder = kept.folder.path().join("policies").join(id);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("00000001.json"), content).unwrap();
    }
    let (policies, problems) = kept.records.policies_and_problems().await.unwrap();
    assert!(policies.is_empty());
    assert_eq!(problems.len(), 2);
    assert!(problems[0].contains("`broken`") && problems[1].contains("`strange`"), "{problems:?}");
}
