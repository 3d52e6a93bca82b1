//! Attaching and detaching: what a machine's `storageProfile` asks for, and what it may have.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    World,
    desired::{Desired, Sku},
    failure::Failure,
    id::ResourceId,
    machines::{Attached, Machine},
};

/// The size of a disk from an image, where none is asked for; that of the recorded one.
const IMAGE_GB: u64 = 30;

/// One disk that a profile asks for.
struct Wanted {
    lun: Option<i64>,
    create_option: String,
    disk: Option<ResourceId>,
    name: Option<String>,
    size_gb: Option<u64>,
    sku: Option<String>,
    caching: Option<String>,
    deleted_with: Option<bool>,
}

fn invalid(message: impl Into<String>, target: &str) -> Failure {
    Failure::new(400, "InvalidParameter", message).target(target)
}

impl Wanted {
    fn read(entry: &Value, target: &str) -> Result<Self, Failure> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let disk = match &entry["managedDisk"]["id"] {
            Value::Null => None,
            id => Some(
                id.as_str()
                    .and_then(ResourceId::parse)
                    .ok_or_else(|| invalid(format!("The disk id '{id}' is invalid."), target))?,
            ),
        };
        let option = text(&entry["createOption"]);
        let default = if disk.is_some() { "Attach" } else { "" };
        Ok(Self {
            lun: entry["lun"].as_i64(),
            create_option: option.unwrap_or_else(|| default.to_owned()),
            disk,
            name: text(&entry["name"]),
            size_gb: entry["diskSizeGB"].as_u64(),
            sku: text(&entry["managedDisk"]["storageAccountType"]),
            caching: text(&entry["caching"]),
            deleted_with: text(&entry["deleteOption"]).map(|o| o.eq_ignore_ascii_case("delete")),
        })
    }

    fn attached(&self, disk: ResourceId, before: Option<&Attached>, caching: &str) -> Attached {
        let spelled = ["Attach", "FromImage", "Empty", "Copy"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(&self.create_option))
            .unwrap_or("Attach");
        Attached {
            disk,
            lun: self.lun,
            create_option: before.map_or_else(|| spelled.to_owned(), |b| b.create_option.clone()),
            caching: self
                .caching
                .clone()
                .or_else(|| before.map(|before| before.caching.clone()))
                .unwrap_or_else(|| caching.to_owned()),
            deleted_with: self.deleted_with.unwrap_or(before.is_some_and(|b| b.deleted_with)),
        }
    }
}

impl World {
    /// Makes a machine's disks what its profile asks for. Either all of it is done or nothing.
    pub(super) fn apply_storage(
        &mut self,
        machine: &mut Machine,
        profile: &Value,
        new: bool,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let os = match &profile["osDisk"] {
            Value::Null if new => {
                return Err(invalid("Required parameter 'osDisk' is missing (null).", "osDisk"));
            }
            Value::Null => None,
            entry => Some(Wanted::read(entry, "osDisk")?),
        };
        let data = match &profile["dataDisks"] {
            Value::Array(entries) => Some(
                entries
                    .iter()
                    // A disk that is to be detached is named a last time.
                    .filter(|entry| entry["toBeDetached"] != Value::Bool(true))
                    .map(|entry| Wanted::read(entry, "dataDisks"))
                    .collect::<Result<Vec<_>, _>>()?,
            ),
            _ => None,
        };
        let mut luns = Vec::new();
        for wanted in data.iter().flatten() {
            let lun = wanted.lun.filter(|lun| (0..64).contains(lun));
            let lun = lun.ok_or_else(|| {
                invalid("Required parameter 'dataDisk.lun' is missing (null).", "dataDisk.lun")
            })?;
            if luns.contains(&lun) {
                return Err(invalid(
                    format!("A disk at LUN {lun} is specified more than once."),
                    "dataDisk.lun",
                ));
            }
            luns.push(lun);
        }
        // All checks before the first effect.
        for wanted in os.iter().chain(data.iter().flatten()) {
            self.check_wanted(machine, wanted)?;
        }
        if let (Some(wanted), Some(had)) = (&os, &machine.os_disk)
            && wanted.disk.as_ref().is_some_and(|disk| disk.key() != had.disk.key())
            && machine.running
        {
            // Documented is that the machine must be stopped.
            self.guarded(Failure::guess(
                "os-disk-swap",
                409,
                "OperationNotAllowed",
                format!(
                    "The OS disk of VM '{}' can only be swapped when the VM is deallocated.",
                    machine.path.name()
                ),
            ))?;
        }
        if let Some(image) = profile.get("imageReference").filter(|image| !image.is_null()) {
            machine.image = Some(image.clone());
        }
        let owner = machine.path.path();
        let before: Vec<ResourceId> =
            machine.disks().map(|attached| attached.disk.clone()).collect();
        if let Some(wanted) = os {
            let had = machine.os_disk.clone();
            let disk = self.disk_for(machine, &wanted, had.as_ref(), "disk1", now)?;
            let same = had.filter(|had| had.disk.key() == disk.key());
            machine.os_disk = Some(wanted.attached(disk, same.as_ref(), "ReadWrite"));
        }
        if let Some(data) = data {
            let mut disks = Vec::new();
            for wanted in data {
                let had = machine.data_disks.iter().find(|had| match &wanted.disk {
                    Some(disk) => disk.key() == had.disk.key(),
                    None => had.lun == wanted.lun,
                });
                let had = had.cloned();
                let label = format!("lun{}", wanted.lun.unwrap_or(0));
                let disk = self.disk_for(machine, &wanted, had.as_ref(), &label, now)?;
                disks.push(wanted.attached(disk, had.as_ref(), "None"));
            }
            machine.data_disks = disks;
        }
        for disk in &before {
            if !machine.disks().any(|attached| attached.disk.key() == disk.key()) {
                self.own(disk, None);
            }
        }
        for disk in machine.disks().map(|attached| attached.disk.clone()).collect::<Vec<_>>() {
            self.own(&disk, Some(owner.clone()));
        }
        Ok(())
    }

