//! What was listed, when, and what could not be.

use std::{collections::BTreeSet, hash::Hash, sync::Arc};

use foldhash::{HashMap, HashSet};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Disk, Region, ResourceId, Snapshot};

/// A point of ours that is missed so long, while its group is listed, was deleted by somebody.
const GONE_FOR_GOOD: SignedDuration = SignedDuration::from_hours(24);

/// Everything that one gathering saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inventory {
    /// Azure's `Date` when the gathering began.
    pub taken_at: Timestamp,
    /// The subscriptions that were listed.
    pub subscriptions: Vec<Subscription>,
    /// The regions that the subscriptions offer.
    pub regions: Vec<RegionInfo>,
    /// The resource groups.
    pub groups: Vec<Group>,
    /// The managed disks.
    pub disks: Vec<Disk>,
    /// Snapshots and copies, whoever made them.
    pub snapshots: Vec<Snapshot>,
    /// What could not be listed. Any gap forbids deletes.
    pub gaps: Vec<Gap>,
    /// Management locks.
    #[serde(default)]
    pub locks: Vec<Lock>,
    /// Points of ours that are listed no more, although we did not delete them. Any forbids
    /// deletes.
    #[serde(default)]
    pub vanished: Vec<Vanished>,
}

/// A management lock (`Microsoft.Authorization/locks`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lock {
    /// The ARM id of what it stands on: a subscription, a group or a resource.
    pub scope: String,
    /// Its name.
    pub name: String,
    /// What it forbids.
    pub level: LockLevel,
}

/// What a lock forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LockLevel {
    /// Deleting.
    CanNotDelete,
    /// Deleting and changing.
    ReadOnly,
}

/// A point of ours that was listed once and is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vanished {
    /// Its id.
    pub id: ResourceId,
    /// Its unique id.
    pub unique_id: String,
    /// When it was first missed.
    pub since: Timestamp,
    /// Since when lists that would have to show it leave it out; none while its subscription has a gap or its group is
    /// not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_since: Option<Timestamp>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// Its display name.
    pub name: String,
}

/// A region as a subscription's locations tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegionInfo {
    /// Its name.
    pub region: Region,
    /// Its name for people, such as `West Europe`.
    pub display_name: String,
    /// Whether it has availability zones, and thereby zone-redundant storage.
    pub zones: bool,
}

/// A resource group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// Its subscription.
    pub subscription: String,
    /// Its name.
    pub name: String,
    /// Where its metadata is.
    pub region: Region,
}

/// Something that could not be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    /// The subscription that it concerns.
    pub subscription: String,
    /// What was asked for: `disks`, `snapshots`, …; `subscription` where nothing of it is seen.
    pub what: String,
    /// Why it was not had.
    pub message: String,
}

impl Inventory {
    /// An inventory of nothing at `taken_at`.
    pub fn empty(taken_at: Timestamp) -> Self {
        Self {
            taken_at,
            subscriptions: vec![],
            regions: vec![],
            groups: vec![],
            disks: vec![],
            snapshots: vec![],
            gaps: vec![],
            locks: vec![],
            vanished: vec![],
        }
    }

    /// Lets equal texts of snapshots be one text in memory: ids of sources, regions and tags are
    /// said many times in what Azure sends.
    pub fn share(&mut self) {
        let mut texts: HashSet<Arc<str>> = HashSet::default();
        let mut regions: HashSet<Region> = HashSet::default();
        let mut ids: HashSet<ResourceId> = self.disks.iter().map(|disk| disk.id.clone()).collect();
        ids.extend(self.snapshots.iter().map(|snapshot| snapshot.id.clone()));
        for snapshot in &mut self.snapshots {
            snapshot.tags.share(|text| one_of(&mut texts, text));
            for text in [&mut snapshot.source_unique_id, &mut snapshot.family_id] {
                *text = text.as_ref().map(|text| one_of(&mut texts, text));
            }
            snapshot.region = one_of(&mut regions, &snapshot.region);
            if let Some(id) = &mut snapshot.source_id
                && let Some(known) = ids.get(id)
                && known.is_spelled_like(id)
            {
                *id = known.clone();
            }
        }
    }

