//! What is in Azure, as the emulator's world has it, read by nobody's code but this.

use std::collections::BTreeMap;

use emulator::{Seen, SeenSnapshot};
use jiff::Timestamp;

/// A snapshot or copy.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) id: String,
    /// The id in lower case.
    pub(crate) key: String,
    pub(crate) region: String,
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created_at: Timestamp,
    pub(crate) is_copy: bool,
    pub(crate) failed: bool,
    /// Its deletion is under way.
    pub(crate) deleting: bool,
    pub(crate) ready: bool,
    unique_id: String,
    source_unique_id: Option<String>,
    /// The key of what it was made from.
    pub(crate) source: String,
}

/// A disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) key: String,
    pub(crate) unique_id: String,
}

/// Everything at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    pub(crate) points: Vec<Point>,
    pub(crate) disks: Vec<Disk>,
}

/// Whether the text of a policy tag names that policy.
pub(crate) fn names_policy(tag: &str, policy: &str) -> bool {
    tag.split(',').any(|named| named.trim() == policy)
}

/// A side: region, subscription, group, in lower case.
pub(crate) type Side = (String, String, String);

impl Point {
    fn read(seen: SeenSnapshot) -> Option<Self> {
        let key = seen.id.to_ascii_lowercase();
        let parts: Vec<&str> = key.split('/').collect();
        let (subscription, group) = (parts.get(2)?.to_string(), parts.get(4)?.to_string());
        let tags = seen.tags.into_iter().filter(|(_, value)| !value.is_empty());
        Some(Self {
            region: seen.location.to_ascii_lowercase(),
            created_at: seen.created_at,
            deleting: seen.is_deleting,
            ready: seen.is_ready,
            unique_id: seen.unique_id,
            source_unique_id: seen.source_unique_id,
            source: seen.source.unwrap_or_default().to_ascii_lowercase(),
            tags: tags.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            id: seen.id,
            key,
            subscription,
            group,
            is_copy: seen.is_copy,
            failed: seen.has_failed,
        })
    }

    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(String::as_str)
    }

    pub(crate) fn time_tag(&self, name: &str) -> Option<Timestamp> {
        self.tag(name)?.parse().ok()
    }

    /// The unique id of its disk.
    pub(crate) fn disk(&self) -> Option<&str> {
        if self.is_copy { self.tag("snapferry-disk") } else { self.source_unique_id.as_deref() }
    }

    /// When its source snapshot was taken.
    pub(crate) fn taken_at(&self) -> Option<Timestamp> {
        if self.is_copy { self.time_tag("snapferry-point") } else { Some(self.created_at) }
    }

    pub(crate) fn side(&self) -> Side {
        (self.region.clone(), self.subscription.clone(), self.group.clone())
    }

    /// Whether the policy of that id asked for it.
    pub(crate) fn is_of(&self, policy: &str) -> bool {
        self.tag("snapferry-policy").is_some_and(|all| names_policy(all, policy))
    }

    pub(crate) fn is_under_way(&self) -> bool {
        !self.ready && !self.failed && !self.deleting
    }
}

impl Look {
    pub(crate) fn of(seen: Seen) -> Self {
        let disks = seen.disks.into_iter();
        Self {
            points: seen.snapshots.into_iter().filter_map(Point::read).collect(),
            disks: disks
                .map(|disk| Disk { key: disk.id.to_ascii_lowercase(), unique_id: disk.unique_id })
                .collect(),
        }
    }

    pub(crate) fn point(&self, key: &str) -> Option<&Point> {
        self.points.iter().find(|point| point.key == key)
    }

    pub(crate) fn disk(&self, unique_id: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.unique_id == unique_id)
    }

    /// Whether the source has what a region's newest copy was made from, so that a delta can go there.
    pub(crate) fn has_base(&self, chain: &[&Point], region: &str) -> bool {
        let copies = chain.iter().filter(|p| p.is_copy && p.ready && p.region == region);
        let Some(newest) = copies.max_by_key(|p| p.taken_at()) else { return false };
        let source = self.point(&newest.source).filter(|p| p.ready);
        source.is_some_and(|p| Some(&p.unique_id) == newest.source_unique_id.as_ref())
    }

    /// The points of a disk, the oldest first.
    pub(crate) fn chain(&self, disk: &str) -> Vec<&Point> {
        let mut chain: Vec<&Point> =
            self.points.iter().filter(|point| point.disk() == Some(disk)).collect();
        chain.sort_by_key(|point| (point.taken_at(), &point.key));
        chain
    }
}
