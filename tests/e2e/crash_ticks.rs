//! Two hosts fire the same timer at once, their functions are killed at random moments of ticks,
//! every answer about a resource is lost once: in the end exactly what the policies ask for is there.
//!
//! `cargo xtask crash-ticks --kills 100 --seed 1` is the long form. The seed gives the moments in
//! requests to Azure; how far the function is at the kill is the machine's.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use host::Host;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::ResourceId;
use tests::{Lab, wait_for};
use xtask::{artifacts, estate::PRODUCTION};

/// A second subscription, so that a tick hands its parts to messages.
const OTHER: &str = "5a9f0000-0000-4000-8000-0000000000c2";

/// What the policies say: every two hours.
const SLOT_SECONDS: i64 = 2 * 3600;

/// A slot has so many kills before its ticks are let be.
const KILLS_PER_SLOT: u64 = 4;

/// Points of the disk whose policy keeps few.
const KEPT: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_exactly_what_the_policies_ask_for_is_there() {
    let kills = setting("TICKS_CRASH_KILLS").unwrap_or(6);
    let seed = setting("TICKS_CRASH_SEED").unwrap_or(1);
    let begun = Instant::now();
    let mut story = Story::start(seed).await;
    let mut done = 0;
    while done < kills {
        story.next_slot(SLOT_SECONDS).await;
        for _ in 0..KILLS_PER_SLOT.min(kills - done) {
            story.kill_in_a_tick().await;
            done += 1;
        }
        story.settle().await;
        story.check_slot().await;
    }
    story.check_the_end().await;
    println!(
        "{done} kills in {:.0} s, {} of them while Azure was being asked; {} hosts gave up; {} slots; \
         {} answers lost; {} snapshots and copies were made, {} deleted, each disk's first copy alone in \
         full; {} runs verified and replayed",
        begun.elapsed().as_secs_f64(),
        story.hits,
        story.given_up,
        story.slots,
        story.lost().await,
        story.made().await,
        story.deleted().await,
        story.replay_all().await,
    );
    story.second.stop().await;
    story.lab.stack.stop().await;
}

/// What `cargo xtask crash-ticks` sets for the long form.
#[expect(clippy::disallowed_methods, reason = "the setting of a test, not of a program")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

struct Story {
    lab: Lab,
    second: Host,
    deaths: [u32; 2],
    dice: u64,
    hits: u64,
    given_up: u64,
    slots: usize,
}

/// A disk, and how many of its points its policy keeps.
const DISKS: [(&str, &str, Option<usize>); 3] = [
    (PRODUCTION, "all-fault-lost", None),
    (PRODUCTION, "few-fault-lost", Some(KEPT)),
    (OTHER, "other-fault-lost", None),
];

impl Story {
    async fn start(seed: u64) -> Self {
        let lab = Lab::start().await.unwrap();
        let group = |name: &str, location: &str| json!({ "subscription": OTHER, "name": name, "location": location, "tags": {} });
        let disk = |subscription: &str, name: &str| {
            json!({
                "id": ResourceId::disk(subscription, "app", name), "location": "westeurope",
                "sku": "Premium_LRS", "size_gb": 1, "zones": [], "tags": {},
                "content": { "random_bytes": 256 << 10, "seed": 7 },
            })
        };
        let estate = json!({
            "subscriptions": [{ "id": OTHER, "name": "Contoso Elsewhere" }],
            "groups": [group("app", "westeurope"), group("dr", "northeurope")],
            "disks": DISKS.map(|(subscription, name, _)| disk(subscription, name)),
        });
        lab.azure.control("seed", &estate).await.unwrap();
        for (subscription, name, keep) in DISKS {
            protect(&lab, &ResourceId::disk(subscription, "app", name), keep).await;
        }
        // Besides the names, which lose each answer about a resource once: what tells how it goes.
        let lost = json!({
            "seed": seed, "probability": 0.05, "kinds": ["lost"], "path_contains": "/DiskOperations/",
        });
        let url = format!("{}/faults/random", lab.stack.control());
        let answer = lab.azure.http.put(url).json(&lost).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        let second = lab.stack.start_beside("second", &BTreeMap::new()).await.unwrap();
        Self { lab, second, deaths: [0, 0], dice: seed, hits: 0, given_up: 0, slots: 0 }
    }

