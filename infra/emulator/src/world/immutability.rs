//! Immutability policies of snapshots (api-version 2026-03-02, compute-snapshots §1.4): until its
//! time a snapshot is not deleted; a locked policy is only ever made longer.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    World,
    failure::Failure,
    id::ResourceId,
    operations::{Duration, Effect, Operation},
};

/// A policy that is in force or was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Immutability {
    pub(crate) days: i64,
    pub(crate) locked: bool,
    pub(crate) starts_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// The body of `updateImmutabilityPolicy`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WantedPolicy {
    immutability_duration_days: Option<i64>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl World {
    /// Sets or changes the policy of a snapshot.
    pub(crate) fn set_immutability(
        &mut self,
        id: &ResourceId,
        wanted: &WantedPolicy,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let old = self.find(id)?.immutability.filter(|policy| policy.expires_at > now);
        let invalid = |name: &str| {
            let text = format!("The value of parameter '{name}' is invalid.");
            Failure::guess("invalid-value", 400, "InvalidParameter", text).target(name)
        };
        // GUESS: the most days; none is published.
        let days = wanted
            .immutability_duration_days
            .filter(|days| (1..=36_500).contains(days))
            .ok_or_else(|| invalid("immutabilityDurationDays"))?;
        let locked = match wanted.kind.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("locked") => true,
            Some("unlocked") => false,
            _ => return Err(invalid("type")),
        };
        // GUESS: the time counts from the setting of the policy, not from the snapshot's creation.
        let expires_at = now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        if let Some(old) = old.filter(|old| old.locked)
            && (!locked || expires_at < old.expires_at)
        {
            self.guarded(Failure::guess(
                "immutable-locked",
                409,
                "OperationNotAllowed",
                format!(
                    "The immutability policy of {} is locked until {}.",
                    id.name, old.expires_at
                ),
            ))?;
        }
        let starts_at = old.map_or(now, |old| old.starts_at);
        self.store_immutability(id, Immutability { days, locked, starts_at, expires_at }, now)
    }

    /// Locks the policy that a snapshot has.
    pub(crate) fn lock_immutability(
        &mut self,
        id: &ResourceId,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let Some(policy) = self.find(id)?.immutability.filter(|p| p.expires_at > now) else {
            return Err(Failure::guess(
                "immutable-locked",
                409,
                "OperationNotAllowed",
                format!("Snapshot {} has no immutability policy to lock.", id.name),
            ));
        };
        self.store_immutability(id, Immutability { locked: true, ..policy }, now)
    }

    fn store_immutability(
        &mut self,
        id: &ResourceId,
        policy: Immutability,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        let Some(found) = self.managed_mut(id) else {
            return Err(Failure::resource_not_found(id));
        };
        found.immutability = Some(policy);
        let (id, unique_id, location) = (found.id.clone(), found.unique_id, found.location.clone());
        let place = (id.subscription.as_str(), location.as_str());
        Ok(self.begin(Effect::Patch(id.clone()), place, Some(unique_id), Duration::DiskPut, now))
    }

    /// Checks that nothing forbids the deletion of a disk or snapshot.
    pub(super) fn check_deletable(&self, id: &ResourceId, now: Timestamp) -> Result<(), Failure> {
        let Some(found) = self.managed(id) else { return Ok(()) };
        let name = &found.id.name;
        if let Some(owner) = self.disks.get(&id.key()).and_then(|disk| disk.managed_by.as_ref())
            && id.kind == super::id::Kind::Disk
        {
            return Err(Failure::new(
                409,
                "OperationNotAllowed",
                format!("Disk {name} is attached to VM {owner}."),
            ));
        }
        let refuse = |guess, text: String| {
            self.guarded(Failure::guess(guess, 409, "OperationNotAllowed", text))
        };
        if found.sas.is_some() {
            refuse(
                "active-sas",
                format!(
                    "There is an active shared access signature outstanding for disk {name}. Call \
                     EndGetAccess before attaching or deleting the disk."
                ),
            )?;
        }
        if let Some(policy) = found.immutability.filter(|policy| policy.expires_at > now) {
            refuse(
                "immutable",
                format!(
                    "Snapshot {name} is immutable until {} and cannot be deleted.",
                    policy.expires_at
                ),
            )?;
        }
        Ok(())
    }
}
