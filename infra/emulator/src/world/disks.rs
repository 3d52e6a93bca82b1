//! What may be asked of managed disks: create empty, restore from a snapshot, change.

use jiff::Timestamp;

use super::{
    World,
    background::is_direct,
    desired::{Desired, busy, check_not_deleting},
    failure::Failure,
    id::{Kind, ResourceId},
    image::Image,
    operations::{Duration, Effect, Operation},
    region,
    resource::{Creation, Disk, Managed, Upload},
    tags::check_tags,
    vhd::FOOTER_BYTES,
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

/// Disks of one sku that a subscription may have in a region (compute-snapshots §1.4).
const PER_REGION: usize = 50_000;

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
        let burst_since = bursts(&base).then_some(now);
        let disk = Disk { base, zones, managed_by: None, burst_since, taken: Vec::new() };
        self.disks.insert(key, disk);
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
        let sku = sku.unwrap_or_else(|| "Standard_LRS".to_owned());
        self.check_disk_limit(&id, &location, &sku)?;
        check_sectors(&mut creation, &sku)?;
        let mut upload = None;
        let (size_gb, settings, image) = match (creation.option.as_str(), &creation.source) {
            ("Empty", _) => {
                (asked.ok_or_else(size_missing)?, body.settings(None)?, self.layers.empty())
            }
            ("Upload", _) => {
                upload = Some(Upload::Ready);
                (upload_gb(&creation)?, body.settings(None)?, self.layers.empty())
            }
            ("Copy", Some(source)) => {
                let (source, image) = self.restorable(source, &location, now)?;
                self.check_restore(&id, &source, &sku)?;
                let size = asked.unwrap_or(source.size_gb);
                if size < source.size_gb {
                    return Err(Failure::guess(
                        "size-below-source",
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
                if source.sector_bytes() == 4096 {
                    creation.rest.insert("logicalSectorSize".into(), 4096.into());
                }
                (size, body.settings(Some(&source))?, image)
            }
            (option, _) => return Err(unsupported(option)),
        };
        let unique_id = self.new_id();
        let background = (is_direct(&sku) && creation.option == "Copy")
            .then(|| self.begin_background(&id, unique_id, image.full_bytes(), now));
        Ok(Managed {
            tags: body.tags.clone(),
            size_gb,
            settings,
            upload,
            background,
            ..Managed::begun(id, location, sku, creation, unique_id, image, now)
        })
    }

    /// The source of a restore and an image that begins with its content.
    fn restorable(
        &mut self,
        source: &str,
        location: &str,
        now: Timestamp,
    ) -> Result<(Managed, Image), Failure> {
        let mut found = self.find_source(source, location)?.clone();
        let key = found.id.key();
        let image = match found.id.kind {
            Kind::Snapshot => {
                if self.snapshots.get(&key).is_some_and(|s| !self.is_restorable(s, now)) {
                    self.guarded(incomplete(&found.id.name))?;
                }
                self.layers.child(&found.image)
            }
            Kind::Disk => {
                if found.upload.is_some() {
                    return Err(busy(&found));
                }
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
        let size_before = disk.base.size_gb;
        body.apply(&mut disk.base, sku)?;
        disk.burst_since = disk.burst_since.or(Some(now)).filter(|_| bursts(&disk.base));
        let resized = disk.base.size_gb != size_before;
        let (location, unique_id) = (disk.base.location.clone(), disk.base.unique_id);
        if resized {
            self.fail_pending(unique_id);
        }
        let place = (id.subscription.as_str(), location.as_str());
        Ok(self.begin(effect, place, Some(unique_id), Duration::DiskPut, now))
    }

    /// Checks what holds between a snapshot and the disk that is to be made of it.
    fn check_restore(&self, id: &ResourceId, source: &Managed, sku: &str) -> Result<(), Failure> {
        if source.sector_bytes() == 4096 && !is_direct(sku) {
            self.guarded(Failure::guess(
                "sector-size",
                400,
                "InvalidParameter",
                format!(
                    "{} has sectors of 4096 bytes: only Ultra and Premium SSD v2 disks can be made \
                     of it.",
                    source.id.name
                ),
            ))?;
        }
        if is_direct(sku) { self.check_direct_restore(&id.subscription, source) } else { Ok(()) }
    }

    fn check_disk_limit(&self, id: &ResourceId, location: &str, sku: &str) -> Result<(), Failure> {
        // Counted only where so many can be there at all.
        if self.disks.len() < PER_REGION {
            return Ok(());
        }
        let scope = format!("/subscriptions/{}/", id.subscription.to_ascii_lowercase());
        let alike = self
            .disks
            .under(&scope, None)
            .filter(|(_, disk)| disk.base.location == location && disk.base.sku == sku);
        if alike.count() >= PER_REGION {
            self.guarded(Failure::guess(
                "disk-limit",
                409,
                "OperationNotAllowed",
                format!("The subscription has {PER_REGION} disks of sku {sku} in {location}."),
            ))?;
        }
        Ok(())
    }
}

fn bursts(disk: &Managed) -> bool {
    disk.settings.get("burstingEnabled") == Some(&true.into())
}

/// Bytes that an upload may have, the footer included (compute-snapshots §2.2).
const UPLOAD_BYTES: std::ops::RangeInclusive<u64> = 20_972_032..=35_183_298_347_520;

/// What is made of nothing needs a size.
pub(super) fn size_missing() -> Failure {
    Failure::new(400, "InvalidParameter", "Required parameter 'diskSizeGB' is missing (null).")
        .target("diskSizeGB")
}

pub(super) fn upload_gb(creation: &Creation) -> Result<u64, Failure> {
    let bytes = creation.rest.get("uploadSizeBytes").and_then(|bytes| bytes.as_u64());
    match bytes.filter(|bytes| UPLOAD_BYTES.contains(bytes) && bytes % 512 == 0) {
        Some(bytes) => Ok((bytes - FOOTER_BYTES).div_ceil(1 << 30)),
        None => Err(Failure::guess(
            "upload-size",
            400,
            "InvalidParameter",
            "The value of parameter 'creationData.uploadSizeBytes' is out of range.",
        )
        .target("creationData.uploadSizeBytes")),
    }
}

/// Ultra and Premium SSD v2 have sectors of 4096 bytes unless 512 are asked for; others have 512.
fn check_sectors(creation: &mut Creation, sku: &str) -> Result<(), Failure> {
    let asked = creation.rest.get("logicalSectorSize");
    match asked.map(|size| size.as_u64()) {
        None if is_direct(sku) && creation.option == "Empty" => {
            creation.rest.insert("logicalSectorSize".into(), 4096.into());
            Ok(())
        }
        None | Some(Some(512)) => Ok(()),
        Some(Some(4096)) if is_direct(sku) => Ok(()),
        Some(_) => Err(Failure::guess(
            "invalid-value",
            400,
            "InvalidParameter",
            "logicalSectorSize takes 512, or 4096 with Ultra and Premium SSD v2.",
        )
        .target("creationData.logicalSectorSize")),
    }
}

/// The answer to the use of a copy below 100 %; the rule is documented (§1.4).
pub(super) fn incomplete(name: &str) -> Failure {
    Failure::guess(
        "copy-incomplete",
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
    let refused =
        |guess, why: String| Failure::guess(guess, 400, "InvalidParameter", why).target("sku.name");
    let Some(known) = allowed.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
        return Err(refused(
            "sku",
            format!("The value '{name}' of parameter 'sku.name' is invalid."),
        ));
    };
    if known.ends_with("_ZRS") && region::find(location).is_none_or(|region| region.zones == 0) {
        return Err(refused(
            "zrs-region",
            format!("SKU {known} is not supported in region {location}."),
        ));
    }
    Ok(Some((*known).to_owned()))
}
