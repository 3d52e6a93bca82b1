//! Microsoft's SDKs: a whole life of a snapshot in Python and in JavaScript.

use std::process::Command;

use xtask::{artifacts, tools};

use crate::lab::{Lab, SUB, id};

/// What both scripts are told.
fn told<'a>(command: &'a mut Command, lab: &Lab) -> &'a mut Command {
    command
        .env("ARM_URL", lab.emulator.arm_url())
        .env("IDENTITY_ENDPOINT", lab.emulator.identity_url())
        .env("IDENTITY_HEADER", lab.emulator.identity_header())
        .env("SUBSCRIPTION", SUB)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_takes_copies_reads_restores_and_deletes() {
    let lab = Lab::start().await;
    let python = tools::need_python_sdk(&artifacts::root()).unwrap();
    let mut command = Command::new(python);
    command.args(["-c", include_str!("life.py")]);
    command.env("REQUESTS_CA_BUNDLE", lab.emulator.ca_path());
    let out = tools::output(told(&mut command, &lab)).unwrap();
    // The hash of the content that came through the SAS, and of the disk that was restored.
    let hash = |bytes: &[u8]| {
        use sha2::{Digest, Sha256};
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let wanted = lab.content(&id("disks", "D")).await;
    assert!(out.contains(&format!("sas {}", hash(&wanted))), "{out}");
    assert!(lab.content(&id("disks", "restored")).await == wanted);
    assert!(out.contains("snapshots left: copy\n"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_sdk_takes_copies_and_grants() {
    let lab = Lab::start().await;
    let modules = tools::need_js_sdk(&artifacts::root()).unwrap();
    let script = lab.folder().join("life.cjs");
    std::fs::write(&script, include_str!("life.cjs")).unwrap();
    let mut command = Command::new("node");
    command
        .arg(script)
        .env("NODE_PATH", modules)
        .env("NODE_EXTRA_CA_CERTS", lab.emulator.ca_path());
    let out = tools::output(told(&mut command, &lab)).unwrap();
    assert_eq!(
        out.lines().last(),
        Some("taken, copied to 100, granted, revoked, deleted"),
        "{out}"
    );
}
