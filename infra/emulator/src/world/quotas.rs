//! Quotas of a subscription in a region, and what is used of them.

use serde::{Deserialize, Serialize};

use super::{World, failure::Failure, resource::Disk};

/// A limit that a person set in place of Azure's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quota {
    pub(crate) subscription: String,
    pub(crate) location: String,
    /// The usage's name: `PremiumDiskCount`, ….
    pub(crate) name: String,
    pub(crate) limit: u64,
}

/// Disks of one type in a subscription and region (compute-snapshots §1.4).
const DISKS: u64 = 50_000;

/// The counted kinds of disks: Azure's name, what people read, and the skus.
///
/// GUESS: the names of the last two; no such answer is recorded.
pub(crate) const DISK_COUNTS: &[(&str, &str, &[&str])] = &[
    ("StandardDiskCount", "Standard Storage Managed Disks", &["Standard_LRS"]),
    ("PremiumDiskCount", "Premium Storage Managed Disks", &["Premium_LRS", "Premium_ZRS"]),
    (
        "StandardSSDDiskCount",
        "StandardSSD Storage Managed Disks",
        &["StandardSSD_LRS", "StandardSSD_ZRS"],
    ),
    ("UltraSSDDiskCount", "UltraSSD Storage Managed Disks", &["UltraSSD_LRS"]),
    ("PremiumV2DiskCount", "PremiumV2 Storage Managed Disks", &["PremiumV2_LRS"]),
];

/// The key of a quota.
pub(crate) fn quota_key(subscription: &str, location: &str, name: &str) -> String {
    format!("{subscription}/{location}/{name}").to_ascii_lowercase()
}

impl World {
    pub(crate) fn quota(&self, subscription: &str, location: &str, name: &str) -> u64 {
        let set = self.tenant.quotas.get(&quota_key(subscription, location, name));
        set.map_or(DISKS, |quota| quota.limit)
    }

    pub(crate) fn disks_used(&self, subscription: &str, location: &str, skus: &[&str]) -> u64 {
        let scope = format!("/subscriptions/{}/", subscription.to_ascii_lowercase());
        let counts =
            |disk: &Disk| disk.base.location == location && skus.contains(&disk.base.sku.as_str());
        let used = self.disks.under(&scope, None).filter(|(_, disk)| counts(disk)).count();
        u64::try_from(used).unwrap_or(u64::MAX)
    }

    /// Refuses a new disk beyond a quota that somebody set; Azure's own is kept in `disks.rs`.
    pub(crate) fn check_quota(
        &self,
        subscription: &str,
        location: &str,
        sku: &str,
    ) -> Result<(), Failure> {
        let counted = DISK_COUNTS
            .iter()
            .find(|(_, _, skus)| skus.iter().any(|s| s.eq_ignore_ascii_case(sku)));
        let Some((name, _, skus)) = counted else { return Ok(()) };
        let Some(quota) = self.tenant.quotas.get(&quota_key(subscription, location, name)) else {
            return Ok(());
        };
        let limit = quota.limit;
        let used = self.disks_used(subscription, location, skus);
        if used < limit {
            return Ok(());
        }
        // GUESS: the words are those of other quotas of Microsoft.Compute.
        Err(Failure::new(
            409,
            "OperationNotAllowed",
            format!(
                "Operation could not be completed as it results in exceeding approved {name} \
                 Quota. Additional details - Deployment Model: Resource Manager, Location: \
                 {location}, Current Limit: {limit}, Current Usage: {used}, Additional Required: \
                 1, (Minimum) New Limit Required: {}.",
                used + 1
            ),
        ))
    }
}
