//! Long-running operations: what a 202 promises and when it is done.
//!
//! The effect of a PUT stands from its acceptance (the content of a snapshot is that of the
//! moment of the request); the operation only ends its `Updating`. A deletion takes place when its
//! operation ends. URLs and status documents are in `arm/operations.rs`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, World, id::ResourceId, path::ResourcePath, resource::Provisioning};

/// Finished operations that are kept for clients that still poll.
const KEPT: usize = 10_000;

/// What an operation does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Effect {
    Put(ResourceId),
    Patch(ResourceId),
    Delete(ResourceId),
    /// The path and query of the SAS that was given.
    Grant {
        id: ResourceId,
        url: String,
    },
    Revoke(ResourceId),
    DeleteGroup {
        subscription: String,
        name: String,
    },
    /// A change of what is neither disk nor snapshot; its JSON has no place in the status.
    Tenant {
        path: ResourcePath,
        deletes: bool,
    },
}

/// An accepted operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) id: Uuid,
    pub(crate) subscription: String,
    pub(crate) location: String,
    pub(crate) started_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) done: bool,
    /// The `uniqueId` of the resource: a successor of the same name is not this one's affair.
    pub(crate) unique_id: Option<Uuid>,
    pub(crate) effect: Effect,
}

/// How long each kind takes, from the middle of what was seen (compute-snapshots §3.1).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Duration {
    DiskPut,
    SnapshotCopy,
    CopyStart,
    Delete,
    Access,
    GroupDelete,
    /// GUESS: a machine's or an encryption set's; the recorded ones were seen when they were over.
    Tenant,
}

impl Duration {
    fn span(self) -> SignedDuration {
        SignedDuration::from_millis(match self {
            Self::DiskPut => 100,
            Self::SnapshotCopy => 1000,
            Self::CopyStart => 1600,
            Self::Delete => 350,
            Self::Access => 200,
            // GUESS: recorded deletions of groups last from seconds to minutes.
            Self::GroupDelete => 5000,
            Self::Tenant => 1000,
        })
    }
}

impl World {
    /// Accepts an operation.
    pub(crate) fn begin(
        &mut self,
        effect: Effect,
        (subscription, location): (&str, &str),
        unique_id: Option<Uuid>,
        duration: Duration,
        now: Timestamp,
    ) -> Operation {
        let operation = Operation {
            id: self.new_id(),
            subscription: subscription.to_owned(),
            location: location.to_owned(),
            started_at: now,
            ends_at: now.saturating_add(duration.span()).unwrap_or(now),
            done: false,
            unique_id,
            effect,
        };
        self.agenda.insert((operation.ends_at, Event::Operation(operation.id)));
        self.operations.insert(operation.id.to_string(), operation.clone());
        self.forget_old_operations();
        operation
    }

    /// Drops the oldest finished ones beyond those that are kept.
    fn forget_old_operations(&mut self) {
        while self.operations.len() > KEPT
            && let Some(oldest) = self.finished.pop_front()
        {
            self.operations.remove(&oldest.to_string());
        }
    }

    /// Puts the finished ones in the order of their ends, as they were before a stop.
    pub(super) fn resume_finished(&mut self) {
        let done = self.operations.values().filter(|operation| operation.done);
        let mut done: Vec<(Timestamp, Uuid)> = done.map(|o| (o.ends_at, o.id)).collect();
        done.sort();
        self.finished = done.into_iter().map(|(_, id)| id).collect();
    }

    /// Ends an operation and carries out what it promised.
    pub(super) fn finish_operation(&mut self, id: Uuid) {
        let Some(operation) = self.operations.get_mut(&id.to_string()) else { return };
        operation.done = true;
        self.finished.push_back(id);
        let operation = operation.clone();
        match &operation.effect {
            Effect::Put(target) | Effect::Patch(target) => {
                let same = |unique_id| Some(unique_id) == operation.unique_id;
                if let Some(resource) = self.managed_mut(target)
                    && same(resource.unique_id)
                {
                    resource.settled = true;
                    if resource.provisioning == Provisioning::Updating {
                        resource.provisioning = Provisioning::Succeeded;
                    }
                }
            }
            Effect::Delete(target) => {
                let same = self.managed(target).map(|r| r.unique_id) == operation.unique_id;
                if same {
                    self.remove(target, operation.ends_at);
                }
            }
            // Both took effect when they were accepted.
            Effect::Grant { .. } | Effect::Revoke(_) => {}
            Effect::DeleteGroup { subscription, name } => {
                self.remove_group(subscription, name, operation.ends_at);
            }
            Effect::Tenant { path, deletes } => self.finish_tenant(path, *deletes),
        }
    }
}
