//! Many disks with their snapshots at once, for estates as large as the largest customers'.
//!
//! The snapshots are made as if one had been taken each interval until now: no operation, no limit.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    World,
    failure::Failure,
    id::{Kind, ResourceId},
    image::BLOCK_BYTES,
    resource::{Creation, Managed, Point, Snapshot, Tags},
    seed::{SeedDisk, random_bytes},
};

/// As many incremental snapshots as a disk may have (compute-snapshots §1.4).
const PER_DISK: u32 = 500;

/// As many disks as a subscription may have of one type in one region (compute-snapshots §1.4).
const DISKS: u32 = 50_000;

/// What a seed may write into one disk, since it is made in memory.
pub(crate) const CONTENT: usize = 1 << 30;

/// What every disk of a fleet is like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fleet {
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) location: String,
    /// Begins the name of each disk; its number follows.
    #[serde(default = "prefix")]
    prefix: String,
    pub(crate) disks: u32,
    #[serde(default)]
    pub(crate) snapshots_per_disk: u32,
    #[serde(default = "size_gb")]
    size_gb: u64,
    sku: Option<String>,
    os_type: Option<String>,
    tags: Option<Tags>,
    /// What each disk holds before its first snapshot.
    #[serde(default)]
    content_bytes: usize,
    /// What each later snapshot has that the one before it has not.
    #[serde(default)]
    changed_bytes_per_snapshot: usize,
    #[serde(default = "interval_seconds")]
    interval_seconds: i64,
    #[serde(default)]
    seed: u64,
}

fn prefix() -> String {
    "disk".to_owned()
}

fn size_gb() -> u64 {
    32
}

fn interval_seconds() -> i64 {
    3600
}

impl Fleet {
    /// Refuses what could not be there.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let refuse = |why: &str| Err(Failure::new(400, "InvalidControlRequest", why));
        if self.snapshots_per_disk > PER_DISK {
            return refuse("a disk has at most 500 incremental snapshots");
        }
        if self.disks > DISKS {
            return refuse("a subscription has at most 50000 disks of one type in one region");
        }
        if self.content_bytes.max(self.changed_bytes_per_snapshot) > CONTENT {
            return refuse("the content of a disk is at most 1 GiB");
        }
        let size = self.size_gb.saturating_mul(1 << 30);
        if (self.content_bytes.max(self.changed_bytes_per_snapshot) as u64) > size {
            return refuse("the content exceeds the disk");
        }
        let age = self.interval_seconds.checked_mul(PER_DISK.into());
        if age.is_none_or(|age| !(0..1_000_000_000_000).contains(&age)) {
            return refuse("interval_seconds is out of range");
        }
        Ok(())
    }

    fn id(&self, kind: Kind, name: String) -> ResourceId {
        ResourceId {
            subscription: self.subscription.clone(),
            group: self.group.clone(),
            kind,
            name,
        }
    }
}

impl World {
    /// Makes one disk of a fleet with its snapshots; tells whether it is new.
    pub(crate) fn seed_fleet_disk(
        &mut self,
        fleet: &Fleet,
        number: u32,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let name = format!("{}{number:05}", fleet.prefix);
        let id = fleet.id(Kind::Disk, name.clone());
        let disk = SeedDisk {
            id: id.clone(),
            location: fleet.location.clone(),
            sku: fleet.sku.clone(),
            size_gb: fleet.size_gb,
            os_type: fleet.os_type.clone(),
            managed_by: None,
            zones: Vec::new(),
            tags: fleet.tags.clone(),
        };
        if !self.seed_disk(disk, now)? {
            return Ok(false);
        }
        let seed = super::mix(fleet.seed ^ u64::from(number));
        self.write(&id, 0, &random_bytes(seed, fleet.content_bytes))?;
        let family = self.new_id();
        for count in 0..fleet.snapshots_per_disk {
            if count > 0 && fleet.changed_bytes_per_snapshot > 0 {
                let bytes = random_bytes(seed ^ u64::from(count), fleet.changed_bytes_per_snapshot);
                self.write(&id, offset(fleet, count), &bytes)?;
            }
            let age = i64::from(fleet.snapshots_per_disk - count) * fleet.interval_seconds;
            let taken_at = now.saturating_sub(SignedDuration::from_secs(age)).unwrap_or(now);
            let snapshot = fleet.id(Kind::Snapshot, format!("{name}-{count:04}"));
            self.seed_snapshot(&id, snapshot, family, taken_at);
        }
        Ok(true)
    }

    fn seed_snapshot(
        &mut self,
        disk: &ResourceId,
        id: ResourceId,
        family: Uuid,
        taken_at: Timestamp,
    ) {
        let unique_id = self.new_id();
        let Some(source) = self.disks.get_mut(&disk.key()) else { return };
        let image = self.layers.freeze(&mut source.base.image);
        let source = &source.base;
        let mut path = source.id.path();
        path.shrink_to_fit();
        let creation = Creation {
            option: "Copy".to_owned(),
            source: Some(path),
            source_unique_id: Some(source.unique_id),
            rest: Default::default(),
        };
        let point = Point { disk: source.unique_id, first: unique_id, taken_at };
        let base = Managed {
            id,
            sku: "Standard_LRS".to_owned(),
            creation,
            unique_id,
            created_at: taken_at,
            image,
            ..source.clone()
        };
        let family = Some(family);
        let snapshot = Snapshot { base, incremental: true, family, point, transfer: None };
        self.snapshots.insert(snapshot.base.id.key(), snapshot);
    }
}

/// Changes go round in what the disk holds, from block to block.
fn offset(fleet: &Fleet, count: u32) -> u64 {
    let (block, changed) = (BLOCK_BYTES as u64, fleet.changed_bytes_per_snapshot as u64);
    let room = (fleet.content_bytes as u64).max(changed) - changed;
    (u64::from(count) * changed % (room + 1)) / block * block
}
