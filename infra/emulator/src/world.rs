//! The small Azure as data and rules: what exists, what is under way, what may be asked.
//!
//! Nothing here does I/O, reads a clock or knows HTTP: every entry takes `now`. Ids come from a
//! seed, so that the same requests at the same times give the same world.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) mod access;
pub(crate) mod background;
pub(crate) mod check;
pub(crate) mod clock;
pub(crate) mod deployments;
pub(crate) mod desired;
pub(crate) mod disks;
pub(crate) mod encryption;
pub(crate) mod failure;
pub(crate) mod features;
pub(crate) mod fleet;
pub(crate) mod groups;
pub(crate) mod guess;
pub(crate) mod id;
pub(crate) mod image;
pub(crate) mod immutability;
pub(crate) mod index;
pub(crate) mod layers;
pub(crate) mod locks;
pub(crate) mod machines;
pub(crate) mod network;
pub(crate) mod operations;
mod past;
pub(crate) mod path;
pub(crate) mod policies;
pub(crate) mod quotas;
pub(crate) mod region;
pub(crate) mod resource;
pub(crate) mod rights;
pub(crate) mod scale_sets;
pub(crate) mod seed;
pub(crate) mod seed_machines;
pub(crate) mod snapshots;
pub(crate) mod storage;
pub(crate) mod storage_profile;
pub(crate) mod switches;
pub(crate) mod table;
pub(crate) mod tags;
pub(crate) mod tenant;
pub(crate) mod transfers;
pub(crate) mod vhd;
pub(crate) mod vhdx;

use clock::Clock;
use failure::Failure;
use id::{Kind, ResourceId};
use image::Image;
use index::{Chains, Moving};
use layers::Layers;
use operations::{Duration, Effect, Operation};
use resource::{Disk, Group, Managed, Provisioning, Snapshot, Subscription};
use storage::Storage;
use table::Table;
use transfers::Transfer;

/// What a person may set; stored with the world.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) tenant_id: Uuid,
    /// The object id of the one identity that gets tokens.
    pub(crate) principal_id: Uuid,
    pub(crate) identity_header: String,
    pub(crate) bandwidth: u64,
    pub(crate) retry_after_ms: Option<u64>,
    pub(crate) page_size: usize,
    /// Whether requests beyond Azure's limits are refused with 429.
    #[serde(default)]
    pub(crate) throttling: bool,
    /// What the control API makes of guessed refusals, by their names.
    #[serde(default)]
    pub(crate) guesses: BTreeMap<String, guess::Correction>,
    /// The bandwidth and the interval of the last start.
    #[serde(default)]
    pub(crate) started_with: Option<(u64, Option<u64>)>,
    #[serde(default)]
    pub(crate) started_throttling: Option<bool>,
    #[serde(default)]
    pub(crate) switches: switches::Switches,
    pub(crate) clock: Clock,
    /// What copies moved that are no longer told of one by one.
    #[serde(default)]
    pub(crate) bytes_moved_before: u64,
    /// From which ids are made, and how many were.
    pub(crate) seed: u64,
    pub(crate) ids: u64,
}

impl Settings {
    /// The settings of a new world.
    pub(crate) fn new(seed: u64) -> Self {
        let mut ids = 0;
        let mut id = || next_id(seed, &mut ids);
        let (tenant_id, principal_id, header) = (id(), id(), id());
        Self {
            tenant_id,
            principal_id,
            identity_header: header.simple().to_string(),
            bandwidth: 64 << 20,
            retry_after_ms: None,
            page_size: 1000,
            throttling: false,
            guesses: BTreeMap::new(),
            started_with: None,
            started_throttling: None,
            switches: switches::Switches::default(),
            clock: Clock::default(),
            bytes_moved_before: 0,
            seed,
            ids,
        }
    }
}

/// Something that will happen at a known time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Transfer(Uuid),
    Operation(Uuid),
    Background(Uuid),
    /// The end of a SAS of the resource with this `uniqueId`.
    AccessEnd(Uuid),
    /// After operations of the same time, which it may wait for.
    Deployment(Uuid),
}

