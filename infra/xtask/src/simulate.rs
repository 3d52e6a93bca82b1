//! `cargo xtask simulate`: the real planner and apply against the real emulator on simulated time.
//! The work is in `tests/simulation`.

use std::process::Command;

use clap::Args;

use crate::{artifacts, tools};

/// Options of `cargo xtask simulate`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Options of the simulation itself: `--seeds`, `--days`, `--from`, `--twice`, ….
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds the simulation and plays seeds.
pub fn simulate(options: &Options) -> anyhow::Result<()> {
    let root = artifacts::root();
    let build = ["build", "--quiet", "--profile", "simulate", "-p", "simulation"];
    tools::run(tools::cargo(&root).args(build))?;
    tools::run(Command::new(root.join("target/simulate/simulate")).args(&options.arguments))
}
