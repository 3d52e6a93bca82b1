//! `CopyStart`: what must travel, how far it is, and how it ends.
//!
//! Rules (compute-snapshots §1.6): the delta is taken against the most recent earlier snapshot of
//! the same disk in the target region, if the source region still has that one too; else all
//! goes. The source must live until the end. Bytes move at the set bandwidth of the emulator's
//! clock; one copy does not slow another.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, World, failure::Failure, id::ResourceId, resource::Snapshot};

/// How a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TransferState {
    Moving,
    Complete,
    /// The source was deleted before the end.
    SourceGone,
    /// The target was deleted before the end.
    Abandoned,
    /// A fault let it fail.
    Failed,
}

/// What a fault has in store for a copy; it outlives the process, since the copy does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// Goes no further until it is released.
    Stall { percent: f64 },
    /// Ends there. The code is that of `copyCompletionError`.
    Fail { percent: f64, code: Option<String> },
}

impl Trouble {
    fn percent(&self) -> f64 {
        match self {
            Self::Stall { percent } | Self::Fail { percent, .. } => *percent,
        }
    }
}

/// One `CopyStart`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Transfer {
    pub(crate) target: ResourceId,
    pub(crate) target_location: String,
    pub(crate) source: ResourceId,
    pub(crate) source_unique_id: Uuid,
    pub(crate) disk: Uuid,
    /// The snapshot in the target region against which the delta is taken.
    pub(crate) base: Option<ResourceId>,
    pub(crate) bytes_total: u64,
    /// Whether `provisionedBandwidthCopySpeed` is `Enhanced`.
    #[serde(default)]
    pub(crate) enhanced: bool,
    pub(crate) started_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
    /// Changes only by `Table::update`, since an index reads it.
    state: TransferState,
    #[serde(default)]
    pub(crate) trouble: Option<Trouble>,
    /// What had moved at `since`.
    moved: u64,
    since: Timestamp,
}

impl Transfer {
    pub(crate) fn state(&self) -> TransferState {
        self.state
    }

    /// What has moved at `now`, at `bandwidth` bytes per second since the last change of it.
    pub(crate) fn moved(&self, now: Timestamp, bandwidth: u64) -> u64 {
        if self.state != TransferState::Moving || now <= self.since {
            return self.moved;
        }
        let nanos = now.duration_since(self.since).as_nanos().max(0) as u128;
        let more = nanos * self.pace(bandwidth) / 1_000_000_000;
        self.moved.saturating_add(u64::try_from(more).unwrap_or(u64::MAX)).min(self.limit())
    }

    pub(crate) fn percent(&self, now: Timestamp, bandwidth: u64) -> f64 {
        match self.state {
            TransferState::Complete => 100.0,
            _ => match (&self.trouble, self.moved(now, bandwidth)) {
                (Some(trouble), moved) if moved >= self.limit() && now > self.since => {
                    trouble.percent()
                }
                _ if self.bytes_total == 0 => 0.0,
                (_, moved) => moved as f64 * 100.0 / self.bytes_total as f64,
            },
        }
    }

    /// Bytes per second. GUESS: enhanced is twice as fast; no figure is published.
    fn pace(&self, bandwidth: u64) -> u128 {
        u128::from(bandwidth) * if self.enhanced { 2 } else { 1 }
    }

    /// How much moves before it ends or stalls; what has moved stays moved.
    fn limit(&self) -> u64 {
        let part = |trouble: &Trouble| (self.bytes_total as f64 * trouble.percent() / 100.0) as u64;
        let limit = self.trouble.as_ref().map_or(self.bytes_total, part);
        limit.min(self.bytes_total).max(self.moved)
    }

    /// When it will be done, if nothing changes.
    fn ends_at(&self, bandwidth: u64) -> Option<Timestamp> {
        let left = self.limit().saturating_sub(self.moved);
        let stalls = matches!(self.trouble, Some(Trouble::Stall { .. }));
        if stalls || left > 0 && bandwidth == 0 {
            return None;
        }
        let nanos = (u128::from(left) * 1_000_000_000).div_ceil(self.pace(bandwidth).max(1));
        // The first GET shows 0.0 even if there is nothing to move (compute-snapshots §0.2).
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX).max(1_000_000);
        self.since.saturating_add(SignedDuration::from_nanos(nanos)).ok()
    }
}

