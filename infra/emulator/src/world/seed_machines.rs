//! Seeding of machines, scale sets and encryption sets. What exists is left alone.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    World, encryption::SetRequest, failure::Failure, machines::MachineRequest, path::ResourcePath,
    resource::Tags, scale_sets::ScaleSetRequest,
};

/// A machine to be there.
#[derive(Debug)]
pub(crate) struct SeedMachine {
    pub(crate) path: ResourcePath,
    pub(crate) location: String,
    pub(crate) os_disk: Option<String>,
    pub(crate) data_disks: Vec<String>,
    pub(crate) tags: Option<Tags>,
    pub(crate) scale_set: Option<String>,
}

/// A scale set to be there.
#[derive(Debug)]
pub(crate) struct SeedScaleSet {
    pub(crate) path: ResourcePath,
    pub(crate) location: String,
    pub(crate) flexible: bool,
    pub(crate) instances: u64,
    pub(crate) tags: Option<Tags>,
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

impl World {
    /// Makes what a resource needs to be in; gives its id as answers spell it, or nothing if it
    /// is there already.
    fn seed_place(
        &mut self,
        path: ResourcePath,
        (location, kind): (&str, &str),
    ) -> Result<Option<ResourcePath>, Failure> {
        if !path.resource_type().eq_ignore_ascii_case(&format!("Microsoft.Compute/{kind}")) {
            let why = format!("not the id of one of {kind}: {}", path.path());
            return Err(Failure::new(400, "InvalidControlRequest", why));
        }
        self.seed_subscription(&path.subscription, &path.subscription)?;
        self.seed_group(&path.subscription, &path.group, location, None)?;
        let path = path.spelled("Microsoft.Compute", &[kind]);
        let key = path.key();
        let known = self.tenant.machines.contains(&key)
            || self.tenant.scale_sets.contains(&key)
            || self.tenant.encryption_sets.contains(&key);
        Ok((!known).then_some(path))
    }

    pub(crate) fn seed_encryption_set(
        &mut self,
        path: ResourcePath,
        location: String,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let place = self.seed_place(path, (&location, "diskEncryptionSets"))?;
        let Some(path) = place else { return Ok(()) };
        let key = format!("https://vault.vault.azure.net/keys/{}/1", path.name());
        let request = SetRequest {
            location: Some(location),
            properties: Some(object(json!({"activeKey": {"keyUrl": key}}))),
            ..SetRequest::default()
        };
        self.put_encryption_set(path.clone(), request, now)?;
        self.finish_tenant(&path, false);
        Ok(())
    }

    pub(crate) fn seed_machine(
        &mut self,
        machine: SeedMachine,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let place = self.seed_place(machine.path, (&machine.location, "virtualMachines"))?;
        let Some(path) = place else { return Ok(()) };
        let os_disk = match machine.os_disk {
            Some(id) => json!({"createOption": "Attach", "managedDisk": {"id": id}}),
            None => json!({"createOption": "FromImage"}),
        };
        let data = machine.data_disks.iter().enumerate().map(
            |(lun, id)| json!({"lun": lun, "createOption": "Attach", "managedDisk": {"id": id}}),
        );
        let mut properties = object(json!({
            "hardwareProfile": {"vmSize": "Standard_D2s_v3"},
            "storageProfile": {"osDisk": os_disk, "dataDisks": data.collect::<Vec<_>>()},
        }));
        if let Some(set) = machine.scale_set {
            properties.insert("virtualMachineScaleSet".into(), json!({"id": set}));
        }
        let request = MachineRequest {
            location: Some(machine.location),
            tags: machine.tags,
            zones: None,
            properties: Some(properties),
        };
        self.put_machine(path.clone(), &request, now)?;
        self.finish_tenant(&path, false);
        Ok(())
    }

    pub(crate) fn seed_scale_set(
        &mut self,
        set: SeedScaleSet,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let place = self.seed_place(set.path, (&set.location, "virtualMachineScaleSets"))?;
        let Some(path) = place else { return Ok(()) };
        let mode = if set.flexible { "Flexible" } else { "Uniform" };
        let request = ScaleSetRequest {
            location: Some(set.location),
            tags: set.tags,
            zones: None,
            sku: Some(json!({"name": "Standard_D2s_v3", "capacity": set.instances})),
            properties: Some(object(json!({"orchestrationMode": mode}))),
        };
        self.put_scale_set(path.clone(), &request, now)?;
        self.finish_tenant(&path, false);
        let instances: Vec<ResourcePath> =
            self.instances(&path).map(|machine| machine.path.clone()).collect();
        for instance in instances {
            self.finish_tenant(&instance, false);
        }
        Ok(())
    }
}
