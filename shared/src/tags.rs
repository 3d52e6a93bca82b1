//! The tags that Snapferry writes in the PUT that makes a resource, and what is read from them.
//!
//! Azure is the state: lineage, ownership and the phases of a deletion are on the resources
//! themselves, so that nothing is lost with our store.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Snapshot, Tags};

/// Every tag of ours begins so; a user's own tag may not.
pub const PREFIX: &str = "snapferry-";
/// The installation that made the resource.
pub const INSTALLATION: &str = "snapferry-installation";
/// The `uniqueId` of the disk that the point is of.
pub const DISK: &str = "snapferry-disk";
/// The point time, RFC 3339: when the source snapshot was taken.
pub const POINT: &str = "snapferry-point";
/// The policies that asked for it, separated by commas.
pub const POLICY: &str = "snapferry-policy";
/// The slot that it was made for, RFC 3339.
pub const SLOT: &str = "snapferry-slot";
/// The request that it was made for.
pub const REQUEST: &str = "snapferry-request";
/// The time from which a marked point may be deleted, RFC 3339; empty once undone.
pub const DELETE_AFTER: &str = "snapferry-delete-after";
/// The batch of held deletions whose approval led to the mark.
pub const APPROVED: &str = "snapferry-approved";
/// Who pinned the point; such a point is never deleted.
pub const PIN: &str = "snapferry-pin";

/// Reads a tag of ours; Azure keeps tag names' casing but compares without it.
pub fn read<'a>(tags: &'a impl Named, name: &str) -> Option<&'a str> {
    tags.named()
        .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
        .map(|(_, value)| value)
}

/// Names with values, however they are held.
pub trait Named {
    /// Each name with its value.
    fn named(&self) -> impl Iterator<Item = (&str, &str)>;
}

impl Named for BTreeMap<String, String> {
    fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Named for Tags {
    fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter()
    }
}

/// Reads a tag of ours that holds a time.
pub fn read_time(tags: &impl Named, name: &str) -> Option<Timestamp> {
    read(tags, name)?.parse().ok()
}

/// The text of the tag that names policies: as many as Azure's 256 characters hold.
pub fn policies<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for id in ids {
        if text.len() + id.len() + 1 > 256 {
            break;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(id);
    }
    text
}

/// The text of a tag that holds a time; Azure's `Date`, which plans are made for, counts seconds.
pub fn time(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

impl Snapshot {
    /// Whether `installation` made it.
    pub fn is_of(&self, installation: &str) -> bool {
        read(&self.tags, INSTALLATION) == Some(installation)
    }

    /// The policies that asked for it.
    pub fn policies(&self) -> impl Iterator<Item = &str> {
        read(&self.tags, POLICY).into_iter().flat_map(|text| text.split(',')).map(str::trim)
    }

    /// Whether the policy of that id asked for it.
    pub fn is_of_policy(&self, id: &str) -> bool {
        self.policies().any(|policy| policy == id)
    }

    /// Whether somebody pinned it.
    pub fn is_pinned(&self) -> bool {
        read(&self.tags, PIN).is_some()
    }

    /// The time from which it may be deleted, if it is marked.
    pub fn delete_after(&self) -> Option<Timestamp> {
        read_time(&self.tags, DELETE_AFTER)
    }
}
