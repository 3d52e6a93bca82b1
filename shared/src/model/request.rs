//! A click: what somebody asked for, under an id that their client chose.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{NetworkAccess, Region, ResourceId, SnapshotSku};

/// Somebody's wish, kept until a run has carried it out or said why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Request {
    /// Chosen by the client, so that a retry is the same request.
    pub id: String,
    /// Who asked.
    pub actor: String,
    /// When it was stored.
    pub asked_at: Timestamp,
    /// What for.
    pub action: Action,
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Take a snapshot of a disk.
    CreateSnapshot(CreateSnapshot),
    /// Copy a snapshot elsewhere.
    CopySnapshot(CopySnapshot),
    /// Make a new disk from a recovery point.
    RestoreDisk(RestoreDisk),
    /// Undo a point's mark for deletion, and pin it.
    KeepPoint(KeepPoint),
    /// Let somebody else's snapshot be ours, and a policy's.
    AdoptPoint(AdoptPoint),
    /// Give up a copy that does not get on: deletes the incomplete copy.
    AbandonCopy(AbandonCopy),
    /// Let exactly these held deletions happen.
    ApproveDeletions(ApproveDeletions),
    /// Say that points of ours which are listed no more may be missed: somebody deleted them.
    AcknowledgeVanished(AcknowledgeVanished),
}

/// Say that points of ours which are listed no more may be missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeVanished {
    /// Their unique ids, as the inventory's `vanished` has them.
    pub points: Vec<String>,
}

/// Let somebody else's snapshot be ours, and a policy's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AdoptPoint {
    /// The snapshot or copy.
    pub snapshot: ResourceId,
    /// The policy that speaks for it from then on.
    pub policy: String,
}

/// Give up a copy that does not get on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AbandonCopy {
    /// The incomplete copy.
    pub copy: ResourceId,
}

/// Let exactly these held deletions happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ApproveDeletions {
    /// The hash of the held deletions, as the plan shows it.
    pub batch: String,
}

/// Take a snapshot of a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSnapshot {
    /// The disk.
    pub disk: ResourceId,
    /// The group that the snapshot goes to, in the disk's subscription.
    pub group: String,
    /// The snapshot's name.
    pub name: String,
    /// Incremental, which alone can be copied across regions; or full.
    pub incremental: bool,
    /// Its redundancy.
    pub sku: SnapshotSku,
    /// Who may export its bytes.
    #[serde(default)]
    pub network_access: NetworkAccess,
    /// The user's own tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Copy an incremental snapshot to another region or subscription, or onto zone-redundant storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CopySnapshot {
    /// The snapshot to copy.
    pub source: ResourceId,
    /// The subscription that the copy goes to.
    pub subscription: String,
    /// The group that the copy goes to.
    pub group: String,
    /// The region that the copy goes to.
    pub region: Region,
    /// The copy's name.
    pub name: String,
    /// Its redundancy.
    pub sku: SnapshotSku,
    /// Who may export its bytes.
    #[serde(default)]
    pub network_access: NetworkAccess,
    /// The user's own tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Make a new disk from a recovery point, in the point's region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RestoreDisk {
    /// The snapshot or copy to restore from.
    pub source: ResourceId,
    /// The group that the disk goes to, in the point's subscription.
    pub group: String,
    /// The disk's name.
    pub name: String,
    /// The disk's sku, such as `Premium_LRS`.
    pub sku: String,
    /// The availability zone, for a disk that is to be in one.
    #[serde(default)]
    pub zone: Option<String>,
    /// The user's own tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Undo a point's mark for deletion, and pin it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeepPoint {
    /// The snapshot or copy.
    pub snapshot: ResourceId,
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RequestState {
    /// Stored; no run has come to it yet.
    Pending,
    /// A run carried it out.
    Done {
        /// The run.
        run: String,
    },
    /// A run would not, or Azure would not.
    Refused {
        /// The run.
        run: String,
        /// Why, and what to do.
        message: String,
    },
}

/// Whether `id` can be a request's: 8 to 64 of letters, digits and hyphens.
pub fn valid_request_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl Action {
    /// The resource that the action would make or change; none where it changes many.
    pub fn result(&self) -> Option<ResourceId> {
        Some(match self {
            Self::CreateSnapshot(a) => a.result(),
            Self::CopySnapshot(a) => a.result(),
            Self::RestoreDisk(a) => a.result(),
            Self::KeepPoint(a) => a.snapshot.clone(),
            Self::AdoptPoint(a) => a.snapshot.clone(),
            Self::AbandonCopy(a) => a.copy.clone(),
            Self::ApproveDeletions(_) | Self::AcknowledgeVanished(_) => return None,
        })
    }

    /// The resource that the action starts from; none where it starts from many.
    pub fn source(&self) -> Option<&ResourceId> {
        match self {
            Self::CreateSnapshot(a) => Some(&a.disk),
            Self::CopySnapshot(a) => Some(&a.source),
            Self::RestoreDisk(a) => Some(&a.source),
            Self::KeepPoint(a) => Some(&a.snapshot),
            Self::AdoptPoint(a) => Some(&a.snapshot),
            Self::AbandonCopy(a) => Some(&a.copy),
            Self::ApproveDeletions(_) | Self::AcknowledgeVanished(_) => None,
        }
    }
}

impl CreateSnapshot {
    /// The snapshot that it makes.
    pub fn result(&self) -> ResourceId {
        ResourceId::snapshot(self.disk.subscription(), &self.group, &self.name)
    }
}

impl CopySnapshot {
    /// The copy that it makes.
    pub fn result(&self) -> ResourceId {
        ResourceId::snapshot(&self.subscription, &self.group, &self.name)
    }
}

impl RestoreDisk {
    /// The disk that it makes.
    pub fn result(&self) -> ResourceId {
        ResourceId::disk(self.source.subscription(), &self.group, &self.name)
    }
}
