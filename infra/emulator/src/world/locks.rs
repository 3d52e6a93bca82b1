//! Management locks, at a subscription, a group or a resource, and what they forbid.

use serde::{Deserialize, Serialize};

use super::{World, failure::Failure, path::within};

/// How much a lock forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Level {
    CanNotDelete,
    ReadOnly,
}

/// A lock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lock {
    /// The id of what it locks, as it was written.
    pub(crate) scope: String,
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) notes: Option<String>,
}

impl Lock {
    pub(crate) fn id(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/locks/{}", self.scope, self.name)
    }
}

/// The key of a lock.
pub(crate) fn lock_key(scope: &str, name: &str) -> String {
    format!("{scope}/providers/microsoft.authorization/locks/{name}").to_ascii_lowercase()
}

/// What is asked of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Write,
    Delete,
}

impl World {
    /// Refuses what a lock on the scope, above it or (for deletions) in it forbids.
    pub(crate) fn check_locks(&self, scope: &str, deed: Deed) -> Result<(), Failure> {
        let key = scope.to_ascii_lowercase();
        let strikes = |lock: &&Lock| {
            let at = lock.scope.to_ascii_lowercase();
            let above = within(&key, &at);
            match deed {
                Deed::Write => above && lock.level == Level::ReadOnly,
                Deed::Delete => above || within(&at, &key),
            }
        };
        let mut locked: Vec<&str> =
            self.tenant.locks.values().filter(strikes).map(|lock| lock.scope.as_str()).collect();
        locked.dedup();
        if locked.is_empty() {
            return Ok(());
        }
        let deed = match deed {
            Deed::Write => "write",
            Deed::Delete => "delete",
        };
        Err(Failure::gateway(
            409,
            "ScopeLocked",
            format!(
                "The scope '{scope}' cannot perform {deed} operation because following scope(s) \
                 are locked: '{}'. Please remove the lock and try again.",
                locked.join(",")
            ),
        ))
    }
}
