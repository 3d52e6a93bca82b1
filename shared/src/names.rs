//! Names that derive from what they name, so that doing a step twice is doing it once.

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use crate::model::{ResourceId, Side};

/// Azure's limit for names of disks and snapshots (compute-snapshots §2.1).
pub const MAX_NAME: usize = 80;

/// Whether `name` can be a disk's or snapshot's: 1 to 80 of letters, digits, `_ - .`, beginning
/// with a letter or digit and ending with one or `_`.
pub fn valid_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    (1..=MAX_NAME).contains(&name.len())
        && name.chars().all(|c| plain(c) || "_-.".contains(c))
        && name.starts_with(plain)
        && name.ends_with(|c| plain(c) || c == '_')
}

/// The name of a disk's snapshot for a slot.
///
/// Two installations that protect one disk make two names: a PUT of one over the other's would take
/// it over, tags and all.
pub fn snapshot_name(
    installation: &str,
    disk: &ResourceId,
    unique_id: &str,
    slot: Timestamp,
) -> String {
    join(disk.name(), &format!("-{}-{}", stamp(slot), short_hash(&[installation, unique_id])))
}

/// The name of a point's copy on a side; `attempt` counts from 1.
pub fn copy_name(
    installation: &str,
    disk_name: &str,
    disk_unique_id: &str,
    point: Timestamp,
    side: &Side,
    attempt: usize,
) -> String {
    let region = side.region.to_string();
    let parts = [installation, disk_unique_id, &region, &side.subscription, &side.group];
    let hash = short_hash(&parts);
    let again = if attempt > 1 { format!("-{attempt}") } else { String::new() };
    join(disk_name, &format!("-{}-{}-{hash}{again}", stamp(point), side.region))
}

/// Puts a readable beginning before `tail`, within Azure's 80 characters.
fn join(beginning: &str, tail: &str) -> String {
    let room = MAX_NAME.saturating_sub(tail.len());
    let readable: String = beginning
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c))
        .take(room)
        .collect();
    format!("{readable}{tail}")
}

/// `20261123T0600Z`
fn stamp(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%MZ").to_string()
}

/// Eight hex digits that tell namesakes apart.
fn short_hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.to_ascii_lowercase().as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Region;

    #[test]
    fn names_stay_within_azures_limit_however_long_the_disks_name() {
        let disk = ResourceId::disk("s", "g", &"d".repeat(80));
        let side = Side::new(&Region::new("germanywestcentral"), "s", "g");
        let at = "2026-11-23T06:00:00Z".parse().unwrap();
        let snapshot = snapshot_name("i", &disk, "u", at);
        for name in [snapshot, copy_name("i", disk.name(), "u", at, &side, 2)] {
            assert!(valid_name(&name), "{name}");
        }
    }

    #[test]
    fn a_disk_made_again_under_its_old_name_gets_other_names() {
        let disk = ResourceId::disk("s", "g", "data");
        let at = "2026-11-23T06:00:00Z".parse().unwrap();
        assert_ne!(snapshot_name("i", &disk, "u1", at), snapshot_name("i", &disk, "u2", at));
    }

    #[test]
    fn two_installations_never_make_one_name() {
        let disk = ResourceId::disk("s", "g", "data");
        let at = "2026-11-23T06:00:00Z".parse().unwrap();
        assert_ne!(snapshot_name("a", &disk, "u", at), snapshot_name("b", &disk, "u", at));
        let side = Side::new(&Region::new("northeurope"), "s", "g");
        let copy = |installation| copy_name(installation, "data", "u", at, &side, 1);
        assert_ne!(copy("a"), copy("b"));
    }
}