    /// Whether everything asked for was listed, and nothing of ours is missing.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.vanished.is_empty()
    }

    /// The lock that stands on the resource, its group or its subscription: the strictest.
    pub fn lock_on(&self, id: &ResourceId) -> Option<&Lock> {
        let on = |lock: &&Lock| {
            let scope = lock.scope.trim_end_matches('/').to_ascii_lowercase();
            let rest = id.key().strip_prefix(scope.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.locks.iter().filter(on).max_by_key(|lock| lock.level == LockLevel::ReadOnly)
    }

    /// Whether something of a subscription could not be listed.
    fn has_gap(&self, subscription: &str) -> bool {
        self.gaps.iter().any(|gap| gap.subscription.eq_ignore_ascii_case(subscription))
    }

    /// The vanished points whose subscription was listed without a gap: of the others nobody can say whether they
    /// are missing.
    pub fn missed(&self) -> impl Iterator<Item = &Vanished> {
        self.vanished.iter().filter(|gone| !self.has_gap(gone.id.subscription()))
    }

    /// Notes which points of `installation` in `previous` are listed no more, although nothing of
    /// ours deleted them: eventual consistency, rights taken away, or a person.
    ///
    /// A point is missed until it comes back, until somebody acknowledges it, or until it has been
    /// gone for 24 hours while its group is listed without a gap (design §3). Those are not counted
    /// while the clocks do not agree: one that jumps settles nothing.
    pub fn mark_vanished(
        &mut self,
        previous: &Self,
        installation: &str,
        deleted: impl Fn(&ResourceId) -> bool,
        acknowledged: &BTreeSet<String>,
        clock_agrees: bool,
    ) {
        let now = self.taken_at;
        let known: HashMap<&str, &str> =
            self.snapshots.iter().map(|s| (s.id.key(), s.unique_id.as_str())).collect();
        let here = previous
            .snapshots
            .iter()
            .filter(|s| s.is_of(installation) && !s.unique_id.is_empty())
            .map(|s| Vanished {
                id: s.id.clone(),
                unique_id: s.unique_id.clone(),
                since: now,
                whole_since: None,
            });
        let mut missing: Vec<Vanished> = previous
            .vanished
            .iter()
            .cloned()
            .chain(here)
            .filter(|gone| known.get(gone.id.key()) != Some(&gone.unique_id.as_str()))
            .filter(|gone| !deleted(&gone.id) && !acknowledged.contains(&gone.unique_id))
            .map(|gone| {
                // Who does not know what time it is counts no hours.
                if !clock_agrees {
                    return gone;
                }
                let whole = self.group(gone.id.subscription(), gone.id.group()).is_some()
                    && !self.has_gap(gone.id.subscription());
                let whole_since = whole.then(|| gone.whole_since.unwrap_or(now));
                Vanished { whole_since, ..gone }
            })
            .filter(|gone| {
                let hours = gone.whole_since.map(|since| now.duration_since(since));
                !clock_agrees || hours.is_none_or(|hours| hours < GONE_FOR_GOOD)
            })
            .collect();
        missing.sort_by(|a, b| (&a.id, &a.unique_id, a.since).cmp(&(&b.id, &b.unique_id, b.since)));
        missing.dedup_by(|a, b| a.id == b.id && a.unique_id == b.unique_id);
        self.vanished = missing;
    }

    /// The disk of that id that exists today.
    pub fn disk(&self, id: &ResourceId) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.id == *id)
    }

    /// The snapshot or copy of that id.
    pub fn snapshot(&self, id: &ResourceId) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.id == *id)
    }

    /// What is known of a region.
    pub fn region(&self, region: &Region) -> Option<&RegionInfo> {
        self.regions.iter().find(|info| info.region == *region)
    }

    /// The group of that name in that subscription.
    pub fn group(&self, subscription: &str, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| {
            group.name.eq_ignore_ascii_case(name)
                && group.subscription.eq_ignore_ascii_case(subscription)
        })
    }

    /// The subscription of that id.
    pub fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| subscription.id.eq_ignore_ascii_case(id))
    }

    /// Whether the list of a subscription's snapshots could be had.
    pub fn lists_snapshots_of(&self, subscription: &str) -> bool {
        let missing = |gap: &Gap| ["snapshots", "subscription"].contains(&gap.what.as_str());
        let mut gaps = self.gaps.iter().filter(|gap| missing(gap));
        !gaps.any(|gap| gap.subscription.eq_ignore_ascii_case(subscription))
    }
}

