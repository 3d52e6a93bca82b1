//! Plays a fleet and prints what was seen. Part of the program alone.

use std::{process::ExitCode, time::Instant};

use clap::Args;
use simulation::{FleetOptions, FleetReport, Spent, play_fleet};

/// How a fleet is played.
#[derive(Args)]
pub(crate) struct Fleet {
    /// Plays a fleet of subscriptions × disks instead of seeds, such as `100x1000`.
    #[arg(long, value_parser = size)]
    fleet: Option<(u32, u32)>,
    /// Hours of a fleet, from its first slot on.
    #[arg(long, default_value_t = 5)]
    hours: i64,
    /// Instances that take a fleet's messages, 16 at a time each.
    #[arg(long, default_value_t = 8)]
    instances: usize,
    /// Breaks calls of a fleet, doubles messages and kills parts of ticks.
    #[arg(long)]
    storm: bool,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let read = |text: &str| text.parse().map_err(|_| format!("`{text}` is not a number"));
    let (subscriptions, disks) = text.split_once('x').ok_or("say it as in 100x1000")?;
    Ok((read(subscriptions)?, read(disks)?))
}

impl Fleet {
    /// Plays it, if one is asked for.
    pub(crate) fn play(&self) -> Option<ExitCode> {
        let (subscriptions, disks) = self.fleet?;
        let options = FleetOptions {
            subscriptions,
            disks,
            hours: self.hours,
            instances: self.instances,
            bytes: 4096,
            // Nine minutes, as for 32 GiB at 64 MiB/s.
            bandwidth: 8,
            storm: self.storm,
            verbose: true,
        };
        let begun = Instant::now();
        Some(match play_fleet(options) {
            Ok(report) => {
                print(&options, &report, begun.elapsed().as_secs_f64());
                if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        })
    }
}

fn print(options: &FleetOptions, report: &FleetReport, seconds: f64) {
    let FleetOptions { subscriptions, disks, hours, instances, .. } = options;
    println!(
        "\n{subscriptions} subscriptions of {disks} disks, {hours} hours, {instances} instances"
    );
    for slot in &report.slots {
        println!(
            "slot {}: {} snapshots, the last after {} min; {} copies, the last begun after {} min",
            slot.slot, slot.made.0, slot.snapshots_minutes, slot.made.1, slot.copies_minutes
        );
    }
    for (name, n) in [
        ("ticks", report.ticks),
        ("parts carried out", report.parts),
        ("parts left to the next tick", report.parts_left),
        ("messages that came again", report.again),
        ("reads of a stored inventory", report.inventories),
        ("runs planned once more", report.replayed),
        ("calls to Azure", report.calls),
        ("answers 429", report.throttled),
        ("points deleted", report.deleted),
    ] {
        println!("{name:<32}{n:>10}");
    }
    for (name, n) in &report.outcomes {
        println!("steps {name:<26}{n:>10}");
    }
    println!(
        "\n{:<32}{:>8}{:>10}{:>10}{:>8}",
        "budget of a subscription", "minutes", "has", "drawn", "of it"
    );
    for most in &report.most {
        let part = most.drawn as f64 / most.limit as f64 * 100.0;
        println!(
            "{:<32}{:>8}{:>10}{:>10}{:>6.1} %",
            most.name, most.minutes, most.limit, most.drawn, part
        );
    }
    for (name, Spent { count, simulated, core, core_sum, azure_sum }) in
        [("tick", report.tick), ("part", report.part)]
    {
        println!(
            "{name}: {count}, the longest {simulated:.0} s of Azure's time, {core:.2} s of a core; \
             all {core_sum:.1} s of a core, beside {azure_sum:.1} s of the emulator"
        );
    }
    println!("{seconds:.0} s in all, {} MiB at most", memory_mib());
    println!("{} rules broken", report.broken.len());
    for broken in &report.broken {
        println!("  {broken}");
    }
}

/// What of the process was in memory at most.
fn memory_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.unwrap_or_default() / 1024
}
