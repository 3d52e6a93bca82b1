//! What may be asked of snapshots: take one of a disk, copy one, start a copy elsewhere, change.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    World,
    background::{INSTANT, INSTANT_MINUTES, is_direct},
    desired::{Desired, busy, check_not_deleting, check_settled},
    disks::{check_sku, incomplete, size_missing, unsupported, upload_gb},
    failure::Failure,
    id::{Kind, ResourceId},
    image::Image,
    operations::{Duration, Effect, Operation},
    region,
    resource::{Creation, Managed, Point, Snapshot, Upload},
    tags::check_tags,
};

const SKUS: &[&str] = &["Standard_LRS", "Premium_LRS", "Standard_ZRS"];

/// Incremental snapshots of one disk that may exist at a time (compute-snapshots §1.4).
const PER_DISK: usize = 500;

/// Incremental snapshots of one disk that may be taken within [`RATE_WINDOW`] (§1.3).
const PER_WINDOW: usize = 7;

const COPY_SPEED: &str = "provisionedBandwidthCopySpeed";

const RATE_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// What a new snapshot gets from its source.
struct Origin {
    source: Managed,
    incremental: bool,
    point: Option<Point>,
    /// The source itself when its bytes are to travel.
    travels: Option<Snapshot>,
}

impl World {
    /// Creates or changes a snapshot.
    pub(crate) fn put_snapshot(
        &mut self,
        id: ResourceId,
        body: &Desired,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let location = self.check_put(&id, body)?;
        let sku = wanted_sku(body, &location)?;
        let creation = body.creation()?;
        check_tags(body.tags.as_ref().unwrap_or(&Default::default()))?;
        let incremental = body.properties.get("incremental").and_then(|v| v.as_bool());
        if let Some(snapshot) = self.snapshots.get(&id.key()) {
            Self::check_same_creation(&snapshot.base, &creation)?;
            if incremental.unwrap_or(false) != snapshot.incremental {
                return Err(Failure::property_changed("incremental", &snapshot.base.id.name));
            }
            let duration = put_duration(&creation);
            return self.change_snapshot(&id, body, sku, (Effect::Put(id.clone()), duration), now);
        }
        let incremental = incremental.unwrap_or(false);
        check_extras(&creation)?;
        let origin = match creation.option.as_str() {
            "Copy" => self.copy_origin(&id, &creation, incremental, &location, now)?,
            "CopyStart" => {
                self.check_copy_start_of(&id.subscription, &creation, &location, now)?;
                self.copy_start_origin(&id, &creation, incremental, &location)?
            }
            "Empty" | "Upload" => return self.create_blank(id, body, sku, creation, location, now),
            option => return Err(unsupported(option)),
        };
        self.create(id, body, sku, creation, location, origin, now)
    }

    /// `Copy`: of a disk or a snapshot in the same region.
    fn copy_origin(
        &self,
        id: &ResourceId,
        creation: &Creation,
        incremental: bool,
        location: &str,
        now: Timestamp,
    ) -> Result<Origin, Failure> {
        let source = self.find_source(source_of(creation)?, location)?.clone();
        if incremental && !source.id.subscription.eq_ignore_ascii_case(&id.subscription) {
            // The rule is documented (compute-snapshots §1.3).
            self.guarded(Failure::guess(
                "other-subscription",
                409,
                "OperationNotAllowed",
                "An incremental snapshot cannot be created outside the subscription of its disk.",
            ))?;
        }
        self.check_instant_access(creation, &source, incremental)?;
        let point = match source.id.kind {
            Kind::Disk => {
                self.check_disk_source(&source, incremental, now)?;
                None
            }
            Kind::Snapshot => {
                let Some(snapshot) = self.snapshots.get(&source.id.key()) else {
                    return Err(Failure::source_not_found(&source.id.name));
                };
                if !self.is_complete(snapshot) {
                    return Err(incomplete(&source.id.name));
                }
                Some(snapshot.point)
            }
        };
        let disk = point.map_or(source.unique_id, |point| point.disk);
        if incremental && self.incremental_of(disk, location) >= PER_DISK {
            // The thread that has code and words does not show the status (§3.5).
            self.guarded(Failure::guess(
                "snapshot-limit",
                409,
                "SnapshotLimitReached",
                "The snapshot count was exceeded for a disk. Please delete a snapshot before \
                 creating another one.",
            ))?;
        }
        Ok(Origin { source, incremental, point, travels: None })
    }