    /// A number below `limit`, by the seed.
    fn below(&mut self, limit: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// Moves the clock to a minute after the beginning of the slot that is due then.
    async fn next_slot(&mut self, after_seconds: i64) {
        let url = format!("{}/clock", self.lab.stack.control());
        let clock: Value = self.lab.azure.http.get(url).send().await.unwrap().json().await.unwrap();
        let now: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
        let slot = (now.as_second() + after_seconds) / SLOT_SECONDS * SLOT_SECONDS;
        self.lab.advance((slot + 60 - now.as_second()).try_into().unwrap()).await.unwrap();
        self.slots += 1;
    }

    fn host(&self, number: usize) -> &Host {
        if number == 0 { self.lab.stack.host() } else { &self.second }
    }

    /// Fires the timer of both hosts at once, and kills one function or both, the sooner or later.
    async fn kill_in_a_tick(&mut self) {
        let before = self.asked().await;
        let urls = [0, 1].map(|n| format!("{}/admin/functions/tick", self.host(n).url()));
        let fire =
            urls.map(|url| self.lab.azure.http.post(url).json(&json!({ "input": "" })).send());
        for answer in futures::future::join_all(fire).await {
            assert_eq!(answer.unwrap().status(), StatusCode::ACCEPTED);
        }
        let goal = before + 1 + self.below(70);
        let since = Instant::now();
        let mut asked = before;
        while asked < goal && since.elapsed() < Duration::from_secs(3) {
            asked = self.asked().await;
        }
        let moment = Instant::now() + Duration::from_micros(self.below(3000));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        let struck: &[usize] = match self.below(3) {
            0 => &[0],
            1 => &[1],
            _ => &[0, 1],
        };
        self.hits += u64::from(asked >= goal);
        let pids: Vec<u32> =
            struck.iter().map(|number| self.host(*number).handler_pid().unwrap()).collect();
        for pid in &pids {
            Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        }
        for (number, pid) in struck.iter().zip(pids) {
            self.recover(*number, pid).await;
        }
    }

    /// Waits for the next function; the third death in half an hour ends a host, and the platform
    /// starts another.
    async fn recover(&mut self, number: usize, dead: u32) {
        self.deaths[number] += 1;
        if self.deaths[number] == 3 {
            self.deaths[number] = 0;
            self.given_up += 1;
            let reason = self.host(number).stopped().await;
            assert!(reason.contains("restart"), "{reason}");
            if number == 0 {
                self.lab.stack.start_host().await.unwrap();
            } else {
                let next = self.lab.stack.start_beside("second", &BTreeMap::new()).await.unwrap();
                std::mem::replace(&mut self.second, next).stop().await;
            }
        }
        wait_for("another function", || async {
            Ok(self.host(number).handler_pid().filter(|pid| *pid != dead))
        })
        .await
        .unwrap();
        let host = self.host(number);
        let deadline = Duration::from_secs(60);
        tokio::time::timeout(deadline, host.wait_ready()).await.unwrap().unwrap();
    }

    /// Lets the messages that the dead had come back, and both timers fire twice in peace.
    async fn settle(&mut self) {
        for _ in 0..3 {
            let tick = async |url: String| {
                let answer = self.lab.azure.http.post(url).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
            };
            let urls = [0, 1].map(|n| format!("{}/api/ticks", self.host(n).url()));
            futures::future::join_all(urls.map(tick)).await;
            let looks = Cell::new(0_u32);
            wait_for("the queue to be empty", || async {
                let messages = self.messages().await?;
                looks.set(looks.get() + 1);
                // host.json hides a failed message for 30 s, by the queue's clock; a slot lasts
                // longer than all these waits.
                if messages > 0 && looks.get().is_multiple_of(20) {
                    self.lab.advance(31).await?;
                }
                Ok((messages == 0).then_some(()))
            })
            .await
            .unwrap();
            // Copies of a quarter of a MiB end in this time.
            self.lab.advance(5).await.unwrap();
        }
    }

    async fn messages(&self) -> anyhow::Result<u64> {
        let answer = self.lab.queue(Method::GET, "/requests?comp=metadata", String::new());
        let answer = answer.await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(0);
        }
        let count = answer.headers().get("x-ms-approximate-messages-count");
        let count = count.and_then(|count| count.to_str().ok()?.parse().ok());
        count.ok_or_else(|| anyhow::anyhow!("the queue does not say: {}", answer.status()))
    }

    /// The points of a disk on a side with their slots, and whether they are marked.
    async fn points(&self, disk: (&str, &str), group: &str) -> Vec<(String, bool)> {
        let path = format!(
            "/subscriptions/{}/resourceGroups/{group}/providers/Microsoft.Compute/snapshots\
             ?api-version=2023-10-02",
            disk.0
        );
        let (_, list) = self.lab.azure.arm(Method::GET, &path, None).await.unwrap();
        let mut points = vec![];
        for point in list["value"].as_array().unwrap() {
            if point["name"].as_str().unwrap().starts_with(disk.1) {
                let text = |tag: &str| point["tags"][tag].as_str().unwrap_or_default().to_owned();
                points.push((text("snapferry-slot"), !text("snapferry-delete-after").is_empty()));
                let percent = &point["properties"]["completionPercent"];
                assert!(percent.is_null() || *percent == 100.0, "{point}");
            }
        }
        points.sort();
        points
    }

