//! The emulator judged by recordings of the real service: the same questions, and of the answers
//! the status, the header names, the error codes and the shape of each body.
//!
//! Where `AZURE_DATA` (or the folder beside the checkout) has the recordings, they are replayed
//! themselves; everywhere the manifests that they taught are. `UPDATE_MANIFESTS=1` learns anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod exchange;
mod manifest;
mod outside;
mod player;
mod recording;
mod shape;

use std::{collections::BTreeMap, io::Write};

use manifest::Manifest;
use player::Verdict;

/// Written past the test harness's capture, so that every run shows it.
fn show(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Plays all, prints the table, and gives what differs.
async fn judge(title: &str, manifests: &[Manifest]) -> Vec<String> {
    let mut table = format!("\n{title}\n{:<66} exchanges  agreed  not played\n", "recording");
    let mut differences = Vec::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut totals = [0; 3];
    for manifest in manifests {
        let verdicts = player::play(manifest).await;
        let mut row = [verdicts.len(), 0, 0];
        for (exchange, verdict) in manifest.exchanges.iter().zip(verdicts) {
            match verdict {
                Verdict::Agrees => row[1] += 1,
                Verdict::Outside(reason) => {
                    row[2] += 1;
                    *reasons.entry(reason).or_default() += 1;
                }
                Verdict::Differs(what) => {
                    let what = what.join("\n      ");
                    let Exchange { method, target, .. } = exchange;
                    differences
                        .push(format!("{}\n  {method} {target}\n      {what}", manifest.name));
                }
            }
        }
        table += &format!("{:<66} {:>9} {:>7} {:>11}\n", manifest.name, row[0], row[1], row[2]);
        totals.iter_mut().zip(row).for_each(|(total, of_row)| *total += of_row);
    }
    table += &format!("{:<66} {:>9} {:>7} {:>11}\n", "all", totals[0], totals[1], totals[2]);
    for (reason, count) in reasons {
        table += &format!("not played, {count}: {reason}\n");
    }
    show(&table);
    differences
}

use exchange::Exchange;

#[tokio::test]
async fn the_manifests_agree() {
    let manifests = manifest::all();
    assert!(!manifests.is_empty());
    let differences = judge("Replay of the manifests", &manifests).await;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn the_recordings_agree_and_teach_what_the_manifests_hold() {
    let Some(folder) = recording::data_folder() else {
        show("skipped: there are no recordings (set AZURE_DATA)\n");
        return;
    };
    let read: Vec<Manifest> = recording::cassettes(&folder.join("recordings"))
        .iter()
        .map(|path| recording::read(path))
        .collect();
    if std::env::var_os("UPDATE_MANIFESTS").is_some() {
        for manifest in &read {
            let path = manifest::folder().join(format!("{}.txt", manifest.name));
            std::fs::write(path, manifest.text()).unwrap();
        }
    }
    let differences = judge("Replay of the recordings", &read).await;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // Recordings that somebody brings along are judged, too, but are in no manifest.
    let kept = manifest::all();
    for manifest in &read {
        if let Some(kept) = kept.iter().find(|kept| kept.name == manifest.name) {
            assert!(kept.text() == manifest.text(), "{} is out of date", manifest.name);
        }
    }
}
