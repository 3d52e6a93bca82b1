//! The rules of the house that a machine can hold: who may depend on whom, and tidiness.

use std::{collections::BTreeSet, fs, process::Command};

use cargo_metadata::{DependencyKind, MetadataCommand};
use xtask::{artifacts, tools};

/// Every arrow between crates of the workspace (design §2); those that test may use all.
const ARROWS: [(&str, &str); 2] = [("frontend", "shared"), ("function", "shared")];

/// The crates that may use all.
const FREE: [&str; 3] = ["simulation", "tests", "xtask"];

#[test]
fn no_crate_depends_on_another_that_it_may_not_know() {
    let metadata = MetadataCommand::new()
        .manifest_path(artifacts::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let names: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        BTreeSet::from([
            "emulator",
            "frontend",
            "function",
            "host",
            "shared",
            "simulation",
            "tests",
            "xtask"
        ])
    );
    for package in metadata.packages.iter().filter(|p| !FREE.contains(&p.name.as_str())) {
        for dependency in package.dependencies.iter().filter(|d| names.contains(d.name.as_str())) {
            let arrow = (package.name.as_str(), dependency.name.as_str());
            assert!(
                ARROWS.contains(&arrow),
                "{} → {} is a new arrow: it takes an ADR",
                arrow.0,
                arrow.1
            );
            assert_ne!(dependency.kind, DependencyKind::Build);
        }
    }
}

fn tracked(ending: &str) -> Vec<(String, String)> {
    let root = artifacts::root();
    let list = tools::output(Command::new("git").args(["ls-files"]).current_dir(&root)).unwrap();
    let names = list.lines().filter(|name| name.ends_with(ending));
    names
        .filter_map(|name| Some((name.to_owned(), fs::read_to_string(root.join(name)).ok()?)))
        .collect()
}

#[test]
fn every_source_file_says_what_it_is_for_and_none_is_too_long() {
    let sources = tracked(".rs");
    assert!(sources.len() > 50);
    for (name, text) in sources {
        assert!(text.starts_with("//!"), "{name} does not begin with what it is for");
        assert!(text.lines().count() <= 600, "{name} is longer than 600 lines");
        assert!(!name.ends_with("/mod.rs"), "{name}: use `noun.rs` and a folder");
    }
}

#[test]
fn the_readme_tells_of_every_setting_and_the_adr_index_is_complete() {
    let root = artifacts::root();
    let settings = fs::read_to_string(root.join("docs/settings.md")).unwrap();
    let config = fs::read_to_string(root.join("function/src/config.rs")).unwrap();
    for line in config.lines().filter(|line| line.trim_start().starts_with("/// `SNAPFERRY_")) {
        let name = line.split('`').nth(1).unwrap();
        assert!(settings.contains(name), "docs/settings.md does not tell of {name}");
    }
    let index = fs::read_to_string(root.join("docs/adr/README.md")).unwrap();
    for entry in fs::read_dir(root.join("docs/adr")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || index.contains(&name), "docs/adr/README.md lacks {name}");
    }
}
