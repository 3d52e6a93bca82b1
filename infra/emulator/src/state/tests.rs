//! Any history of writes, snapshots and deletions reads back as a flat copy of it would, after any
//! reopening, and leaves no more behind than what is there.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use redb::ReadableTableMetadata;
use serde_json::json;

use super::{Store, layers::BLOCKS};
use crate::world::{
    Settings, World,
    desired::Desired,
    id::{Kind, ResourceId},
};

const BLOCK: u64 = 4096;

#[derive(Debug, Clone)]
enum Act {
    Write { block: u64, byte: u8 },
    Take { name: u8 },
    Restore { source: u8, name: u8 },
    Delete { name: u8 },
    Swap { name: u8 },
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0..12_u64, 0..3_u8).prop_map(|(block, byte)| Act::Write { block, byte }),
        4 => (0..5_u8).prop_map(|name| Act::Take { name }),
        1 => (0..5_u8, 0..3_u8).prop_map(|(source, name)| Act::Restore { source, name }),
        3 => (0..8_u8).prop_map(|name| Act::Delete { name }),
        1 => (0..3_u8).prop_map(|name| Act::Swap { name }),
        1 => Just(Act::Reopen),
    ];
    prop::collection::vec(act, 0..50)
}

fn snapshot(name: u8) -> ResourceId {
    ResourceId { kind: Kind::Snapshot, name: format!("s{name}"), ..disk(0) }
}

fn disk(name: u8) -> ResourceId {
    let name = format!("d{name}");
    ResourceId { subscription: "s".into(), group: "g".into(), kind: Kind::Disk, name }
}

fn body(source: Option<&ResourceId>) -> Desired {
    let creation = match source {
        Some(source) => json!({"createOption": "Copy", "sourceResourceId": source.path()}),
        None => json!({"createOption": "Empty"}),
    };
    let body = json!({
        "location": "eastus",
        "properties": {"creationData": creation, "incremental": true, "diskSizeGB": 1},
    });
    Desired::parse(body.to_string().as_bytes()).unwrap()
}

