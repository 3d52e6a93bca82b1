//! From a failing history to the fewest requests that still fail, written down for a replay.

use std::path::PathBuf;

use super::{judge::Lab, request::Request};

/// Sends them to a new emulator; gives what is wrong with the first that fails.
pub(super) async fn first_failure(requests: &[Request]) -> Option<String> {
    let mut lab = Lab::new();
    lab.prepare().await;
    for request in requests {
        lab.wait().await;
        if let Err(why) = lab.send(request).await {
            return Some(format!("{} {}: {why}", request.method, request.target.escape_ascii()));
        }
    }
    None
}

/// Shrinks a history that failed and writes it into a file of the temporary folder.
pub(super) async fn write_down(history: Vec<Request>, seed: u64, n: u64) -> PathBuf {
    let shrunk = shrink(history).await;
    let file = std::env::temp_dir().join(format!("emulator-fuzz-{seed}-{n}.json"));
    std::fs::write(&file, serde_json::to_vec_pretty(&shrunk).unwrap()).unwrap();
    file
}

/// Leaves out ever smaller parts, as long as something still fails.
async fn shrink(mut requests: Vec<Request>) -> Vec<Request> {
    let last = requests.split_off(requests.len() - 1);
    if first_failure(&last).await.is_some() {
        return last;
    }
    requests.extend(last);
    let mut part = requests.len() / 2;
    while part > 0 {
        let mut at = 0;
        while at < requests.len() {
            let mut fewer = requests.clone();
            fewer.drain(at..(at + part).min(requests.len()));
            if first_failure(&fewer).await.is_some() {
                requests = fewer;
            } else {
                at += part;
            }
        }
        part /= 2;
    }
    requests
}
