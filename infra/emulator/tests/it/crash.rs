//! The program is killed under load, again and again: every acknowledged write is there, nothing is
//! torn, and what was under way goes on.
//!
//! `cargo xtask crash --kills 200 --seed 1` is the long form. The seed gives the load and the
//! moments; how far each writer is at the kill is the machine's.

mod load;
mod model;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    dice::{Dice, setting},
    lab::SUB,
    process::{Process, Remote, spawn},
};
use load::Writer;

const WRITERS: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kills_at_any_moment() {
    let kills = setting("EMULATOR_CRASH_KILLS").unwrap_or(8);
    let seed = setting("EMULATOR_CRASH_SEED").unwrap_or(1);
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(seed, 0);
    let mut writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::new(seed, number)).collect();
    let mut process = Process::start(Some(folder.path()), &[]).await;
    prepare(&process).await;
    let begun = Instant::now();
    let (mut unanswered, mut slowest) = (0, Duration::ZERO);
    for kill in 1..=kills {
        let (count, mut counted) = watch::channel(0_u64);
        let tasks: Vec<_> = writers
            .drain(..)
            .map(|writer| {
                let (remote, count) = (Remote::clone(&process), count.clone());
                tokio::spawn(writer.write_until_it_dies(remote, count))
            })
            .collect();
        let goal = 1 + dice.below(120);
        let within = Duration::from_secs(60);
        let reached = tokio::time::timeout(within, counted.wait_for(|count| *count >= goal)).await;
        reached.expect("the load goes on").unwrap();
        // A request takes about so long: the kill falls anywhere in it.
        spin(dice.below(3000));
        process.kill();
        for task in tasks {
            writers.push(task.await.unwrap());
        }
        if dice.below(4) == 0 {
            die_at_start(folder.path(), dice.below(40_000));
        }
        let restart = Instant::now();
        process = Process::start(Some(folder.path()), &[]).await;
        slowest = slowest.max(restart.elapsed());
        let check = process.control(Method::GET, "check", Value::Null).await;
        assert_eq!(check["torn"], json!([]), "seed {seed}, after kill {kill}");
        let context = format!("seed {seed}, after kill {kill}");
        for writer in &mut writers {
            unanswered += writer.verify(&process, &context).await;
        }
        // All operations end in this time, and all copies.
        process.control(Method::PUT, "clock", json!({"advance_seconds": 20})).await;
        for writer in &mut writers {
            writer.verify_ends(&process, &context).await;
        }
    }
    let acknowledged: u64 = writers.iter().map(Writer::acknowledged).sum();
    let length = folder.path().join("world.redb").metadata().unwrap().len();
    println!(
        "{kills} kills in {:.0} s: {acknowledged} acknowledged writes there, {unanswered} \
         unanswered ones there or not, none torn; slowest restart {} ms, state {} KB",
        begun.elapsed().as_secs_f64(),
        slowest.as_millis(),
        length / 1000,
    );
    assert!(acknowledged > kills, "the load wrote {acknowledged} times only");
}

/// Also the repair of the file, and what is made anew at a start, may be cut off.
fn die_at_start(folder: &Path, after_micros: u64) {
    let mut child = spawn(Some(folder), &[]);
    spin(after_micros);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn spin(micros: u64) {
    let moment = Instant::now() + Duration::from_micros(micros);
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
}

async fn prepare(process: &Process) {
    let group = |name: &str, location: &str| json!({"subscription": SUB, "name": name, "location": location});
    let seed = json!({"groups": [group("rg", "eastus"), group("rg-west", "westus2")]});
    process.control(Method::POST, "seed", seed).await;
    // 64 KiB take 8 s.
    process.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 8192})).await;
}