/// Copies without a target that counters still tell of.
const KEPT: usize = 10_000;

impl World {
    /// Forgets the oldest copies whose targets are gone; what they moved stays counted.
    pub(super) fn forget_old_transfers(&mut self, gone: String) {
        self.gone_transfers.push_back(gone);
        while self.gone_transfers.len() > KEPT
            && let Some(key) = self.gone_transfers.pop_front()
        {
            if let Some(transfer) = self.transfers.remove(&key) {
                self.settings_mut().bytes_moved_before += transfer.moved;
            }
        }
    }

    /// Finds the copies whose targets are gone, oldest first.
    pub(super) fn find_gone_transfers(&mut self) {
        let targets = self.snapshots.values().filter_map(|snapshot| snapshot.transfer.as_deref());
        let targets: BTreeSet<&str> = targets.collect();
        let gone = self.transfers.iter().filter(|(key, _)| !targets.contains(key.as_str()));
        let mut gone: Vec<_> = gone.map(|(key, t)| (t.started_at, key.clone())).collect();
        gone.sort();
        self.gone_transfers = gone.into_iter().map(|(_, key)| key).collect();
    }

    /// Checks the rules of §1.4 and §1.6 that hold between copies of one disk.
    pub(super) fn check_transfer(
        &self,
        source: &Snapshot,
        target: &ResourceId,
        location: &str,
    ) -> Result<(), Failure> {
        let moving = self.transfers.index();
        let refused = |guess, text: &str| {
            self.guarded(Failure::guess(guess, 409, "OperationNotAllowed", text))
        };
        if moving.of_disk(source.point.disk) > 0 {
            refused(
                "copy-ongoing",
                "Another CopyStart of a snapshot of the same disk is in progress. Only one \
                 incremental snapshot of a disk can be copied at a time.",
            )?;
        }
        if moving.at_place(&target.subscription, location) >= 100 {
            refused(
                "copy-too-many",
                "The number of ongoing CopyStart requests has reached the limit of 100 for this \
                 subscription in this region.",
            )?;
        }
        let later = |snapshot: &Snapshot| {
            snapshot.transfer.is_some()
                && snapshot.base.location == location
                && snapshot.point.taken_at > source.point.taken_at
        };
        if self.chain(source.point.disk).any(later) {
            refused(
                "copy-order",
                "Incremental snapshots must be copied in the order in which they were created: a \
                 later snapshot of the disk is already in the target region.",
            )?;
        }
        Ok(())
    }

    /// Finds the base in the target region, if the delta can be taken against it.
    fn find_base(&self, source: &Snapshot, location: &str) -> Option<&Snapshot> {
        let same_region = source.base.location == location;
        let base = self
            .chain(source.point.disk)
            .filter(|candidate| {
                candidate.base.location == location
                    && candidate.incremental
                    && candidate.point.taken_at <= source.point.taken_at
                    // GUESS: inside one region only copies are in the store that is copied to.
                    && (!same_region || candidate.transfer.is_some())
                    && self.is_complete(candidate)
            })
            .max_by_key(|candidate| (candidate.point.taken_at, candidate.base.created_at))?;
        let at_source = self.chain(source.point.disk).any(|candidate| {
            candidate.base.location == source.base.location
                && candidate.incremental
                && candidate.point.first == base.point.first
                && self.is_complete(candidate)
                && (!same_region || candidate.transfer.is_none())
        });
        // A resize across 4 TB breaks the difference (compute-snapshots §1.6.8).
        let boundary = 4096;
        let same_side = (base.base.size_gb > boundary) == (source.base.size_gb > boundary);
        (at_source && same_side).then_some(base)
    }

    /// Starts moving `source` to `target`; `starts_at` is when the accepted operation ends.
    pub(super) fn start_transfer(
        &mut self,
        source: &Snapshot,
        target: ResourceId,
        target_unique_id: Uuid,
        location: &str,
        enhanced: bool,
        starts_at: Timestamp,
    ) -> String {
        let base = self.find_base(source, location);
        let bytes_total = base.map_or_else(
            || source.base.image.full_bytes(),
            |base| source.base.image.delta_bytes(&base.base.image),
        );
        let transfer = Transfer {
            target,
            target_location: location.to_owned(),
            source: source.base.id.clone(),
            source_unique_id: source.base.unique_id,
            disk: source.point.disk,
            base: base.map(|base| base.base.id.clone()),
            bytes_total,
            enhanced,
            started_at: starts_at,
            completed_at: None,
            state: TransferState::Moving,
            trouble: None,
            moved: 0,
            since: starts_at,
        };
        let key = target_unique_id.to_string();
        if let Some(end) = transfer.ends_at(self.settings.bandwidth) {
            self.agenda.insert((end, Event::Transfer(target_unique_id)));
        }
        self.transfers.insert(key.clone(), transfer);
        key
    }

