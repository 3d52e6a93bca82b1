//! What is in Azure, read from its own lists by nobody's code but this.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

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
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) is_copy: bool,
    pub(crate) failed: bool,
    /// Its deletion is under way.
    pub(crate) deleting: bool,
    pub(crate) ready: bool,
    unique_id: Option<String>,
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

/// A side: region, subscription, group, in lower case.
pub(crate) type Side = (String, String, String);

impl Point {
    pub(crate) fn read(item: &Value) -> Option<Self> {
        let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
        let id = text("/id")?.to_owned();
        let key = id.to_ascii_lowercase();
        let parts: Vec<&str> = key.split('/').collect();
        let (subscription, group) = (parts.get(2)?.to_string(), parts.get(4)?.to_string());
        let tags = item.get("tags").and_then(Value::as_object);
        let tags = tags.into_iter().flatten().filter_map(|(name, value)| {
            Some((name.to_ascii_lowercase(), value.as_str().filter(|v| !v.is_empty())?.to_owned()))
        });
        let is_copy = text("/properties/creationData/createOption") == Some("CopyStart");
        let state = text("/properties/provisioningState").unwrap_or_default();
        let percent = item.pointer("/properties/completionPercent").and_then(Value::as_f64);
        let failed = state == "Failed"
            || item.pointer("/properties/copyCompletionError/errorCode").is_some();
        let moved =
            if is_copy { percent == Some(100.0) } else { percent.is_none_or(|p| p >= 100.0) };
        Some(Self {
            region: text("/location")?.to_ascii_lowercase(),
            created_at: text("/properties/timeCreated").and_then(|t| t.parse().ok()),
            deleting: state == "Deleting",
            ready: state == "Succeeded" && moved && !failed,
            unique_id: text("/properties/uniqueId").map(str::to_owned),
            source_unique_id: text("/properties/creationData/sourceUniqueId").map(str::to_owned),
            source: text("/properties/creationData/sourceResourceId")
                .unwrap_or_default()
                .to_ascii_lowercase(),
            tags: tags.collect(),
            id,
            key,
            subscription,
            group,
            is_copy,
            failed,
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
        if self.is_copy { self.time_tag("snapferry-point") } else { self.created_at }
    }

    pub(crate) fn side(&self) -> Side {
        (self.region.clone(), self.subscription.clone(), self.group.clone())
    }

    /// Whether the policy of that id asked for it.
    pub(crate) fn is_of(&self, policy: &str) -> bool {
        self.tag("snapferry-policy").is_some_and(|all| all.split(',').any(|p| p.trim() == policy))
    }

    pub(crate) fn is_under_way(&self) -> bool {
        !self.ready && !self.failed && !self.deleting
    }
}

impl Look {
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
        source.is_some_and(|p| p.unique_id.is_some() && p.unique_id == newest.source_unique_id)
    }

    /// The points of a disk, the oldest first.
    pub(crate) fn chain(&self, disk: &str) -> Vec<&Point> {
        let mut chain: Vec<&Point> =
            self.points.iter().filter(|point| point.disk() == Some(disk)).collect();
        chain.sort_by_key(|point| (point.taken_at(), &point.key));
        chain
    }
}

impl Disk {
    pub(crate) fn read(item: &Value) -> Option<Self> {
        let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
        Some(Self {
            key: text("/id")?.to_ascii_lowercase(),
            unique_id: text("/properties/uniqueId")?.to_owned(),
        })
    }
}
