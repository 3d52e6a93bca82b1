//! Which disk a point is of, when it was taken, and what it was copied from.
//!
//! Tags come first; without them, Azure's own ids are followed as far as they go. What cannot be
//! placed is returned as such, and nobody deletes it.

use std::{cell::LazyCell, collections::BTreeMap, sync::Arc};

use foldhash::HashMap;
use jiff::Timestamp;

use crate::{
    model::{Disk, Inventory, ResourceKind, Side, Snapshot},
    tags,
};

/// A snapshot or copy with its place in a chain.
#[derive(Clone, Debug)]
pub struct Point<'a> {
    /// The resource.
    pub snapshot: &'a Snapshot,
    /// The `uniqueId` of the disk that it is of.
    pub disk_unique_id: &'a str,
    /// When the source snapshot was taken.
    pub point_time: Timestamp,
    side: Arc<Side>,
}

impl Point<'_> {
    /// The side that it stands on.
    pub fn side(&self) -> &Side {
        &self.side
    }
}

/// The points of every disk, oldest first, and what could not be placed.
#[derive(Clone, Debug, Default)]
pub struct Lineage<'a> {
    /// By the disk's unique id.
    pub chains: BTreeMap<String, Vec<Point<'a>>>,
    /// Snapshots whose disk is not known.
    pub unplaced: Vec<&'a Snapshot>,
}

/// Places every snapshot of the inventory.
pub fn lineage(inventory: &Inventory) -> Lineage<'_> {
    // Only what has no tags is followed by Azure's ids.
    let by_unique_id: LazyCell<HashMap<&str, &Snapshot>, _> =
        LazyCell::new(|| inventory.snapshots.iter().map(|s| (s.unique_id.as_str(), s)).collect());
    let named = |unique_id: &str| by_unique_id.get(unique_id).copied();
    let mut lineage = Lineage::default();
    let mut chains: HashMap<&str, Vec<Point<'_>>> = HashMap::default();
    let mut sides: HashMap<(&str, &str, &str), Arc<Side>> = HashMap::default();
    for snapshot in &inventory.snapshots {
        match place(snapshot, named) {
            Some((disk_unique_id, point_time)) => {
                let (id, region) = (&snapshot.id, snapshot.region.as_str());
                let side = sides
                    .entry((region, id.subscription(), id.group()))
                    .or_insert_with(|| Arc::new(snapshot.side()))
                    .clone();
                let point = Point { snapshot, disk_unique_id, point_time, side };
                chains.entry(disk_unique_id).or_default().push(point);
            }
            None => lineage.unplaced.push(snapshot),
        }
    }
    lineage.chains = chains.into_iter().map(|(id, chain)| (id.to_owned(), chain)).collect();
    lineage.unplaced.sort_by(|a, b| a.id.cmp(&b.id));
    for chain in lineage.chains.values_mut() {
        chain.sort_by(|a, b| (a.point_time, &a.snapshot.id).cmp(&(b.point_time, &b.snapshot.id)));
    }
    lineage
}

impl<'a> Lineage<'a> {
    /// The points of a disk, oldest first; those of a namesake that it replaced are not among them.
    pub fn of(&self, disk: &Disk) -> &[Point<'a>] {
        self.chains.get(&disk.unique_id).map_or(&[], Vec::as_slice)
    }

    /// The points of earlier disks that had this disk's id.
    pub fn of_namesakes(&self, disk: &Disk) -> Vec<&Point<'a>> {
        self.chains
            .iter()
            .filter(|(unique_id, chain)| {
                **unique_id != disk.unique_id
                    && chain.iter().any(|p| p.snapshot.source_id.as_ref() == Some(&disk.id))
            })
            .flat_map(|(_, chain)| chain)
            .collect()
    }
}

/// A copy of a copy of … is followed at most this far.
const MAX_HOPS: usize = 8;

/// The disk's unique id and the point time of `snapshot`.
fn place<'a>(
    snapshot: &'a Snapshot,
    named: impl Fn(&str) -> Option<&'a Snapshot>,
) -> Option<(&'a str, Timestamp)> {
    let mut at = snapshot;
    for _ in 0..MAX_HOPS {
        if is_of_a_disk(at) {
            let unique_id = at.source_unique_id.as_deref().filter(|id| !id.is_empty());
            // A snapshot still being made has no `sourceUniqueId` yet: its tag tells.
            let unique_id = unique_id.or_else(|| tags::read(&at.tags, tags::DISK));
            let point_time = at.created_at.or_else(|| tags::read_time(&at.tags, tags::POINT));
            return Some((unique_id?, point_time?));
        }
        // The source may be gone, so the tags are asked before the ids.
        let tagged = tags::read(&at.tags, tags::DISK).zip(tags::read_time(&at.tags, tags::POINT));
        if let Some((unique_id, point_time)) = tagged {
            return Some((unique_id, point_time));
        }
        at = named(at.source_unique_id.as_deref()?)?;
    }
    None
}

fn is_of_a_disk(snapshot: &Snapshot) -> bool {
    snapshot.source_id.as_ref().is_some_and(|id| id.kind() == ResourceKind::Disk)
}

/// The existing snapshot that `copy` was made from: by unique id, or by its ARM id while Azure
/// has not yet told the unique id.
pub fn source_snapshot<'a>(inventory: &'a Inventory, copy: &Snapshot) -> Option<&'a Snapshot> {
    inventory.snapshot(copy.source_id.as_ref()?).filter(|source| is_same(copy, source))
}

/// Whether `source`, which has the ARM id of what `copy` was made from, is that still and no
/// namesake of it.
pub(crate) fn is_same(copy: &Snapshot, source: &Snapshot) -> bool {
    copy.source_unique_id.as_deref().is_none_or(|unique_id| unique_id == source.unique_id)
}
