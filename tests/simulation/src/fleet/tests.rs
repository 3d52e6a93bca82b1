//! Parts of a tick, one at a time: when a part goes by what its tick planned, and when it plans anew.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use function::{
    App, audit,
    azure::Taker,
    message::{Message, Part},
    records::Records,
    store::{Memory, Store},
    tick,
};
use shared::{Run, model::RunTrigger};
use tokio::time::Instant;

use super::{FleetOptions, cloud::Cloud};
use crate::scenario::later;

/// Three subscriptions of two disks, a tick that has handed all of it out, and a worker.
struct Story {
    cloud: Cloud,
    records: Records,
    worker: Arc<App>,
    parts: Vec<Part>,
}

impl Story {
    async fn new() -> Self {
        let options = FleetOptions {
            subscriptions: 3,
            disks: 2,
            hours: 1,
            instances: 1,
            bytes: 4096,
            bandwidth: 8,
            storm: false,
            verbose: false,
        };
        let cloud = Cloud::new(options).await.unwrap();
        let memory = Memory::default();
        let records = Records::new(Store::Memory(memory.clone()));
        for policy in cloud.policies().unwrap() {
            records.save_policy(policy).await.unwrap();
        }
        let clocks = cloud.door().clocks();
        let first = later(clocks.now(), 25 * 60);
        tokio::time::sleep_until(clocks.instant(first)).await;
        let parts: Arc<Mutex<Vec<Part>>> = Arc::default();
        let taken = parts.clone();
        let messages: Taker = Arc::new(move |message| match message {
            Message::Tick(Some(part)) => taken.lock().unwrap().push(part.clone()),
            other => panic!("{other:?}"),
        });
        let timer = cloud.start(&memory, &messages).unwrap();
        let worker = cloud.start(&memory, &messages).unwrap();
        assert!(tick::tick(&timer, Instant::now()).await.unwrap().queued);
        let parts = std::mem::take(&mut *parts.lock().unwrap());
        assert_eq!(parts.len(), 3);
        assert_eq!(cloud.state().inventories, 0);
        Self { cloud, records, worker, parts }
    }

    async fn work(&self, part: &Part) -> Option<Run> {
        tick::tick_part(&self.worker, part, Instant::now()).await.unwrap()
    }

    /// Whether any part has planned anew, or tried to.
    fn planned_anew(&self) -> bool {
        self.cloud.state().inventories > 0
    }

    fn snapshots(&self) -> usize {
        self.cloud.state().ledger.so_far().0
    }

    async fn follows_from_what_is_stored(&self, run: &Run) -> bool {
        audit::replay(&self.records, &run.id).await.unwrap().is_same()
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_does_what_its_tick_planned_whatever_its_siblings_have_recorded() {
    let story = Story::new().await;
    for part in &story.parts {
        let run = story.work(part).await.unwrap();
        assert_eq!(run.steps.len(), 2);
        assert!(story.follows_from_what_is_stored(&run).await);
    }
    assert_eq!(story.snapshots(), 6);
    assert!(!story.planned_anew());
    for part in &story.parts {
        assert_eq!(story.work(part).await, None, "it came twice");
    }
    assert_eq!(audit::verify(&story.records).await.unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_policy_saved_in_between_makes_the_part_plan_anew() {
    let story = Story::new().await;
    let mut policy = story.records.policies().await.unwrap().remove(0);
    policy.enabled = false;
    story.records.save_policy(policy).await.unwrap();
    let idle = story.work(&story.parts[0]).await;
    assert!(idle.is_none_or(|run| run.steps.is_empty()));
    assert!(story.planned_anew());
    let other = story.work(&story.parts[1]).await.unwrap();
    assert_eq!(other.steps.len(), 2);
    assert!(story.follows_from_what_is_stored(&other).await);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_makes_the_part_plan_anew() {
    let story = Story::new().await;
    let subscription = &story.cloud.subscriptions()[0];
    let seen = story.cloud.door().look_through().unwrap();
    let disk = seen.disks.iter().find(|disk| disk.key.contains(subscription)).unwrap();
    let action = crate::words::snapshot(&disk.key, "app", "clicked");
    let asked_at = story.cloud.door().clocks().now();
    let request = crate::words::request(1, asked_at, &action).unwrap();
    story.records.ask(request.clone()).await.unwrap();
    let run = story.work(&story.parts[0]).await.unwrap();
    assert!(story.planned_anew());
    assert!(run.steps.iter().any(|step| step.step.effect.id().name() == "clicked"));
    assert!(story.follows_from_what_is_stored(&run).await);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_its_own_chain_in_between_makes_the_part_plan_anew() {
    let story = Story::new().await;
    let part = &story.parts[0];
    let now = story.cloud.door().clocks().now();
    let mut run = crate::words::run(&part.subscription, now).unwrap();
    run.trigger =
        RunTrigger::Request { id: "click-000001".to_owned(), actor: "a person".to_owned() };
    story.records.store_run(run).await.unwrap();
    let run = story.work(part).await.unwrap();
    assert_eq!((run.steps.len(), run.link.number), (2, 2));
    assert!(story.planned_anew());
    assert!(story.follows_from_what_is_stored(&run).await);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_comes_late_plans_anew_with_clocks_apart_and_later_is_left_alone() {
    let story = Story::new().await;
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    let run = story.work(&story.parts[0]).await.unwrap();
    assert!(!run.inputs.unwrap().limits.clock_agrees);
    assert!(story.planned_anew());
    tokio::time::sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(story.work(&story.parts[1]).await, None);
    assert_eq!(story.snapshots(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_somebody_else_wrote_changes_nothing() {
    let story = Story::new().await;
    let Part { subscription, tick } = story.parts[0].clone();
    let (time, hash) = tick.split_once('-').unwrap();
    for (chain, tick) in [
        // A tick of another time, of another inventory, of none, of a part.
        (subscription.clone(), format!("{}1-{hash}", &time[..time.len() - 1])),
        (subscription.clone(), format!("{time}-{}", hash.replace(['0', '1', '2'], "f"))),
        (subscription.clone(), String::from("x")),
        (subscription.clone(), format!("{tick}-{subscription}")),
        // A part that is not one.
        ("estate".to_owned(), tick.clone()),
        (format!("{subscription}-{subscription}"), tick.clone()),
        (subscription.to_uppercase().replace('-', ""), tick.clone()),
    ] {
        let part = Part { subscription: chain, tick };
        assert_eq!(story.work(&part).await, None, "{part:?}");
    }
    assert_eq!(story.snapshots(), 0);
    // What is on the way is done all the same.
    assert_eq!(story.work(&story.parts[0]).await.unwrap().steps.len(), 2);
}
