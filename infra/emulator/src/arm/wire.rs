//! Disks and snapshots as Azure writes them (compute-snapshots §2.2 to §2.4). The only file that
//! knows their JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::world::{
    World,
    background::has_instant_access,
    desired::Desired,
    id::{Kind, ResourceId},
    immutability::Immutability,
    resource::{Creation, Disk, Managed, Provisioning, Snapshot, Upload},
    transfers::{TransferState, Trouble},
};

/// Who reads: a GET, or the output of an operation, which has no `completionPercent` (§0.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Get,
    Output,
}

/// Azure's form of a time: seven digits and a numeric offset.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.7f+00:00").to_string()
}

/// The resource of that id, if it is there.
pub(crate) fn resource(
    world: &World,
    id: &ResourceId,
    view: View,
    now: Timestamp,
) -> Option<Value> {
    match id.kind {
        Kind::Disk => world.disks.get(&id.key()).map(|found| disk(found, now)),
        Kind::Snapshot => {
            world.snapshots.get(&id.key()).map(|found| snapshot(world, found, view, now))
        }
    }
}

pub(crate) fn disk(disk: &Disk, now: Timestamp) -> Value {
    let base = &disk.base;
    let mut properties = properties(base, disk_state(base, disk.managed_by.is_some()));
    if let Some(background) = base.background {
        properties.insert("completionPercent".into(), json!(background.percent(now)));
    }

    match (properties.get("burstingEnabled").and_then(Value::as_bool), disk.burst_since) {
        // What is off is not shown (examples of the published description).
        (Some(false), _) => drop(properties.remove("burstingEnabled")),
        (Some(true), Some(since)) => {
            properties.insert("burstingEnabledTime".into(), stamp(since).into());
        }
        _ => {}
    }
    let performance = performance(&base.sku, base.size_gb);
    for (name, value) in [
        ("diskIOPSReadWrite", json!(performance.iops)),
        ("diskMBpsReadWrite", json!(performance.mbps)),
    ] {
        properties.entry(name).or_insert(value);
    }
    if let Some(tier) = performance.tier {
        properties.entry("tier").or_insert(tier.into());
    }
    let mut body = frame(base, properties);
    if !disk.zones.is_empty() {
        body.insert("zones".into(), json!(disk.zones));
    }
    if let Some(owner) = &disk.managed_by {
        body.insert("managedBy".into(), json!(owner));
    }
    body.into()
}

/// `attached`: a machine has it.
fn disk_state(base: &Managed, attached: bool) -> &'static str {
    match (base.upload, base.sas.is_some(), attached) {
        (Some(Upload::Ready), ..) => "ReadyToUpload",
        (Some(Upload::Active), ..) => "ActiveUpload",
        (None, true, _) => "ActiveSAS",
        (None, false, true) => "Attached",
        (None, false, false) => "Unattached",
    }
}

pub(crate) fn snapshot(world: &World, snapshot: &Snapshot, view: View, now: Timestamp) -> Value {
    let base = &snapshot.base;
    let mut properties = properties(base, disk_state(base, false));
    if let Some(background) = base.background {
        // Of Ultra and Premium SSD v2 the operation's output has it, too (§0.2).
        properties.insert("completionPercent".into(), json!(background.percent(now)));
    }
    properties.insert("snapshotAccessState".into(), access_state(world, snapshot, now).into());
    if let Some(policy) = base.immutability {
        properties.insert("immutabilityPolicy".into(), immutability(policy, now));
    }
    properties.insert("incremental".into(), snapshot.incremental.into());
    if let Some(family) = snapshot.family {
        properties.insert("incrementalSnapshotFamilyId".into(), json!(family));
    }
    let transfer = snapshot.transfer.as_deref().and_then(|key| world.transfers.get(key));
    if let Some(transfer) = transfer
        && view == View::Get
    {
        let percent = transfer.percent(now, world.settings.bandwidth);
        properties.insert("completionPercent".into(), json!(percent));
        // GUESS: the messages; the one code is documented (§1.4, §2.2), so that a fault that names
        // no other has it too.
        let gone = "CopySourceNotFound";
        let error = match (transfer.state(), &transfer.trouble) {
            (TransferState::SourceGone, _) => {
                Some((gone, "The source snapshot was deleted before the copy was complete."))
            }
            (TransferState::Failed, Some(Trouble::Fail { code: Some(code), .. })) => {
                Some((code.as_str(), "The copy failed."))
            }
            (TransferState::Failed, _) => Some((gone, "The copy failed.")),
            _ => None,
        };
        if let Some((code, message)) = error {
            let error = json!({"errorCode": code, "errorMessage": message});
            properties.insert("copyCompletionError".into(), error);
        }
    }
    frame(&snapshot.base, properties).into()
}

