//! What a large estate costs: `cargo xtask bench emulator`. Prints a table and judges nothing.
//!
//! The program runs with a state folder as a process of its own, so that its memory is its own;
//! each figure is a median after a warm-up.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../tests/it/process.rs"]
mod process;

use std::{path::Path, time::Instant};

use clap::Parser;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use process::Process;

const SUB: &str = "11111111-1111-4111-8111-111111111111";

/// The estate to be measured.
#[derive(Debug, Parser)]
struct Options {
    #[arg(long, default_value_t = 10_000)]
    disks: u32,
    #[arg(long, default_value_t = 10)]
    snapshots_per_disk: u32,
    /// What each snapshot has that the one before it has not.
    #[arg(long, default_value_t = 4096)]
    changed_bytes: u64,
    /// How often each request is measured.
    #[arg(long, default_value_t = 300)]
    rounds: u32,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let small = Options { disks: 10, snapshots_per_disk: 10, ..options };
    let mut table: Vec<(String, [String; 2])> = Vec::new();
    for (column, options) in [small, options].iter().enumerate() {
        let mut rows = Vec::new();
        measure(options, &mut rows).await;
        for (index, (name, value)) in rows.into_iter().enumerate() {
            if column == 0 {
                table.push((name.to_owned(), [value, String::new()]));
            } else {
                table[index].1[1] = value;
            }
        }
    }
    for (name, [small, large]) in table {
        println!("{name:<44}{small:>16}{large:>16}");
    }
}

type Rows = Vec<(&'static str, String)>;

async fn measure(options: &Options, rows: &mut Rows) {
    let folder = tempfile::tempdir().unwrap();
    let mut emulator = Process::start(Some(folder.path()), &[]).await;
    let empty = emulator.memory("VmRSS");
    let snapshots = options.disks * options.snapshots_per_disk;
    rows.push(("disks", options.disks.to_string()));
    rows.push(("snapshots", snapshots.to_string()));
    let begun = Instant::now();
    let fleet = json!({"fleet": {
        "subscription": SUB, "group": "fleet", "location": "eastus", "disks": options.disks,
        "snapshots_per_disk": options.snapshots_per_disk, "content_bytes": options.changed_bytes,
        "changed_bytes_per_snapshot": options.changed_bytes, "os_type": "Linux",
        "tags": {"team": "storage", "environment": "production"},
    }});
    emulator.control(Method::POST, "seed", fleet).await;
    rows.push(("seed, s", format!("{:.2}", begun.elapsed().as_secs_f64())));
    // The small estate is asked for more than Azure would take in so short a time.
    emulator.control(Method::PUT, "guesses", json!({"snapshot-rate": {"off": true}})).await;
    rows.push(("seed, s of CPU", format!("{:.2}", cpu_seconds(&emulator))));
    rows.push(("memory, MB", megabytes(emulator.memory("VmRSS"))));
    let held = emulator.memory("VmRSS").saturating_sub(empty);
    rows.push(("memory per disk or snapshot, bytes", (held / u64::from(snapshots)).to_string()));
    rows.push(("of which changed blocks, bytes", options.changed_bytes.to_string()));
    rows.push(("state, MB", state_megabytes(folder.path())));

    list_all(&emulator, "snapshots").await;
    let (begun, cpu) = (Instant::now(), cpu_seconds(&emulator));
    let (pages, bytes) = list_all(&emulator, "snapshots").await;
    rows.push(("list of all snapshots, s", format!("{:.2}", begun.elapsed().as_secs_f64())));
    rows.push(("list, s of the emulator's CPU", format!("{:.2}", cpu_seconds(&emulator) - cpu)));
    rows.push(("list of all snapshots, pages", pages.to_string()));
    rows.push(("list of all snapshots, MB", megabytes(bytes)));
    requests(&emulator, options, rows).await;
    rows.push(("highest memory, MB", megabytes(emulator.memory("VmHWM"))));

    emulator.kill();
    let begun = Instant::now();
    let emulator = Process::start(Some(folder.path()), &[]).await;
    rows.push(("start after a kill, s", format!("{:.2}", begun.elapsed().as_secs_f64())));
    rows.push(("start after a kill, s of CPU", format!("{:.2}", cpu_seconds(&emulator))));
    rows.push(("memory then, MB", megabytes(emulator.memory("VmRSS"))));
    let check = emulator.control(Method::GET, "check", Value::Null).await;
    assert_eq!(check["torn"], json!([]));
}

/// Single requests: GET, PUT, PATCH, DELETE of a snapshot.
async fn requests(emulator: &Process, options: &Options, rows: &mut Rows) {
    let id = |collection: &str, name: &str| {
        format!(
            "/subscriptions/{SUB}/resourceGroups/fleet/providers/Microsoft.Compute/{collection}/{name}"
        )
    };
    let known = |n: u32| id("snapshots", &format!("disk{:05}-0000", n % options.disks));
    let new = |n: u32| id("snapshots", &format!("new{n:06}"));
    let create = |n: u32| {
        let source = id("disks", &format!("disk{:05}", n % options.disks));
        json!({
            "location": "eastus", "sku": {"name": "Standard_LRS"},
            "properties": {
                "creationData": {"createOption": "Copy", "sourceResourceId": source},
                "incremental": true,
            },
        })
    };
    let names = ["GET, µs", "PUT of a snapshot, µs", "PATCH of a snapshot, µs", "DELETE, µs"];
    for (kind, name) in names.into_iter().enumerate() {
        let mut times = Vec::new();
        for n in 0..options.rounds + 30 {
            let request = match kind {
                0 => emulator.arm(Method::GET, &known(n)),
                1 => emulator.arm(Method::PUT, &new(n)).json(&create(n)),
                2 => emulator.arm(Method::PATCH, &known(n)).json(&json!({"tags": {"n": "1"}})),
                _ => emulator.arm(Method::DELETE, &new(n)),
            };
            let begun = Instant::now();
            let answer = request.send().await.unwrap();
            let status = answer.status();
            answer.bytes().await.unwrap();
            if n >= 30 {
                times.push(begun.elapsed());
            }
            let expected = if kind == 0 { StatusCode::OK } else { StatusCode::ACCEPTED };
            assert_eq!(status, expected, "{name}");
        }
        times.sort();
        rows.push((name, times[times.len() / 2].as_micros().to_string()));
    }
}

/// Follows every link; gives the number of pages and of bytes.
async fn list_all(emulator: &Process, collection: &str) -> (u32, u64) {
    let mut next = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/{collection}");
    let (mut pages, mut total) = (0, 0);
    loop {
        let answer = emulator.arm(Method::GET, &next).send().await.unwrap();
        let bytes = answer.error_for_status().unwrap().bytes().await.unwrap();
        pages += 1;
        total += bytes.len() as u64;
        // Parsing costs the client, not the emulator: only the link is looked for.
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).into_owned()
            + &String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(2048)..]);
        match text.split("\"nextLink\": \"").nth(1) {
            Some(rest) => next = rest.split('"').next().unwrap().to_owned(),
            None => return (pages, total),
        }
    }
}

/// What the program has used of processors, by itself and for the system.
fn cpu_seconds(emulator: &Process) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", emulator.id())).unwrap();
    // Behind the name, which may have spaces; in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

fn state_megabytes(folder: &Path) -> String {
    megabytes(folder.join("world.redb").metadata().unwrap().len())
}