    /// Every slot has one snapshot and one copy of each disk whose policy keeps all.
    async fn check_slot(&self) {
        let counters = self.lab.counters().await.unwrap();
        assert_eq!(counters["panics"], 0, "the emulator itself");
        let copies = counters["copies"].as_array().unwrap();
        for (subscription, name, keep) in DISKS {
            let source = self.points((subscription, name), "app").await;
            let target = self.points((subscription, name), "dr").await;
            let mut slots: Vec<&String> = source.iter().map(|(slot, _)| slot).collect();
            slots.dedup();
            assert_eq!(slots.len(), source.len(), "{name}: {source:?}");
            assert_eq!(source.last().map(|p| &p.0), target.last().map(|p| &p.0), "{name}");
            // Only a disk's first copy travels in full.
            let of_it = |copy: &&Value| copy["target"].as_str().unwrap_or_default().contains(name);
            let full = copies.iter().filter(of_it).filter(|copy| copy["base"].is_null()).count();
            assert!(full <= 1, "{name}: {copies:#?}");
            if keep.is_none() {
                assert_eq!(source.len(), self.slots, "{name}: {source:?}");
                assert_eq!(target, source, "{name}");
            }
        }
    }

    /// Two days later all that is marked has gone, and nothing else.
    async fn check_the_end(&mut self) {
        for _ in 0..2 {
            self.next_slot(26 * 3600).await;
            for _ in 0..1 + self.slots / 8 {
                self.settle().await;
            }
            self.check_slot().await;
        }
        for group in ["app", "dr"] {
            let few = self.points((PRODUCTION, "few-fault-lost"), group).await;
            let marked = few.iter().filter(|(_, marked)| *marked).count();
            let expected = (KEPT + 1, 1);
            if (few.len(), marked) != expected {
                panic!("{group}: {few:?}; what the runs decided is in {}", self.keep_store());
            }
        }
    }

    fn store(&self) -> PathBuf {
        let stores = fs::read_dir(self.lab.folder().join("store")).unwrap();
        stores.map(|entry| entry.unwrap().path()).next().unwrap()
    }

    /// Keeps the store for a person with `snapferry replay`; says where.
    fn keep_store(&self) -> String {
        let kept = artifacts::root().join(format!("target/crash-ticks-{}", std::process::id()));
        let copied = Command::new("cp").arg("-r").args([self.store(), kept.clone()]).status();
        assert!(copied.unwrap().success());
        kept.display().to_string()
    }

    /// Looks at the whole store as a person would, afterwards.
    async fn replay_all(&self) -> usize {
        let store = self.store();
        let snapferry = |arguments: &[&str]| {
            let program = artifacts::root().join("target/app/snapferry");
            let output =
                Command::new(program).args(arguments).arg("--store").arg(&store).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{arguments:?}: {error} {text}");
            text
        };
        let chains = snapferry(&["verify"]);
        assert!(chains.contains(&format!("{PRODUCTION}: ")), "{chains}");
        let mut runs = 0;
        for chain in fs::read_dir(store.join("runs")).unwrap() {
            let chain = chain.unwrap();
            for run in fs::read_dir(chain.path()).unwrap() {
                let (chain, run) = (chain.file_name(), run.unwrap().file_name());
                // A draft of somebody who was killed is no record.
                let Some(number) = run.to_str().unwrap().strip_suffix(".json") else { continue };
                let id = format!("{}-{number}", chain.to_str().unwrap());
                assert!(snapferry(&["replay", &id]).contains("the same plan"));
                runs += 1;
            }
        }
        runs
    }

    async fn asked(&self) -> u64 {
        let counters = self.lab.counters().await.unwrap();
        counters["requests"].as_object().unwrap().values().filter_map(Value::as_u64).sum()
    }

    async fn lost(&self) -> usize {
        let url = format!("{}/faults", self.lab.stack.control());
        let faults: Value =
            self.lab.azure.http.get(url).send().await.unwrap().json().await.unwrap();
        faults["struck"].as_array().unwrap().len()
    }

    async fn made(&self) -> usize {
        2 * DISKS.len() * self.slots
    }

    async fn deleted(&self) -> usize {
        let mut there = 0;
        for (subscription, name, _) in DISKS {
            for group in ["app", "dr"] {
                there += self.points((subscription, name), group).await.len();
            }
        }
        self.made().await - there
    }
}

/// Saves a policy for one disk: every two hours, with a copy to `northeurope`.
async fn protect(lab: &Lab, disk: &ResourceId, keep: Option<usize>) {
    let id = disk.name();
    let keep = keep.map_or_else(|| json!({}), |last| json!({ "last": last }));
    let policy = json!({
        "id": id, "name": id, "enabled": true,
        "disks": { "include": [{ "kind": "disk", "id": disk }] },
        "schedule": { "kind": "every", "minutes": SLOT_SECONDS / 60 }, "keep": keep,
        "targets": [{ "region": "northeurope", "group": "dr", "keep": keep }],
    });
    let (status, body) =
        lab.api(Method::PUT, &format!("/policies/{id}"), Some(&policy)).await.unwrap();
    assert!(status.is_success(), "{status} {body}");
}
