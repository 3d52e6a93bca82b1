//! Azure's JSON of disks, snapshots, groups and regions, read leniently into the model.
//!
//! Written from the published descriptions (compute-snapshots §2). Casing and unknown values
//! differ between API versions; nothing here fails for them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use shared::{
    Disk, Group, NetworkAccess, PointState, Region, RegionInfo, ResourceId, Snapshot, Subscription,
    model::{Lock, LockLevel},
};

/// A resource's envelope.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource<P> {
    id: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    sku: Option<Sku>,
    #[serde(default)]
    managed_by: Option<String>,
    #[serde(default)]
    zones: Option<Vec<String>>,
    properties: P,
}

#[derive(Deserialize)]
struct Sku {
    name: String,
}

/// `properties` of a disk or a snapshot; each has some of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Properties {
    time_created: Option<String>,
    os_type: Option<String>,
    creation_data: Option<CreationData>,
    #[serde(rename = "diskSizeGB")]
    disk_size_gb: Option<u64>,
    disk_size_bytes: Option<u64>,
    disk_state: Option<String>,
    unique_id: Option<String>,
    provisioning_state: Option<String>,
    incremental: Option<bool>,
    encryption: Option<Encryption>,
    network_access_policy: Option<String>,
    completion_percent: Option<f64>,
    copy_completion_error: Option<CopyError>,
    incremental_snapshot_family_id: Option<String>,
    immutability_policy: Option<ImmutabilityPolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreationData {
    create_option: Option<String>,
    source_resource_id: Option<String>,
    source_unique_id: Option<String>,
    logical_sector_size: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Encryption {
    disk_encryption_set_id: Option<String>,
}

/// Until its time Azure does not delete the snapshot (compute-snapshots §1.4).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImmutabilityPolicy {
    policy_expiration_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CopyError {
    error_code: Option<String>,
    error_message: Option<String>,
}

/// An id that cannot be read: the resource is left out, and the list counts as incomplete.
pub(super) type Unreadable = String;

impl Resource<Properties> {
    pub(super) fn into_disk(self) -> Result<Disk, Unreadable> {
        let id: ResourceId = self.id.parse().map_err(|_| self.id.clone())?;
        let size_bytes = self.properties.size_bytes();
        let created_at = self.properties.created_at();
        let properties = self.properties;
        let creation = properties.creation_data.as_ref();
        Ok(Disk {
            id,
            unique_id: properties.unique_id.unwrap_or_default(),
            region: Region::new(&self.location),
            size_bytes,
            sku: self.sku.map_or_else(String::new, |sku| sku.name),
            os: properties.os_type,
            managed_by: self.managed_by.filter(|id| !id.is_empty()),
            zones: self.zones.unwrap_or_default(),
            state: properties.disk_state.unwrap_or_default(),
            created_at,
            network_access: network_access(properties.network_access_policy.as_deref()),
            encryption_set: properties.encryption.and_then(|e| e.disk_encryption_set_id),
            logical_sector_size: creation.and_then(|data| data.logical_sector_size),
            tags: self.tags.unwrap_or_default(),
        })
    }

    pub(super) fn into_snapshot(self) -> Result<Snapshot, Unreadable> {
        let id: ResourceId = self.id.parse().map_err(|_| self.id.clone())?;
        let size_bytes = self.properties.size_bytes();
        let created_at = self.properties.created_at();
        let state = self.properties.state();
        let properties = self.properties;
        let is_copy = properties.is_copy();
        let creation = properties.creation_data;
        let source = creation.as_ref().and_then(|data| data.source_resource_id.as_deref());
        Ok(Snapshot {
            id,
            unique_id: properties.unique_id.unwrap_or_default(),
            region: Region::new(&self.location),
            incremental: properties.incremental.unwrap_or(false),
            is_copy,
            source_id: source.and_then(|id| id.parse().ok()),
            source_unique_id: creation.and_then(|data| data.source_unique_id).map(Into::into),
            family_id: properties.incremental_snapshot_family_id.map(Into::into),
            size_bytes,
            sku: self.sku.map_or_else(String::new, |sku| sku.name),
            created_at,
            network_access: network_access(properties.network_access_policy.as_deref()),
            state,
            immutable_until: properties.immutability_policy.map(|policy| policy.until()),
            tags: self.tags.unwrap_or_default().into(),
        })
    }
}

impl ImmutabilityPolicy {
    /// A policy whose end cannot be read holds for ever.
    fn until(&self) -> Timestamp {
        let until = self.policy_expiration_time.as_deref().and_then(|text| text.parse().ok());
        until.unwrap_or(Timestamp::MAX)
    }
}

impl Properties {
    fn size_bytes(&self) -> u64 {
        self.disk_size_bytes.or(self.disk_size_gb.map(|gb| gb << 30)).unwrap_or_default()
    }

    fn created_at(&self) -> Option<Timestamp> {
        self.time_created.as_deref()?.parse().ok()
    }

    fn is_copy(&self) -> bool {
        let option = self.creation_data.as_ref().and_then(|data| data.create_option.as_deref());
        option.is_some_and(|option| option.eq_ignore_ascii_case("CopyStart"))
    }

    /// `Succeeded` alone does not make a copy a recovery point (compute-snapshots §0.1), and a
    /// failed copy may say so in either place (§2.4).
    fn state(&self) -> PointState {
        if let Some(error) = &self.copy_completion_error {
            return PointState::Failed {
                code: error.error_code.clone().unwrap_or_else(|| "CopyFailed".to_owned()),
                message: error
                    .error_message
                    .clone()
                    .unwrap_or_else(|| "the copy failed".to_owned()),
            };
        }
        let provisioning = self.provisioning_state.as_deref().unwrap_or_default();
        match provisioning.to_ascii_lowercase().as_str() {
            "failed" | "canceled" => {
                return PointState::Failed {
                    code: "ProvisioningFailed".to_owned(),
                    message: "Azure could not make it".to_owned(),
                };
            }
            "succeeded" => {}
            _ => return PointState::Creating,
        }
        match self.completion_percent {
            Some(percent) if percent < 100.0 => PointState::Copying { percent: Some(percent) },
            Some(_) => PointState::Ready,
            None if self.is_copy() => PointState::Copying { percent: None },
            None => PointState::Ready,
        }
    }
}

/// An unknown or absent policy counts as Azure's default, the widest.
fn network_access(text: Option<&str>) -> NetworkAccess {
    let text = text.unwrap_or_default();
    [NetworkAccess::DenyAll, NetworkAccess::AllowPrivate]
        .into_iter()
        .find(|access| access.name().eq_ignore_ascii_case(text))
        .unwrap_or(NetworkAccess::AllowAll)
}

/// A subscription, and the tenant that it is in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSubscription {
    subscription_id: Option<String>,
    id: String,
    display_name: Option<String>,
    tenant_id: Option<String>,
}

