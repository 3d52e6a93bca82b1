//! How much of one core a plan of a large estate takes, and what memory: `cargo xtask bench plan`.

mod estate;

use std::time::Duration;

use estate::World;
use shared::{Plan, check};

// As in the programs (ADR 0014).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;

fn main() {
    // `cargo bench` adds `--bench`; a number is the largest count of disks.
    let most = std::env::args().filter_map(|text| text.parse::<usize>().ok()).next();
    println!(
        "{:>9} {:>10} {:>10} {:>10} {:>9} {:>9} {:>12} {:>12}",
        "disks", "objects", "plan", "check", "steps", "us/object", "estate", "peak"
    );
    for disks in [1_000, 10_000, 30_000, 100_000] {
        if disks <= most.unwrap_or(100_000) {
            measure(disks);
        }
    }
}

fn measure(disks: usize) {
    let world = World::of_disks(disks);
    let estate_mib = memory_mib("VmRSS:");
    let mut times = vec![];
    let mut last = Plan::default();
    for _ in 0..=RUNS {
        // A tick has one plan in memory, not two.
        drop(std::mem::take(&mut last));
        let begun = cpu_time();
        last = world.plan();
        times.push(cpu_time().saturating_sub(begun));
    }
    // The first run warms up.
    times.remove(0);
    times.sort();
    // The estates grow, so that the process's peak is this one's.
    let peak_mib = memory_mib("VmHWM:");
    let begun = cpu_time();
    let World { inventory, policies, history, limits, .. } = &world;
    let violations = check(&last, inventory, policies, &[], history, limits);
    let checked = cpu_time().saturating_sub(begun);
    assert!(violations.is_empty(), "the check has something against it: {:?}", violations.first());
    let (median, objects) = (times[times.len() / 2], inventory.snapshots.len());
    println!(
        "{disks:>9} {objects:>10} {:>7.0} ms {:>7.0} ms {:>9} {:>9.2} {estate_mib:>8} MiB {peak_mib:>8} MiB",
        median.as_secs_f64() * 1e3,
        checked.as_secs_f64() * 1e3,
        last.steps.len(),
        median.as_secs_f64() * 1e6 / objects as f64,
    );
}

/// What this process has had of a core, to 10 ms: machines are shared, and a clock on the wall
/// would measure the others.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// What of the process is in memory (`VmRSS:`), or was at most (`VmHWM:`).
fn memory_mib(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.unwrap_or_default() / 1024
}
