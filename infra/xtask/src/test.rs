//! `cargo xtask test`: install what the tests need, build what they drive, run every test.

use std::{path::Path, time::Instant};

use clap::Args;

use crate::{artifacts, tools};

/// Options of `cargo xtask test`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Only tests whose name contains this.
    filter: Option<String>,
    /// Leave out formatting and lints.
    #[arg(long)]
    no_lint: bool,
}

/// Runs every test.
pub fn test(options: &Options) -> anyhow::Result<()> {
    let begun = Instant::now();
    let root = artifacts::root();
    tools::need("chromium", &["chromium", "chromium-driver"])?;
    tools::need("chromedriver", &["chromium-driver"])?;
    tools::need("mkfs.ext4", &["e2fsprogs"])?;
    tools::need("qemu-img", &["qemu-utils"])?;
    tools::need_az(&root)?;
    tools::need_azurite(&root)?;
    tools::need_python_sdk(&root)?;
    tools::need_js_sdk(&root)?;
    tools::need_azcopy(&root)?;
    artifacts::stage(&root)?;
    if !options.no_lint {
        lint(&root)?;
    }
    let filter: Vec<&str> = options.filter.as_deref().into_iter().collect();
    let cargo = |arguments: &[&str]| {
        eprintln!("cargo {}", arguments.join(" "));
        tools::run(tools::cargo(&root).args(arguments).args(&filter))
    };
    cargo(&["test", "--workspace", "--exclude", "tests", "--no-fail-fast"])?;
    // Each of these starts a whole stack: two at a time are enough for two cores.
    let mut end_to_end = vec!["test", "-p", "tests", "--no-fail-fast"];
    end_to_end.extend(filter.iter());
    end_to_end.extend(["--", "--test-threads", "2"]);
    eprintln!("cargo {}", end_to_end.join(" "));
    tools::run(tools::cargo(&root).args(end_to_end))?;
    eprintln!("every test passed, in {:.0} s", begun.elapsed().as_secs_f32());
    Ok(())
}

/// Formatting and lints, where the toolchain has the means.
fn lint(root: &Path) -> anyhow::Result<()> {
    let has = |tool: &str| tools::output(tools::cargo(root).args([tool, "--version"])).is_ok();
    if has("fmt") {
        tools::run(tools::cargo(root).args(["fmt", "--all", "--check"]))?;
    }
    if has("clippy") {
        let arguments =
            ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
        tools::run(tools::cargo(root).args(arguments))?;
    }
    Ok(())
}
