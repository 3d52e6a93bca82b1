//! What Microsoft.Compute offers and what is used: `skus` (2021-07-01) and `locations/{l}/usages`.

use serde_json::{Value, json};

use crate::world::{
    World,
    failure::Failure,
    quotas::DISK_COUNTS,
    region::{self, REGIONS, Region},
};

use super::{Call, lists, reply::Reply, resources::get_only};

/// Published sizes: the number of the tier, the largest GiB, and IOPS and MB/s when premium.
const SIZES: &[(u8, u64, u64, u64)] = &[
    (1, 4, 120, 25),
    (2, 8, 120, 25),
    (3, 16, 120, 25),
    (4, 32, 120, 25),
    (6, 64, 240, 50),
    (10, 128, 500, 100),
    (15, 256, 1100, 125),
    (20, 512, 2300, 150),
    (30, 1024, 5000, 200),
    (40, 2048, 7500, 250),
    (50, 4096, 7500, 250),
    (60, 8192, 16_000, 500),
    (70, 16_384, 18_000, 750),
    (80, 32_767, 20_000, 900),
];

/// `skus`, of all regions or of `$filter=location eq '…'`.
pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Failure> {
    get_only(call)?;
    world.subscription(&call.parts[1])?;
    let filter = lists::filter(call)?;
    let wanted = filter.iter().find(|(name, _)| name == "location");
    let wanted = wanted.map(|(_, location)| region::normalise(location));
    let regions = REGIONS.iter().filter(|r| wanted.as_ref().is_none_or(|name| r.name == name));
    let value: Vec<Value> = regions.flat_map(of_region).collect();
    Ok(Reply::json(200, json!({"value": value})))
}

fn of_region(region: &Region) -> Vec<Value> {
    let zones: Vec<String> = (1..=region.zones).map(|zone| zone.to_string()).collect();
    let entry = |kind: &str, name: &str, tier: &str, zonal: bool| {
        let zones = if zonal { zones.clone() } else { Vec::new() };
        json!({
            "resourceType": kind,
            "name": name,
            "tier": tier,
            "locations": [region.name],
            "locationInfo": [{"location": region.name, "zones": zones, "zoneDetails": []}],
            "restrictions": [],
        })
    };
    let mut skus = Vec::new();
    for (name, tier, letter) in [
        ("Standard_LRS", "Standard", "S"),
        ("StandardSSD_LRS", "Standard", "E"),
        ("StandardSSD_ZRS", "Standard", "E"),
        ("Premium_LRS", "Premium", "P"),
        ("Premium_ZRS", "Premium", "P"),
    ] {
        let redundant = name.ends_with("_ZRS");
        if redundant && region.zones == 0 {
            continue;
        }
        let mut from = 0;
        for (number, to, iops, mbps) in SIZES {
            // The smallest standard disk is S4 (compute-snapshots §2.3).
            if letter == "S" && *number < 4 {
                continue;
            }
            let (iops, mbps) = if letter == "P" { (*iops, *mbps) } else { standard(*number) };
            let mut sku = entry("disks", name, tier, !redundant);
            sku["size"] = format!("{letter}{number}").into();
            sku["capabilities"] = capabilities(&[
                ("MaxSizeGiB", *to),
                ("MinSizeGiB", from),
                ("MaxIOps", iops),
                ("MinIOps", iops),
                ("MaxBandwidthMBps", mbps),
                ("MinBandwidthMBps", mbps),
                ("MaxValueOfMaxShares", shares(*number)),
            ]);
            skus.push(sku);
            from = *to;
        }
    }
    if region.zones > 0 {
        for (name, tier, size, to, iops, mbps) in [
            ("UltraSSD_LRS", "Ultra", "U", 65_536, 400_000, 10_000),
            ("PremiumV2_LRS", "Premium", "PremiumV2", 65_536, 80_000, 1200),
        ] {
            let mut sku = entry("disks", name, tier, true);
            sku["size"] = size.into();
            sku["capabilities"] = capabilities(&[
                ("MaxSizeGiB", to),
                ("MinSizeGiB", if size == "U" { 4 } else { 1 }),
                ("MaxIOps", iops),
                ("MinIOps", 100),
                ("MaxBandwidthMBps", mbps),
                ("MinBandwidthMBps", 1),
                ("MaxValueOfMaxShares", 15),
            ]);
            skus.push(sku);
        }
    }
    skus.push(entry("snapshots", "Standard_LRS", "Standard", false));
    skus.push(entry("snapshots", "Premium_LRS", "Premium", false));
    if region.zones > 0 {
        skus.push(entry("snapshots", "Standard_ZRS", "Standard", false));
    }
    skus
}

fn capabilities(pairs: &[(&str, u64)]) -> Value {
    pairs.iter().map(|(name, value)| json!({"name": name, "value": value.to_string()})).collect()
}

/// IOPS and MB/s of disks that are not premium.
fn standard(number: u8) -> (u64, u64) {
    match number {
        70 | 80 => (2000, 500),
        60 => (1300, 300),
        _ => (500, 60),
    }
}

/// How many machines may share a disk of that size.
fn shares(number: u8) -> u64 {
    match number {
        0..=14 => 3,
        15 | 20 => 3,
        30..=50 => 5,
        _ => 10,
    }
}

/// `locations/{l}/usages`.
pub(super) fn usages(world: &World, call: &Call) -> Result<Reply, Failure> {
    get_only(call)?;
    let subscription = world.subscription(&call.parts[1])?.id.clone();
    let Some(region) = region::find(&call.parts[5]) else {
        return Err(Failure::gateway(
            400,
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '{}' and API version '{}' for \
                 type 'locations/usages'.",
                call.parts[5],
                call.version()
            ),
        ));
    };
    let usage = |name: &str, localized: &str, used: u64, limit: u64| {
        json!({
            "limit": limit,
            "unit": "Count",
            "currentValue": used,
            "name": {"value": name, "localizedValue": localized},
        })
    };
    let here = |location: &str| location == region.name;
    let machines = world.tenant.machines.values().filter(|machine| {
        here(&machine.location) && machine.path.subscription.eq_ignore_ascii_case(&subscription)
    });
    let sets = world.tenant.scale_sets.values().filter(|set| {
        here(&set.location) && set.path.subscription.eq_ignore_ascii_case(&subscription)
    });
    let mut value = vec![
        usage("virtualMachines", "Virtual Machines", machines.count() as u64, 25_000),
        usage("virtualMachineScaleSets", "Virtual Machine Scale Sets", sets.count() as u64, 2500),
    ];
    for (name, localized, skus) in DISK_COUNTS {
        let used = world.disks_used(&subscription, region.name, skus);
        value.push(usage(name, localized, used, world.quota(&subscription, region.name, name)));
    }
    Ok(Reply::provider(200, json!({"value": value})))
}
