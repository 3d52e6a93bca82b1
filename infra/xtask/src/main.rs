//! `cargo xtask …`: the commands and their options.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{artifacts, az, bench, run, simulate, test};

/// Everything that a developer of Snapferry needs.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start Snapferry on a small local Azure, or with --azure on your own.
    Run(run::Options),
    /// Install what the tests need and run every test.
    Test(test::Options),
    /// Run the real az CLI against the Azure that `cargo xtask run` started.
    Az {
        /// az's own arguments, after `--`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure what large estates cost.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Kill the emulator under load and see that nothing acknowledged is lost.
    Crash(bench::Crash),
    /// Kill the function in the middle of ticks and see that nothing is doubled or lost.
    CrashTicks(bench::CrashTicks),
    /// Send malformed requests to the emulator and see that it stands.
    Fuzz(bench::Fuzz),
    /// Play seeds of simulated days with everything that can go wrong.
    Simulate(simulate::Options),
    /// Build the portal and the static function into target/app, as they are deployed.
    Build,
}

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(options) => run::run(&options),
        Command::Test(options) => test::test(&options),
        Command::Az { arguments } => az::run(&arguments),
        Command::Bench(options) => bench::bench(&options),
        Command::Crash(options) => bench::crash(&options),
        Command::CrashTicks(options) => bench::crash_ticks(&options),
        Command::Fuzz(options) => bench::fuzz(&options),
        Command::Simulate(options) => simulate::simulate(&options),
        Command::Build => artifacts::stage(&artifacts::root()).map(|app| {
            eprintln!("{}", app.display());
        }),
    }
}
