//! qemu-img reads what a SAS gives: a second reader of the formats than the one who wrote them.

use std::{path::Path, process::Command};

use reqwest::Method;
use serde_json::json;
use xtask::tools;

use crate::lab::{Lab, id};

/// The raw content that qemu finds in a file.
fn raw(file: &Path, format: &str) -> Vec<u8> {
    let qemu = tools::need("qemu-img", &["qemu-utils"]).unwrap();
    let raw = file.with_extension("raw");
    let convert = ["convert", "-f", format, "-O", "raw"];
    tools::output(Command::new(&qemu).args(convert).arg(file).arg(&raw)).unwrap();
    std::fs::read(raw).unwrap()
}

/// qemu refuses sectors of 4096 bytes and nothing else of this file: it is told of 512. Where the
/// blocks are does not depend on that below 4 GiB.
fn say_512(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let metadata = 2 << 20;
    let number = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    // The item of the logical sector size begins its id with 8141bf1d.
    let id = 0x8141_bf1d_u32.to_le_bytes();
    let mut entries = (0..5).map(|n| metadata + 32 + 32 * n);
    let entry = entries.find(|at| bytes[*at..at + 4] == id).unwrap();
    let value = metadata + number(&bytes, entry + 16);
    assert_eq!(number(&bytes, value), 4096);
    bytes[value..value + 4].copy_from_slice(&512_u32.to_le_bytes());
    std::fs::write(file, bytes).unwrap();
}

async fn download(lab: &Lab, name: &str, format: &str) -> std::path::PathBuf {
    let url = lab.shell(&format!(
        "az snapshot grant-access --duration-in-seconds 600 -n {name} -g G --file-format {format} \
         --query accessSAS -o tsv"
    ));
    let file = lab.folder().join(name).with_extension(format);
    let trust = std::fs::read(lab.emulator.ca_path()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&trust).unwrap()])
        .build()
        .unwrap();
    let answer = client.get(url).send().await.unwrap().error_for_status().unwrap();
    std::fs::write(&file, answer.bytes().await.unwrap()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn qemu_finds_the_disks_bytes_in_a_vhd_and_in_a_vhdx() {
    let lab = Lab::start().await;
    let ultra = json!({"disks": [{
        "id": id("disks", "U"), "location": "eastus", "sku": "UltraSSD_LRS", "size_gb": 1,
        "content": {"random_bytes": 3 << 20, "seed": 9},
    }]});
    lab.control(Method::POST, "seed", &ultra).await;
    lab.shell(
        "az snapshot create -g G -n S --source $D --incremental true -o none
         az snapshot create -g G -n SU --source ${D%D}U --incremental true -o none",
    );
    lab.control(Method::PUT, "clock", &json!({"advance_seconds": 600})).await;
    let vhd = download(&lab, "S", "VHD").await;
    assert!(raw(&vhd, "vpc") == lab.content(&id("disks", "D")).await);
    let vhdx = download(&lab, "SU", "VHDX").await;
    say_512(&vhdx);
    assert!(raw(&vhdx, "vhdx") == lab.content(&id("disks", "U")).await);
}
