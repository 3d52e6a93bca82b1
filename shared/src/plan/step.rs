//! A step: one effect on Azure that names everything and leaves no choice to whoever applies it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{NetworkAccess, Region, ResourceId};

/// One effect and what asked for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// What to do.
    pub effect: Effect,
    /// What asked for it.
    pub cause: Cause,
}

/// What asked for a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// A policy.
    Policy {
        /// Its id.
        id: String,
        /// The version that was in force.
        version: u32,
    },
    /// Somebody's request.
    Request {
        /// Its id.
        id: String,
    },
}

/// What to do to Azure. Doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// Take a snapshot of a disk.
    CreateSnapshot {
        /// The snapshot.
        id: ResourceId,
        /// The disk's region.
        region: Region,
        /// The disk.
        source: ResourceId,
        /// Incremental or full.
        incremental: bool,
        /// Azure's sku name.
        sku: String,
        /// Who may export its bytes.
        network_access: NetworkAccess,
        /// All its tags.
        tags: BTreeMap<String, String>,
    },
    /// Start copying a snapshot (`CopyStart`).
    StartCopy {
        /// The copy.
        id: ResourceId,
        /// Where it goes.
        region: Region,
        /// The snapshot.
        source: ResourceId,
        /// The disk that the snapshot is of.
        disk_unique_id: String,
        /// Azure's sku name.
        sku: String,
        /// Who may export its bytes.
        network_access: NetworkAccess,
        /// The disk encryption set in the target's region.
        encryption_set: Option<String>,
        /// Whether Azure is asked for its faster copying.
        fast: bool,
        /// Whether the region has no point of the disk yet, so that the whole disk travels.
        first: bool,
        /// Upper bound of what travels.
        bytes: u64,
        /// All its tags.
        tags: BTreeMap<String, String>,
    },
    /// Make a disk from a recovery point.
    CreateDisk {
        /// The disk.
        id: ResourceId,
        /// The point's region.
        region: Region,
        /// The point.
        source: ResourceId,
        /// Azure's sku name.
        sku: String,
        /// The availability zone.
        zone: Option<String>,
        /// All its tags.
        tags: BTreeMap<String, String>,
    },
    /// First phase of a deletion: tag the point with the time from which it may go.
    MarkPoint {
        /// The point.
        id: ResourceId,
        /// Its unique id, as a namesake must not be marked in its stead.
        unique_id: String,
        /// The time.
        delete_after: Timestamp,
        /// The batch whose approval lets it be marked; none where no approval is needed.
        approved: Option<String>,
    },
    /// Take a mark back, because something keeps the point again.
    UnmarkPoint {
        /// The point.
        id: ResourceId,
        /// Its unique id.
        unique_id: String,
    },
    /// Take a mark back and pin the point, because a person asked.
    PinPoint {
        /// The point.
        id: ResourceId,
        /// Its unique id.
        unique_id: String,
        /// Who asked.
        actor: String,
    },
    /// Let somebody else's point be ours.
    AdoptPoint {
        /// The point.
        id: ResourceId,
        /// Its unique id.
        unique_id: String,
        /// The tags that it gets.
        tags: BTreeMap<String, String>,
    },
    /// Delete our own copy that does not get on.
    AbandonCopy {
        /// The copy.
        id: ResourceId,
        /// Its unique id.
        unique_id: String,
        /// The disk that it is of.
        disk_unique_id: String,
        /// Where it goes.
        region: Region,
    },
    /// Second phase of a deletion.
    DeletePoint {
        /// The point.
        id: ResourceId,
        /// Its unique id: it is read again right before, and must still be this one.
        unique_id: String,
    },
}

impl Effect {
    /// The resource that is made, changed or deleted.
    pub fn id(&self) -> &ResourceId {
        match self {
            Self::CreateSnapshot { id, .. }
            | Self::StartCopy { id, .. }
            | Self::CreateDisk { id, .. }
            | Self::MarkPoint { id, .. }
            | Self::UnmarkPoint { id, .. }
            | Self::PinPoint { id, .. }
            | Self::AdoptPoint { id, .. }
            | Self::AbandonCopy { id, .. }
            | Self::DeletePoint { id, .. } => id,
        }
    }

    /// The step in a few words.
    pub fn title(&self) -> String {
        let name = self.id().name();
        match self {
            Self::CreateSnapshot { source, .. } => {
                format!("Create snapshot {name} of disk {}", source.name())
            }
            Self::StartCopy { source, region, .. } => {
                format!("Copy snapshot {} to {region} as {name}", source.name())
            }
            Self::CreateDisk { source, .. } => format!("Restore {} to disk {name}", source.name()),
            Self::MarkPoint { delete_after, .. } => {
                format!("Mark {name} for deletion after {delete_after}")
            }
            Self::UnmarkPoint { .. } => format!("Take back the mark of {name}"),
            Self::PinPoint { .. } => format!("Pin {name}"),
            Self::AdoptPoint { .. } => format!("Adopt {name}"),
            Self::AbandonCopy { region, .. } => format!("Give up the copy {name} to {region}"),
            Self::DeletePoint { .. } => format!("Delete {name}"),
        }
    }
}
