//! azcopy: a download through a SAS, byte for byte.

use std::process::Command;

use xtask::{artifacts, tools};

use crate::lab::{Lab, id};

#[tokio::test(flavor = "multi_thread")]
async fn azcopy_downloads_what_the_snapshot_holds() {
    let lab = Lab::start().await;
    let url = lab.shell(
        "az snapshot create -g G -n S --source $D --incremental true -o none
         az snapshot grant-access --duration-in-seconds 600 -n S -g G --query accessSAS -o tsv",
    );
    let azcopy = tools::need_azcopy(&artifacts::root()).unwrap();
    let file = lab.folder().join("s.vhd");
    let mut command = Command::new(azcopy);
    command
        .args(["copy", &url])
        .arg(&file)
        .args(["--from-to", "BlobLocal", "--check-version=false", "--check-length=true"])
        .env("SSL_CERT_FILE", lab.emulator.ca_path())
        .env("AZCOPY_LOG_LOCATION", lab.folder())
        .env("AZCOPY_JOB_PLAN_LOCATION", lab.folder())
        .env("AZCOPY_DISABLE_SYSLOG", "true");
    let told = tools::output(&mut command).unwrap();
    assert!(told.contains("Final Job Status: Completed"), "{told}");
    let found = std::fs::read(&file).unwrap();
    let wanted = lab.content(&id("snapshots", "S")).await;
    assert_eq!(found.len(), (1 << 30) + 512);
    assert!(found[..1 << 30] == wanted[..]);
    assert_eq!(&found[1 << 30..][..8], b"conectix");
}
