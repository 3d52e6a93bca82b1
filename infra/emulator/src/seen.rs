//! What is there, for whoever shares the process: a simulation's judge looks at the world itself and
//! not at what Azure's lists show of it, which lag.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    azure::Azure,
    world::{
        World,
        resource::{Provisioning, Snapshot},
        transfers::TransferState,
    },
};

/// Every disk and snapshot, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The snapshots and copies, by id.
    pub snapshots: Vec<SeenSnapshot>,
    /// The disks, by id.
    pub disks: Vec<SeenDisk>,
}

/// A disk that is there.
#[derive(Clone, Debug)]
pub struct SeenDisk {
    /// Its id, as Azure writes it.
    pub id: String,
    /// The unique id; a disk that is made again has another.
    pub unique_id: String,
}

/// A snapshot or copy that is there.
#[derive(Clone, Debug)]
pub struct SeenSnapshot {
    /// Its id, as Azure writes it.
    pub id: String,
    /// Its region.
    pub location: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its unique id.
    pub unique_id: String,
    /// When it was made; for a copy, when the copying began.
    pub created_at: Timestamp,
    /// Whether a `CopyStart` made it.
    pub is_copy: bool,
    /// The id of what it was made from, as it was written.
    pub source: Option<String>,
    /// The unique id of what it was made from.
    pub source_unique_id: Option<String>,
    /// Its deletion is under way.
    pub is_deleting: bool,
    /// Its creation or its copying has failed.
    pub has_failed: bool,
    /// Its content can be used: it is made, and all of it is there.
    pub is_ready: bool,
}

impl Azure {
    /// Everything that is there now.
    ///
    /// # Errors
    ///
    /// When the emulator is stopped.
    pub fn seen(&self) -> anyhow::Result<Seen> {
        self.with(|world, _| Seen {
            snapshots: world.snapshots.values().map(|found| snapshot(world, found)).collect(),
            disks: world
                .disks
                .values()
                .map(|disk| SeenDisk {
                    id: disk.base.id.path(),
                    unique_id: disk.base.unique_id.to_string(),
                })
                .collect(),
        })
    }
}

fn snapshot(world: &World, snapshot: &Snapshot) -> SeenSnapshot {
    let base = &snapshot.base;
    let transfer = snapshot.transfer.as_deref().and_then(|key| world.transfers.get(key));
    let cut_off = transfer.is_some_and(|transfer| {
        matches!(transfer.state(), TransferState::Failed | TransferState::SourceGone)
    });
    SeenSnapshot {
        id: base.id.path(),
        location: base.location.clone(),
        tags: base.tags.clone().unwrap_or_default(),
        unique_id: base.unique_id.to_string(),
        created_at: base.created_at,
        is_copy: base.creation.is_copy_start(),
        source: base.creation.source.clone(),
        source_unique_id: base.creation.source_unique_id.map(|id| id.to_string()),
        is_deleting: base.provisioning == Provisioning::Deleting,
        has_failed: base.provisioning == Provisioning::Failed || cut_off,
        is_ready: base.provisioning == Provisioning::Succeeded && world.is_complete(snapshot),
    }
}