/// A store, the world in it, and what a flat copy of each image would hold.
struct Lab {
    folder: tempfile::TempDir,
    store: Option<Store>,
    world: World,
    flat: BTreeMap<String, BTreeMap<u64, u8>>,
    now: Timestamp,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new(Settings::new(1));
        world.seed_subscription("s", "s").unwrap();
        world.seed_group("s", "g", "eastus", None).unwrap();
        let store = Some(Store::open(folder.path(), false).unwrap());
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let mut lab = Self { folder, store, world, flat: BTreeMap::new(), now };
        lab.world.put_disk(disk(0), &body(None), now).unwrap();
        lab.flat.insert(disk(0).key(), BTreeMap::new());
        lab.settle();
        lab
    }

    fn settle(&mut self) {
        self.now = self.now.saturating_add(SignedDuration::from_secs(10)).unwrap();
        self.world.advance(self.now);
        // What lists and Resource Graph still show of the past holds layers; an hour later nothing.
        self.world.settle_past(self.now);
        self.world.settle_past(self.now.saturating_add(SignedDuration::from_hours(1)).unwrap());
        self.store.as_ref().unwrap().commit(&mut self.world).unwrap();
    }

    fn copy(&mut self, source: &ResourceId, target: ResourceId) {
        let body = body(Some(source));
        let known = self.flat.contains_key(&target.key());
        let made = match target.kind {
            Kind::Disk => self.world.put_disk(target.clone(), &body, self.now),
            Kind::Snapshot => self.world.put_snapshot(target.clone(), &body, self.now),
        };
        if made.is_ok() && !known {
            self.flat.insert(target.key(), self.flat[&source.key()].clone());
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Write { block, byte } => {
                for name in 0..3 {
                    let id = disk(name);
                    let bytes = [byte; BLOCK as usize];
                    if self.world.write(&id, block * BLOCK, &bytes).is_ok() {
                        self.flat.get_mut(&id.key()).unwrap().insert(block, byte);
                    }
                }
            }
            Act::Take { name } => self.copy(&disk(name % 3), snapshot(name)),
            Act::Restore { source, name } => self.copy(&snapshot(source), disk(name % 3)),
            Act::Delete { name } => {
                let id = if name < 5 { snapshot(name) } else { disk(name - 5) };
                if self.world.delete(&id, self.now).unwrap().is_some() {
                    self.flat.remove(&id.key());
                }
            }
            Act::Swap { name } => {
                let mut image = crate::world::image::Image::default();
                image.write(BLOCK, &[9; BLOCK as usize]);
                if self.world.replace(&disk(name), image).is_ok() {
                    self.flat.insert(disk(name).key(), BTreeMap::from([(1, 9)]));
                }
            }
            Act::Reopen => {
                self.store = None;
                let store = Store::open(self.folder.path(), false).unwrap();
                self.world = store.load().unwrap().unwrap();
                self.store = Some(store);
            }
        }
        self.settle();
    }

    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.world.torn(), Vec::<String>::new());
        let all = self.world.disks.values().map(|disk| &disk.base);
        let all = all.chain(self.world.snapshots.values().map(|snapshot| &snapshot.base));
        let mut count = 0;
        for managed in all {
            count += 1;
            let flat = &self.flat[&managed.id.key()];
            for block in 0..12 {
                let byte = flat.get(&block).copied().unwrap_or(0);
                prop_assert_eq!(managed.image.read(block * BLOCK, 1), [byte], "{:?}", managed.id);
            }
        }
        prop_assert_eq!(count, self.flat.len());
        Ok(())
    }

    fn stored_blocks(&self) -> u64 {
        let transaction = self.store.as_ref().unwrap().database.begin_write().unwrap();
        transaction.open_table(BLOCKS).unwrap().len().unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_history_reads_back_as_a_flat_copy_of_it_would(acts in acts()) {
        let mut lab = Lab::new();
        for act in &acts {
            lab.act(act);
            lab.check()?;
        }
        lab.act(&Act::Reopen);
        lab.check()?;
        // Without snapshots and with one disk, each block is stored once, and no other layer is.
        for name in 0..8 {
            if name != 5 {
                lab.act(&Act::Delete { name });
            }
        }
        let held: usize = lab.world.disks.values().map(|disk| disk.base.image.blocks.len()).sum();
        prop_assert_eq!(lab.world.layers.count(), lab.world.disks.len());
        prop_assert_eq!(lab.stored_blocks(), held as u64);
    }
}

#[test]
fn a_year_of_snapshots_kept_for_a_week_takes_the_room_of_a_week() {
    let mut lab = Lab::new();
    let stored = |lab: &Lab| {
        let transaction = lab.store.as_ref().unwrap().database.begin_write().unwrap();
        transaction.stats().unwrap().stored_bytes()
    };
    let mut after_half = 0;
    for day in 0..365_u64 {
        lab.now = lab.now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap();
        lab.world.write(&disk(0), (day % 64) * BLOCK, &[day as u8 | 1; BLOCK as usize]).unwrap();
        let id = |day: u64| ResourceId { name: format!("day{day}"), ..snapshot(0) };
        lab.world.put_snapshot(id(day), &body(Some(&disk(0))), lab.now).unwrap();
        if let Some(old) = day.checked_sub(7) {
            lab.world.delete(&id(old), lab.now).unwrap();
        }
        lab.settle();
        if day == 182 {
            after_half = stored(&lab);
        }
    }
    assert_eq!(lab.world.layers.count(), 8);
    assert!(lab.stored_blocks() <= 64 + 8);
    // Finished operations are kept, a few hundred bytes each.
    assert!(stored(&lab) <= after_half + (256 << 10), "{} after {after_half}", stored(&lab));
    let length = lab.folder.path().join("world.redb").metadata().unwrap().len();
    assert!(length <= 4 * stored(&lab), "{length} bytes for {}", stored(&lab));
}