    /// Checks what a disk must be for a snapshot to be taken of it.
    fn check_disk_source(
        &self,
        source: &Managed,
        incremental: bool,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if source.upload.is_some() {
            return Err(busy(source));
        }
        if is_direct(&source.sku) {
            self.check_direct_snapshot(source, incremental)?;
        }
        let taken = self.disks.get(&source.id.key()).map_or(&[][..], |disk| &disk.taken);
        let recent = taken.iter().filter(|at| now.duration_since(**at) < RATE_WINDOW).count();
        if incremental && recent >= PER_WINDOW {
            self.guarded(Failure::guess(
                "snapshot-rate",
                409,
                "OperationNotAllowed",
                format!(
                    "Disk {} has had {PER_WINDOW} incremental snapshots within five minutes. \
                     Retry later.",
                    source.id.name
                ),
            ))?;
        }
        Ok(())
    }

    /// Checks `instantAccessDurationMinutes` (compute-snapshots §1.4).
    fn check_instant_access(
        &self,
        creation: &Creation,
        source: &Managed,
        incremental: bool,
    ) -> Result<(), Failure> {
        let Some(minutes) = creation.rest.get(INSTANT) else { return Ok(()) };
        if !minutes.as_u64().is_some_and(|minutes| INSTANT_MINUTES.contains(&minutes)) {
            let text = format!("The value '{minutes}' of parameter '{INSTANT}' is out of range.");
            return Err(Failure::guess("invalid-value", 400, "InvalidParameter", text)
                .target("creationData.instantAccessDurationMinutes"));
        }
        if source.id.kind != Kind::Disk || !is_direct(&source.sku) || !incremental {
            // The code is from an unofficial note (§3.5).
            let text =
                "Instant access is for incremental snapshots of Ultra and Premium SSD v2 disks.";
            return Err(Failure::guess("invalid-value", 409, "InvalidInstantAccessRequest", text));
        }
        Ok(())
    }

    /// `CopyStart`: of an incremental snapshot in any region, into an incremental snapshot.
    fn copy_start_origin(
        &self,
        id: &ResourceId,
        creation: &Creation,
        incremental: bool,
        location: &str,
    ) -> Result<Origin, Failure> {
        let source = source_of(creation)?;
        if !incremental {
            // Recorded from November 2021 to March 2023, also where the source is a disk.
            return Err(Failure::new(
                409,
                "OperationNotAllowed",
                "CopyStart creation is not supported for this subscription.",
            ));
        }
        let source_id = match ResourceId::parse(source) {
            Some(source_id) if source_id.kind == Kind::Snapshot => source_id,
            // Azure's words for a disk as the source (compute-snapshots §3.5).
            _ => {
                return Err(Failure::new(400, "InvalidParameter", "Entity not of expected type"));
            }
        };
        let Some(source) = self.snapshots.get(&source_id.key()) else {
            return Err(Failure::source_not_found(&source_id.name));
        };
        check_settled(&source.base)?;
        self.check_key_of(&source.base.settings)?;
        if !source.incremental {
            // The words are those of a client library's documentation (§6).
            return Err(Failure::guess(
                "copy-from-full",
                409,
                "OperationNotAllowed",
                "CopyStart is only supported for creating an incremental snapshot from an \
                 incremental snapshot.",
            ));
        }
        if !self.is_complete(source) {
            return Err(incomplete(&source.base.id.name));
        }
        self.check_transfer(source, id, location)?;
        Ok(Origin {
            source: source.base.clone(),
            incremental,
            point: Some(source.point),
            travels: Some(source.clone()),
        })
    }

    /// The incremental snapshots of a disk that are not copies from elsewhere.
    fn incremental_of(&self, disk: Uuid, location: &str) -> usize {
        let here = |snapshot: &&Snapshot| {
            snapshot.incremental
                && snapshot.transfer.is_none()
                && snapshot.base.location == location
        };
        self.chain(disk).filter(here).count()
    }

