//! What may be asked of managed disks: create empty, restore from a snapshot, change.

use jiff::Timestamp;

use super::{
    World,
    desired::{Desired, check_not_deleting},
    failure::Failure,
    id::{Kind, ResourceId},
    image::Image,
    operations::{Duration, Effect, Operation},
    region,
    resource::{Creation, Disk, Managed, Provisioning},
    tags::check_tags,
};

const SKUS: &[&str] = &[
    "Standard_LRS",
    "Premium_LRS",
    "StandardSSD_LRS",
    "UltraSSD_LRS",
    "PremiumV2_LRS",
    "Premium_ZRS",
    "StandardSSD_ZRS",
];

impl World {
    /// Creates or changes a disk.
    pub(crate) fn put_disk(
        &mut self,
        id: ResourceId,
        body: &Desired,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let location = self.check_put(&id, body)?;
        let sku = wanted_sku(body, &location)?;
        let creation = body.creation()?;
        check_tags(body.tags.as_ref().unwrap_or(&Default::default()))?;
        let key = id.key();
        if let Some(disk) = self.disks.get(&key) {
            Self::check_same_creation(&disk.base, &creation)?;
            return self.change_disk(&id, body, sku, Effect::Put(id.clone()), now);
        }
        let base = self.new_disk(id, body, sku, creation, location, now)?;
        let operation = self.begin(
            Effect::Put(base.id.clone()),
            (&base.id.subscription, &base.location),
            Some(base.unique_id),
            if base.creation.source.is_some() { Duration::SnapshotCopy } else { Duration::DiskPut },
            now,
        );
        let zones = body.zones.clone().unwrap_or_default();
        self.disks.insert(key, Disk { base, zones, managed_by: None });
        Ok(operation)
    }

    fn new_disk(
        &mut self,
        id: ResourceId,
        body: &Desired,
        sku: Option<String>,
        mut creation: Creation,
        location: String,
        now: Timestamp,
    ) -> Result<Managed, Failure> {
        let asked = body.size_gb()?;
        let (size_gb, settings, image) = match (creation.option.as_str(), &creation.source) {
            ("Empty", _) => {
                let size = asked.ok_or_else(|| {
                    Failure::new(
                        400,
                        "InvalidParameter",
                        "Required parameter 'diskSizeGB' is missing (null).",
                    )
                    .target("diskSizeGB")
                })?;
                (size, body.settings(None)?, self.layers.empty())
            }
            ("Copy", Some(source)) => {
                let (source, image) = self.restorable(source, &location)?;
                let size = asked.unwrap_or(source.size_gb);
                if size < source.size_gb {
                    return Err(Failure::new(
                        400,
                        "InvalidParameter",
                        format!(
                            "The size {size} GB is smaller than that of the source, {} GB.",
                            source.size_gb
                        ),
                    )
                    .target("diskSizeGB"));
                }
                creation.source_unique_id = Some(source.unique_id);
                (size, body.settings(Some(&source))?, image)
            }
            (option, _) => return Err(unsupported(option)),
        };
        Ok(Managed {
            id,
            location,
            tags: body.tags.clone(),
            sku: sku.unwrap_or_else(|| "Standard_LRS".to_owned()),
            creation,
            unique_id: self.new_id(),
            created_at: now,
            size_gb,
            provisioning: Provisioning::Updating,
            settled: false,
            settings,
            image,
        })
    }

    /// The source of a restore and an image that begins with its content.
    fn restorable(&mut self, source: &str, location: &str) -> Result<(Managed, Image), Failure> {
        let mut found = self.find_source(source, location)?.clone();
        let key = found.id.key();
        let image = match found.id.kind {
            Kind::Snapshot => {
                if self.snapshots.get(&key).is_some_and(|s| !self.is_complete(s)) {
                    return Err(incomplete(&found.id.name));
                }
                self.layers.child(&found.image)
            }
            Kind::Disk => {
                if let Some(disk) = self.disks.get_mut(&key) {
                    found.image = self.layers.freeze(&mut disk.base.image);
                }
                self.layers.child(&found.image)
            }
        };
        Ok((found, image))
    }

    /// Changes what a PATCH may change.
    pub(crate) fn patch_disk(
        &mut self,
        id: &ResourceId,
        body: &Desired,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let disk = self.find(id)?;
        check_not_deleting(disk)?;
        let (id, location) = (disk.id.clone(), disk.location.clone());
        self.check_encryption(&id, &body.properties, &location)?;
        let sku = wanted_sku(body, &location)?;
        check_tags(body.tags.as_ref().unwrap_or(&Default::default()))?;
        self.change_disk(&id, body, sku, Effect::Patch(id.clone()), now)
    }

    fn change_disk(
        &mut self,
        id: &ResourceId,
        body: &Desired,
        sku: Option<String>,
        effect: Effect,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let Some(disk) = self.disks.get_mut(&id.key()) else {
            return Err(Failure::resource_not_found(id));
        };
        body.apply(&mut disk.base, sku)?;
        let (location, unique_id) = (disk.base.location.clone(), disk.base.unique_id);
        let place = (id.subscription.as_str(), location.as_str());
        Ok(self.begin(effect, place, Some(unique_id), Duration::DiskPut, now))
    }
}

/// GUESS: the answer to the use of a copy below 100 %; the rule is documented (§1.4).
pub(super) fn incomplete(name: &str) -> Failure {
    Failure::new(
        409,
        "OperationNotAllowed",
        format!(
            "Snapshot {name} cannot be used until its copy is complete. Retry when \
             completionPercent is 100."
        ),
    )
}

pub(super) fn unsupported(option: &str) -> Failure {
    Failure::new(
        400,
        "InvalidParameter",
        format!("The value '{option}' of parameter 'creationData.createOption' is not supported."),
    )
    .target("creationData.createOption")
}

fn wanted_sku(body: &Desired, location: &str) -> Result<Option<String>, Failure> {
    check_sku(body.sku.as_ref().map(|sku| sku.name.as_str()), SKUS, location)
}

/// Checks a sku's name and that the region has zones for zone-redundant ones.
pub(super) fn check_sku(
    name: Option<&str>,
    allowed: &[&str],
    location: &str,
) -> Result<Option<String>, Failure> {
    let Some(name) = name else { return Ok(None) };
    // GUESS: both texts; no refused sku is recorded.
    let refused = |why: String| Failure::new(400, "InvalidParameter", why).target("sku.name");
    let Some(known) = allowed.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
        return Err(refused(format!("The value '{name}' of parameter 'sku.name' is invalid.")));
    };
    if known.ends_with("_ZRS") && region::find(location).is_none_or(|region| region.zones == 0) {
        return Err(refused(format!("SKU {known} is not supported in region {location}.")));
    }
    Ok(Some((*known).to_owned()))
}