/// The whole of it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) settings_dirty: bool,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) groups: Table<Group>,
    pub(crate) disks: Table<Disk>,
    pub(crate) snapshots: Table<Snapshot, Chains>,
    pub(crate) transfers: Table<Transfer, Moving>,
    pub(crate) operations: Table<Operation>,
    pub(crate) grants: Table<access::Grant>,
    pub(crate) storage: Storage,
    pub(crate) layers: Layers,
    /// Finished operations, the oldest first.
    finished: VecDeque<Uuid>,
    /// The resources whose background copy runs, by their `uniqueId`.
    backgrounds: BTreeMap<Uuid, ResourceId>,
    pub(crate) tenant: tenant::Tenant,
    /// Takes the steps of deployments.
    pub(crate) deployer: deployments::Deployer,
    agenda: BTreeSet<(Timestamp, Event)>,
    /// Copies whose targets were deleted, oldest first.
    gone_transfers: VecDeque<String>,
}

impl World {
    /// An Azure with one tenant and nothing in it.
    pub(crate) fn new(settings: Settings) -> Self {
        let mut world = Self {
            settings,
            settings_dirty: true,
            subscriptions: Table::default(),
            groups: Table::default(),
            disks: Table::default(),
            snapshots: Table::default(),
            transfers: Table::default(),
            operations: Table::default(),
            grants: Table::default(),
            storage: Storage::default(),
            layers: Layers::default(),
            finished: VecDeque::new(),
            backgrounds: BTreeMap::new(),
            tenant: tenant::Tenant::default(),
            deployer: |_, _, _| {},
            agenda: BTreeSet::new(),
            gone_transfers: VecDeque::new(),
        };
        world.keep_past();
        world
    }

    pub(crate) fn plan_event(&mut self, at: Timestamp, event: Event) {
        self.agenda.insert((at, event));
    }

