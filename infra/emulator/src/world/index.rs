//! Ways into tables by something else than the key: the snapshots of a disk, the copies that move.
//!
//! A [`Table`](super::table::Table) keeps its index itself, at each insertion, removal and load,
//! so that it cannot go out of step; nothing here is stored.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    World,
    resource::Snapshot,
    transfers::{Transfer, TransferState},
};

/// What a table knows of its rows beside their keys.
pub(crate) trait Index<V>: Default {
    /// Takes a row in.
    fn enter(&mut self, key: &str, row: &V);
    /// Takes a row out, which is as it was when it came in.
    fn leave(&mut self, key: &str, row: &V);
}

/// No index.
impl<V> Index<V> for () {
    fn enter(&mut self, _: &str, _: &V) {}
    fn leave(&mut self, _: &str, _: &V) {}
}

/// Snapshots by the disk that they show, of every region; a copy is one of its disk's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chains(BTreeMap<Uuid, BTreeSet<Box<str>>>);

impl Chains {
    /// The keys of a disk's snapshots and copies.
    pub(crate) fn of(&self, disk: Uuid) -> impl Iterator<Item = &str> {
        self.0.get(&disk).into_iter().flatten().map(|key| &**key)
    }
}

impl Index<Snapshot> for Chains {
    fn enter(&mut self, key: &str, row: &Snapshot) {
        self.0.entry(row.point.disk).or_default().insert(key.into());
    }

    fn leave(&mut self, key: &str, row: &Snapshot) {
        remove(&mut self.0, row.point.disk, key);
    }
}

/// The copies that move, by what limits and ends them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Moving {
    keys: BTreeSet<Box<str>>,
    by_source: BTreeMap<Uuid, BTreeSet<Box<str>>>,
    by_disk: BTreeMap<Uuid, usize>,
    by_place: BTreeMap<(String, String), usize>,
}

impl Moving {
    /// The keys of all of them.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &**key)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// The keys of those whose source has this `uniqueId`.
    pub(crate) fn of_source(&self, source: Uuid) -> impl Iterator<Item = &str> {
        self.by_source.get(&source).into_iter().flatten().map(|key| &**key)
    }

    /// How many there are of one disk.
    pub(crate) fn of_disk(&self, disk: Uuid) -> usize {
        self.by_disk.get(&disk).copied().unwrap_or(0)
    }

    /// How many there are into one region of a subscription.
    pub(crate) fn at_place(&self, subscription: &str, location: &str) -> usize {
        self.by_place.get(&place(subscription, location)).copied().unwrap_or(0)
    }
}

impl Index<Transfer> for Moving {
    fn enter(&mut self, key: &str, row: &Transfer) {
        if row.state() != TransferState::Moving {
            return;
        }
        self.keys.insert(key.into());
        self.by_source.entry(row.source_unique_id).or_default().insert(key.into());
        *self.by_disk.entry(row.disk).or_default() += 1;
        let place = place(&row.target.subscription, &row.target_location);
        *self.by_place.entry(place).or_default() += 1;
    }

    fn leave(&mut self, key: &str, row: &Transfer) {
        if row.state() != TransferState::Moving {
            return;
        }
        self.keys.remove(key);
        remove(&mut self.by_source, row.source_unique_id, key);
        subtract(&mut self.by_disk, row.disk);
        subtract(&mut self.by_place, place(&row.target.subscription, &row.target_location));
    }
}

fn place(subscription: &str, location: &str) -> (String, String) {
    (subscription.to_ascii_lowercase(), location.to_owned())
}

fn remove(map: &mut BTreeMap<Uuid, BTreeSet<Box<str>>>, id: Uuid, key: &str) {
    if let Some(keys) = map.get_mut(&id) {
        keys.remove(key);
        if keys.is_empty() {
            map.remove(&id);
        }
    }
}

fn subtract<K: Ord>(map: &mut BTreeMap<K, usize>, key: K) {
    if let Some(count) = map.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            map.remove(&key);
        }
    }
}

impl World {
    /// The snapshots and copies of one disk, of every region, in the order of their keys.
    pub(crate) fn chain(&self, disk: Uuid) -> impl Iterator<Item = &Snapshot> {
        self.snapshots.index().of(disk).filter_map(|key| self.snapshots.get(key))
    }

    /// Whether every index says what its rows say; for tests and the check of a world.
    pub(crate) fn indexes_agree(&self) -> bool {
        self.snapshots.index_agrees() && self.transfers.index_agrees()
    }
}

#[cfg(test)]
mod tests;
