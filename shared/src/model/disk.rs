//! A managed disk as it was listed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{NetworkAccess, Region, ResourceId};

/// A managed disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disk {
    /// Its ARM id. A disk deleted and made again under its old name has the same one.
    pub id: ResourceId,
    /// Azure's `uniqueId`: what tells a disk from its namesake of yesterday.
    pub unique_id: String,
    /// Where it lives.
    pub region: Region,
    /// Provisioned size.
    pub size_bytes: u64,
    /// Azure's sku name, such as `Premium_LRS`.
    pub sku: String,
    /// `Linux` or `Windows` for an OS disk; none for a data disk.
    pub os: Option<String>,
    /// The ARM id in `managedBy`, as Azure spells it; none while unattached.
    pub managed_by: Option<String>,
    /// Availability zones that it is pinned to.
    pub zones: Vec<String>,
    /// Azure's `diskState`.
    pub state: String,
    /// When Azure made it.
    pub created_at: Option<Timestamp>,
    /// Who may export its bytes over the network.
    pub network_access: NetworkAccess,
    /// The disk encryption set, where a customer's key is used.
    pub encryption_set: Option<String>,
    /// 512 or 4096, where Azure says so (Ultra and Premium SSD v2).
    pub logical_sector_size: Option<u32>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What a disk is attached to, read from `managedBy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A virtual machine; an instance of a flexible scale set is one, too.
    VirtualMachine(String),
    /// An instance of a uniform scale set: the set's name and the instance's id.
    ScaleSetInstance(String, String),
    /// Something of another type: its last name.
    Other(String),
}

impl Disk {
    /// Reads the owner from `managedBy`.
    pub fn owner(&self) -> Option<Owner> {
        let parts: Vec<&str> = self.managed_by.as_deref()?.split('/').collect();
        let after = |kind: &str| {
            let at = parts.iter().position(|part| part.eq_ignore_ascii_case(kind))?;
            parts.get(at + 1).map(|name| (*name).to_owned())
        };
        let machine = after("virtualMachines");
        Some(match (after("virtualMachineScaleSets"), machine) {
            (Some(set), Some(instance)) => Owner::ScaleSetInstance(set, instance),
            (_, Some(name)) => Owner::VirtualMachine(name),
            _ => Owner::Other((*parts.last()?).to_owned()),
        })
    }

    /// Whether snapshots of it must be incremental and are filled in the background
    /// (compute-snapshots §1.4).
    pub fn is_ultra_or_premium_v2(&self) -> bool {
        ["UltraSSD_LRS", "PremiumV2_LRS"].iter().any(|sku| sku.eq_ignore_ascii_case(&self.sku))
    }
}
