//! What a PUT or PATCH of a disk or snapshot asks for, and the checks that both kinds share.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{
    World,
    failure::Failure,
    id::{ResourceId, check_name},
    region::{self, REGIONS},
    resource::{Creation, Managed, Provisioning, Tags},
};

/// The body, as far as every kind of resource has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Desired {
    pub(crate) location: Option<String>,
    pub(crate) tags: Option<Tags>,
    pub(crate) sku: Option<Sku>,
    pub(crate) zones: Option<Vec<String>>,
    #[serde(deserialize_with = "or_empty")]
    pub(crate) properties: Map<String, Value>,
}

/// Clients write `null` for what they leave out.
fn or_empty<'de, D: Deserializer<'de>>(value: D) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

/// `sku`, of which only the name can be set.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sku {
    pub(crate) name: String,
}

/// Values of `createOption`, which are read without regard to case.
const CREATE_OPTIONS: &[&str] = &[
    "Attach",
    "Clone",
    "Copy",
    "CopyFromSanSnapshot",
    "CopyStart",
    "Empty",
    "FromImage",
    "Import",
    "ImportSecure",
    "Restore",
    "Upload",
    "UploadPreparedSecure",
];

/// Properties that a request may set and that the emulator keeps as they are.
const SETTABLE: &[&str] = &[
    "osType",
    "hyperVGeneration",
    "purchasePlan",
    "supportedCapabilities",
    "encryption",
    "encryptionSettingsCollection",
    "networkAccessPolicy",
    "publicNetworkAccess",
    "diskAccessId",
    "supportsHibernation",
    "securityProfile",
    "dataAccessAuthMode",
    "diskIOPSReadWrite",
    "diskMBpsReadWrite",
    "diskIOPSReadOnly",
    "diskMBpsReadOnly",
    "maxShares",
    "tier",
    "burstingEnabled",
    "optimizedForFrequentAttach",
];

/// What a snapshot has from its disk, and a disk from its snapshot.
const INHERITED: &[&str] = &[
    "osType",
    "hyperVGeneration",
    "purchasePlan",
    "supportedCapabilities",
    "encryption",
    "encryptionSettingsCollection",
    "supportsHibernation",
    "securityProfile",
];

impl Desired {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(body).map_err(Failure::invalid_content)
    }

    /// Reads `properties.creationData`.
    pub(super) fn creation(&self) -> Result<Creation, Failure> {
        let missing = |name: &str| {
            Failure::new(
                400,
                "InvalidParameter",
                format!("Required parameter '{name}' is missing (null)."),
            )
            .target(name)
        };
        let mut rest = match self.properties.get("creationData") {
            Some(Value::Object(creation)) => creation.clone(),
            Some(Value::Null) | None => return Err(missing("creationData")),
            Some(_) => return Err(Failure::invalid_content("creationData is not an object")),
        };
        let mut text = |name: &str| match rest.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Null) | None => Ok(None),
            Some(_) => Err(Failure::invalid_content(format!("{name} is not a string"))),
        };
        let option = text("createOption")?.ok_or_else(|| missing("creationData.createOption"))?;
        let known = CREATE_OPTIONS.iter().find(|known| known.eq_ignore_ascii_case(&option));
        let option = match known.map_or(option, |known| (*known).to_owned()) {
            // The name that `CopyStart` had in its preview (compute-snapshots §2.2).
            // GUESS: it is shown by its later name.
            preview if preview == "Clone" => "CopyStart".to_owned(),
            option => option,
        };
        let source = text("sourceResourceId")?;
        rest.remove("sourceUniqueId");
        rest.retain(|_, value| !value.is_null());
        Ok(Creation { option, source, source_unique_id: None, rest })
    }

    pub(super) fn size_gb(&self) -> Result<Option<u64>, Failure> {
        match self.properties.get("diskSizeGB") {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(size @ 1..=65536) => Ok(Some(size)),
                _ => Err(Failure::new(
                    400,
                    "InvalidParameter",
                    format!("The value '{value}' of parameter 'diskSizeGB' is out of range."),
                )
                .target("diskSizeGB")),
            },
        }
    }

    /// The settable properties of the body, over those that `source` hands on.
    pub(super) fn settings(&self, source: Option<&Managed>) -> Result<Map<String, Value>, Failure> {
        let mut settings = Map::new();
        for (name, value) in source.iter().flat_map(|source| &source.settings) {
            if INHERITED.contains(&name.as_str()) {
                settings.insert(name.clone(), value.clone());
            }
        }
        self.apply_settings(&mut settings)?;
        Ok(settings)
    }

    fn apply_settings(&self, settings: &mut Map<String, Value>) -> Result<(), Failure> {
        one_of(&self.properties, "networkAccessPolicy", &["AllowAll", "AllowPrivate", "DenyAll"])?;
        one_of(&self.properties, "publicNetworkAccess", &["Enabled", "Disabled"])?;
        for (name, value) in &self.properties {
            if SETTABLE.contains(&name.as_str()) && !value.is_null() {
                settings.insert(name.clone(), value.clone());
            }
        }
        Ok(())
    }

    /// Changes an existing resource; what the body does not name stays.
    pub(super) fn apply(&self, resource: &mut Managed, sku: Option<String>) -> Result<(), Failure> {
        if let Some(size) = self.size_gb()? {
            if size < resource.size_gb {
                // Code and words are from an unofficial note (§3.5).
                return Err(Failure::guess(
                    "resize-down",
                    409,
                    "InvalidResizeWithName",
                    format!(
                        "{} '{}' cannot be resized down. Reducing disk/snapshot size is not \
                         supported.",
                        resource.id.resource_type(),
                        resource.id.name
                    ),
                ));
            }
            resource.size_gb = size;
        }
        self.apply_settings(&mut resource.settings)?;
        if let Some(sku) = sku {
            resource.sku = sku;
        }
        if let Some(tags) = &self.tags {
            resource.tags = Some(tags.clone());
        }
        resource.provisioning = Provisioning::Updating;
        Ok(())
    }
}

