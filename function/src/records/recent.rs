//! What this process has read or written of late. Records never change once they are written, so what was read once
//! holds; only `snapferry verify` reads each anew.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shared::Inventory;

use super::runs::Stored;

/// Runs are kept as long as their records have no more bytes than this together.
const KEPT_BYTES: usize = 16 << 20;

/// The newest runs that were read, and the inventory that was last stored or read; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    runs: VecDeque<(Arc<Stored>, usize)>,
    bytes: usize,
    inventory: Option<(String, Arc<Inventory>)>,
}

impl Recent {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run at that place, if it is kept.
    pub(super) fn run(&self, chain: &str, number: u32) -> Option<Arc<Stored>> {
        let kept = self.kept();
        let at = |(stored, _): &&(Arc<Stored>, usize)| {
            stored.run.link.number == number && stored.run.link.chain == chain
        };
        // The newest are asked for most.
        kept.runs.iter().rev().find(at).map(|(stored, _)| stored.clone())
    }

    /// Keeps a run whose record has so many bytes; the oldest reads make room.
    pub(super) fn keep_run(&self, stored: Stored, bytes: usize) -> Arc<Stored> {
        let stored = Arc::new(stored);
        let mut kept = self.kept();
        kept.bytes += bytes;
        kept.runs.push_back((stored.clone(), bytes));
        while kept.bytes > KEPT_BYTES {
            let Some((_, bytes)) = kept.runs.pop_front() else { break };
            kept.bytes -= bytes;
        }
        stored
    }

    /// The inventory of that hash, if it is kept.
    pub(super) fn inventory(&self, hash: &str) -> Option<Arc<Inventory>> {
        let kept = self.kept();
        kept.inventory.as_ref().filter(|(of, _)| of == hash).map(|(_, inventory)| inventory.clone())
    }

    /// Keeps the inventory of that hash in place of the last one.
    pub(super) fn keep_inventory(&self, hash: &str, inventory: Arc<Inventory>) {
        self.kept().inventory = Some((hash.to_owned(), inventory));
    }
}