    /// Lets happen, in order, all that is due at `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some(&(at, event)) = self.agenda.first()
            && at <= now
        {
            self.agenda.pop_first();
            match event {
                Event::Operation(id) => self.finish_operation(id),
                Event::Transfer(id) => self.finish_transfer(id, at),
                Event::Background(id) => self.finish_background(id),
                Event::AccessEnd(id) => self.expire_access(id, at),
                Event::Deployment(run) => self.step_deployment(run, at),
            }
            self.settle_past(at);
        }
    }

    /// Moves the clock by so many seconds, and lets happen what is due then.
    pub(crate) fn jump(&mut self, seconds: f64, real: Timestamp) {
        let step = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        if let Ok(then) = self.settings.clock.now(real).checked_add(step) {
            self.set_clock(then, real);
        }
    }

    /// Sets the clock, and lets happen what is due then.
    pub(crate) fn set_clock(&mut self, then: Timestamp, real: Timestamp) {
        let clock = &mut self.settings_mut().clock;
        let before = clock.now(real);
        clock.set(then, real);
        if then < before {
            self.forget_ahead(then);
        }
        self.advance(then);
    }

    /// Plans what stored operations and copies still have to do.
    pub(crate) fn resume(&mut self) {
        let running = self.operations.values().filter(|operation| !operation.done);
        self.agenda =
            running.map(|operation| (operation.ends_at, Event::Operation(operation.id))).collect();
        self.plan_transfers();
        self.resume_finished();
        self.resume_backgrounds();
        let ends = self.grants.values().map(|g| (g.expires_at, Event::AccessEnd(g.unique_id)));
        self.agenda.extend(ends.collect::<Vec<_>>());
        self.find_gone_transfers();
        self.plan_deployments();
    }

    pub(crate) fn settings_mut(&mut self) -> &mut Settings {
        self.settings_dirty = true;
        &mut self.settings
    }

    /// Drops what is noted for a store, when there is none.
    pub(crate) fn forget_pending(&mut self) {
        self.subscriptions.forget_changes();
        self.groups.forget_changes();
        self.disks.forget_changes();
        self.snapshots.forget_changes();
        self.transfers.forget_changes();
        self.operations.forget_changes();
        self.grants.forget_changes();
        self.storage.forget_changes();
        self.tenant.forget_changes();
        self.layers.take_changes();
    }

    pub(crate) fn new_id(&mut self) -> Uuid {
        self.settings_dirty = true;
        next_id(self.settings.seed, &mut self.settings.ids)
    }

    pub(crate) fn subscription(&self, id: &str) -> Result<&Subscription, Failure> {
        self.subscriptions
            .get(&id.to_ascii_lowercase())
            .ok_or_else(|| Failure::subscription_not_found(id))
    }

    pub(crate) fn managed(&self, id: &ResourceId) -> Option<&Managed> {
        match id.kind {
            Kind::Disk => self.disks.get(&id.key()).map(|disk| &disk.base),
            Kind::Snapshot => self.snapshots.get(&id.key()).map(|snapshot| &snapshot.base),
        }
    }

    pub(crate) fn managed_mut(&mut self, id: &ResourceId) -> Option<&mut Managed> {
        match id.kind {
            Kind::Disk => self.disks.get_mut(&id.key()).map(|disk| &mut disk.base),
            Kind::Snapshot => self.snapshots.get_mut(&id.key()).map(|snapshot| &mut snapshot.base),
        }
    }

    /// The resource, or ARM's own 404 for what is missing on the way to it.
    pub(crate) fn find(&self, id: &ResourceId) -> Result<&Managed, Failure> {
        self.group(&id.subscription, &id.group)?;
        self.managed(id).ok_or_else(|| Failure::resource_not_found(id))
    }

    /// Accepts the deletion of a disk or snapshot; `None` if there is none.
    pub(crate) fn delete(
        &mut self,
        id: &ResourceId,
        now: Timestamp,
    ) -> Result<Option<Operation>, Failure> {
        self.group(&id.subscription, &id.group)?;
        self.check_deletable(id, now)?;
        let Some(resource) = self.managed_mut(id) else { return Ok(None) };
        resource.provisioning = Provisioning::Deleting;
        let (unique_id, location) = (resource.unique_id, resource.location.clone());
        let effect = Effect::Delete(resource.id.clone());
        let place = (id.subscription.as_str(), location.as_str());
        Ok(Some(self.begin(effect, place, Some(unique_id), Duration::Delete, now)))
    }

    /// Removes a disk or snapshot; copies from it fail (compute-snapshots §0.6).
    fn remove(&mut self, id: &ResourceId, at: Timestamp) {
        let gone = match id.kind {
            Kind::Disk => self.disks.remove(&id.key()).map(|disk| disk.base),
            Kind::Snapshot => {
                let Some(gone) = self.snapshots.remove(&id.key()) else { return };
                self.break_transfers(gone.base.unique_id, at);
                if let Some(transfer) = gone.transfer {
                    self.forget_old_transfers(transfer);
                }
                Some(gone.base)
            }
        };
        let Some(gone) = gone else { return };
        if let Some(key) = &gone.sas {
            self.grants.remove(key);
        }
        self.backgrounds.remove(&gone.unique_id);
    }

    /// Writes into a disk, as its virtual machine would.
    pub(crate) fn write(
        &mut self,
        id: &ResourceId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        let Some(disk) = self.disks.get_mut(&id.key()) else {
            return Err(Failure::resource_not_found(id));
        };
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > disk.base.size_bytes()) {
            return Err(Failure::new(400, "InvalidParameter", "The write ends beyond the disk."));
        }
        let changes = disk.base.image.write(offset, bytes);
        self.layers.note(&disk.base.image.layer, changes);
        Ok(())
    }

    /// Puts other content into a disk.
    pub(crate) fn replace(&mut self, id: &ResourceId, mut image: Image) -> Result<(), Failure> {
        let size = image.blocks.get_max().map_or(0, |(last, _)| (last + 1) * 4096);
        let Some(disk) = self.disks.get_mut(&id.key()) else {
            return Err(Failure::resource_not_found(id));
        };
        if size > disk.base.size_bytes() {
            return Err(Failure::new(400, "InvalidParameter", "The content exceeds the disk."));
        }
        image.layer = self.layers.empty().layer;
        let rows = image.blocks.iter().map(|(n, block)| (*n, Some(block.clone()))).collect();
        self.layers.note(&image.layer, rows);
        disk.base.image = image;
        Ok(())
    }
}

/// Makes the next id from the seed, in the shape of a random UUID (`SplitMix64`).
fn next_id(seed: u64, count: &mut u64) -> Uuid {
    let mut word = || {
        *count += 1;
        mix(seed.wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&word().to_be_bytes());
    bytes[8..].copy_from_slice(&word().to_be_bytes());
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// The mixing step of `SplitMix64`.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
