//! Disk-encryption sets: in one region and subscription, with a key that can be disabled.

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
    region,
    resource::{Managed, Provisioning, Tags},
};

/// A disk-encryption set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EncryptionSet {
    pub(crate) path: ResourcePath,
    pub(crate) location: String,
    pub(crate) tags: Option<Tags>,
    pub(crate) identity: Option<String>,
    /// The object id of its identity.
    pub(crate) principal: Uuid,
    pub(crate) properties: Map<String, Value>,
    pub(crate) provisioning: Provisioning,
    /// Whether somebody disabled its key in the vault.
    #[serde(default)]
    pub(crate) key_disabled: bool,
}

/// Settable properties.
const SETTABLE: &[&str] =
    &["activeKey", "encryptionType", "rotationToLatestKeyVersionEnabled", "federatedClientId"];

/// What a PUT or PATCH asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SetRequest {
    pub(crate) location: Option<String>,
    pub(crate) tags: Option<Tags>,
    pub(crate) identity: Option<Identity>,
    pub(crate) properties: Option<Map<String, Value>>,
}

/// `identity` of a request.
#[derive(Debug, Deserialize)]
pub(crate) struct Identity {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

fn invalid(message: String, target: &str) -> Failure {
    Failure::new(400, "InvalidParameter", message).target(target)
}

impl World {
    /// Creates or changes a set.
    pub(crate) fn put_encryption_set(
        &mut self,
        path: ResourcePath,
        request: SetRequest,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let group = self.group(&path.subscription, &path.group)?;
        if group.deleting {
            return Err(Failure::group_being_deleted(&group.name));
        }
        let location = self.place(&path.resource_type(), request.location.as_deref())?;
        let given = request.properties.unwrap_or_default();
        let known = self.tenant.encryption_sets.get(&path.key()).cloned();
        if known.as_ref().is_some_and(|known| known.location != location) {
            return Err(Failure::gateway(
                409,
                "InvalidResourceLocation",
                format!("The resource '{}' already exists in another location.", path.name()),
            ));
        }
        let has_key = given.get("activeKey").is_some_and(|key| key["keyUrl"].is_string());
        if known.is_none() && !has_key {
            let name = "activeKey.keyUrl";
            return Err(invalid(format!("Required parameter '{name}' is missing (null)."), name));
        }
        let mut set = match known {
            Some(known) => known,
            None => EncryptionSet {
                path: path.clone(),
                location,
                tags: None,
                identity: None,
                principal: self.new_id(),
                properties: Map::new(),
                provisioning: Provisioning::Updating,
                key_disabled: false,
            },
        };
        set.identity = request.identity.and_then(|identity| identity.kind).or(set.identity);
        set.tags = request.tags.or(set.tags);
        for name in SETTABLE {
            if let Some(value) = given.get(*name).filter(|value| !value.is_null()) {
                set.properties.insert((*name).to_owned(), value.clone());
            }
        }
        set.properties
            .entry("encryptionType")
            .or_insert_with(|| "EncryptionAtRestWithCustomerKey".into());
        set.provisioning = Provisioning::Updating;
        let place = (path.subscription.clone(), set.location.clone());
        self.tenant.encryption_sets.insert(path.key(), set);
        let effect = Effect::Tenant { path, deletes: false };
        Ok(self.begin(effect, (&place.0, &place.1), None, Duration::Tenant, now))
    }

    /// Accepts the deletion of a set that nothing uses.
    pub(crate) fn delete_encryption_set(
        &mut self,
        path: &ResourcePath,
        now: Timestamp,
    ) -> Result<Option<Operation>, Failure> {
        self.group(&path.subscription, &path.group)?;
        let key = path.key();
        let uses = |base: &Managed| {
            set_of(&base.settings).is_some_and(|set| set.eq_ignore_ascii_case(&key))
        };
        let used = self
            .disks
            .values()
            .map(|disk| &disk.base)
            .chain(self.snapshots.values().map(|s| &s.base))
            .find(|base| uses(base));
        if let Some(user) = used {
            // That it is refused is documented.
            self.guarded(Failure::guess(
                "encryption-set-used",
                409,
                "OperationNotAllowed",
                format!(
                    "Disk encryption set '{}' cannot be deleted as it is used by '{}'.",
                    path.name(),
                    user.id.path()
                ),
            ))?;
        }
        let Some(set) = self.tenant.encryption_sets.get_mut(&key) else { return Ok(None) };
        set.provisioning = Provisioning::Deleting;
        let location = set.location.clone();
        let effect = Effect::Tenant { path: set.path.clone(), deletes: true };
        Ok(Some(self.begin(effect, (&path.subscription, &location), None, Duration::Tenant, now)))
    }

