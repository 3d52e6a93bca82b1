//! The program itself, as somebody in a shell would have it; `cargo xtask test` has just built it.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use serde_json::Value;
use xtask::artifacts;

use crate::wait_for;

/// A running `cargo xtask run`, which ends with the value.
pub struct Running {
    process: Child,
    /// What its `run.json` says.
    pub run: Value,
}

impl Running {
    /// Starts it with its state in `folder`, any ports and `arguments` of the caller's, who may
    /// also change its environment.
    pub async fn start(
        folder: &Path,
        arguments: &[&str],
        change: impl FnOnce(&mut Command) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let run_json = folder.join("run.json");
        let mut command = Command::new(artifacts::root().join("target/debug/xtask"));
        command.args(["run", "--any-port"]).args(arguments);
        command.arg("--state").arg(folder.join("state")).arg("--run-json").arg(&run_json);
        change(&mut command)?;
        let process = command.stdin(Stdio::null()).spawn().context("starting `xtask run`")?;
        let mut running = Self { process, run: Value::Null };
        running.run = wait_for("`cargo xtask run` to say where it is", || async {
            Ok(std::fs::read(&run_json).ok().and_then(|text| serde_json::from_slice(&text).ok()))
        })
        .await?;
        Ok(running)
    }

    /// Ctrl-C, and everything is gone.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let portal = self.run["portal"].as_str().unwrap_or_default().to_owned();
        Command::new("kill").args(["-INT", &self.process.id().to_string()]).status()?;
        wait_for("the program to end", || {
            let ended = self.process.try_wait();
            async move { Ok(ended?) }
        })
        .await?;
        anyhow::ensure!(
            reqwest::Client::new().get(portal).send().await.is_err(),
            "it still serves"
        );
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
