//! Background copies of Ultra and Premium SSD v2: a snapshot of such a disk, and such a disk made
//! of a snapshot, exist at once and are complete later (compute-snapshots §1.4).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Event, World,
    failure::Failure,
    id::{Kind, ResourceId},
    resource::{Managed, Provisioning, Snapshot},
};

/// Snapshots of one disk that may copy in the background at a time.
const SNAPSHOTS_PER_DISK: usize = 3;

/// Disks that may be made at a time of one snapshot.
const DISKS_PER_SNAPSHOT: usize = 5;

/// Disks that may be made at a time of all instant-access snapshots of one disk.
const DISKS_PER_INSTANT_DISK: usize = 15;

/// Background copies of disks that may run at a time in a subscription.
const PER_SUBSCRIPTION: usize = 50;

/// A background copy.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Background {
    pub(crate) started_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) done: bool,
    /// The source was resized meanwhile.
    pub(crate) failed: bool,
}

impl Background {
    pub(crate) fn percent(&self, now: Timestamp) -> f64 {
        if self.done {
            return 100.0;
        }
        let whole = self.ends_at.duration_since(self.started_at).as_millis().max(1) as f64;
        let passed = now.duration_since(self.started_at).as_millis().max(0) as f64;
        // 100 is said when it is over, not before.
        (passed * 100.0 / whole).min(99.9)
    }
}

/// Whether disks of this sku copy in the background.
pub(crate) fn is_direct(sku: &str) -> bool {
    matches!(sku, "UltraSSD_LRS" | "PremiumV2_LRS")
}

