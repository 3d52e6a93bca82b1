//! Virtual machines, as far as disks know them: who has which disk, and what may be swapped.
//!
//! A machine of a uniform scale set is one too, with an id under that of its set.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    World,
    failure::Failure,
    id::ResourceId,
    operations::{Duration, Effect, Operation},
    path::ResourcePath,
    resource::{Provisioning, Tags},
};

/// A disk that a machine has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attached {
    pub(crate) disk: ResourceId,
    /// Its place; an OS disk has none.
    pub(crate) lun: Option<i64>,
    pub(crate) create_option: String,
    pub(crate) caching: String,
    /// Whether it goes when the machine goes.
    pub(crate) deleted_with: bool,
}

/// A virtual machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) path: ResourcePath,
    pub(crate) location: String,
    pub(crate) tags: Option<Tags>,
    pub(crate) zones: Vec<String>,
    pub(crate) vm_id: Uuid,
    pub(crate) image: Option<Value>,
    pub(crate) os_disk: Option<Attached>,
    pub(crate) data_disks: Vec<Attached>,
    /// Properties that are kept as they are: hardware, OS and network profile.
    pub(crate) properties: Map<String, Value>,
    pub(crate) running: bool,
    pub(crate) provisioning: Provisioning,
    pub(crate) created_at: Timestamp,
    pub(crate) changed_at: Timestamp,
    pub(crate) version: u64,
}

impl Machine {
    pub(crate) fn disks(&self) -> impl Iterator<Item = &Attached> {
        self.os_disk.iter().chain(&self.data_disks)
    }

    /// Whether it is one of a uniform scale set.
    pub(crate) fn is_instance(&self) -> bool {
        self.path.pairs.len() > 1
    }
}

/// What a PUT or PATCH asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MachineRequest {
    pub(crate) location: Option<String>,
    pub(crate) tags: Option<Tags>,
    pub(crate) zones: Option<Vec<String>>,
    pub(crate) properties: Option<Map<String, Value>>,
}

/// Properties that are kept as they are.
const KEPT: &[&str] = &[
    "hardwareProfile",
    "osProfile",
    "networkProfile",
    "securityProfile",
    "diagnosticsProfile",
    "availabilitySet",
    "virtualMachineScaleSet",
    "priority",
    "licenseType",
];

impl World {
    /// Creates or changes a machine; tells whether it is new. A PATCH leaves what it does not name.
    pub(crate) fn put_machine(
        &mut self,
        path: ResourcePath,
        request: &MachineRequest,
        now: Timestamp,
    ) -> Result<(Operation, bool), Failure> {
        let group = self.group(&path.subscription, &path.group)?;
        if group.deleting {
            return Err(Failure::group_being_deleted(&group.name));
        }
        let known = self.tenant.machines.get(&path.key()).cloned();
        let location = match (&known, &request.location) {
            (Some(known), None) => known.location.clone(),
            (_, location) => self.place(&path.resource_type(), location.as_deref())?,
        };
        if let Some(known) = &known
            && (known.location != location || known.provisioning == Provisioning::Deleting)
        {
            return Err(Failure::new(
                409,
                "PropertyChangeNotAllowed",
                format!("Changing property 'location' is not allowed for '{}'.", path.name()),
            )
            .target("location"));
        }
        let new = known.is_none();
        let mut machine = known.unwrap_or_else(|| Machine {
            path: path.clone(),
            location: location.clone(),
            tags: None,
            zones: request.zones.clone().unwrap_or_default(),
            vm_id: Uuid::nil(),
            image: None,
            os_disk: None,
            data_disks: Vec::new(),
            properties: Map::new(),
            running: true,
            provisioning: Provisioning::Updating,
            created_at: now,
            changed_at: now,
            version: 0,
        });
        if new {
            machine.vm_id = self.new_id();
        }
        let properties = request.properties.clone().unwrap_or_default();
        for name in KEPT {
            if let Some(value) = properties.get(*name).filter(|value| !value.is_null()) {
                machine.properties.insert((*name).to_owned(), value.clone());
            }
        }
        if request.tags.is_some() {
            machine.tags.clone_from(&request.tags);
        }
        match properties.get("storageProfile") {
            Some(profile) if profile.is_object() => {
                self.apply_storage(&mut machine, profile, new, now)?
            }
            _ if new => {
                return Err(Failure::new(
                    400,
                    "InvalidParameter",
                    "Required parameter 'storageProfile' is missing (null).",
                )
                .target("storageProfile"));
            }
            _ => {}
        }
        machine.provisioning = Provisioning::Updating;
        machine.changed_at = now;
        machine.version += 1;
        self.tenant.machines.insert(path.key(), machine);
        let place = (path.subscription.clone(), location);
        let effect = Effect::Tenant { path, deletes: false };
        Ok((self.begin(effect, (&place.0, &place.1), None, Duration::Tenant, now), new))
    }