    #[expect(clippy::too_many_arguments, reason = "all of it makes the one snapshot")]
    fn create(
        &mut self,
        id: ResourceId,
        body: &Desired,
        sku: Option<String>,
        mut creation: Creation,
        location: String,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let mut settings = body.settings(Some(&origin.source))?;
        if origin.travels.is_some() && !body.properties.contains_key("encryption") {
            // GUESS: a set is of one region and subscription, so that a copy does not inherit it.
            settings.remove("encryption");
        }
        let size_gb = body.size_gb()?.unwrap_or(0).max(origin.source.size_gb);
        let unique_id = self.new_id();
        let point = origin.point.unwrap_or(Point {
            disk: origin.source.unique_id,
            first: unique_id,
            taken_at: now,
        });
        let family = origin.incremental.then(|| self.family(point.disk, &location));
        let of_disk = origin.source.id.kind == Kind::Disk;
        let image = match self.disks.get_mut(&origin.source.id.key()).filter(|_| of_disk) {
            Some(disk) => {
                disk.taken.retain(|at| now.duration_since(*at) < RATE_WINDOW);
                if origin.incremental {
                    disk.taken.push(now);
                }
                self.layers.freeze(&mut disk.base.image)
            }
            None => origin.source.image.clone(),
        };
        creation.source_unique_id = Some(origin.source.unique_id);
        if origin.source.sector_bytes() == 4096 {
            creation.rest.insert("logicalSectorSize".into(), 4096.into());
        }
        let direct = of_disk && is_direct(&origin.source.sku);
        let background = direct.then(|| {
            let bytes = self.changed_since_last(point.disk, &image);
            self.begin_background(&id, unique_id, bytes, now)
        });
        let sku = sku.unwrap_or_else(|| default_sku(origin.incremental, &location).to_owned());
        let operation = self.begin(
            Effect::Put(id.clone()),
            (&id.subscription, &location),
            Some(unique_id),
            put_duration(&creation),
            now,
        );
        let enhanced = creation.rest.get(COPY_SPEED) == Some(&"Enhanced".into());
        let transfer = origin.travels.as_ref().map(|source| {
            let starts_at = operation.ends_at;
            self.start_transfer(source, id.clone(), unique_id, &location, enhanced, starts_at)
        });
        let base = Managed {
            tags: body.tags.clone(),
            size_gb,
            settings,
            background,
            ..Managed::begun(id, location, sku, creation, unique_id, image, now)
        };
        let key = base.id.key();
        let incremental = origin.incremental;
        self.snapshots.insert(key, Snapshot { base, incremental, family, point, transfer });
        Ok(operation)
    }

    /// A snapshot of nothing: empty, or to be uploaded (compute-snapshots §2.2).
    fn create_blank(
        &mut self,
        id: ResourceId,
        body: &Desired,
        sku: Option<String>,
        creation: Creation,
        location: String,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let upload = (creation.option == "Upload").then_some(Upload::Ready);
        let size_gb = match upload {
            Some(_) => upload_gb(&creation)?,
            None => body.size_gb()?.ok_or_else(size_missing)?,
        };
        let incremental = body.properties.get("incremental") == Some(&true.into());
        let settings = body.settings(None)?;
        let unique_id = self.new_id();
        let point = Point { disk: unique_id, first: unique_id, taken_at: now };
        let family = incremental.then(|| self.new_id());
        let operation = self.begin(
            Effect::Put(id.clone()),
            (&id.subscription, &location),
            Some(unique_id),
            Duration::DiskPut,
            now,
        );
        let sku = sku.unwrap_or_else(|| default_sku(incremental, &location).to_owned());
        let image = self.layers.empty();
        let base = Managed {
            tags: body.tags.clone(),
            size_gb,
            settings,
            upload,
            ..Managed::begun(id, location, sku, creation, unique_id, image, now)
        };
        let key = base.id.key();
        let blank = Snapshot { base, incremental, family, point, transfer: None };
        self.snapshots.insert(key, blank);
        Ok(operation)
    }

