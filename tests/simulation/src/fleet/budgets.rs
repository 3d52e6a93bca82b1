//! What calls draw from Azure's budgets, counted by the documents (compute-snapshots §3.4), apart
//! from the emulator's own counting.

use std::collections::BTreeMap;

use axum::http::Method;
use jiff::Timestamp;

/// A budget: its name, its window in minutes, and what a subscription has in it.
type Budget = (&'static str, i64, u64);

/// The budgets that are looked at.
const WINDOWS: [Budget; 11] = [
    ("ARM reads", 60, 12_000),
    ("ARM writes", 60, 1_200),
    ("ARM deletes", 60, 15_000),
    ("HighCostGet", 3, 240),
    ("HighCostGet", 30, 1_920),
    ("LowCostGet", 3, 15_000),
    ("HighCostSnapshotCreateHydrate", 3, 1_000),
    ("HighCostSnapshotCreateHydrate", 30, 8_000),
    ("DeleteDisks", 3, 3_000),
    ("DeleteDisks", 30, 24_000),
    ("GetOperation", 3, 50_000),
];

/// The most that one subscription drew from a budget in one window.
#[derive(Clone, Debug)]
pub struct Most {
    /// The budget's name.
    pub name: &'static str,
    /// Its window, in minutes.
    pub minutes: i64,
    /// What a subscription has in it.
    pub limit: u64,
    /// The most that one drew.
    pub drawn: u64,
}

/// Counts of all subscriptions.
#[derive(Default)]
pub(super) struct Counts {
    /// By subscription, place among [`WINDOWS`], and window.
    drawn: BTreeMap<(String, usize, i64), u64>,
}

impl Counts {
    /// Counts a call; `path` is in lower case.
    pub(super) fn count(&mut self, method: &Method, path: &str, now: Timestamp) {
        let Some(subscription) = path.split('/').nth(2).filter(|s| !s.is_empty()) else { return };
        for (index, (name, minutes, _)) in WINDOWS.iter().enumerate() {
            if names(method, path).contains(&Some(name)) {
                let window = now.as_second() / (minutes * 60);
                *self.drawn.entry((subscription.to_owned(), index, window)).or_default() += 1;
            }
        }
    }

    pub(super) fn most(&self) -> Vec<Most> {
        let mut most =
            WINDOWS.map(|(name, minutes, limit)| Most { name, minutes, limit, drawn: 0 }).to_vec();
        for ((_, index, _), drawn) in &self.drawn {
            most[*index].drawn = most[*index].drawn.max(*drawn);
        }
        most
    }
}

/// The budget of ARM, and that of the disk provider.
fn names(method: &Method, path: &str) -> [Option<&'static str>; 2] {
    let arm = match *method {
        Method::GET => "ARM reads",
        Method::DELETE => "ARM deletes",
        _ => "ARM writes",
    };
    let list = path.ends_with("/disks") || path.ends_with("/snapshots");
    let provider = if path.contains("/diskoperations/") {
        Some("GetOperation")
    } else if !path.contains("/microsoft.compute/") || path.contains("/microsoft.resources/") {
        None
    } else {
        match *method {
            Method::GET if list => Some("HighCostGet"),
            Method::GET => Some("LowCostGet"),
            Method::PUT => Some("HighCostSnapshotCreateHydrate"),
            Method::DELETE => Some("DeleteDisks"),
            _ => None,
        }
    };
    [Some(arm), provider]
}