impl WireSubscription {
    pub(super) fn into_parts(self) -> (Subscription, Option<String>) {
        let last = self.id.rsplit('/').next().unwrap_or_default().to_owned();
        let id = self.subscription_id.unwrap_or(last);
        let name = self.display_name.unwrap_or_else(|| id.clone());
        (Subscription { id, name }, self.tenant_id)
    }
}

/// A resource group.
#[derive(Deserialize)]
pub(super) struct WireGroup {
    name: String,
    location: String,
}

impl WireGroup {
    pub(super) fn into_group(self, subscription: &str) -> Group {
        let region = Region::new(&self.location);
        Group { subscription: subscription.to_owned(), name: self.name, region }
    }
}

/// A management lock.
#[derive(Deserialize)]
pub(super) struct WireLock {
    id: String,
    name: String,
    properties: LockProperties,
}

#[derive(Deserialize)]
struct LockProperties {
    level: String,
}

impl WireLock {
    /// The lock with its scope, which its id tells. A level that is not known counts as the
    /// strictest.
    pub(super) fn into_lock(self) -> Result<Lock, Unreadable> {
        const KIND: &str = "/providers/microsoft.authorization/locks/";
        let Some(at) = self.id.to_ascii_lowercase().rfind(KIND) else { return Err(self.id) };
        let deletes = self.properties.level.eq_ignore_ascii_case("CanNotDelete");
        let level = if deletes { LockLevel::CanNotDelete } else { LockLevel::ReadOnly };
        Ok(Lock { scope: self.id[..at].to_owned(), name: self.name, level })
    }
}

