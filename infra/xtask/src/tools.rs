//! Programs that others make: found, or installed where they are missing.

mod clients;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};

pub use clients::{need_azcopy, need_azurite, need_js_sdk, need_python_sdk};

/// Runs a command to its end, with its output shown; fails if it fails.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("starting {shown}"))?;
    ensure!(status.success(), "{shown} ended with {status}");
    Ok(())
}

/// Runs a command to its end and returns what it prints; fails, with its complaints, if it fails.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = format!("{command:?}");
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting {shown}"))?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{shown} ended with {}: {complaints}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Cargo, as from a shell.
///
/// What an outer cargo tells its own child of its package would make an inner one think that the
/// environment has changed, and build afresh whatever looks at it.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    let of_the_outer = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if of_the_outer.iter().any(|prefix| text.starts_with(prefix)) || text == "CARGO" {
            command.env_remove(&name);
        }
    }
    command
}

/// Where a program is, by the `PATH` and the folders that root's programs are in.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Finds a program or installs the Debian packages that have it.
pub fn need(program: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    if let Some(found) = find(program) {
        return Ok(found);
    }
    eprintln!("`{program}` is missing");
    install(packages)?;
    find(program).with_context(|| format!("`{program}` is missing still"))
}

/// Installs Debian packages.
fn install(packages: &[&str]) -> anyhow::Result<()> {
    eprintln!("installing {}", packages.join(", "));
    let advice = || format!("install {} and try again", packages.join(", "));
    if find("apt-get").is_none() {
        bail!(advice());
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command.stdout(Stdio::null());
        run(&mut command)
    };
    apt(&["update", "-q"]).with_context(advice)?;
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    apt(&[&install, packages].concat()).with_context(advice)
}

/// Adds a target to the toolchain in use, if it lacks it.
pub fn need_target(target: &str) -> anyhow::Result<()> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(target).join("lib").is_dir() {
        return Ok(());
    }
    eprintln!("adding the target {target}");
    run(Command::new("rustup").args(["target", "add", target]))
        .with_context(|| format!("`rustup target add {target}` adds it by hand"))
}

/// The az CLI, installed on first use from `PyPI` into `target/`: 730 MB, about a minute.
pub fn need_az(root: &Path) -> anyhow::Result<PathBuf> {
    need_venv(&root.join("target/tools/az"), &["azure-cli"])
}

/// A Python of its own with packages from `PyPI`, installed on first use.
fn need_venv(folder: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let python = folder.join("bin/python");
    let done = folder.join("installed");
    if done.is_file() {
        return Ok(python);
    }
    eprintln!("installing {} into {}", packages.join(", "), folder.display());
    let system = need("python3", &["python3", "python3-venv"])?;
    let make = |python: &Path| run(Command::new(python).args(["-m", "venv"]).arg(folder));
    if make(&system).is_err() {
        // Debian's python3 comes without venv.
        install(&["python3-venv"])?;
        make(&system)?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(pip).args(packages))?;
    std::fs::write(&done, "")?;
    Ok(python)
}

/// Shows what the emulator, the host and the function log, from warnings up.
pub fn log_to_stderr() {
    let filter = std::env::var_os("SNAPFERRY_LOG").and_then(|text| text.into_string().ok());
    let filter = tracing_subscriber::EnvFilter::new(filter.as_deref().unwrap_or("warn"));
    let _ =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).try_init();
    let _ = rustls::crypto::ring::default_provider().install_default();
}