    fn check_wanted(&self, machine: &Machine, wanted: &Wanted) -> Result<(), Failure> {
        let Some(id) = &wanted.disk else {
            let known = ["fromimage", "empty"];
            let option = wanted.create_option.to_ascii_lowercase();
            let is_had = machine.disks().any(|had| had.lun == wanted.lun);
            if known.contains(&option.as_str()) || is_had {
                return Ok(());
            }
            return Err(invalid(
                "Required parameter 'managedDisk.id' is missing (null).",
                "managedDisk.id",
            ));
        };
        // The provider looks only in the region of the machine (compute-snapshots §0.7).
        let disk = self.disks.get(&id.key()).filter(|disk| disk.base.location == machine.location);
        let disk = disk.ok_or_else(|| Failure::source_not_found(&id.name))?;
        super::desired::check_not_deleting(&disk.base)?;
        match &disk.managed_by {
            Some(owner) if !owner.eq_ignore_ascii_case(&machine.path.path()) => Err(Failure::new(
                409,
                "ConflictingUserInput",
                // Documented (compute-snapshots §3.5).
                format!(
                    "Disk '{}' cannot be attached as the disk is already owned by VM '{owner}'.",
                    disk.base.id.path()
                ),
            )
            .target("dataDisk")),
            None if disk.base.sas.is_some() => self.guarded(Failure::guess(
                "active-sas",
                409,
                "OperationNotAllowed",
                format!(
                    "There is an active shared access signature outstanding for disk {}. Call \
                     EndGetAccess before attaching or deleting the disk.",
                    id.name
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The disk that is meant: one that exists, the one that is there, or a new one.
    fn disk_for(
        &mut self,
        machine: &Machine,
        wanted: &Wanted,
        had: Option<&Attached>,
        label: &str,
        now: Timestamp,
    ) -> Result<ResourceId, Failure> {
        if let Some(disk) = &wanted.disk {
            return Ok(self
                .disks
                .get(&disk.key())
                .map_or(disk.clone(), |disk| disk.base.id.clone()));
        }
        if let Some(had) = had {
            return Ok(had.disk.clone());
        }
        let from_image = wanted.create_option.eq_ignore_ascii_case("FromImage");
        let names = machine.path.full_name().replace('/', "_");
        let name = match &wanted.name {
            Some(name) => name.clone(),
            None => format!("{names}_{label}_{}", self.new_id().simple()),
        };
        let id = ResourceId {
            subscription: machine.path.subscription.clone(),
            group: machine.path.group.clone(),
            kind: super::id::Kind::Disk,
            name,
        };
        let mut properties = serde_json::Map::new();
        properties.insert("creationData".into(), json!({"createOption": "Empty"}));
        let size = wanted.size_gb.unwrap_or(if from_image { IMAGE_GB } else { 4 });
        properties.insert("diskSizeGB".into(), size.into());
        if from_image {
            properties.insert("osType".into(), "Linux".into());
            properties.insert("hyperVGeneration".into(), "V2".into());
        }
        let desired = Desired {
            location: Some(machine.location.clone()),
            tags: machine.tags.clone(),
            sku: Some(Sku { name: wanted.sku.clone().unwrap_or_else(|| "Premium_LRS".to_owned()) }),
            zones: (!machine.zones.is_empty()).then(|| machine.zones.clone()),
            properties,
        };
        self.put_disk(id.clone(), &desired, now)?;
        if from_image && let Some(disk) = self.disks.get_mut(&id.key()) {
            // The image has no bytes here: such a disk begins with zeros.
            disk.base.creation.option = "FromImage".to_owned();
            if let Some(image) = machine.image.as_ref().and_then(|image| image["id"].as_str()) {
                disk.base.creation.rest.insert("imageReference".into(), json!({"id": image}));
            }
        }
        Ok(id)
    }
}