    /// The region of a request's `location`, or ARM's refusal of it.
    pub(crate) fn place(
        &self,
        resource_type: &str,
        location: Option<&str>,
    ) -> Result<String, Failure> {
        let location = location.ok_or_else(|| {
            Failure::gateway(
                400,
                "LocationRequired",
                "The location property is required for this definition.",
            )
        })?;
        let region = region::find(location).ok_or_else(|| {
            let known: Vec<_> = region::REGIONS.iter().map(|region| region.name).collect();
            Failure::gateway(
                400,
                "LocationNotAvailableForResourceType",
                format!(
                    "The provided location '{location}' is not available for resource type \
                     '{resource_type}'. List of available regions for the resource type is '{}'.",
                    known.join(",")
                ),
            )
        })?;
        Ok(region.name.to_owned())
    }

    /// Checks the encryption set that a disk or snapshot asks for: there, in the same region and
    /// subscription, with a key that works.
    pub(super) fn check_encryption(
        &self,
        id: &ResourceId,
        properties: &Map<String, Value>,
        location: &str,
    ) -> Result<(), Failure> {
        let Some(named) = set_of(properties) else { return Ok(()) };
        let target = "encryption.diskEncryptionSetId";
        let path = ResourcePath::parse(named).filter(|path| {
            path.resource_type().eq_ignore_ascii_case("Microsoft.Compute/diskEncryptionSets")
        });
        let Some(path) = path else {
            return Err(invalid(format!("The value of parameter {target} is invalid."), target));
        };
        // The rule is documented (azure-docs, customer-managed keys: "must be in the same
        // subscription and region").
        let elsewhere = |why: String| {
            let failure = Failure::guess("encryption-set", 400, "InvalidParameter", why);
            self.guarded(failure.target(target))
        };
        if !path.subscription.eq_ignore_ascii_case(&id.subscription) {
            let why = "The disk encryption set must be in the subscription of the resource.";
            elsewhere(why.to_owned())?;
        }
        let Some(set) = self.tenant.encryption_sets.get(&path.key()) else {
            return Err(Failure::source_not_found(path.name()));
        };
        if set.location != location {
            let why = format!(
                "The disk encryption set is in region '{}' and the resource in region \
                 '{location}'. They must be in the same region.",
                set.location
            );
            elsewhere(why)?;
        }
        self.check_enabled(set)
    }

    /// Checks that what is encrypted so can be read.
    pub(super) fn check_key_of(&self, settings: &Map<String, Value>) -> Result<(), Failure> {
        let set = set_of(settings).and_then(ResourcePath::parse);
        match set.and_then(|path| self.tenant.encryption_sets.get(&path.key())) {
            Some(set) => self.check_enabled(set),
            None => Ok(()),
        }
    }

    /// A disabled key is told like a missing right, whose code and words Azure has.
    fn check_enabled(&self, set: &EncryptionSet) -> Result<(), Failure> {
        if !set.key_disabled {
            return Ok(());
        }
        let key = set.properties.get("activeKey").and_then(|key| key["keyUrl"].as_str());
        self.guarded(Failure::guess(
            "key-disabled",
            403,
            "KeyVaultAccessForbidden",
            format!(
                "Unable to access key vault resource '{}' to enable encryption at rest. Please \
                 grant get, wrap and unwrap key permissions to disk encryption set '{}'. Please \
                 visit https://aka.ms/keyvaultaccessssecmk for more information.",
                key.unwrap_or_default(),
                set.path.name()
            ),
        ))
    }

    /// Disables or enables a set's key, as the owner of its vault would.
    pub(crate) fn set_key(&mut self, path: &ResourcePath, enabled: bool) -> Result<(), Failure> {
        let set =
            self.tenant.encryption_sets.get_mut(&path.key()).ok_or_else(|| path.not_found())?;
        set.key_disabled = !enabled;
        Ok(())
    }
}

fn set_of(settings: &Map<String, Value>) -> Option<&str> {
    settings.get("encryption")?["diskEncryptionSetId"].as_str()
}
