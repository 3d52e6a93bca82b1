//! Good first values for forms. A person may change each; `shared` judges what they chose.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shared::{
    Disk, Inventory, Policy, Region, ResourceId, ResourceKind, Snapshot, SnapshotSku,
    api::RequestView, names::MAX_NAME,
};

use crate::present::time;

/// Regions that Azure pairs; where a copy goes when nobody has said.
const PAIRS: [(&str, &str); 14] = [
    ("westeurope", "northeurope"),
    ("eastus", "westus"),
    ("eastus2", "centralus"),
    ("westus2", "westcentralus"),
    ("northcentralus", "southcentralus"),
    ("uksouth", "ukwest"),
    ("francecentral", "francesouth"),
    ("germanywestcentral", "germanynorth"),
    ("switzerlandnorth", "switzerlandwest"),
    ("norwayeast", "norwaywest"),
    ("southeastasia", "eastasia"),
    ("japaneast", "japanwest"),
    ("australiaeast", "australiasoutheast"),
    ("canadacentral", "canadaeast"),
];

/// `stem-20261123T0600Z`, or with a number if that is taken or asked for.
pub(crate) fn name(
    inventory: &Inventory,
    requests: &[RequestView],
    stem: &str,
    now: Timestamp,
) -> String {
    let taken = |name: &str| {
        let is = |id: &ResourceId| id.name().eq_ignore_ascii_case(name);
        inventory.snapshots.iter().any(|snapshot| is(&snapshot.id))
            || inventory.disks.iter().any(|disk| is(&disk.id))
            || requests.iter().any(|view| view.request.action.result().as_ref().is_some_and(is))
    };
    let stamp = time::stamp(now);
    let with = |tail: &str| {
        let stem: String = stem.chars().take(MAX_NAME.saturating_sub(tail.len())).collect();
        format!("{stem}{tail}")
    };
    let first = with(&format!("-{stamp}"));
    if !taken(&first) {
        return first;
    }
    (2..1000).map(|n| with(&format!("-{stamp}-{n}"))).find(|name| !taken(name)).unwrap_or(first)
}

/// ZRS where the region has zones.
pub(crate) fn redundancy(inventory: &Inventory, region: &Region) -> SnapshotSku {
    let zones = inventory.region(region).is_some_and(|info| info.zones);
    if zones { SnapshotSku::StandardZrs } else { SnapshotSku::StandardLrs }
}

/// Where a copy of `source` goes: the policy's target, else the paired region, else another one.
pub(crate) fn target_region(
    inventory: &Inventory,
    source: &Snapshot,
    policy: Option<&Policy>,
) -> Region {
    let wanted = policy.and_then(|policy| policy.targets.first()).map(|t| t.region.clone());
    if let Some(region) = wanted.filter(|region| *region != source.region) {
        return region;
    }
    another_region(inventory, &source.region).unwrap_or_else(|| source.region.clone())
}

/// The region that Azure pairs with `here`, else any other one.
pub(crate) fn another_region(inventory: &Inventory, here: &Region) -> Option<Region> {
    let known = |name: &str| inventory.region(&Region::new(name)).map(|info| info.region.clone());
    let here = here.as_str();
    let paired = PAIRS.iter().find_map(|(a, b)| match () {
        () if *a == here => known(b),
        () if *b == here => known(a),
        () => None,
    });
    let other = || inventory.regions.iter().map(|info| &info.region).find(|r| r.as_str() != here);
    paired.or_else(|| other().cloned())
}

/// The name that a restored disk or a copy begins with: the disk's, if it is known.
pub(crate) fn stem(snapshot: &Snapshot, disk: Option<&Disk>) -> String {
    let disk_name = disk.map(|disk| disk.id.name());
    let source = snapshot.source_id.as_ref().filter(|id| id.kind() == ResourceKind::Disk);
    disk_name.or(source.map(ResourceId::name)).unwrap_or(snapshot.id.name()).to_owned()
}

/// A policy's id from its name: `Nightly, west` is `nightly-west`; a number if that is taken.
pub(crate) fn policy_id(name: &str, taken: &[Policy]) -> String {
    let mut id = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            id.push(c.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    id.truncate(36);
    let id = id.trim_end_matches('-');
    let id = if id.is_empty() { "policy" } else { id };
    let reserved = ["new", "export", "import"];
    let free = |id: &str| !reserved.contains(&id) && !taken.iter().any(|policy| policy.id == id);
    if free(id) {
        return id.to_owned();
    }
    (2..100).map(|n| format!("{id}-{n}")).find(|id| free(id)).unwrap_or_else(|| id.to_owned())
}

/// Tags from a text of `name=value` lines, or the first line that is none.
pub(crate) fn tags(text: &str) -> Result<BTreeMap<String, String>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), value.trim().to_owned()))
            }
            Some(_) | None => Err(format!("The tag line `{line}` is not `name=value`.")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_name_is_valid_however_long_the_disks() {
        let now: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        let name = name(&Inventory::empty(now), &[], &"d".repeat(80), now);
        assert!(shared::names::valid_name(&name) && name.ends_with("-20261123T0600Z"), "{name}");
    }

    #[test]
    fn a_policys_id_comes_from_its_name() {
        assert_eq!(policy_id("Nightly, West Europe!", &[]), "nightly-west-europe");
        assert_eq!(policy_id("", &[]), "policy");
        assert_eq!(policy_id("new", &[]), "new-2");
    }

    #[test]
    fn tags_are_lines_of_name_and_value() {
        let read = tags("env=prod\n\n owner = me=you ").unwrap();
        assert_eq!(read.get("owner").map(String::as_str), Some("me=you"));
        assert!(tags("env").is_err());
    }
}
