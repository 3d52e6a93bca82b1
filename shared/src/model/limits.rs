//! What a plan must keep within: Azure's limits and our own.

use serde::{Deserialize, Serialize};

/// Limits of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// This deployment's id: what it made, it may delete.
    pub installation: String,
    /// Where it may write. A new installation may nowhere: it observes.
    pub writes: Writes,
    /// Whether the host's clock agrees with Azure's to within 5 minutes; if not, nothing is deleted.
    pub clock_agrees: bool,
    /// Steps in one tick and subscription that is written to, so that each subscription's part of a
    /// tick ends well within the function's time.
    pub steps_per_tick: usize,
    /// Deletions in one tick and subscription.
    pub deletes_per_tick: usize,
    /// Incremental snapshots of one disk, by Azure's limit of 500 (compute-snapshots §1.3).
    pub snapshots_per_disk: usize,
    /// Copies in flight to one subscription and region, by Azure's limit of 100 (§1.4).
    pub copies_in_flight: usize,
    /// How long a point stays marked before it is deleted.
    pub delete_after_hours: u32,
    /// Points that may be marked in 24 hours over what the policies foretold.
    pub brake_points: usize,
    /// The same as a part of all points of ours; the larger of the two counts.
    pub brake_percent: usize,
    /// Snapshots of a disk from which on points are given up for a target that does not take
    /// them, so that it does not fill Azure's 500.
    pub thin_above: usize,
    /// How old a disk must be before a group, subscription or tag enrols it.
    pub enrol_after_hours: u32,
    /// What a delta is taken to move, of the disk's size: Azure tells no delta's size before the
    /// copy. Used for stop-loss only.
    pub delta_percent: u64,
    /// How long a step that Azure refuses for a lasting reason is left alone.
    pub retry_refused_hours: u32,
}

/// The subscriptions that may be written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", content = "subscriptions", rename_all = "snake_case")]
pub enum Writes {
    /// Any: only for the embedded local Azure.
    Everywhere,
    /// These alone; an empty list observes.
    Only(Vec<String>),
}

impl Writes {
    /// Whether `subscription` may be written to.
    pub fn allow(&self, subscription: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Only(list) => list.iter().any(|id| id.eq_ignore_ascii_case(subscription)),
        }
    }

    /// Whether nothing at all may be written.
    pub fn observe_only(&self) -> bool {
        matches!(self, Self::Only(list) if list.is_empty())
    }
}

impl Limits {
    /// The limits that Azure documents, for an installation that may write where `writes` says.
    pub fn new(installation: &str, writes: Writes) -> Self {
        Self {
            installation: installation.to_owned(),
            writes,
            clock_agrees: true,
            steps_per_tick: 1_000,
            deletes_per_tick: 100,
            snapshots_per_disk: 500,
            copies_in_flight: 100,
            delete_after_hours: 24,
            brake_points: 10,
            brake_percent: 2,
            thin_above: 400,
            enrol_after_hours: 24,
            delta_percent: 10,
            retry_refused_hours: 24,
        }
    }
}
