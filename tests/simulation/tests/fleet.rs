//! The short form of `cargo xtask simulate --fleet`: four subscriptions of ten disks, for days.

use simulation::{FleetOptions, play_fleet};

fn fleet(hours: i64, storm: bool) -> FleetOptions {
    FleetOptions {
        subscriptions: 4,
        disks: 10,
        hours,
        instances: 1,
        bytes: 4096,
        bandwidth: 8,
        storm,
        verbose: false,
    }
}

#[test]
fn each_slot_has_one_snapshot_of_each_disk_and_one_copy_and_what_is_over_goes() {
    let report = play_fleet(fleet(3 * 24 + 5, false)).unwrap();
    assert_eq!(report.broken, Vec::<String>::new());
    assert_eq!(report.slots.len(), 4);
    assert_eq!(report.throttled, 0);
    // Of four points two are kept and one is marked on each side.
    assert_eq!(report.deleted, 4 * 10 * 2);
    // Each part goes by what its tick planned, and what it records follows from what is stored.
    assert_eq!(report.inventories, 0);
    assert!(report.replayed >= report.parts, "{} of {}", report.replayed, report.parts);
    // Each subscription's steps of a slot go to messages; they are all its steps.
    assert!(report.parts >= 4 * 2 * 4, "{}", report.parts);
    assert_eq!(report.outcomes.keys().copied().collect::<Vec<_>>(), ["done"]);
}

#[test]
fn doubled_messages_killed_instances_and_broken_calls_double_nothing_and_lose_nothing() {
    let report = play_fleet(fleet(24 + 6, true)).unwrap();
    assert_eq!(report.broken, Vec::<String>::new());
    assert!(report.again > 0);
}
