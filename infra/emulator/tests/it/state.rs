//! What was acknowledged survives the process, and what was under way goes on.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use emulator::{Config, Emulator};
use reqwest::Method;
use serde_json::json;

use crate::lab::{BLOCK, Lab, SUB, copy, copy_start, disk, snapshot};

#[tokio::test]
async fn the_world_survives_a_drop_and_copies_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().to_owned());
    let lab = Lab::with(state.clone()).await;
    let (ca, tenant) =
        (std::fs::read(lab.emulator.ca_path()).unwrap(), lab.emulator.tenant_id().to_owned());
    lab.take("s1", "d").await;
    lab.ferry("c1", "s1").await;
    lab.write(&disk("d"), 0, vec![0; BLOCK as usize]).await;
    lab.write(&disk("d"), 9 * BLOCK, vec![5; 2 * BLOCK as usize]).await;
    lab.take("s2", "d").await;
    lab.write(&disk("d"), 100 * BLOCK, vec![6; 10]).await;
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": BLOCK})).await;
    lab.make(&copy("c2"), copy_start(&snapshot("s2"), "westus2")).await;
    let taken = lab.put(&snapshot("s3"), crate::lab::copy_of(&disk("d"), "eastus")).await;
    let status = taken.header("azure-asyncoperation").to_owned();
    let clock = lab.control(Method::GET, "clock", json!(null)).await;
    let half = lab.get(&copy("c2")).await.body;
    let contents = [
        lab.content(&disk("d")).await,
        lab.content(&snapshot("s1")).await,
        lab.content(&snapshot("s2")).await,
    ];
    drop(lab);

    let config = Config { state, ..Config::default() };
    let lab = Lab::attach(Emulator::start(config).await.unwrap()).await;
    assert_eq!(std::fs::read(lab.emulator.ca_path()).unwrap(), ca);
    assert_eq!(lab.emulator.tenant_id(), tenant);
    assert_eq!(lab.control(Method::GET, "clock", json!(null)).await, clock);
    assert_eq!(lab.get(&copy("c2")).await.body, half);
    assert!(lab.content(&disk("d")).await == contents[0]);
    assert!(lab.content(&snapshot("s1")).await == contents[1]);
    assert!(lab.content(&snapshot("s2")).await == contents[2]);
    lab.advance(60.0).await;
    let status =
        status.replace(status.split("/subscriptions").next().unwrap(), &lab.emulator.arm_url());
    assert_eq!(lab.get(&status).await.body["status"], "Succeeded");
    let done = lab.get(&copy("c2")).await.body;
    assert_eq!(done["properties"]["completionPercent"], 100.0);
    assert_eq!(lab.counters().await["copies"][1]["bytes_moved"], 3 * BLOCK);
}

#[tokio::test]
async fn the_world_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_emulator"))
        .arg("--state")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let control = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some(url) = line.strip_prefix("CONTROL_URL=") {
            break url.to_owned();
        }
    };
    let client = {
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder().tls_certs_only([]).build().unwrap()
    };
    let seed = json!({
        "subscriptions": [{"id": SUB, "name": "One"}],
        "disks": [{
            "id": disk("d"), "location": "eastus", "size_gb": 1,
            "content": {"random_bytes": 1 << 20, "seed": 7},
        }],
    });
    client.post(format!("{control}/seed")).json(&seed).send().await.unwrap();
    let query = [("id", disk("d")), ("offset", "0".to_owned())];
    let write = client.post(format!("{control}/write")).query(&query).body("written");
    write.send().await.unwrap().error_for_status().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    let config = Config { state: Some(folder.path().to_owned()), ..Config::default() };
    let lab = Lab::attach(Emulator::start(config).await.unwrap()).await;
    let content = lab.content(&disk("d")).await;
    assert_eq!(&content[..7], b"written");
    assert!(content[BLOCK as usize..1 << 20].iter().any(|byte| *byte != 0));
}

#[tokio::test]
async fn a_stopped_emulator_is_away_and_its_port_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::with(Some(folder.path().to_owned())).await;
    let Lab { emulator, client, .. } = lab;
    let url = emulator.arm_url();
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    emulator.stop().await;
    assert!(client.get(&url).send().await.is_err());
    let state = Some(folder.path().to_owned());
    let config = Config { arm_port: port, state, ..Config::default() };
    let again = Emulator::start(config).await.unwrap();
    assert_eq!(again.arm_url(), url);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_world_that_waits_for_the_disk_is_the_same_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().to_owned());
    let config = || Config { state: state.clone(), sync: true, ..Config::default() };
    let lab = Lab::seeded(Emulator::start(config()).await.unwrap()).await;
    let taken = lab.take("s", "d").await;
    drop(lab);
    let lab = Lab::attach(Emulator::start(config()).await.unwrap()).await;
    assert_eq!(lab.get(&snapshot("s")).await.body, taken);
}
