//! `cargo xtask run --azure`: the developer's own az login, here one to the emulator.

use reqwest::StatusCode;
use serde_json::Value;
use tests::{Lab, create_snapshot, running::Running};
use xtask::{artifacts, az::Az, estate::PRODUCTION};

/// What somebody's own Azure looks like from `run --azure` with these options: the names of its
/// disks, and the answer to a request for a snapshot.
async fn look(lab: &Lab, az: &Az, name: &str, options: &[&str]) -> (Value, StatusCode, Value) {
    let folder = lab.folder().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let arguments = [&["--azure"], options].concat();
    let lend = |command: &mut std::process::Command| az.lend(command, &folder).map(drop);
    let running = Running::start(&folder, &arguments, lend).await.unwrap();
    let api = running.run["api"].as_str().unwrap();
    let http = &lab.azure.http;
    let disks: Value = http.get(format!("{api}/disks")).send().await.unwrap().json().await.unwrap();
    let disk = disks["disks"][0]["disk"]["id"].as_str().unwrap().parse().unwrap();
    let url = format!("{api}/requests/33333333-{name}");
    let answer = http.put(url).json(&create_snapshot(&disk, name)).send().await.unwrap();
    let status = answer.status();
    let status_page: Value =
        http.get(format!("{api}/status")).send().await.unwrap().json().await.unwrap();
    let body = answer.json().await.unwrap();
    running.stop().await.unwrap();
    (status_page, status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn observes_with_the_developers_login_and_writes_only_where_it_is_let() {
    let lab = Lab::start().await.unwrap();
    lab.make_disk("data", 1 << 20).await.unwrap();
    let folder = lab.folder().join("az");
    let az = Az::new(&artifacts::root(), &lab.stack.run_json(), &folder).unwrap();

    let (page, status, body) = look(&lab, &az, "observing", &[]).await;
    assert_eq!(page["cloud"], "SnapferryLocal");
    assert_eq!(page["tenant"], lab.stack.run_json()["tenant"]);
    assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
    assert_eq!(lab.snapshots().await.unwrap(), Vec::<Value>::new());

    let (_, status, body) = look(&lab, &az, "writing", &["--allow-writes-to", PRODUCTION]).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    lab.stack.stop().await;
}
