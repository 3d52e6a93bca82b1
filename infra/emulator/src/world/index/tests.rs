//! Any history of requests leaves indexes that equal those made anew, and answers that equal scans.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use crate::world::{
    Settings, World,
    desired::Desired,
    id::{Kind, ResourceId},
    seed::SeedDisk,
    transfers::TransferState,
};

#[derive(Debug, Clone)]
enum Act {
    Take { disk: u8, name: u8 },
    Copy { source: u8, name: u8, far: bool },
    Delete { name: u8, disk: bool },
    DeleteGroup,
    Wait { seconds: i64 },
    Bandwidth { bytes: u64 },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..3_u8, 0..8_u8).prop_map(|(disk, name)| Act::Take { disk, name }),
        4 => (0..8_u8, 0..8_u8, any::<bool>())
            .prop_map(|(source, name, far)| Act::Copy { source, name, far }),
        2 => (0..8_u8, prop::bool::weighted(0.2)).prop_map(|(name, disk)| Act::Delete { name, disk }),
        1 => Just(Act::DeleteGroup),
        4 => (0..40_i64).prop_map(|seconds| Act::Wait { seconds }),
        1 => (0..3_u64).prop_map(|bytes| Act::Bandwidth { bytes: bytes * 2048 }),
    ];
    prop::collection::vec(act, 0..60)
}

fn id(group: &str, kind: Kind, name: impl Into<String>) -> ResourceId {
    let name = name.into();
    ResourceId { subscription: "s".into(), group: group.into(), kind, name }
}

fn body(option: &str, source: &ResourceId, location: &str) -> Desired {
    let body = json!({
        "location": location,
        "properties": {
            "creationData": {"createOption": option, "sourceResourceId": source.path()},
            "incremental": true,
        },
    });
    Desired::parse(body.to_string().as_bytes()).unwrap()
}

fn prepare(world: &mut World, now: Timestamp) {
    world.seed_subscription("s", "s").unwrap();
    world.seed_group("s", "near", "eastus", None).unwrap();
    world.seed_group("s", "far", "westus2", None).unwrap();
    for name in ["d0", "d1", "d2"] {
        let disk = SeedDisk {
            id: id("near", Kind::Disk, name),
            location: "eastus".into(),
            sku: None,
            size_gb: 1,
            os_type: None,
            managed_by: None,
            zones: Vec::new(),
            tags: None,
        };
        if world.seed_disk(disk, now).unwrap() {
            world.write(&id("near", Kind::Disk, name), 0, &[7; 65_536]).unwrap();
        }
    }
}

/// Does it, whether Azure would allow it or not.
fn carry_out(world: &mut World, act: &Act, now: &mut Timestamp) {
    let place = |far: bool| if far { ("far", "westus2") } else { ("near", "eastus") };
    match *act {
        Act::Take { disk, name } => {
            let source = id("near", Kind::Disk, format!("d{disk}"));
            let target = id("near", Kind::Snapshot, format!("s{name}"));
            let _ = world.put_snapshot(target, &body("Copy", &source, "eastus"), *now);
            let _ = world.write(&source, u64::from(name) * 4096, &[name; 4096]);
        }
        Act::Copy { source, name, far } => {
            let source = id("near", Kind::Snapshot, format!("s{source}"));
            let (group, location) = place(far);
            let target = id(group, Kind::Snapshot, format!("c{name}"));
            let _ = world.put_snapshot(target, &body("CopyStart", &source, location), *now);
        }
        Act::Delete { name, disk: true } => {
            let _ = world.delete(&id("near", Kind::Disk, format!("d{}", name % 3)), *now);
        }
        Act::Delete { name, disk: false } => {
            for (group, first) in [("near", 's'), ("near", 'c'), ("far", 'c')] {
                let _ = world.delete(&id(group, Kind::Snapshot, format!("{first}{name}")), *now);
            }
        }
        Act::DeleteGroup => drop(world.delete_group("s", "far", *now)),
        Act::Wait { seconds } => {
            *now = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap();
            world.advance(*now);
            prepare(world, *now);
        }
        Act::Bandwidth { bytes } => world.set_bandwidth(bytes, *now),
    }
}

proptest! {
    #[test]
    fn indexes_are_what_their_rows_say_after_any_history(seed: u64, acts in acts()) {
        let mut now = Timestamp::from_second(1_700_000_000).unwrap();
        let mut world = World::new(Settings::new(seed));
        prepare(&mut world, now);
        for act in &acts {
            carry_out(&mut world, act, &mut now);
            prop_assert!(world.indexes_agree(), "after {act:?}");
        }
        let moving = |world: &World| {
            world.transfers.values().filter(|t| t.state() == TransferState::Moving).count()
        };
        prop_assert_eq!(world.transfers.index().keys().count(), moving(&world));
        let near = world.transfers.index().at_place("S", "eastus");
        let far = world.transfers.index().at_place("s", "westus2");
        prop_assert_eq!(near + far, moving(&world));
        for disk in world.disks.values() {
            let unique_id = disk.base.unique_id;
            let scanned = world.snapshots.values().filter(|s| s.point.disk == unique_id).count();
            prop_assert_eq!(world.chain(unique_id).count(), scanned);
        }
    }
}
