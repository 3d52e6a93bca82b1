//! `wasm-opt` from npm's `binaryen`, where npm is to be had. The portal is as good without it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context as _;

/// A fixed version, so that one commit gives one program everywhere.
const PACKAGE: &str = "binaryen@132.0.0";

/// The smaller program, or the same one with a printed note why.
pub(super) fn optimize(root: &Path, program: &[u8]) -> anyhow::Result<Vec<u8>> {
    let tools = root.join("target/tools");
    fs::create_dir_all(&tools).with_context(|| format!("making {}", tools.display()))?;
    let Some(wasm_opt) = wasm_opt(&tools) else {
        println!("portal: npm gave no wasm-opt; the program stays as the compiler made it");
        return Ok(program.to_vec());
    };
    let (before, after) = (tools.join("app.wasm"), tools.join("app.small.wasm"));
    fs::write(&before, program).context("writing the program for wasm-opt")?;
    let status = Command::new(wasm_opt)
        // What the program may use is in its own `target_features` section.
        .args(["-Oz", "-o"])
        .arg(&after)
        .arg(&before)
        .status();
    match status {
        Ok(status) if status.success() => fs::read(&after).context("reading what wasm-opt wrote"),
        Ok(status) => {
            println!("portal: wasm-opt failed ({status}); the program stays as it was");
            Ok(program.to_vec())
        }
        Err(error) => {
            println!("portal: wasm-opt did not run ({error}); the program stays as it was");
            Ok(program.to_vec())
        }
    }
}

/// Its path, installed if need be.
fn wasm_opt(tools: &Path) -> Option<PathBuf> {
    let path = tools.join("node_modules/.bin/wasm-opt");
    if path.exists() {
        return Some(path);
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let status = Command::new(npm)
        .args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix"])
        .arg(tools)
        .arg(PACKAGE)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let installed = status.is_ok_and(|status| status.success());
    (installed && path.exists()).then_some(path)
}
