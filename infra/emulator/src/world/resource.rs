//! What a subscription holds: groups, disks, snapshots. Data only; the rules are in
//! `disks.rs` and `snapshots.rs`, the JSON is in `arm/wire.rs`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{background::Background, id::ResourceId, image::Image, immutability::Immutability};

/// Tags of a resource, in the order of their names.
pub(crate) type Tags = BTreeMap<String, String>;

/// A subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Features that somebody registered or unregistered, by `namespace/name`, and when.
    #[serde(default)]
    pub(crate) features: BTreeMap<String, FeatureState>,
    /// Resource providers likewise, by namespace.
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, FeatureState>,
    #[serde(default)]
    pub(crate) tags: Tags,
}

/// A change of a feature's registration, and when it was asked for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct FeatureState {
    pub(crate) registered: bool,
    pub(crate) since: Timestamp,
    /// Whether it took no time (compute-snapshots §2.1: a PUT of a registration).
    #[serde(default)]
    pub(crate) at_once: bool,
}

/// A resource group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) subscription: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Option<Tags>,
    /// The owner that the first PUT named.
    #[serde(default)]
    pub(crate) managed_by: Option<String>,
    #[serde(default)]
    pub(crate) deleting: bool,
}

/// Where the newest operation on a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Provisioning {
    Updating,
    Deleting,
    Succeeded,
    Failed,
}

/// Where an upload stands; a disk that is complete is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Upload {
    Ready,
    Active,
}

/// Where a resource's content comes from; never changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Creation {
    pub(crate) option: String,
    /// As it was written, not as the source spells it.
    pub(crate) source: Option<String>,
    pub(crate) source_unique_id: Option<Uuid>,
    /// Other properties of `creationData`, given back as they came.
    pub(crate) rest: Map<String, Value>,
}

impl Creation {
    pub(crate) fn is_copy_start(&self) -> bool {
        self.option == "CopyStart"
    }
}

/// What disks and snapshots have in common.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Managed {
    pub(crate) id: ResourceId,
    pub(crate) location: String,
    pub(crate) tags: Option<Tags>,
    pub(crate) sku: String,
    pub(crate) creation: Creation,
    pub(crate) unique_id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) size_gb: u64,
    pub(crate) provisioning: Provisioning,
    /// Whether the operation that created it has ended.
    pub(crate) settled: bool,
    /// Settable properties that the emulator keeps without acting on them (`osType`, …).
    pub(crate) settings: Map<String, Value>,
    /// The key in `World::grants` while a SAS is out.
    #[serde(default)]
    pub(crate) sas: Option<String>,
    #[serde(default)]
    pub(crate) upload: Option<Upload>,
    /// The copy that follows the creation of an Ultra or Premium SSD v2 resource.
    #[serde(default)]
    pub(crate) background: Option<Background>,
    #[serde(default)]
    pub(crate) immutability: Option<Immutability>,
    pub(crate) image: Image,
}

impl Managed {
    /// A resource whose creation was just accepted: without a size, tags or settings yet.
    pub(super) fn begun(
        id: ResourceId,
        location: String,
        sku: String,
        creation: Creation,
        unique_id: Uuid,
        image: Image,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            location,
            tags: None,
            sku,
            creation,
            unique_id,
            created_at: now,
            size_gb: 0,
            provisioning: Provisioning::Updating,
            settled: false,
            settings: Map::new(),
            sas: None,
            upload: None,
            background: None,
            immutability: None,
            image,
        }
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_gb << 30
    }

    /// Ultra and Premium SSD v2 have sectors of 4096 bytes unless 512 are asked for.
    pub(crate) fn sector_bytes(&self) -> u64 {
        self.creation.rest.get("logicalSectorSize").and_then(|size| size.as_u64()).unwrap_or(512)
    }
}

/// A managed disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Disk {
    #[serde(flatten)]
    pub(crate) base: Managed,
    pub(crate) zones: Vec<String>,
    pub(crate) managed_by: Option<String>,
    /// When bursting was last switched on.
    #[serde(default)]
    pub(crate) burst_since: Option<Timestamp>,
    /// When snapshots were taken of it in the last minutes, also of those deleted since.
    #[serde(default)]
    pub(crate) taken: Vec<Timestamp>,
}

/// Which moment of which disk a snapshot shows; copies inherit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Point {
    /// `uniqueId` of the disk: a disk made again under its old name is another one.
    pub(crate) disk: Uuid,
    /// `uniqueId` of the snapshot that was taken of the disk.
    pub(crate) first: Uuid,
    pub(crate) taken_at: Timestamp,
}

/// A snapshot, taken of a disk or copied from a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    #[serde(flatten)]
    pub(crate) base: Managed,
    pub(crate) incremental: bool,
    pub(crate) family: Option<Uuid>,
    pub(crate) point: Point,
    /// The key in `World::transfers` when this is the target of a `CopyStart`.
    pub(crate) transfer: Option<String>,
}
