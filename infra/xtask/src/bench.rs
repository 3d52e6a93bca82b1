//! `cargo xtask bench`, `crash` and `fuzz`: the long forms of what the emulator's own tests do
//! briefly. The work is in `infra/emulator/benches` and `infra/emulator/tests`; that of
//! `crash-ticks` in `tests/e2e`.

mod browser;

use clap::{Args, Subcommand};

use crate::{artifacts, tools};

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
pub enum Bench {
    /// Measure a large estate in the emulator, and print a table.
    Emulator {
        /// Options of the bench itself, after `--`: `--disks`, `--snapshots-per-disk`, ….
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Plan estates of 1,000 to 100,000 disks with ten points on three sides, and print a table.
    Plan {
        /// The largest number of disks.
        #[arg(long, default_value_t = 100_000)]
        disks: usize,
        /// Plan in Chromium, as the portal does: estates of at most 10,000 disks.
        #[arg(long)]
        browser: bool,
    },
}

/// Options of `cargo xtask crash`.
#[derive(Args, Clone, Debug)]
pub struct Crash {
    /// How often the emulator is killed.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// What the load and the moments of the kills come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Options of `cargo xtask crash-ticks`.
#[derive(Args, Clone, Debug)]
pub struct CrashTicks {
    /// How often a function is killed.
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// What the moments of the kills come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Options of `cargo xtask fuzz`.
#[derive(Args, Clone, Debug)]
pub struct Fuzz {
    /// How many mutated requests are sent.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// What they come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Sends again what an earlier run has printed for a failure.
    #[arg(long)]
    replay: Option<std::path::PathBuf>,
}

/// Runs a bench.
pub fn bench(bench: &Bench) -> anyhow::Result<()> {
    let root = artifacts::root();
    match bench {
        Bench::Emulator { arguments } => {
            let bench = ["bench", "--quiet", "-p", "emulator", "--bench", "estate", "--"];
            tools::run(tools::cargo(&root).args(bench).args(arguments))
        }
        Bench::Plan { disks, browser: true } => browser::bench(&root, *disks),
        Bench::Plan { disks, browser: false } => {
            let bench = ["bench", "--quiet", "-p", "shared", "--bench", "plan", "--"];
            tools::run(tools::cargo(&root).args(bench).arg(disks.to_string()))
        }
    }
}

/// Kills the emulator under load, again and again.
pub fn crash(options: &Crash) -> anyhow::Result<()> {
    let mut command = tools::cargo(&artifacts::root());
    command.args(TEST).args(["crash::", "--nocapture"]);
    command.env("EMULATOR_CRASH_KILLS", options.kills.to_string());
    tools::run(command.env("EMULATOR_CRASH_SEED", options.seed.to_string()))
}

/// Kills the deployed function in the middle of ticks, again and again.
pub fn crash_ticks(options: &CrashTicks) -> anyhow::Result<()> {
    let root = artifacts::root();
    artifacts::stage(&root)?;
    let mut command = tools::cargo(&root);
    command.args(["test", "-p", "tests", "--test", "e2e", "--", "crash_ticks::", "--nocapture"]);
    command.env("TICKS_CRASH_KILLS", options.kills.to_string());
    tools::run(command.env("TICKS_CRASH_SEED", options.seed.to_string()))
}

/// Sends mutated requests to the emulator.
pub fn fuzz(options: &Fuzz) -> anyhow::Result<()> {
    let mut command = tools::cargo(&artifacts::root());
    command.args(TEST).args(["fuzz::", "--nocapture", "--test-threads", "1"]);
    command.env("EMULATOR_FUZZ_REQUESTS", options.requests.to_string());
    if let Some(file) = &options.replay {
        command.env("EMULATOR_FUZZ_REPLAY", std::path::absolute(file)?);
    }
    tools::run(command.env("EMULATOR_FUZZ_SEED", options.seed.to_string()))
}

const TEST: [&str; 6] = ["test", "-p", "emulator", "--test", "it", "--"];