/// What can be done with a snapshot (compute-snapshots §1.4).
fn access_state(world: &World, snapshot: &Snapshot, now: Timestamp) -> &'static str {
    let instant = has_instant_access(&snapshot.base, now);
    match (world.is_complete(snapshot), instant) {
        (true, true) => "AvailableWithInstantAccess",
        (true, false) => "Available",
        (false, true) => "InstantAccess",
        (false, false) => "Pending",
    }
}

fn immutability(policy: Immutability, now: Timestamp) -> Value {
    json!({
        "immutabilityDurationDays": policy.days,
        "type": if policy.locked { "Locked" } else { "Unlocked" },
        "policyStartTime": stamp(policy.starts_at),
        "policyExpirationTime": stamp(policy.expires_at),
        "isPolicyExpired": policy.expires_at <= now,
    })
}

fn frame(base: &Managed, properties: Map<String, Value>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("name".into(), base.id.name.clone().into());
    body.insert("id".into(), base.id.path().into());
    body.insert("type".into(), base.id.resource_type().into());
    body.insert("location".into(), base.location.clone().into());
    if let Some(tags) = &base.tags {
        body.insert("tags".into(), json!(tags));
    }
    body.insert("sku".into(), json!({"name": base.sku, "tier": sku_tier(&base.sku)}));
    body.insert("properties".into(), properties.into());
    body
}

fn properties(base: &Managed, state: &str) -> Map<String, Value> {
    let mut properties = base.settings.clone();
    for (name, value) in [
        ("encryption", json!({"type": "EncryptionAtRestWithPlatformKey"})),
        ("networkAccessPolicy", json!("AllowAll")),
        ("publicNetworkAccess", json!("Enabled")),
    ] {
        properties.entry(name).or_insert(value);
    }
    properties.insert("creationData".into(), creation(&base.creation));
    // Neither is told before an upload is complete (recorded in November 2023).
    if base.upload.is_none() {
        properties.insert("diskSizeGB".into(), base.size_gb.into());
        properties.insert("diskSizeBytes".into(), base.size_bytes().into());
    }
    properties.insert("diskState".into(), state.into());
    properties.insert("timeCreated".into(), stamp(base.created_at).into());
    properties.insert("uniqueId".into(), json!(base.unique_id));
    properties.insert("provisioningState".into(), provisioning(base.provisioning).into());
    properties
}

fn creation(creation: &Creation) -> Value {
    let mut data = creation.rest.clone();
    data.insert("createOption".into(), creation.option.clone().into());
    if let Some(source) = &creation.source {
        data.insert("sourceResourceId".into(), source.clone().into());
    }
    if let Some(unique_id) = creation.source_unique_id {
        data.insert("sourceUniqueId".into(), json!(unique_id));
    }
    data.into()
}

pub(super) fn provisioning(state: Provisioning) -> &'static str {
    match state {
        Provisioning::Updating => "Updating",
        Provisioning::Deleting => "Deleting",
        Provisioning::Succeeded => "Succeeded",
        Provisioning::Failed => "Failed",
    }
}

/// Takes out what the version asked for does not have yet (recorded at 2020-05-01, 2020-09-30,
/// 2020-12-01 and 2021-04-01).
pub(crate) fn for_version(body: &mut Value, version: &str) {
    let Some(Value::Object(properties)) = body.get_mut("properties") else { return };
    for (since, names) in [
        ("2021-04-01", &["publicNetworkAccess", "incrementalSnapshotFamilyId"][..]),
        ("2022-07-02", &["burstingEnabledTime"]),
        ("2025-01-02", &["snapshotAccessState"]),
        ("2026-03-02", &["immutabilityPolicy"]),
    ] {
        if version < since {
            names.iter().for_each(|name| drop(properties.remove(*name)));
        }
    }
}