    /// Accepts the deletion of a machine; its disks are free when it is gone.
    pub(crate) fn delete_machine(
        &mut self,
        path: &ResourcePath,
        now: Timestamp,
    ) -> Result<Option<Operation>, Failure> {
        self.group(&path.subscription, &path.group)?;
        let Some(machine) = self.tenant.machines.get_mut(&path.key()) else { return Ok(None) };
        machine.provisioning = Provisioning::Deleting;
        let (path, location) = (machine.path.clone(), machine.location.clone());
        let subscription = path.subscription.clone();
        let effect = Effect::Tenant { path, deletes: true };
        Ok(Some(self.begin(effect, (&subscription, &location), None, Duration::Tenant, now)))
    }

    /// Starts a machine, or stops it and gives its hardware back.
    pub(crate) fn set_power(
        &mut self,
        path: &ResourcePath,
        running: bool,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        self.group(&path.subscription, &path.group)?;
        let machine = self.tenant.machines.get_mut(&path.key()).ok_or_else(|| path.not_found())?;
        machine.running = running;
        machine.changed_at = now;
        let place = (path.subscription.clone(), machine.location.clone());
        let effect = Effect::Tenant { path: machine.path.clone(), deletes: false };
        Ok(self.begin(effect, (&place.0, &place.1), None, Duration::Tenant, now))
    }

    /// Ends what was under way with a machine, a scale set or an encryption set.
    pub(super) fn finish_tenant(&mut self, path: &ResourcePath, deletes: bool) {
        let key = path.key();
        let settle = |provisioning: &mut Provisioning| {
            if *provisioning == Provisioning::Updating {
                *provisioning = Provisioning::Succeeded;
            }
        };
        if deletes {
            self.tenant.encryption_sets.remove(&key);
            if self.tenant.scale_sets.remove(&key).is_some() {
                let prefix = format!("{key}/");
                let instances: Vec<ResourcePath> = self
                    .tenant
                    .machines
                    .under(&prefix, None)
                    .map(|(_, m)| m.path.clone())
                    .collect();
                for instance in instances {
                    self.remove_machine(&instance);
                }
            }
            self.remove_machine(path);
            return;
        }
        if let Some(set) = self.tenant.encryption_sets.get_mut(&key) {
            settle(&mut set.provisioning);
        }
        if let Some(set) = self.tenant.scale_sets.get_mut(&key) {
            settle(&mut set.provisioning);
        }
        if let Some(machine) = self.tenant.machines.get_mut(&key) {
            settle(&mut machine.provisioning);
        }
    }

    /// Removes a machine and frees its disks, or removes those that go with it.
    pub(super) fn remove_machine(&mut self, path: &ResourcePath) {
        let Some(machine) = self.tenant.machines.remove(&path.key()) else { return };
        for attached in machine.disks() {
            if attached.deleted_with {
                self.disks.remove(&attached.disk.key());
            } else {
                self.own(&attached.disk, None);
            }
        }
    }

    /// Says who has a disk.
    pub(super) fn own(&mut self, disk: &ResourceId, owner: Option<String>) {
        if let Some(disk) = self.disks.get_mut(&disk.key()) {
            disk.managed_by = owner;
        }
    }
}

pub(crate) use super::scale_sets::ScaleSet;
