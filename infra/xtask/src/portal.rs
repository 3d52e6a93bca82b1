//! Builds the portal: Rust to WebAssembly, its glue, its styles, each under a name that tells its
//! content and in three encodings.
//!
//! Nothing is fetched but a rustup target and npm's `binaryen`; without the latter the files are
//! larger and just as good.

mod files;
mod optimize;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::tools;
use files::{Out, digest_of_inputs};

const TARGET: &str = "wasm32-unknown-unknown";

/// Leptos then erases the types of views, whose names and copies would be most of the program.
const ERASE_VIEW_TYPES: &str =
    r#"target.wasm32-unknown-unknown.rustflags=["--cfg", "erase_components"]"#;

/// What a browser downloads, in bytes after Brotli.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The program.
    pub wasm_bytes: u64,
    /// Its glue and the module that starts it.
    pub js_bytes: u64,
    /// The styles.
    pub css_bytes: u64,
}

/// Builds the portal of the workspace at `root` into `out`, unless it is there already.
pub fn build(root: &Path, out: &Path) -> anyhow::Result<Sizes> {
    let stamp = out.join(".inputs");
    let digest = digest_of_inputs(root)?;
    if fs::read_to_string(&stamp).is_ok_and(|built| built == digest) {
        let sizes = files::sizes(out)?;
        println!("portal: unchanged; {sizes}");
        return Ok(sizes);
    }
    let bound = bindgen(&compile(root, &[])?.join("frontend.wasm"))?;
    let program = optimize::optimize(root, &bound.program)?;
    // Only now is anything taken away: a build that fails leaves the portal before it in place.
    let mut files = Out::new(out)?;
    let css = files.put_hashed("app", "css", styles(root)?.as_bytes())?;
    let mut glue = bound.glue;
    for (path, text) in &bound.snippets {
        let name = files.put_hashed("part", "js", text.as_bytes())?;
        glue = glue.replace(path, &format!("./{name}"));
    }
    let js = files.put_hashed("app", "js", glue.as_bytes())?;
    let wasm = files.put_hashed("app", "wasm", &program)?;
    let named = |text: String| text.replace("{js}", &js).replace("{wasm}", &wasm);
    let boot = named(read(root, "frontend/boot.js")?);
    let boot = files.put_hashed("boot", "js", boot.as_bytes())?;
    let index = named(read(root, "frontend/index.html")?);
    let index = index.replace("{css}", &css).replace("{boot}", &boot);
    files.put("index.html", index.as_bytes())?;
    files.put("favicon.svg", read(root, "frontend/favicon.svg")?.as_bytes())?;
    // The stamp comes last: a build that was cut off is done again.
    fs::write(&stamp, digest).with_context(|| format!("writing {}", stamp.display()))?;
    let sizes = files::sizes(out)?;
    println!("portal: {sizes}");
    Ok(sizes)
}

/// Builds an example of `frontend` as the portal is built.
pub(crate) fn bind_example(root: &Path, name: &str) -> anyhow::Result<Bound> {
    let folder = compile(root, &["--example", name])?.join("examples");
    let bound = bindgen(&folder.join(format!("{name}.wasm")))?;
    let program = optimize::optimize(root, &bound.program)?;
    Ok(Bound { program, ..bound })
}

fn read(root: &Path, file: &str) -> anyhow::Result<String> {
    fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"))
}

/// Runs cargo; returns the folder of what it made.
fn compile(root: &Path, what: &[&str]) -> anyhow::Result<PathBuf> {
    tools::need_target(TARGET)?;
    let target_dir = target_dir(root);
    let arguments = ["build", "-p", "frontend", "--target", TARGET, "--profile", "wasm"];
    let mut cargo = tools::cargo(root);
    cargo.args(arguments).args(what).args(["--config", ERASE_VIEW_TYPES]);
    tools::run(cargo.arg("--target-dir").arg(&target_dir))?;
    Ok(target_dir.join(TARGET).join("wasm"))
}

/// The workspace's own, whoever calls: what cargo sets in the environment does not move it.
fn target_dir(root: &Path) -> PathBuf {
    root.join("target")
}

/// A program and the JavaScript that calls it.
pub(crate) struct Bound {
    pub(crate) program: Vec<u8>,
    pub(crate) glue: String,
    /// The path that the glue imports, and what has to be there.
    snippets: Vec<(String, String)>,
}

/// What the `wasm-bindgen` program does, by its library: the version is that of the lock file.
fn bindgen(program: &Path) -> anyhow::Result<Bound> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(program).typescript(false).out_name("app").omit_default_module_path(true);
    let mut output = bindgen.web(true)?.generate_output().context("binding the program")?;
    if !output.local_modules().is_empty() {
        bail!("a crate brings a JavaScript module of its own, which this build does not carry");
    }
    let mut snippets = vec![];
    for (crate_name, texts) in output.snippets() {
        for (n, text) in texts.iter().enumerate() {
            snippets.push((format!("./snippets/{crate_name}/inline{n}.js"), text.clone()));
        }
    }
    let glue = output.js().to_owned();
    Ok(Bound { program: output.wasm_mut().emit_wasm(), glue, snippets })
}

/// Tokens first, then the base, then one file for each part, by name.
fn styles(root: &Path) -> anyhow::Result<String> {
    let folder = root.join("frontend/style");
    let mut names: Vec<String> = vec![];
    for entry in fs::read_dir(&folder).context("reading frontend/style")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name.ends_with(".css"));
    let rank = |name: &String| match name.as_str() {
        "tokens.css" => 0,
        "base.css" => 1,
        _ => 2,
    };
    names.sort_by(|a, b| (rank(a), a).cmp(&(rank(b), b)));
    let mut css = String::new();
    for name in names {
        css.push_str(&read(root, &format!("frontend/style/{name}"))?);
    }
    Ok(css)
}