/// The body of the 202 to a PUT or PATCH: the request, echoed. Until 2022 it had no id and told
/// `isArmResource`; since 2024 it has name, id and type (§2.4).
pub(crate) fn accepted(base: &Managed, desired: &Desired, version: &str, patch: bool) -> Value {
    let old = version < "2023";
    let mut body = Map::new();
    if !old || base.id.kind == Kind::Disk {
        body.insert("name".into(), base.id.name.clone().into());
    }
    if !old {
        body.insert("id".into(), base.id.path().into());
        body.insert("type".into(), base.id.resource_type().into());
    }
    body.insert("location".into(), base.location.clone().into());
    if let Some(tags) = &desired.tags {
        body.insert("tags".into(), json!(tags));
    }
    if let Some(sku) = &desired.sku {
        body.insert("sku".into(), json!({"name": sku.name}));
    }
    if let Some(zones) = &desired.zones {
        body.insert("zones".into(), json!(zones));
    }
    let mut properties = desired.properties.clone();
    properties.retain(|_, value| !value.is_null());
    if let Some(Value::Object(creation)) = properties.get_mut("creationData") {
        creation.retain(|_, value| !value.is_null());
        // The echo leaves it out (recorded in March 2024).
        creation.remove("provisionedBandwidthCopySpeed");
    }
    if old {
        if let (Some(data), Some(source)) =
            (properties.get_mut("creationData"), base.creation.source_unique_id)
            && let Some(data) = data.as_object_mut()
        {
            data.insert("sourceUniqueId".into(), json!(source));
        }
        if let Some(os_type) = base.settings.get("osType") {
            properties.insert("osType".into(), os_type.clone());
        }
        if base.id.kind == Kind::Snapshot && version >= "2021-04-01" && !patch {
            // Recorded: a copy shows neither in November 2021, both in June 2022.
            let copy = base.creation.option == "CopyStart";
            if !copy || version >= "2022" {
                properties.insert("publicNetworkAccess".into(), "Enabled".into());
            }
            if copy && version >= "2022" {
                properties.insert("networkAccessPolicy".into(), "AllowAll".into());
            }
        }
        properties.insert("isArmResource".into(), true.into());
        if patch {
            properties.insert("colocationConstraints".into(), json!({}));
            properties.insert("faultDomain".into(), 0.into());
        }
    }
    properties.insert("provisioningState".into(), "Updating".into());
    body.insert("properties".into(), properties.into());
    body.into()
}

fn sku_tier(sku: &str) -> &'static str {
    match sku.split('_').next().unwrap_or_default() {
        "Premium" | "PremiumV2" => "Premium",
        "UltraSSD" => "Ultra",
        _ => "Standard",
    }
}

struct Performance {
    tier: Option<String>,
    iops: u64,
    mbps: u64,
}

/// Published sizes: up to so many GiB, the number of the tier, and IOPS and MB/s when premium.
const TIERS: &[(u64, u8, u64, u64)] = &[
    (4, 1, 120, 25),
    (8, 2, 120, 25),
    (16, 3, 120, 25),
    (32, 4, 120, 25),
    (64, 6, 240, 50),
    (128, 10, 500, 100),
    (256, 15, 1100, 125),
    (512, 20, 2300, 150),
    (1024, 30, 5000, 200),
    (2048, 40, 7500, 250),
    (4096, 50, 7500, 250),
    (8192, 60, 16_000, 500),
    (16_384, 70, 18_000, 750),
    (32_767, 80, 20_000, 900),
];

fn performance(sku: &str, size_gb: u64) -> Performance {
    let (_, number, iops, mbps) =
        *TIERS.iter().find(|(up_to, ..)| size_gb <= *up_to).unwrap_or(&(0, 80, 20_000, 900));
    let standard = match number {
        80 | 70 => (2000, 500),
        60 => (1300, 300),
        _ => (500, 60),
    };
    match sku.split('_').next().unwrap_or_default() {
        "Premium" => Performance { tier: Some(format!("P{number}")), iops, mbps },
        // The smallest standard disk is S4 (§2.3).
        "Standard" => Performance {
            tier: Some(format!("S{}", number.max(4))),
            iops: standard.0,
            mbps: standard.1,
        },
        // GUESS: no recording held shows a standard SSD's.
        "StandardSSD" => {
            let tier = Some(format!("E{number}"));
            Performance { tier, iops: standard.0, mbps: standard.1 }
        }
        _ => Performance { tier: None, iops: 3000, mbps: 125 },
    }
}
