//! What holds deletions up until a person approves: an edit that shortens retention, and more
//! deletions than the policies foretold.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Context, Reason};
use crate::{model::ResourceId, tags};

/// Deletions that wait for approval, as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Batch {
    /// Hash of the points' unique ids, the reasons and the policy versions: what is approved is
    /// exactly this.
    pub hash: String,
    /// The held points, by id.
    pub points: Vec<Held>,
    /// The policies and versions whose shorter retention the approval accepts.
    pub policies: Vec<(String, u32)>,
}

/// A point whose deletion waits for approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Held {
    /// The point.
    pub id: ResourceId,
    /// Its unique id.
    pub unique_id: String,
    /// Why it is held.
    pub reason: Reason,
}

impl Batch {
    /// The batch of `points`; none where there are none.
    pub(super) fn of(mut points: Vec<Held>, mut policies: Vec<(String, u32)>) -> Option<Self> {
        points.sort_by(|a, b| a.id.cmp(&b.id));
        policies.sort();
        policies.dedup();
        let mut hasher = Sha256::new();
        for held in &points {
            hasher.update(&held.unique_id);
            // The brake's number changes with the estate; that it is the brake does not.
            match &held.reason {
                Reason::HeldByEdit { policy, version } => {
                    hasher.update(format!("\nedit {policy} {version}\n"));
                }
                _ => hasher.update("\nbrake\n"),
            }
        }
        for (policy, version) in &policies {
            hasher.update(format!("{policy} {version}\n"));
        }
        let hash = hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        (!points.is_empty()).then_some(Self { hash, points, policies })
    }
}

/// How far back the brake looks.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// The moment that the brake looks back to.
pub(super) fn window_start(now: Timestamp) -> Timestamp {
    now.checked_sub(WINDOW).unwrap_or(Timestamp::MIN)
}

/// How many points may be marked now: what the policies foretold for the last 24 hours and the
/// margin, less what was marked in them without an approval.
pub(super) fn allowance(context: &Context<'_>, foretold: usize) -> usize {
    let (mut ours, mut marked) = (0, 0);
    let snapshots = context.inventory.snapshots.iter();
    for snapshot in snapshots.filter(|s| s.is_of(&context.limits.installation)) {
        ours += 1;
        let is_marked = snapshot.delete_after().is_some_and(|at| at > context.now)
            && tags::read(&snapshot.tags, tags::APPROVED).is_none();
        marked += usize::from(is_marked);
    }
    let margin = context.limits.brake_points.max(ours * context.limits.brake_percent / 100);
    (foretold + margin).saturating_sub(marked)
}