fn one_of(properties: &Map<String, Value>, name: &str, allowed: &[&str]) -> Result<(), Failure> {
    match properties.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(value)) if allowed.contains(&value.as_str()) => Ok(()),
        Some(value) => Err(Failure::guess(
            "invalid-value",
            400,
            "InvalidParameter",
            format!("The value {value} of parameter '{name}' is invalid."),
        )
        .target(name)),
    }
}

impl World {
    /// What ARM checks of every PUT: the scope, the name, the location. Gives the location.
    pub(super) fn check_put(&self, id: &ResourceId, body: &Desired) -> Result<String, Failure> {
        let group = self.group(&id.subscription, &id.group)?;
        if group.deleting {
            return Err(Failure::group_being_deleted(&group.name));
        }
        let Some(location) = body.location.as_deref() else {
            return Err(Failure::gateway(
                400,
                "LocationRequired",
                "The location property is required for this definition.",
            ));
        };
        let Some(region) = region::find(location) else {
            let known: Vec<_> = REGIONS.iter().map(|region| region.name).collect();
            return Err(Failure::gateway(
                400,
                "LocationNotAvailableForResourceType",
                format!(
                    "The provided location '{location}' is not available for resource type '{}'. \
                     List of available regions for the resource type is '{}'.",
                    id.resource_type(),
                    known.join(",")
                ),
            ));
        };
        check_name(id)?;
        if let Some(existing) = self.managed(id) {
            if existing.location != region.name {
                return Err(Failure::gateway(
                    409,
                    "InvalidResourceLocation",
                    format!(
                        "The resource '{}' already exists in location '{}' in resource group \
                         '{}'. A resource with the same name cannot be created in location \
                         '{}'. Please select a new resource name.",
                        id.name, existing.location, id.group, region.name
                    ),
                ));
            }
            check_not_deleting(existing)?;
        }
        self.check_encryption(id, &body.properties, region.name)?;
        Ok(region.name.to_owned())
    }

    /// Checks that a PUT of an existing resource does not change where it comes from.
    pub(super) fn check_same_creation(
        existing: &Managed,
        wanted: &Creation,
    ) -> Result<(), Failure> {
        let name = &existing.id.name;
        let key = |source: &Option<String>| {
            source.as_deref().map(|s| ResourceId::parse(s).map_or_else(|| s.into(), |id| id.key()))
        };
        if !existing.creation.option.eq_ignore_ascii_case(&wanted.option) {
            return Err(Failure::property_changed("creationData.createOption", name));
        }
        if key(&existing.creation.source) != key(&wanted.source) {
            return Err(Failure::property_changed("creationData.sourceResourceId", name));
        }
        Ok(())
    }

    /// Finds a source where the region's provider looks: only in its own region
    /// (compute-snapshots §0.7).
    pub(super) fn find_source(&self, source: &str, location: &str) -> Result<&Managed, Failure> {
        let Some(id) = ResourceId::parse(source) else {
            return Err(Failure::new(
                400,
                "InvalidParameter",
                "The value of parameter creationData.sourceResourceId is invalid.",
            )
            .target("creationData.sourceResourceId"));
        };
        let found = self.managed(&id).filter(|resource| resource.location == location);
        let found = found.ok_or_else(|| Failure::source_not_found(&id.name))?;
        check_settled(found)?;
        self.check_key_of(&found.settings)?;
        Ok(found)
    }
}

/// A source must have settled.
pub(super) fn check_settled(source: &Managed) -> Result<(), Failure> {
    if source.settled && source.provisioning != Provisioning::Deleting {
        return Ok(());
    }
    Err(busy(source))
}

/// What is under way with a resource must end first.
pub(super) fn busy(resource: &Managed) -> Failure {
    Failure::guess(
        "busy",
        409,
        "OperationNotAllowed",
        format!("Resource {} has an operation in progress.", resource.id.name),
    )
}

/// A name can be used again when the deletion is through.
pub(super) fn check_not_deleting(resource: &Managed) -> Result<(), Failure> {
    if resource.provisioning == Provisioning::Deleting {
        return Err(Failure::guess(
            "deleting",
            409,
            "OperationNotAllowed",
            format!("Resource {} is being deleted.", resource.id.name),
        ));
    }
    Ok(())
}