/// The member that equals `value`; `value` itself becomes one if there is none.
fn one_of<T: Clone + Eq + Hash>(known: &mut HashSet<T>, value: &T) -> T {
    if let Some(found) = known.get(value) {
        return found.clone();
    }
    known.insert(value.clone());
    value.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{NetworkAccess, PointState, Tags},
        tags,
    };

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
    }

    fn estate(hour: i64, points: &[&str]) -> Inventory {
        let mut inventory = Inventory::empty(at(hour));
        let region = Region::new("westus");
        let group = Group { subscription: "s".into(), name: "g".into(), region: region.clone() };
        inventory.groups.push(group);
        for name in points {
            let mut own = Tags::default();
            own.insert(tags::INSTALLATION, "here");
            inventory.snapshots.push(Snapshot {
                id: ResourceId::snapshot("s", "g", name),
                unique_id: format!("u-{name}"),
                region: region.clone(),
                incremental: true,
                is_copy: false,
                source_id: None,
                source_unique_id: None,
                family_id: None,
                size_bytes: 1,
                sku: "Standard_LRS".into(),
                created_at: None,
                network_access: NetworkAccess::DenyAll,
                state: PointState::Ready,
                immutable_until: None,
                tags: own,
            });
        }
        inventory
    }

    fn missed(inventory: &Inventory) -> Vec<&str> {
        inventory.vanished.iter().map(|gone| gone.unique_id.as_str()).collect()
    }

    #[test]
    fn a_point_is_missed_until_it_is_back_or_a_day_is_over() {
        let before = estate(0, &["a", "b"]);
        let nobody = |_: &ResourceId| false;
        let mut narrowed = estate(1, &["a"]);
        narrowed.mark_vanished(&before, "here", nobody, &BTreeSet::new(), true);
        assert_eq!(missed(&narrowed), ["u-b"]);
        assert!(!narrowed.is_complete());
        let mut back = estate(2, &["a", "b"]);
        back.mark_vanished(&narrowed, "here", nobody, &BTreeSet::new(), true);
        assert_eq!(missed(&back), [] as [&str; 0]);
        let mut last = narrowed.clone();
        for (hour, expected) in
            [(7, &["u-b"][..]), (13, &["u-b"]), (19, &["u-b"]), (24, &["u-b"]), (25, &[])]
        {
            let mut later = estate(hour, &["a"]);
            later.mark_vanished(&last, "here", nobody, &BTreeSet::new(), true);
            assert_eq!(missed(&later), expected, "hour {hour}");
            last = later;
        }
        // Its group is listed no more: a day does not settle it.
        let mut groupless = estate(100, &["a"]);
        groupless.groups.clear();
        groupless.mark_vanished(&narrowed, "here", nobody, &BTreeSet::new(), true);
        assert_eq!(missed(&groupless), ["u-b"]);
    }

    #[test]
    fn the_day_counts_from_the_first_whole_list_that_leaves_a_point_out() {
        let nobody = |_: &ResourceId| false;
        let mut last = estate(0, &["a", "b"]);
        for hour in [1, 30] {
            let mut failed = estate(hour, &[]);
            let (subscription, message) = ("S".to_owned(), "throttled".to_owned());
            failed.gaps.push(Gap { subscription, what: "snapshots".to_owned(), message });
            failed.mark_vanished(&last, "here", nobody, &BTreeSet::new(), true);
            assert_eq!(missed(&failed), ["u-a", "u-b"]);
            assert_eq!(failed.missed().count(), 0, "nobody can say that they are missing");
            last = failed;
        }
        let b = &["u-b"][..];
        for (hour, expected) in [(31, b), (37, b), (43, b), (49, b), (54, b), (55, &[])] {
            let mut whole = estate(hour, &["a"]);
            whole.mark_vanished(&last, "here", nobody, &BTreeSet::new(), true);
            assert_eq!(missed(&whole), expected, "hour {hour}");
            assert_eq!(whole.missed().count(), expected.len());
            last = whole;
        }
    }

    #[test]
    fn a_clock_that_jumps_settles_nothing() {
        let nobody = |_: &ResourceId| false;
        let mut last = estate(0, &["a", "b"]);
        let b = &["u-b"][..];
        let year = 365 * 24;
        for (hour, agrees, expected) in [
            (1, true, b),
            (year, false, b),
            (year + 25, false, b),
            (9, true, b),
            (24, true, b),
            (25, false, b),
            (25, true, &[]),
        ] {
            let mut later = estate(hour, &["a"]);
            later.mark_vanished(&last, "here", nobody, &BTreeSet::new(), agrees);
            assert_eq!(missed(&later), expected, "hour {hour}");
            last = later;
        }
        // A point that is first missed by a wrong clock is counted from when it is right again.
        let mut wrong = estate(year, &["a"]);
        wrong.mark_vanished(&estate(0, &["a", "b"]), "here", nobody, &BTreeSet::new(), false);
        for (hour, expected) in [(2, b), (25, b), (26, &[])] {
            let mut later = estate(hour, &["a"]);
            later.mark_vanished(&wrong, "here", nobody, &BTreeSet::new(), true);
            assert_eq!(missed(&later), expected, "hour {hour}");
            wrong = later;
        }
    }

    #[test]
    fn what_we_deleted_or_somebody_acknowledged_or_another_made_is_not_missed() {
        let before = estate(0, &["a", "b", "c"]);
        let mut after = estate(1, &[]);
        let acknowledged = BTreeSet::from(["u-c".to_owned()]);
        let ours = |id: &ResourceId| id.name() == "a";
        after.mark_vanished(&before, "here", ours, &acknowledged, true);
        assert_eq!(missed(&after), ["u-b"]);
        after.mark_vanished(&before, "elsewhere", |_| false, &BTreeSet::new(), true);
        assert_eq!(missed(&after), [] as [&str; 0]);
    }

    #[test]
    fn a_lock_covers_what_is_below_its_scope_and_nothing_beside_it() {
        let mut inventory = estate(0, &[]);
        let lock = |scope: &str, level| Lock { scope: scope.into(), name: "l".into(), level };
        let id = ResourceId::snapshot("s", "g", "a");
        inventory.locks.push(lock("/subscriptions/s/resourceGroups/g2", LockLevel::ReadOnly));
        assert_eq!(inventory.lock_on(&id), None);
        inventory.locks.push(lock("/subscriptions/S", LockLevel::CanNotDelete));
        inventory.locks.push(lock("/subscriptions/s/resourceGroups/G", LockLevel::ReadOnly));
        assert_eq!(inventory.lock_on(&id).map(|lock| lock.level), Some(LockLevel::ReadOnly));
    }
}