    pub(super) fn finish_transfer(&mut self, id: Uuid, at: Timestamp) {
        let key = id.to_string();
        if self.transfers.index().contains(&key) {
            self.transfers.update(&key, |transfer| {
                transfer.moved = transfer.limit();
                if transfer.trouble.is_some() {
                    transfer.state = TransferState::Failed;
                } else {
                    transfer.state = TransferState::Complete;
                    transfer.completed_at = Some(at);
                }
            });
        }
    }

    /// Ends the copies that lose their source or their target with `gone`.
    pub(super) fn break_transfers(&mut self, gone: Uuid, at: Timestamp) {
        let bandwidth = self.settings.bandwidth;
        let target = gone.to_string();
        let mut broken: Vec<String> =
            self.transfers.index().of_source(gone).map(str::to_owned).collect();
        if self.transfers.index().contains(&target) {
            broken.push(target.clone());
        }
        for key in broken {
            let state =
                if key == target { TransferState::Abandoned } else { TransferState::SourceGone };
            self.transfers.update(&key, |transfer| {
                transfer.moved = transfer.moved(at, bandwidth);
                transfer.state = state;
            });
        }
    }

    /// Changes the bandwidth; what has moved so far moved at the old one.
    pub(crate) fn set_bandwidth(&mut self, bytes_per_second: u64, now: Timestamp) {
        let old = self.settings.bandwidth;
        self.settings_mut().bandwidth = bytes_per_second;
        self.agenda.retain(|(_, event)| !matches!(event, Event::Transfer(_)));
        let moving: Vec<String> = self.transfers.index().keys().map(str::to_owned).collect();
        for key in moving {
            let Some(transfer) = self.transfers.get_mut(&key) else { continue };
            if now > transfer.since {
                transfer.moved = transfer.moved(now, old);
                transfer.since = now;
            }
        }
        self.plan_transfers();
    }

    /// Lets a copy that moves stall or fail, or go on (`None`); tells whether there is one.
    pub(crate) fn trouble_copy(
        &mut self,
        target: &ResourceId,
        trouble: Option<Trouble>,
        now: Timestamp,
    ) -> bool {
        let bandwidth = self.settings.bandwidth;
        let found = self.snapshots.get(&target.key()).and_then(|s| s.transfer.clone());
        let Some(key) = found.filter(|key| self.transfers.index().contains(key)) else {
            return false;
        };
        let Some(transfer) = self.transfers.get_mut(&key) else { return false };
        if now > transfer.since {
            transfer.moved = transfer.moved(now, bandwidth);
            transfer.since = now;
        }
        transfer.trouble = trouble;
        let end = transfer.ends_at(bandwidth);
        if let Ok(id) = key.parse() {
            self.agenda.retain(|(_, event)| *event != Event::Transfer(id));
            self.agenda.extend(end.map(|end| (end, Event::Transfer(id))));
        }
        true
    }

    /// Notes when each moving copy ends.
    pub(super) fn plan_transfers(&mut self) {
        let bandwidth = self.settings.bandwidth;
        for key in self.transfers.index().keys() {
            let end = self.transfers.get(key).and_then(|transfer| transfer.ends_at(bandwidth));
            if let (Some(end), Ok(id)) = (end, key.parse()) {
                self.agenda.insert((end, Event::Transfer(id)));
            }
        }
    }

    /// Whether a snapshot's content can be used.
    pub(crate) fn is_complete(&self, snapshot: &Snapshot) -> bool {
        if snapshot.base.background.is_some_and(|background| !background.done) {
            return false;
        }
        match snapshot.transfer.as_deref().map(|key| self.transfers.get(key)) {
            None => true,
            Some(transfer) => transfer.is_some_and(|t| t.state == TransferState::Complete),
        }
    }
}
