//! The real az CLI against the Azure that `cargo xtask run` started.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::{artifacts, tools};

/// Runs az with `arguments` against the running emulator, with its output shown.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let root = artifacts::root();
    let run = fs::read(root.join("target/run.json"))
        .context("nothing runs here: start it with `cargo xtask run` first")?;
    let az = Az::new(&root, &serde_json::from_slice(&run)?, &root.join("target/az-config"))?;
    let status = az.command(arguments).status()?;
    std::process::exit(status.code().unwrap_or(1));
}

/// The az CLI, pointed at an emulator and logged in there.
pub struct Az {
    python: std::path::PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Az {
    /// Installs az where it is missing and logs it in to what `run` (the content of `run.json`)
    /// tells of; `folder` keeps its configuration.
    pub fn new(root: &Path, run: &Value, folder: &Path) -> anyhow::Result<Self> {
        let python = tools::need_az(root)?;
        let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
        fs::create_dir_all(folder)?;
        let clouds = folder.join("clouds.json");
        let arm = text("arm");
        let cloud = json!([{
            "name": "SnapferryLocal",
            "resourceManager": arm,
            "authentication": {
                "loginEndpoint": arm, "audiences": ["https://management.core.windows.net/"],
            },
            "suffixes": {},
        }]);
        fs::write(&clouds, cloud.to_string())?;
        fs::write(folder.join("config"), "[core]\ncollect_telemetry = no\n")?;
        let az = Self {
            python,
            environment: vec![
                ("AZURE_CONFIG_DIR", folder.display().to_string()),
                ("AZURE_CORE_ONLY_SHOW_ERRORS", "true".to_owned()),
                ("REQUESTS_CA_BUNDLE", text("ca")),
                // For templates, which az fetches by other means.
                ("SSL_CERT_FILE", text("ca")),
                ("ARM_CLOUD_METADATA_URL", format!("file://{}", clouds.display())),
                ("IDENTITY_ENDPOINT", text("identity")),
                ("IDENTITY_HEADER", text("identity_header")),
            ],
        };
        az.stop_version_check(folder)?;
        // A login lasts as long as its folder and its Azure.
        let login = folder.join("logged-in-to");
        let here = format!("{arm} {}", text("identity_header"));
        if fs::read_to_string(&login).ok().as_deref() != Some(&here) {
            az.output(&["login", "--identity", "-o", "none"])?;
            fs::write(&login, here)?;
        }
        Ok(az)
    }

    /// A command that runs az.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-m", "azure.cli"]).args(arguments).envs(self.environment.iter().cloned());
        command
    }

    /// Runs a script in a shell in which `az` is this one, and returns what it prints.
    pub fn shell(&self, folder: &Path, script: &str) -> anyhow::Result<String> {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]);
        tools::output(self.lend(&mut command, folder)?)
    }

    /// Gives a command an environment in which `az` is this one; `folder` gets the `az` program.
    pub fn lend<'c>(
        &self,
        command: &'c mut Command,
        folder: &Path,
    ) -> anyhow::Result<&'c mut Command> {
        let bin = folder.join("bin");
        fs::create_dir_all(&bin)?;
        let program = bin.join("az");
        let text = format!("#!/bin/sh\nexec '{}' -m azure.cli \"$@\"\n", self.python.display());
        fs::write(&program, text)?;
        tools::run(Command::new("chmod").arg("+x").arg(&program))?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [bin].into_iter().chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders)?;
        Ok(command.envs(self.environment.iter().cloned()).env("PATH", path))
    }

    /// Runs az and returns what it prints; fails with its complaints.
    pub fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).stdin(Stdio::null()).output()?;
        let complaints = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "az {}: {complaints}", arguments.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A new folder makes az ask the internet for its newest version (real-clients §1).
    fn stop_version_check(&self, folder: &Path) -> anyhow::Result<()> {
        let print = "import importlib.metadata as m; print(m.version('azure-cli'))";
        let version = tools::output(Command::new(&self.python).args(["-c", print]))?;
        let version = json!({ "local": version.trim() });
        let check = json!({
            "versions": { "azure-cli": version, "core": version },
            "update_time": "2099-01-01 00:00:00.000000",
        });
        fs::write(folder.join("versionCheck.json"), check.to_string())?;
        Ok(())
    }
}
