//! Putting things into the world without the ceremony of requests, for demos and tests.
//!
//! What exists is left alone, so that the same seed can be given at every start.

use jiff::Timestamp;
use serde_json::json;

use super::{
    World,
    desired::{Desired, Sku},
    failure::Failure,
    id::{ResourceId, group_key},
    mix,
    resource::{Provisioning, Subscription, Tags},
};

/// A disk to be there.
#[derive(Debug)]
pub(crate) struct SeedDisk {
    pub(crate) id: ResourceId,
    pub(crate) location: String,
    pub(crate) sku: Option<String>,
    pub(crate) size_gb: u64,
    pub(crate) os_type: Option<String>,
    pub(crate) managed_by: Option<String>,
    pub(crate) zones: Vec<String>,
    pub(crate) tags: Option<Tags>,
}

impl World {
    /// Applies what the emulator was started with. A stored world keeps what was set later,
    /// unless the start asks for something else than the start before.
    pub(crate) fn configure(
        &mut self,
        bandwidth: u64,
        retry_after_ms: Option<u64>,
        throttling: bool,
        identity_header: Option<&str>,
        now: Timestamp,
    ) {
        let started_with = Some((bandwidth, retry_after_ms));
        if self.settings.started_with != started_with {
            self.settings_mut().started_with = started_with;
            self.settings_mut().retry_after_ms = retry_after_ms;
            self.set_bandwidth(bandwidth, now);
        }
        if self.settings.started_throttling != Some(throttling) {
            self.settings_mut().started_throttling = Some(throttling);
            self.settings_mut().throttling = throttling;
        }
        if let Some(header) = identity_header {
            self.settings_mut().identity_header = header.to_owned();
        }
    }

    /// Makes the subscription, if its id is one that paths can say.
    pub(crate) fn seed_subscription(&mut self, id: &str, name: &str) -> Result<(), Failure> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=64).contains(&id.len()) || !id.chars().all(allowed) || name.len() > 256 {
            return Err(Failure::new(
                400,
                "InvalidControlRequest",
                "a subscription has an id of 1 to 64 letters, digits, '-', '_' and '.', and a \
                 name of at most 256 bytes",
            ));
        }
        let key = id.to_ascii_lowercase();
        if !self.subscriptions.contains(&key) {
            let (id, name) = (id.to_owned(), name.to_owned());
            let subscription = Subscription {
                id,
                name,
                features: Default::default(),
                providers: Default::default(),
                tags: Default::default(),
            };
            self.subscriptions.insert(key, subscription);
        }
        Ok(())
    }

    pub(crate) fn seed_group(
        &mut self,
        subscription: &str,
        name: &str,
        location: &str,
        tags: Option<Tags>,
    ) -> Result<(), Failure> {
        if !self.groups.contains(&group_key(subscription, name)) {
            self.put_group(subscription, name, Some(location), tags)?;
        }
        Ok(())
    }

    /// Makes the disk, and what it needs; tells whether it is new.
    pub(crate) fn seed_disk(&mut self, disk: SeedDisk, now: Timestamp) -> Result<bool, Failure> {
        let id = disk.id;
        self.seed_subscription(&id.subscription, &id.subscription)?;
        self.seed_group(&id.subscription, &id.group, &disk.location, None)?;
        if self.disks.contains(&id.key()) {
            return Ok(false);
        }
        let mut properties = serde_json::Map::new();
        properties.insert("creationData".into(), json!({"createOption": "Empty"}));
        properties.insert("diskSizeGB".into(), json!(disk.size_gb));
        if let Some(os_type) = disk.os_type {
            properties.insert("osType".into(), json!(os_type));
        }
        let desired = Desired {
            location: Some(disk.location),
            tags: disk.tags,
            sku: disk.sku.map(|name| Sku { name }),
            zones: Some(disk.zones),
            properties,
        };
        let operation = self.put_disk(id.clone(), &desired, now)?;
        // Nobody waits for it.
        self.operations.remove(&operation.id.to_string());
        if let Some(made) = self.disks.get_mut(&id.key()) {
            made.base.provisioning = Provisioning::Succeeded;
            made.base.settled = true;
            made.managed_by = disk.managed_by;
        }
        Ok(true)
    }
}

/// The bytes that `{"random_bytes": n, "seed": k}` stands for: the little-endian words of
/// `SplitMix64` from `seed`, cut to `length`.
pub(crate) fn random_bytes(seed: u64, length: usize) -> Vec<u8> {
    let words = (1..).map(|i: u64| mix(seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15))));
    let mut bytes: Vec<u8> = words.take(length.div_ceil(8)).flat_map(u64::to_le_bytes).collect();
    bytes.truncate(length);
    bytes
}
