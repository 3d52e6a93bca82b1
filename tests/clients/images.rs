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
    tools::run(Command::new(&qemu).args(convert).arg(file).arg(&raw)).unwrap();
    std::fs::read(raw).unwrap()
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
    assert!(raw(&vhdx, "vhdx") == lab.content(&id("disks", "U")).await);
}
