//! Real clients of Azure, which the tests set on the emulator, and another emulator.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{need, need_venv, run};

/// A Python with Microsoft's SDK for Azure Compute, installed on first use from `PyPI`.
pub fn need_python_sdk(root: &Path) -> anyhow::Result<PathBuf> {
    let packages = ["azure-mgmt-compute==39.*", "azure-identity==1.*"];
    need_venv(&root.join("target/tools/python-sdk"), &packages)
}

/// Microsoft's `azcopy`, installed on first use from npm.
pub fn need_azcopy(root: &Path) -> anyhow::Result<PathBuf> {
    let package = "@azure-tools/azcopy-linux@10";
    let folder = need_npm(&root.join("target/tools/azcopy"), package)?;
    need_library("libsecret-1.so.0", "libsecret-1-0")?;
    let program = folder.join("@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64");
    // npm unpacks it as a file like any other.
    run(Command::new("chmod").arg("+x").arg(&program))?;
    Ok(program)
}

/// Microsoft's SDK for Azure Compute in JavaScript, installed on first use from npm; the folder of
/// its modules.
pub fn need_js_sdk(root: &Path) -> anyhow::Result<PathBuf> {
    need_npm(&root.join("target/tools/js-sdk"), "@azure/arm-compute@24")
}

/// Azurite, Microsoft's emulator of Azure Storage, installed on first use from npm; its program for
/// Node.js.
pub fn need_azurite(root: &Path) -> anyhow::Result<PathBuf> {
    let modules = need_npm(&root.join("target/tools/azurite"), "azurite@3")?;
    Ok(modules.join("azurite/dist/src/azurite.js"))
}

/// Installs a package of npm into a folder of its own; gives the folder of modules.
fn need_npm(folder: &Path, package: &str) -> anyhow::Result<PathBuf> {
    let (modules, done) = (folder.join("node_modules"), folder.join("installed"));
    if done.is_file() {
        return Ok(modules);
    }
    need("node", &["nodejs"])?;
    let npm = need("npm", &["npm"])?;
    eprintln!("installing {package} into {}", folder.display());
    std::fs::create_dir_all(folder)?;
    let install = ["install", "--no-audit", "--no-fund", "--loglevel=error", package];
    run(Command::new(npm).arg("--prefix").arg(folder).args(install).stdout(Stdio::null()))?;
    std::fs::write(&done, "")?;
    Ok(modules)
}

/// Installs a Debian package for the library in it, unless the loader knows that.
fn need_library(library: &str, package: &str) -> anyhow::Result<()> {
    let cache = need("ldconfig", &["libc-bin"])?;
    if super::output(Command::new(cache).arg("-p"))?.contains(library) {
        return Ok(());
    }
    super::install(&[package])
}