/// A location of a subscription.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireLocation {
    name: String,
    display_name: Option<String>,
    #[serde(default)]
    availability_zone_mappings: Option<Vec<serde_json::Value>>,
    metadata: Option<LocationMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocationMetadata {
    region_type: Option<String>,
}

impl WireLocation {
    /// None for a logical location such as `global`, which holds no disks.
    pub(super) fn into_region(self) -> Option<RegionInfo> {
        let kind = self.metadata.and_then(|metadata| metadata.region_type);
        if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("Physical")) {
            return None;
        }
        Some(RegionInfo {
            region: Region::new(&self.name),
            display_name: self.display_name.unwrap_or(self.name),
            zones: self.availability_zone_mappings.is_some_and(|zones| !zones.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(properties: &str) -> Snapshot {
        let text = format!(
            r#"{{"id": "/subscriptions/s/resourcegroups/G/providers/Microsoft.Compute/snapshots/a",
                "location": "West US", "properties": {properties}}}"#
        );
        serde_json::from_str::<Resource<Properties>>(&text).unwrap().into_snapshot().unwrap()
    }

    #[test]
    fn a_copy_that_succeeded_is_not_ready_before_100_percent() {
        let copy = |percent: &str| {
            snapshot(&format!(
                r#"{{"creationData": {{"createOption": "copystart"}}, "incremental": true,
                    "provisioningState": "Succeeded" {percent}}}"#
            ))
            .state
        };
        assert_eq!(copy(""), PointState::Copying { percent: None });
        assert_eq!(
            copy(r#","completionPercent": 0.0"#),
            PointState::Copying { percent: Some(0.0) }
        );
        assert_eq!(copy(r#","completionPercent": 100.0"#), PointState::Ready);
    }

    #[test]
    fn a_failed_copy_is_failed_whatever_its_provisioning_state_says() {
        let state = snapshot(
            r#"{"creationData": {"createOption": "CopyStart"}, "provisioningState": "Succeeded",
                "completionPercent": 40, "copyCompletionError": {"errorCode": "CopySourceNotFound"}}"#,
        )
        .state;
        assert!(matches!(state, PointState::Failed { code, .. } if code == "CopySourceNotFound"));
    }

    #[test]
    fn an_immutable_snapshot_says_until_when() {
        let until = |policy: &str| {
            snapshot(&format!(
                r#"{{"creationData": {{"createOption": "Copy"}}, "provisioningState": "Succeeded",
                    "immutabilityPolicy": {policy}}}"#
            ))
            .immutable_until
        };
        let time = r#"{"type": "Locked", "policyExpirationTime": "2026-12-01T00:00:00.5+00:00"}"#;
        assert_eq!(until(time), Some("2026-12-01T00:00:00.5Z".parse().unwrap()));
        assert_eq!(until(r#"{"type": "Locked"}"#), Some(Timestamp::MAX));
        assert_eq!(until("null"), None);
    }

    #[test]
    fn a_locks_scope_is_what_its_id_begins_with() {
        let lock = |id: &str, level: &str| {
            let text =
                format!(r#"{{"id": "{id}", "name": "l", "properties": {{"level": "{level}"}}}}"#);
            serde_json::from_str::<WireLock>(&text).unwrap().into_lock()
        };
        let scope = "/subscriptions/s/resourceGroups/G";
        let id = format!("{scope}/providers/Microsoft.Authorization/locks/l");
        let read = lock(&id, "CannotDelete").unwrap();
        assert_eq!((read.scope.as_str(), read.level), (scope, LockLevel::CanNotDelete));
        assert_eq!(lock(&id, "Unheard").unwrap().level, LockLevel::ReadOnly);
        assert!(lock(scope, "ReadOnly").is_err());
    }

    #[test]
    fn a_plain_snapshot_without_a_percentage_is_ready() {
        let plain = snapshot(
            r#"{"creationData": {"createOption": "Copy"}, "provisioningState": "succeeded",
                "diskSizeGB": 4, "networkAccessPolicy": "denyall"}"#,
        );
        assert_eq!(plain.state, PointState::Ready);
        assert_eq!(plain.size_bytes, 4 << 30);
        assert_eq!(plain.network_access, NetworkAccess::DenyAll);
        assert_eq!(plain.region, Region::new("westus"));
    }
}