impl World {
    /// Begins the background copy of `bytes` for what is about to be made.
    pub(super) fn begin_background(
        &mut self,
        id: &ResourceId,
        unique_id: Uuid,
        bytes: u64,
        now: Timestamp,
    ) -> Background {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.settings.bandwidth.max(1));
        // The first answer shows 0.0 even if there is nothing to move (compute-snapshots §0.2).
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX).max(3_000_000_000);
        let ends_at = now.saturating_add(SignedDuration::from_nanos(nanos)).unwrap_or(now);
        self.agenda.insert((ends_at, Event::Background(unique_id)));
        self.backgrounds.insert(unique_id, id.clone());
        Background { started_at: now, ends_at, done: false, failed: false }
    }

    pub(super) fn finish_background(&mut self, unique_id: Uuid) {
        let Some(id) = self.backgrounds.remove(&unique_id) else { return };
        if self.managed(&id).is_none_or(|managed| managed.unique_id != unique_id) {
            return;
        }
        if let Some(managed) = self.managed_mut(&id)
            && let Some(background) = &mut managed.background
        {
            background.done = true;
        }
    }

    /// Plans what stored background copies still have to do.
    pub(super) fn resume_backgrounds(&mut self) {
        let disks = self.disks.values().map(|disk| &disk.base);
        let all = disks.chain(self.snapshots.values().map(|snapshot| &snapshot.base));
        let running = all.filter_map(|managed| {
            let background = managed.background.filter(|b| !b.done && !b.failed)?;
            Some((background.ends_at, managed.unique_id, managed.id.clone()))
        });
        let running: Vec<_> = running.collect();
        for (ends_at, unique_id, id) in running {
            self.agenda.insert((ends_at, Event::Background(unique_id)));
            self.backgrounds.insert(unique_id, id);
        }
    }

    /// The snapshots of a disk that still copy.
    fn pending(&self, disk: Uuid) -> impl Iterator<Item = &Snapshot> {
        self.chain(disk)
            .filter(|snapshot| snapshot.base.background.is_some_and(|b| !b.done && !b.failed))
    }

    /// Checks what holds of a new snapshot of an Ultra or Premium SSD v2 disk.
    pub(super) fn check_direct_snapshot(
        &self,
        source: &Managed,
        incremental: bool,
    ) -> Result<(), Failure> {
        let name = &source.id.name;
        if !incremental {
            self.guarded(Failure::guess(
                "premium-v2-full",
                409,
                "OperationNotAllowed",
                format!(
                    "Only incremental snapshots of disk {name} of sku {} can be taken.",
                    source.sku
                ),
            ))?;
        }
        if self.pending(source.unique_id).count() >= SNAPSHOTS_PER_DISK {
            self.guarded(Failure::guess(
                "pending-snapshots",
                409,
                "OperationNotAllowed",
                format!(
                    "Disk {name} has {SNAPSHOTS_PER_DISK} snapshots whose background copy is in \
                     progress. Retry when one of them is complete."
                ),
            ))?;
        }
        Ok(())
    }

    /// Checks what holds of an Ultra or Premium SSD v2 disk that is to be made of `source`.
    pub(super) fn check_direct_restore(
        &self,
        subscription: &str,
        source: &Managed,
    ) -> Result<(), Failure> {
        let disks: Vec<&Managed> = self
            .backgrounds
            .values()
            .filter(|id| id.kind == Kind::Disk)
            .filter_map(|id| self.managed(id))
            .collect();
        let mine = disks.iter().filter(|d| d.id.subscription.eq_ignore_ascii_case(subscription));
        let refuse = |guess, text: String| {
            self.guarded(Failure::guess(guess, 409, "OperationNotAllowed", text))
        };
        if mine.count() >= PER_SUBSCRIPTION {
            refuse(
                "background-copies",
                format!("The subscription has {PER_SUBSCRIPTION} active background copies."),
            )?;
        }
        let of = |unique_id: Uuid| {
            disks.iter().filter(|d| d.creation.source_unique_id == Some(unique_id)).count()
        };
        let snapshot = self.snapshots.get(&source.id.key());
        let instant =
            snapshot.is_some_and(|snapshot| snapshot.base.creation.rest.contains_key(INSTANT));
        let (at_once, most) = match snapshot.filter(|_| instant) {
            Some(snapshot) => {
                let family = self.chain(snapshot.point.disk).map(|other| of(other.base.unique_id));
                (family.sum(), DISKS_PER_INSTANT_DISK)
            }
            None => (of(source.unique_id), DISKS_PER_SNAPSHOT),
        };
        if at_once >= most {
            refuse(
                "restores-at-once",
                format!("{most} disks are being made of snapshot {}.", source.id.name),
            )?;
        }
        Ok(())
    }

    /// A resize makes the snapshots fail that still copy from the disk.
    pub(super) fn fail_pending(&mut self, disk: Uuid) {
        let pending: Vec<ResourceId> =
            self.pending(disk).map(|snapshot| snapshot.base.id.clone()).collect();
        for id in pending {
            if let Some(managed) = self.managed_mut(&id) {
                if let Some(background) = &mut managed.background {
                    background.failed = true;
                }
                managed.provisioning = Provisioning::Failed;
                let unique_id = managed.unique_id;
                self.backgrounds.remove(&unique_id);
            }
        }
    }

    /// Whether a disk can be made of a snapshot at `now`: when it is complete, and of an
    /// instant-access one at once, for as long as that was asked for.
    pub(super) fn is_restorable(&self, snapshot: &Snapshot, now: Timestamp) -> bool {
        self.is_complete(snapshot) || has_instant_access(&snapshot.base, now)
    }
}

/// `creationData` of an instant-access snapshot, and its bounds in minutes.
pub(crate) const INSTANT: &str = "instantAccessDurationMinutes";

pub(super) const INSTANT_MINUTES: std::ops::RangeInclusive<u64> = 60..=300;

/// Whether the time of a snapshot's instant access is not over.
pub(crate) fn has_instant_access(managed: &Managed, now: Timestamp) -> bool {
    let minutes = managed.creation.rest.get(INSTANT).and_then(|minutes| minutes.as_i64());
    minutes.is_some_and(|minutes| {
        now.duration_since(managed.created_at) < SignedDuration::from_mins(minutes)
    })
}