    /// How much of `image` the newest snapshot of the disk lacks.
    fn changed_since_last(&self, disk: Uuid, image: &Image) -> u64 {
        let own = self.chain(disk).filter(|snapshot| snapshot.transfer.is_none());
        let last = own.max_by_key(|snapshot| snapshot.point.taken_at);
        last.map_or_else(|| image.full_bytes(), |last| image.delta_bytes(&last.base.image))
    }

    /// One family per disk and region; a copy's differs from its source's (§0.4, §8).
    fn family(&mut self, disk: Uuid, location: &str) -> Uuid {
        let here = |snapshot: &&Snapshot| snapshot.base.location == location;
        let known = self.chain(disk).filter(here).find_map(|snapshot| snapshot.family);
        known.unwrap_or_else(|| self.new_id())
    }

    /// Changes what a PATCH may change.
    pub(crate) fn patch_snapshot(
        &mut self,
        id: &ResourceId,
        body: &Desired,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let snapshot = self.find(id)?;
        check_not_deleting(snapshot)?;
        let (id, location) = (snapshot.id.clone(), snapshot.location.clone());
        self.check_encryption(&id, &body.properties, &location)?;
        let sku = wanted_sku(body, &location)?;
        check_tags(body.tags.as_ref().unwrap_or(&Default::default()))?;
        let effect = (Effect::Patch(id.clone()), Duration::DiskPut);
        self.change_snapshot(&id, body, sku, effect, now)
    }

    fn change_snapshot(
        &mut self,
        id: &ResourceId,
        body: &Desired,
        sku: Option<String>,
        (effect, duration): (Effect, Duration),
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let Some(snapshot) = self.snapshots.get_mut(&id.key()) else {
            return Err(Failure::resource_not_found(id));
        };
        body.apply(&mut snapshot.base, sku)?;
        let (location, unique_id) = (snapshot.base.location.clone(), snapshot.base.unique_id);
        let place = (id.subscription.as_str(), location.as_str());
        Ok(self.begin(effect, place, Some(unique_id), duration, now))
    }
}

fn put_duration(creation: &Creation) -> Duration {
    if creation.is_copy_start() { Duration::CopyStart } else { Duration::SnapshotCopy }
}

/// Checks what `creationData` may have only with some options.
fn check_extras(creation: &Creation) -> Result<(), Failure> {
    if creation.rest.contains_key(INSTANT) && creation.option != "Copy" {
        // As a thread shows it (compute-snapshots §3.5).
        return Err(Failure::new(
            400,
            "InvalidParameter",
            format!(
                "'creationData.{INSTANT}' property is not supported with the '{}' create option. \
                 Supported create option : 'Copy'",
                creation.option
            ),
        )
        .target("creationData.instantAccessDurationMinutes"));
    }
    match creation.rest.get(COPY_SPEED).map(|speed| speed.as_str()) {
        None | Some(Some("None" | "Enhanced")) if creation.is_copy_start() => Ok(()),
        None => Ok(()),
        Some(_) => Err(Failure::guess(
            "copy-speed",
            400,
            "InvalidParameter",
            "provisionedBandwidthCopySpeed takes None or Enhanced, and only with CopyStart.",
        )
        .target("creationData.provisionedBandwidthCopySpeed")),
    }
}

fn source_of(creation: &Creation) -> Result<&str, Failure> {
    creation.source.as_deref().ok_or_else(|| {
        Failure::new(
            400,
            "InvalidParameter",
            "Required parameter 'creationData.sourceResourceId' is missing (null).",
        )
        .target("creationData.sourceResourceId")
    })
}

fn wanted_sku(body: &Desired, location: &str) -> Result<Option<String>, Failure> {
    check_sku(body.sku.as_ref().map(|sku| sku.name.as_str()), SKUS, location)
}

/// Incremental snapshots are zone-redundant where the region has zones (§1.2).
fn default_sku(incremental: bool, location: &str) -> &'static str {
    let zones = region::find(location).is_some_and(|region| region.zones > 0);
    if incremental && zones { "Standard_ZRS" } else { "Standard_LRS" }
}
