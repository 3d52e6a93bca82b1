//! What is deployed, and runs everywhere: the static function and the portal's files beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{portal, tools};

const MUSL: &str = "x86_64-unknown-linux-musl";

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Builds the portal and the function into `target/app`, laid out as in the zip that is deployed.
pub fn stage(root: &Path) -> anyhow::Result<PathBuf> {
    let app = root.join("target/app");
    let files = root.join("target/portal");
    portal::build(root, &files).context("building the portal")?;
    let binary = build_function(root).context("building the function")?;
    copy_folder(&root.join("function/app"), &app)?;
    let beside = app.join("files");
    if beside.is_dir() {
        fs::remove_dir_all(&beside)?;
    }
    copy_folder(&files, &beside)?;
    // A running function keeps its own file: the new one takes its name.
    let draft = app.join(".snapferry.new");
    fs::copy(binary, &draft)?;
    fs::rename(draft, app.join("snapferry"))?;
    Ok(app)
}

/// Builds the static binary of `function`.
fn build_function(root: &Path) -> anyhow::Result<PathBuf> {
    tools::need_target(MUSL)?;
    tools::need("musl-gcc", &["musl-tools"])?;
    eprintln!("building the function");
    let arguments = ["build", "-p", "function", "--profile", "deploy", "--target", MUSL];
    tools::run(tools::cargo(root).args(arguments))?;
    Ok(root.join("target").join(MUSL).join("deploy/snapferry"))
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
