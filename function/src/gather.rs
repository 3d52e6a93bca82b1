//! Azure's lists → an inventory. What could not be listed is in it, too.

use futures::{StreamExt, stream};
use jiff::Timestamp;
use shared::{Gap, Inventory, Subscription};

use crate::azure::{ArmClient, ArmError};

/// Subscriptions that are listed at a time: Azure's budgets are each subscription's own, and a tick
/// over a hundred of them has minutes for it.
const CONCURRENCY: usize = 32;

/// An inventory and what else the gathering learnt.
pub struct Gathered {
    /// What was listed.
    pub inventory: Inventory,
    /// The tenant's id.
    pub tenant: Option<String>,
}

/// Lists everything in the subscriptions `wanted`, or in all where that is empty.
///
/// Fails only if not even the subscriptions were listed; any later failure is a gap, and so are
/// fewer rights than required: what the lists then leave out would look as if it were gone.
pub async fn gather(
    arm: &ArmClient,
    wanted: &[String],
    host_now: Timestamp,
) -> Result<Gathered, ArmError> {
    let seen = arm.subscriptions().await?;
    let mut inventory = Inventory::empty(seen.date.unwrap_or(host_now));
    inventory.subscriptions = seen
        .subscriptions
        .into_iter()
        .filter(|s| wanted.is_empty() || wanted.iter().any(|id| id.eq_ignore_ascii_case(&s.id)))
        .collect();
    for id in wanted {
        if inventory.subscription(id).is_none() {
            inventory.gaps.push(gap(id, "subscription", "the identity does not see it".to_owned()));
        }
    }
    let subscriptions = inventory.subscriptions.clone();
    let mut parts = stream::iter(subscriptions)
        .map(|subscription| async move { list_one(arm, &subscription).await })
        .buffered(CONCURRENCY);
    while let Some(part) = parts.next().await {
        let new = part.regions.into_iter().filter(|info| inventory.region(&info.region).is_none());
        let new: Vec<_> = new.collect();
        inventory.regions.extend(new);
        inventory.groups.extend(part.groups);
        inventory.disks.extend(part.disks);
        inventory.snapshots.extend(part.snapshots);
        inventory.locks.extend(part.locks);
        inventory.gaps.extend(part.gaps);
    }
    inventory.subscriptions.sort_by(|a, b| a.id.cmp(&b.id));
    inventory.regions.sort_by(|a, b| a.region.cmp(&b.region));
    inventory.groups.sort_by(|a, b| (&a.subscription, &a.name).cmp(&(&b.subscription, &b.name)));
    inventory.disks.sort_by(|a, b| a.id.cmp(&b.id));
    inventory.locks.sort_by(|a, b| (&a.scope, &a.name).cmp(&(&b.scope, &b.name)));
    inventory.snapshots.sort_by(|a, b| a.id.cmp(&b.id));
    inventory.share();
    Ok(Gathered { inventory, tenant: seen.tenant })
}

/// The lists of one subscription, as an inventory of its own.
async fn list_one(arm: &ArmClient, subscription: &Subscription) -> Inventory {
    let id = &subscription.id;
    let (missing, locks, regions, groups, disks, snapshots) = tokio::join!(
        arm.missing_rights(id),
        arm.locks(id),
        arm.regions(id),
        arm.groups(id),
        arm.disks(id),
        arm.snapshots(id)
    );
    let mut part = Inventory::empty(Timestamp::UNIX_EPOCH);
    let missing = or_gap(missing, id, "rights", &mut part.gaps);
    if !missing.is_empty() {
        let message = format!(
            "the identity lacks {}; give it the role with these actions at the subscription",
            missing.join(", ")
        );
        part.gaps.push(gap(id, "rights", message));
    }
    part.locks = or_gap(locks, id, "locks", &mut part.gaps);
    part.regions = or_gap(regions.map(|r| r.to_vec()), id, "regions", &mut part.gaps);
    part.groups = or_gap(groups, id, "resource groups", &mut part.gaps);
    part.disks = or_gap(disks, id, "disks", &mut part.gaps);
    part.snapshots = or_gap(snapshots, id, "snapshots", &mut part.gaps);
    // What is said twice is given back before the next subscription needs as much.
    part.share();
    part
}

fn or_gap<T>(
    listed: Result<Vec<T>, ArmError>,
    subscription: &str,
    what: &str,
    gaps: &mut Vec<Gap>,
) -> Vec<T> {
    listed.unwrap_or_else(|error| {
        let message = error.chain();
        tracing::warn!(subscription, what, message, "a list could not be had");
        gaps.push(gap(subscription, what, message));
        vec![]
    })
}

fn gap(subscription: &str, what: &str, message: String) -> Gap {
    Gap { subscription: subscription.to_owned(), what: what.to_owned(), message }
}
