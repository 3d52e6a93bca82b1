//! An estate of disks that have ten points on three sides, a day between two points; each disk is due
//! a snapshot, and each side lets its oldest points go. Objects are snapshots and copies.
//!
//! The bench in the browser (`frontend/examples/plan.rs`) plans the same.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use shared::{
    Disk, Group, History, Inventory, Keep, Limits, NetworkAccess, PointState, Policy, Region,
    RegionInfo, ResourceId, Schedule, Selection, Selector, Side, Snapshot, Subscription, Target,
    model::Writes, names, tags,
};

const POINTS: i64 = 10;
const HOME: &str = "westeurope";
const TARGETS: [&str; 2] = ["northeurope", "westus"];

/// What a plan of such an estate is made from.
pub(crate) struct World {
    pub(crate) inventory: Inventory,
    pub(crate) policies: [Policy; 1],
    pub(crate) history: History,
    pub(crate) limits: Limits,
    pub(crate) now: Timestamp,
}

impl World {
    /// One of that many disks.
    pub(crate) fn of_disks(disks: usize) -> Self {
        let now = "2026-11-23T00:10:00Z".parse().unwrap_or_default();
        let mut limits = Limits::new("here", Writes::Everywhere);
        // Measured is the work of a tick that may do everything.
        (limits.steps_per_tick, limits.deletes_per_tick) = (usize::MAX, usize::MAX);
        limits.copies_in_flight = usize::MAX;
        let inventory = estate(disks, now);
        Self { inventory, policies: [policy()], history: History::none(), limits, now }
    }

    pub(crate) fn plan(&self) -> shared::Plan {
        let Self { inventory, policies, history, limits, now } = self;
        shared::plan(inventory, policies, &[], history, limits, *now)
    }
}

fn subscription(disk: usize) -> String {
    format!("5a9f0000-0000-4000-8000-{:012}", disk / 1_000)
}

fn policy() -> Policy {
    let target = |region: &str| Target {
        region: Region::new(region),
        subscription: None,
        group: Some("dr".to_owned()),
        sku: None,
        encryption_set: None,
        keep: Keep { daily: Some(7), weekly: Some(2), ..Keep::default() },
        rpo_minutes: None,
        fast: false,
    };
    Policy {
        id: "daily".to_owned(),
        version: 1,
        name: "Daily".to_owned(),
        enabled: true,
        paused_until: None,
        disks: Selection {
            include: vec![Selector::Tag { name: "backup".to_owned(), value: None }],
            exclude: vec![],
        },
        schedule: Schedule::Cron { expression: "0 0 * * *".to_owned() },
        time_zone: "UTC".to_owned(),
        group: None,
        sku: None,
        network_access: NetworkAccess::DenyAll,
        keep: Keep::last(7),
        rpo_minutes: None,
        targets: TARGETS.map(target).to_vec(),
        stop_loss_gib: None,
        first_copies_gib_per_day: None,
        abandon_after_hours: None,
        rules_before: vec![],
    }
}

fn estate(disks: usize, now: Timestamp) -> Inventory {
    let mut inventory = Inventory::empty(now);
    for region in [HOME, TARGETS[0], TARGETS[1]] {
        let (display_name, region) = (region.to_owned(), Region::new(region));
        inventory.regions.push(RegionInfo { region, display_name, zones: true });
    }
    for nth in (0..disks).step_by(1_000) {
        let subscription = subscription(nth);
        let (id, name) = (subscription.clone(), format!("team {nth}"));
        inventory.subscriptions.push(Subscription { id, name });
        for group in ["app", "dr"] {
            let (name, region) = (group.to_owned(), Region::new(HOME));
            inventory.groups.push(Group { subscription: subscription.clone(), name, region });
        }
    }
    // As `gather` does: by subscription, and then what subscriptions have in common.
    for nth in (0..disks).step_by(1_000) {
        let mut part = Inventory::empty(now);
        for nth in nth..disks.min(nth + 1_000) {
            add_disk(&mut part, nth, now);
        }
        part.share();
        inventory.disks.extend(part.disks);
        inventory.snapshots.extend(part.snapshots);
    }
    inventory.share();
    inventory
}

fn add_disk(inventory: &mut Inventory, nth: usize, now: Timestamp) {
    let subscription = subscription(nth);
    let id = ResourceId::disk(&subscription, "app", &format!("disk-{nth:06}"));
    let unique_id = format!("00000000-0000-4000-8000-{nth:012}");
    for day in (1..=POINTS).rev() {
        let at = now - SignedDuration::from_hours(24 * day);
        let slot = at - SignedDuration::from_mins(10);
        let name = names::snapshot_name("here", &id, &unique_id, slot);
        let source = ResourceId::snapshot(&subscription, "app", &name);
        let source_unique_id = format!("{nth:08}-{day:04}-4000-8000-000000000001");
        let tags = BTreeMap::from([
            (tags::INSTALLATION.to_owned(), "here".to_owned()),
            (tags::DISK.to_owned(), unique_id.clone()),
            (tags::POINT.to_owned(), at.to_string()),
            (tags::POLICY.to_owned(), "daily".to_owned()),
            (tags::SLOT.to_owned(), slot.to_string()),
        ]);
        let home = Snapshot {
            id: source.clone(),
            unique_id: source_unique_id.clone(),
            region: Region::new(HOME),
            incremental: true,
            is_copy: false,
            // Texts of their own, as they come from Azure.
            source_id: id.to_string().parse().ok(),
            source_unique_id: Some(unique_id.as_str().into()),
            family_id: Some(format!("{nth:08}-0000-4000-8000-{:012}", HOME.len()).into()),
            size_bytes: 128 << 30,
            sku: "Standard_ZRS".to_owned(),
            created_at: Some(at),
            network_access: NetworkAccess::DenyAll,
            state: PointState::Ready,
            immutable_until: None,
            tags: tags.into(),
        };
        for region in TARGETS {
            let region = Region::new(region);
            let side = Side::new(&region, &subscription, "dr");
            let name = names::copy_name("here", id.name(), &unique_id, slot, &side, 1);
            inventory.snapshots.push(Snapshot {
                id: ResourceId::snapshot(&subscription, "dr", &name),
                unique_id: format!("{nth:08}-{day:04}-4000-8000-{:>012}", region.as_str().len()),
                region,
                is_copy: true,
                source_id: source.to_string().parse().ok(),
                source_unique_id: Some(source_unique_id.as_str().into()),
                family_id: Some(
                    format!("{nth:08}-0000-4000-8000-{:012}", side.region.as_str().len()).into(),
                ),
                ..home.clone()
            });
        }
        inventory.snapshots.push(home);
    }
    inventory.disks.push(Disk {
        id,
        unique_id,
        region: Region::new(HOME),
        size_bytes: 128 << 30,
        sku: "Premium_LRS".to_owned(),
        os: None,
        managed_by: None,
        zones: vec![],
        state: "Attached".to_owned(),
        created_at: Some("2020-01-01T00:00:00Z".parse().unwrap_or(now)),
        network_access: NetworkAccess::DenyAll,
        encryption_set: None,
        logical_sector_size: None,
        tags: BTreeMap::from([("backup".to_owned(), "yes".to_owned())]),
    });
}
