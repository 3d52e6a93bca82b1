//! Files as they are served: named by content, compressed beforehand, and counted.

use std::{
    fmt, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::Sizes;

/// The folder that is filled.
pub(super) struct Out(PathBuf);

impl Out {
    /// Makes the folder anew.
    pub(super) fn new(folder: &Path) -> anyhow::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self(folder.to_owned()))
    }

    /// Writes `stem-<hash>.<extension>`, which may be cached for ever; returns the name.
    pub(super) fn put_hashed(
        &mut self,
        stem: &str,
        extension: &str,
        content: &[u8],
    ) -> anyhow::Result<String> {
        let name = format!("{stem}-{}.{extension}", &hex(&Sha256::digest(content))[..16]);
        self.put(&name, content)?;
        Ok(name)
    }

    /// Writes `name` plain, as Brotli and as gzip.
    pub(super) fn put(&mut self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        let path = |suffix: &str| self.0.join(format!("{name}{suffix}"));
        let mut small = vec![];
        let best = BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
        brotli::BrotliCompress(&mut &content[..], &mut small, &best)?;
        let mut gzip = GzEncoder::new(vec![], Compression::best());
        gzip.write_all(content)?;
        let gzip = gzip.finish()?;
        for (suffix, bytes) in [("", content), (".br", &small), (".gz", &gzip)] {
            fs::write(path(suffix), bytes).with_context(|| format!("writing {name}{suffix}"))?;
        }
        Ok(())
    }
}

/// Sums the Brotli files of a built portal.
pub(super) fn sizes(folder: &Path) -> anyhow::Result<Sizes> {
    let mut sizes = Sizes::default();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = entry.metadata()?.len();
        match name.strip_suffix(".br").and_then(|name| name.rsplit_once('.')) {
            Some((_, "wasm")) => sizes.wasm_bytes += bytes,
            Some((_, "js")) => sizes.js_bytes += bytes,
            Some((_, "css")) => sizes.css_bytes += bytes,
            Some(_) | None => {}
        }
    }
    Ok(sizes)
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |bytes: u64| bytes as f64 / 1024.0;
        let (wasm, js, css) = (kib(self.wasm_bytes), kib(self.js_bytes), kib(self.css_bytes));
        write!(f, "wasm {wasm:.1} KiB, js {js:.1} KiB, css {css:.1} KiB (Brotli)")
    }
}

/// A hash of everything that the portal is built from.
pub(super) fn digest_of_inputs(root: &Path) -> anyhow::Result<String> {
    let mut files = vec![root.join("Cargo.toml"), root.join("Cargo.lock")];
    for folder in ["frontend", "shared", "infra/xtask/src/portal"] {
        list(&root.join(folder), &mut files)?;
    }
    files.push(root.join("infra/xtask/src/portal.rs"));
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(content.len().to_le_bytes());
        hasher.update(content);
    }
    Ok(hex(&hasher.finalize()))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
