//! Virtual machine scale sets: uniform ones, whose machines are theirs, and flexible ones, whose
//! machines stand beside them and name them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    World,
    failure::Failure,
    machines::{Machine, MachineRequest},
    operations::{Duration, Effect, Operation},
    path::ResourcePath,
    resource::{Provisioning, Tags},
};

/// The most machines of a set (Azure's limit).
const CAPACITY: u64 = 1000;

/// A scale set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScaleSet {
    pub(crate) path: ResourcePath,
    pub(crate) location: String,
    pub(crate) tags: Option<Tags>,
    pub(crate) zones: Vec<String>,
    pub(crate) sku: String,
    pub(crate) flexible: bool,
    pub(crate) unique_id: Uuid,
    pub(crate) properties: Map<String, Value>,
    pub(crate) provisioning: Provisioning,
    pub(crate) created_at: Timestamp,
}

/// What a PUT asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ScaleSetRequest {
    pub(crate) location: Option<String>,
    pub(crate) tags: Option<Tags>,
    pub(crate) zones: Option<Vec<String>>,
    pub(crate) sku: Option<Value>,
    pub(crate) properties: Option<Map<String, Value>>,
}

impl World {
    /// Creates or changes a set and, if it is uniform, its machines; tells whether it is new.
    pub(crate) fn put_scale_set(
        &mut self,
        path: ResourcePath,
        request: &ScaleSetRequest,
        now: Timestamp,
    ) -> Result<(Operation, bool), Failure> {
        let group = self.group(&path.subscription, &path.group)?;
        if group.deleting {
            return Err(Failure::group_being_deleted(&group.name));
        }
        let known = self.tenant.scale_sets.get(&path.key()).cloned();
        let location = match (&known, &request.location) {
            (Some(known), None) => known.location.clone(),
            (_, location) => self.place(&path.resource_type(), location.as_deref())?,
        };
        let new = known.is_none();
        let given = request.properties.clone().unwrap_or_default();
        let mut set = match known {
            Some(known) => known,
            None => ScaleSet {
                path: path.clone(),
                location: location.clone(),
                tags: None,
                zones: request.zones.clone().unwrap_or_default(),
                sku: "Standard_D2s_v3".to_owned(),
                // Since API 2023-11 a new set is flexible; here only if it says so (GUESS).
                flexible: given
                    .get("orchestrationMode")
                    .and_then(Value::as_str)
                    .is_some_and(|mode| mode.eq_ignore_ascii_case("Flexible")),
                unique_id: self.new_id(),
                properties: Map::new(),
                provisioning: Provisioning::Updating,
                created_at: now,
            },
        };
        let sku = request.sku.clone().unwrap_or_default();
        if let Some(name) = sku["name"].as_str() {
            set.sku = name.to_owned();
        }
        let capacity = sku["capacity"].as_u64();
        if capacity.is_some_and(|capacity| capacity > CAPACITY) {
            return Err(Failure::new(
                400,
                "InvalidParameter",
                format!("The value of parameter 'sku.capacity' must be at most {CAPACITY}."),
            )
            .target("sku.capacity"));
        }
        set.tags = request.tags.clone().or(set.tags);
        for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            set.properties.insert(name.clone(), value.clone());
        }
        set.provisioning = Provisioning::Updating;
        if let (Some(capacity), false) = (capacity, set.flexible) {
            self.resize(&set, capacity, now)?;
        }
        self.tenant.scale_sets.insert(path.key(), set);
        let place = (path.subscription.clone(), location);
        let effect = Effect::Tenant { path, deletes: false };
        Ok((self.begin(effect, (&place.0, &place.1), None, Duration::Tenant, now), new))
    }

    /// Makes or removes machines of a uniform set until there are as many as it wants.
    fn resize(&mut self, set: &ScaleSet, capacity: u64, now: Timestamp) -> Result<(), Failure> {
        let instances: Vec<ResourcePath> =
            self.instances(&set.path).map(|machine| machine.path.clone()).collect();
        let wanted = usize::try_from(capacity).unwrap_or(usize::MAX);
        for gone in instances.iter().skip(wanted) {
            self.remove_machine(gone);
        }
        let next = instances.iter().filter_map(|path| path.name().parse::<u64>().ok()).max();
        let first = next.map_or(0, |last| last + 1);
        for number in (first..).take(wanted.saturating_sub(instances.len())) {
            let mut path = set.path.clone();
            path.pairs.push(("virtualMachines".to_owned(), number.to_string()));
            let profile = set.properties.get("virtualMachineProfile").cloned().unwrap_or_default();
            let mut storage = profile["storageProfile"].clone();
            if storage["osDisk"].is_null() {
                storage["osDisk"] = json!({"createOption": "FromImage"});
            }
            let mut properties = Map::new();
            properties.insert("storageProfile".into(), storage);
            properties.insert("hardwareProfile".into(), json!({"vmSize": set.sku}));
            let request = MachineRequest {
                location: Some(set.location.clone()),
                properties: Some(properties),
                tags: set.tags.clone(),
                zones: None,
            };
            self.put_machine(path, &request, now)?;
        }
        Ok(())
    }

    /// The machines of a uniform set, by number.
    pub(crate) fn instances(&self, set: &ResourcePath) -> impl Iterator<Item = &Machine> {
        let prefix = format!("{}/", set.key());
        let mut found: Vec<&Machine> = self
            .tenant
            .machines
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(_, machine)| machine)
            .collect();
        found.sort_by_key(|machine| machine.path.name().parse::<u64>().unwrap_or(u64::MAX));
        found.into_iter()
    }

    /// The machines of a set of either kind.
    pub(crate) fn members(&self, set: &ScaleSet) -> Vec<&Machine> {
        if !set.flexible {
            return self.instances(&set.path).collect();
        }
        let key = set.path.key();
        let names = |machine: &&Machine| {
            let named = machine.properties.get("virtualMachineScaleSet");
            named.and_then(|set| set["id"].as_str()).is_some_and(|id| id.eq_ignore_ascii_case(&key))
        };
        self.tenant.machines.values().filter(names).collect()
    }

    /// Accepts the deletion of a set with its machines.
    pub(crate) fn delete_scale_set(
        &mut self,
        path: &ResourcePath,
        now: Timestamp,
    ) -> Result<Option<Operation>, Failure> {
        self.group(&path.subscription, &path.group)?;
        let Some(set) = self.tenant.scale_sets.get(&path.key()) else { return Ok(None) };
        if set.flexible && !self.members(set).is_empty() {
            // Without force a flexible set with machines is not deleted.
            self.guarded(Failure::guess(
                "scale-set-machines",
                409,
                "OperationNotAllowed",
                format!(
                    "Scale set '{}' cannot be deleted while it has virtual machines.",
                    path.name()
                ),
            ))?;
        }
        let (path, location) = (set.path.clone(), set.location.clone());
        if let Some(set) = self.tenant.scale_sets.get_mut(&path.key()) {
            set.provisioning = Provisioning::Deleting;
        }
        let subscription = path.subscription.clone();
        let effect = Effect::Tenant { path, deletes: true };
        Ok(Some(self.begin(effect, (&subscription, &location), None, Duration::Tenant, now)))
    }
}
