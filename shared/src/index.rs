//! What is in an inventory, by id: built once where many things are looked up.
//!
//! This crate's maps hash with foldhash, several times as fast as the standard library's hasher and
//! seeded anew in each process. It withstands chance, not an attacker who sees the time of every lookup: keys
//! are what Azure lists, and whoever may make snapshots there can do worse than slow a plan down.

use foldhash::HashMap;

use crate::{
    lineage::is_same,
    model::{Disk, Inventory, ResourceId, ResourceKind, Snapshot},
};

/// Disks and snapshots by their id.
///
/// For looking up only: nothing is done in the order of these maps.
#[derive(Clone, Debug, Default)]
pub struct Index<'a> {
    disks: HashMap<&'a ResourceId, &'a Disk>,
    snapshots: HashMap<&'a ResourceId, &'a Snapshot>,
}

impl<'a> Index<'a> {
    /// Indexes `inventory`.
    pub fn of(inventory: &'a Inventory) -> Self {
        let snapshots = &inventory.snapshots;
        Self {
            disks: inventory.disks.iter().map(|disk| (&disk.id, disk)).collect(),
            snapshots: snapshots.iter().map(|s| (&s.id, s)).collect(),
        }
    }

    /// The disk of that id that exists today.
    pub fn disk(&self, id: &ResourceId) -> Option<&'a Disk> {
        self.disks.get(id).copied()
    }

    /// The snapshot or copy of that id.
    pub fn snapshot(&self, id: &ResourceId) -> Option<&'a Snapshot> {
        self.snapshots.get(id).copied()
    }

    /// Whether a disk or snapshot has that id.
    pub fn exists(&self, id: &ResourceId) -> bool {
        match id.kind() {
            ResourceKind::Disk => self.disk(id).is_some(),
            ResourceKind::Snapshot => self.snapshot(id).is_some(),
        }
    }

    /// The existing snapshot that `copy` was made from: by unique id, or by its ARM id while Azure
    /// has not yet told the unique id.
    pub fn source_of(&self, copy: &Snapshot) -> Option<&'a Snapshot> {
        self.snapshot(copy.source_id.as_ref()?).filter(|source| is_same(copy, source))
    }
}
