//! What was listed, when, and what could not be.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Disk, Region, ResourceId, Snapshot};

/// Everything that one gathering saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inventory {
    /// Azure's `Date` when the gathering began.
    pub taken_at: Timestamp,
    /// The subscriptions that were listed.
    pub subscriptions: Vec<Subscription>,
    /// The regions that the subscriptions offer.
    pub regions: Vec<RegionInfo>,
    /// The resource groups.
    pub groups: Vec<Group>,
    /// The managed disks.
    pub disks: Vec<Disk>,
    /// Snapshots and copies, whoever made them.
    pub snapshots: Vec<Snapshot>,
    /// What could not be listed. Any gap forbids deletes.
    pub gaps: Vec<Gap>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// Its display name.
    pub name: String,
}

/// A region as a subscription's locations tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegionInfo {
    /// Its name.
    pub region: Region,
    /// Its name for people, such as `West Europe`.
    pub display_name: String,
    /// Whether it has availability zones, and thereby zone-redundant storage.
    pub zones: bool,
}

/// A resource group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// Its subscription.
    pub subscription: String,
    /// Its name.
    pub name: String,
    /// Where its metadata is.
    pub region: Region,
}

/// Something that could not be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    /// The subscription that it concerns.
    pub subscription: String,
    /// What was asked for: `disks`, `snapshots`, …
    pub what: String,
    /// Why it was not had.
    pub message: String,
}

impl Inventory {
    /// An inventory of nothing at `taken_at`.
    pub fn empty(taken_at: Timestamp) -> Self {
        Self {
            taken_at,
            subscriptions: vec![],
            regions: vec![],
            groups: vec![],
            disks: vec![],
            snapshots: vec![],
            gaps: vec![],
        }
    }

    /// Whether everything asked for was listed.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// The disk of that id that exists today.
    pub fn disk(&self, id: &ResourceId) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.id == *id)
    }

    /// The snapshot or copy of that id.
    pub fn snapshot(&self, id: &ResourceId) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.id == *id)
    }

    /// What is known of a region.
    pub fn region(&self, region: &Region) -> Option<&RegionInfo> {
        self.regions.iter().find(|info| info.region == *region)
    }

    /// The group of that name in that subscription.
    pub fn group(&self, subscription: &str, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| {
            group.name.eq_ignore_ascii_case(name)
                && group.subscription.eq_ignore_ascii_case(subscription)
        })
    }

    /// The subscription of that id.
    pub fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| subscription.id.eq_ignore_ascii_case(id))
    }
}
