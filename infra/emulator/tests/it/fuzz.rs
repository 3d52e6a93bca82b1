//! Valid requests, mutated: no panic, no 5xx, no hang, no growth, and every error in Azure's shape.
//!
//! `cargo xtask fuzz --requests 100000 --seed 1` is the long form, and `--replay FILE` sends what a
//! failure wrote down. Most go through the routers in process, some as raw bytes over sockets.

mod base;
mod judge;
mod mutate;
mod names;
mod request;
mod shrink;
mod wire;
mod xml;

use std::{collections::BTreeMap, time::Instant};

use crate::dice::{Dice, setting};
use judge::Lab;
use request::Request;

/// After so many requests, what they made is deleted, as its user would.
const ROUND: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_are_refused_and_nothing_else() {
    if let Some(file) = std::env::var_os("EMULATOR_FUZZ_REPLAY") {
        let requests: Vec<Request> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let failure = shrink::first_failure(&requests).await;
        assert!(failure.is_none(), "{}", failure.unwrap_or_default());
        return;
    }
    let alone = setting("EMULATOR_FUZZ_REQUESTS");
    let requests = alone.unwrap_or(3000);
    let seed = setting("EMULATOR_FUZZ_SEED").unwrap_or(1);
    let begun = Instant::now();
    let mut dice = Dice::new(seed, 0);
    let mut lab = Lab::new();
    lab.prepare().await;
    let mut history = Vec::new();
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    let mut warm = 0;
    for n in 1..=requests {
        let mut request = base::draw(&mut dice, lab.names());
        if dice.below(4) > 0 {
            mutate::mutate(&mut dice, &mut request);
        }
        history.push(request.clone());
        if n % 4 == 0 {
            lab.wait().await;
        }
        match lab.send(&request).await {
            Ok(status) => *statuses.entry(status).or_default() += 1,
            Err(why) => {
                let file = shrink::write_down(history, seed, n).await;
                panic!("request {n} of seed {seed}: {why}; replay {}", file.display());
            }
        }
        if n % ROUND == 0 {
            let kept = lab.clean().await;
            history.clear();
            if n % (40 * ROUND) == 0 {
                println!("after {n} requests {} KB, {kept}", memory() / 1000);
            }
        }
        if n == requests * 2 / 5 {
            warm = memory();
        }
    }
    lab.clean().await;
    let grown = memory().saturating_sub(warm);
    let refused: u64 = statuses.range(400..).map(|(_, count)| count).sum();
    println!(
        "{requests} requests in {:.0} s, {refused} refused, none with a panic or a 5xx; memory \
         grew by {} KB after the first two fifths; by status {statuses:?}",
        begun.elapsed().as_secs_f64(),
        grown / 1000,
    );
    assert!(refused > requests / 5 && refused < requests * 9 / 10, "the mutations are off");
    // 10,000 ended operations are kept, about 1 KB each, which takes some 90,000 requests; and the
    // allocator keeps what single large requests took, in steps of some 20 MB: 200,000 requests end
    // no higher than 80,000 of them do. A leak of 1 KB a request is seen in 100,000. Other tests of
    // the same process grow too.
    assert!(alone.is_none() || grown < 32 << 20, "memory grew by {grown} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_bytes_over_sockets_are_answered_or_cut_off() {
    let requests = setting("EMULATOR_FUZZ_REQUESTS").map_or(100, |requests| requests / 50);
    let seed = setting("EMULATOR_FUZZ_SEED").unwrap_or(1);
    let (answered, cut) = wire::fuzz(requests, seed).await;
    println!("{answered} raw requests answered, {cut} cut off");
    assert!(answered > requests / 4);
}

/// What this process holds in memory.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
