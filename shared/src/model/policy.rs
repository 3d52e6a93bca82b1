//! A policy: a schedule, a target and what is kept on each side, for some disks.

use serde::{Deserialize, Serialize};

use super::{Region, ResourceId, ResourceKind, SnapshotSku};

/// The longest interval: a snapshot a month or so.
pub const MAX_EVERY_HOURS: u32 = 31 * 24;

/// The most points that a side may be asked to keep: Azure allows 500 snapshots of a disk, and
/// the marked ones of the last day need room, too.
pub const MAX_KEEP: u32 = 450;

/// What people want for some disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its id: lower-case letters, digits and hyphens.
    pub id: String,
    /// Counts its saved versions from 1; 0 for one not saved yet.
    #[serde(default)]
    pub version: u32,
    /// Its name for people.
    pub name: String,
    /// Whether the timer carries it out.
    pub enabled: bool,
    /// The disks that it protects, by ARM id.
    pub disks: Vec<ResourceId>,
    /// Hours between two snapshots; slots are counted from midnight UTC of 1970-01-01.
    pub every_hours: u32,
    /// The group that snapshots go to; none for the disk's own.
    #[serde(default)]
    pub group: Option<String>,
    /// Redundancy of the snapshots at the source; none for ZRS where the region offers it.
    #[serde(default)]
    pub sku: Option<SnapshotSku>,
    /// Where copies go; none for no copies.
    #[serde(default)]
    pub target: Option<Target>,
    /// How many recovery points stay at the source; none keeps everything.
    #[serde(default)]
    pub keep_source: Option<u32>,
    /// How many recovery points stay at the target; none keeps everything.
    #[serde(default)]
    pub keep_target: Option<u32>,
}

/// Where copies go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The region.
    pub region: Region,
    /// The subscription; none for the disk's own.
    #[serde(default)]
    pub subscription: Option<String>,
    /// The group; none for the one that the snapshots are in.
    #[serde(default)]
    pub group: Option<String>,
    /// Redundancy; none for ZRS where the region offers it.
    #[serde(default)]
    pub sku: Option<SnapshotSku>,
}

/// What is wrong with a policy, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// The id is not usable in a URL and a tag.
    #[error("the id `{0}` is not 1 to 40 lower-case letters, digits and hyphens")]
    Id(String),
    /// The name is empty or too long.
    #[error("give the policy a name of 1 to 80 characters")]
    Name,
    /// No disk is named.
    #[error("choose at least one disk")]
    NoDisks,
    /// An id names something else than a disk.
    #[error("`{0}` is not a disk; a policy protects disks")]
    NotADisk(String),
    /// The interval is out of range.
    #[error("`every_hours` is {0}; choose 1 to {MAX_EVERY_HOURS}")]
    EveryHours(u32),
    /// A side's number is out of range.
    #[error("`{0}` is {1}; keep 2 to {MAX_KEEP} points, or leave it out to keep everything")]
    Keep(&'static str, u32),
    /// A group's name cannot be one.
    #[error("`{0}` is not a resource group's name")]
    Group(String),
}

impl Policy {
    /// Every problem that the policy has by itself, without looking at Azure.
    pub fn problems(&self) -> Vec<PolicyProblem> {
        let mut problems = vec![];
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.id.is_empty() || self.id.len() > 40 || !self.id.chars().all(allowed) {
            problems.push(PolicyProblem::Id(self.id.chars().take(100).collect()));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 80 {
            problems.push(PolicyProblem::Name);
        }
        if self.disks.is_empty() {
            problems.push(PolicyProblem::NoDisks);
        }
        for disk in self.disks.iter().filter(|id| id.kind() != ResourceKind::Disk) {
            problems.push(PolicyProblem::NotADisk(disk.to_string()));
        }
        if self.every_hours == 0 || self.every_hours > MAX_EVERY_HOURS {
            problems.push(PolicyProblem::EveryHours(self.every_hours));
        }
        // One point cannot be kept: the base of the next copy and the newest are two.
        for (field, keep) in [("keep_source", self.keep_source), ("keep_target", self.keep_target)]
        {
            if let Some(n) = keep.filter(|n| !(2..=MAX_KEEP).contains(n)) {
                problems.push(PolicyProblem::Keep(field, n));
            }
        }
        let groups = [&self.group, &self.target.as_ref().and_then(|t| t.group.clone())];
        for group in groups.into_iter().flatten().filter(|g| !valid_group(g)) {
            problems.push(PolicyProblem::Group(group.chars().take(100).collect()));
        }
        problems
    }

    /// Whether it protects the disk of that id.
    pub fn covers(&self, disk: &ResourceId) -> bool {
        self.disks.contains(disk)
    }
}

/// Whether `name` can be a resource group's: 1 to 90 of letters, digits, `_ - . ( )`, not ending
/// with a full stop.
pub fn valid_group(name: &str) -> bool {
    (1..=90).contains(&name.chars().count())
        && !name.ends_with('.')
        && name.chars().all(|c| c.is_alphanumeric() || "_-.()".contains(c))
}
