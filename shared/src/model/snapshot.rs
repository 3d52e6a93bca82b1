//! Snapshots and copies as they were listed, and the side that one stands on.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Region, ResourceId, Tags};

/// A snapshot resource: a snapshot of a disk or a copy of a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// Its ARM id.
    pub id: ResourceId,
    /// Azure's `uniqueId`.
    pub unique_id: String,
    /// Where its bytes are.
    pub region: Region,
    /// Whether it shares unchanged blocks with its forerunners. Only such can be copied across regions.
    pub incremental: bool,
    /// Whether it was made by `CopyStart` from another snapshot.
    pub is_copy: bool,
    /// What it was made from: a disk, or a snapshot.
    pub source_id: Option<ResourceId>,
    /// The `uniqueId` of what it was made from: of the disk, or for a copy of the *snapshot*
    /// (compute-snapshots §0.3).
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub source_unique_id: Option<Arc<str>>,
    /// Azure's `incrementalSnapshotFamilyId`; a copy's differs from its source's.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub family_id: Option<Arc<str>>,
    /// Size of the disk that it would restore to.
    pub size_bytes: u64,
    /// `Standard_LRS`, `Standard_ZRS` or `Premium_LRS`.
    pub sku: String,
    /// `timeCreated`; for a copy, when the *copy* was made.
    pub created_at: Option<Timestamp>,
    /// Who may export its bytes over the network.
    pub network_access: NetworkAccess,
    /// Whether one could restore from it.
    pub state: PointState,
    /// Until when an immutability policy keeps it from being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable_until: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// How far a snapshot or copy is on its way to being a recovery point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PointState {
    /// Azure is still making the resource.
    Creating,
    /// Bytes are on their way. `Succeeded` with less than 100 % is this (compute-snapshots §0.1).
    Copying {
        /// 0 to 100; none until Azure first says so.
        percent: Option<f64>,
    },
    /// A recovery point.
    Ready,
    /// Azure calls it failed; it can never be restored from.
    Failed {
        /// Azure's error code.
        code: String,
        /// Azure's message.
        message: String,
    },
}

impl PointState {
    /// Whether one could restore from it.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Whether Azure is still at work on it.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Creating | Self::Copying { .. })
    }
}

/// Where a chain of points stands: one region × subscription × group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Side {
    /// The region.
    pub region: Region,
    /// The subscription's id, lower case.
    pub subscription: String,
    /// The group's name, lower case.
    pub group: String,
}

impl Side {
    /// The side that a resource in `region` stands on.
    pub fn of(id: &ResourceId, region: &Region) -> Self {
        Self::new(region, id.subscription(), id.group())
    }

    /// Composes a side; subscription and group compare without case.
    pub fn new(region: &Region, subscription: &str, group: &str) -> Self {
        Self {
            region: region.clone(),
            subscription: subscription.to_ascii_lowercase(),
            group: group.to_ascii_lowercase(),
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.region, self.subscription, self.group)
    }
}

impl Snapshot {
    /// The side that it stands on.
    pub fn side(&self) -> Side {
        Side::of(&self.id, &self.region)
    }
}

/// The redundancy that a snapshot is stored with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SnapshotSku {
    /// Three copies in one place.
    #[serde(rename = "Standard_LRS")]
    StandardLrs,
    /// Three zones of one region; not offered everywhere.
    #[serde(rename = "Standard_ZRS")]
    StandardZrs,
}

impl SnapshotSku {
    /// Azure's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StandardLrs => "Standard_LRS",
            Self::StandardZrs => "Standard_ZRS",
        }
    }
}

/// Azure's `networkAccessPolicy`: who may export the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NetworkAccess {
    /// From any network.
    AllowAll,
    /// Only through a disk access resource's private endpoint.
    AllowPrivate,
    /// Nobody; restoring inside Azure still works.
    #[default]
    DenyAll,
}

impl NetworkAccess {
    /// Azure's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllowAll => "AllowAll",
            Self::AllowPrivate => "AllowPrivate",
            Self::DenyAll => "DenyAll",
        }
    }
}
