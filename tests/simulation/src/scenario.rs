//! What a seed plays: disks, places, policies, the timer, the days.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::dice::Dice;

/// Subscriptions of the tenant.
const SUBSCRIPTIONS: [&str; 2] =
    ["5a9f0000-0000-4000-8000-000000000001", "5a9f0000-0000-4000-8000-000000000002"];

/// Days around which something happens to calendars: both changes of clocks in Europe and in
/// America, a leap day, a year's end, and a plain one.
const BEGINNINGS: [&str; 7] = [
    "2026-03-10T00:00:00Z",
    "2026-10-10T00:00:00Z",
    "2027-02-25T00:00:00Z",
    "2027-10-20T00:00:00Z",
    "2028-02-15T00:00:00Z",
    "2026-12-15T00:00:00Z",
    "2026-06-01T00:00:00Z",
];

/// A region × subscription × group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) region: &'static str,
    pub(crate) subscription: String,
    pub(crate) group: String,
}

/// A disk of the scenario; made again, it has another unique id.
#[derive(Clone, Debug)]
pub(crate) struct DiskOf {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// Whether it is there at the moment.
    pub(crate) there: bool,
}

/// A policy as a person means it, in the simulation's own words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wish {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    pub(crate) deleted: bool,
    /// Indices of disks.
    pub(crate) disks: Vec<usize>,
    pub(crate) every_minutes: i64,
    pub(crate) keep: Option<u32>,
    /// Indices of places, and how many points stay there.
    pub(crate) targets: Vec<(usize, Option<u32>)>,
}

/// One deployment of Snapferry on the estate.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub(crate) name: String,
    /// What people want.
    pub(crate) meant: Vec<Wish>,
    /// What is saved: the same but while somebody errs.
    pub(crate) saved: Vec<Wish>,
}

/// Everything that a seed decides beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) begins: Timestamp,
    pub(crate) tick_minutes: i64,
    pub(crate) subscriptions: Vec<String>,
    /// The first is where the disks are.
    pub(crate) places: Vec<Place>,
    pub(crate) disks: Vec<DiskOf>,
    pub(crate) installations: Vec<Installation>,
    pub(crate) bandwidth: u64,
    /// Seconds that lists are behind.
    pub(crate) list_delay: u64,
}

const FAR: [&str; 4] = ["northeurope", "eastus2", "francecentral", "swedencentral"];

impl Scenario {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let begins = dice.one(&BEGINNINGS).parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let begins = later(begins, dice.between(0, 1_439));
        let home = Place {
            region: "westeurope",
            subscription: SUBSCRIPTIONS[0].to_owned(),
            group: "app".to_owned(),
        };
        let mut places = vec![home];
        let targets = dice.one(&[0, 1, 1, 1, 2, 2, 3]).min(1);
        for (nth, region) in FAR.iter().enumerate().take(targets) {
            let subscription = SUBSCRIPTIONS[usize::from(dice.chance(0.25))].to_owned();
            places.push(Place { region, subscription, group: format!("dr{nth}") });
        }
        let subscriptions = if places.iter().any(|place| place.subscription == SUBSCRIPTIONS[1]) {
            SUBSCRIPTIONS.iter().map(|s| (*s).to_owned()).collect()
        } else {
            vec![SUBSCRIPTIONS[0].to_owned()]
        };
        let disks: Vec<DiskOf> = (0..dice.one(&[1, 2, 2, 3, 3, 4, 6]))
            .map(|nth| DiskOf::new(&places[0], nth, dice.between(8, 64) as u64 * 4096))
            .collect();
        let every_minutes = dice.one(&[360, 360, 720, 720, 1440]);
        // Azure copies one point of a disk at a time, so that a tick starts at most one.
        let tick_minutes = dice.one(&[60, 60, 90, 120]).min(every_minutes / (targets as i64 + 2));
        let installations = (0..1 + usize::from(dice.chance(0.15)))
            .map(|nth| Installation::draw(dice, nth, disks.len(), targets, every_minutes))
            .collect();
        Self {
            begins,
            tick_minutes,
            subscriptions,
            places,
            disks,
            installations,
            // A full copy of 256 KiB takes from 4 minutes to 12 hours.
            bandwidth: dice.one(&[6, 24, 100, 400, 1000]),
            list_delay: dice.one(&[0, 0, 0, 20, 60]),
        }
    }

    /// The control API's seed.
    pub(crate) fn seed(&self) -> Value {
        let groups = self.places.iter().map(|place| {
            let Place { region, subscription, group } = place;
            json!({ "subscription": subscription, "name": group, "location": region })
        });
        json!({
            "subscriptions": self.subscriptions.iter()
                .map(|id| json!({ "id": id, "name": id })).collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(),
            "disks": self.disks.iter().map(DiskOf::seed).collect::<Vec<_>>(),
        })
    }
}

impl DiskOf {
    fn new(place: &Place, nth: usize, bytes: u64) -> Self {
        let name = format!("disk{nth}");
        let Place { subscription, group, .. } = place;
        let id = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/disks/{name}"
        );
        Self { id, name, bytes, there: true }
    }

    /// How the control API makes it.
    pub(crate) fn seed(&self) -> Value {
        json!({
            "id": self.id, "location": "westeurope", "sku": "Premium_LRS", "size_gb": 4,
            "content": { "random_bytes": self.bytes, "seed": self.bytes },
        })
    }
}

impl Installation {
    fn draw(dice: &mut Dice, nth: usize, disks: usize, targets: usize, every: i64) -> Self {
        let keep = |dice: &mut Dice| dice.one(&[None, Some(2), Some(3), Some(4), Some(6), Some(8)]);
        let mut groups: Vec<Vec<usize>> = vec![(0..disks).collect()];
        if disks > 1 && dice.chance(0.3) {
            let half = disks / 2;
            groups = vec![(0..half).collect(), (half..disks).collect()];
        }
        let meant: Vec<Wish> = groups
            .into_iter()
            .enumerate()
            .map(|(number, disks)| Wish {
                id: format!("policy{number}"),
                enabled: true,
                deleted: false,
                disks,
                every_minutes: every,
                keep: keep(dice),
                targets: (1..=targets).map(|place| (place, keep(dice))).collect(),
            })
            .collect();
        Self { name: format!("installation{nth}"), saved: vec![], meant }
    }
}

impl Wish {
    pub(crate) fn covers(&self, disk: usize) -> bool {
        self.disks.contains(&disk)
    }

    /// Whether it is carried out.
    pub(crate) fn in_force(&self) -> bool {
        self.enabled && !self.deleted
    }

    /// The slot that `at` is in.
    pub(crate) fn slot(&self, at: Timestamp) -> Timestamp {
        let every = self.every_minutes * 60;
        Timestamp::from_second(at.as_second().div_euclid(every) * every).unwrap_or(at)
    }
}

/// So many minutes later.
pub(crate) fn later(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(at)
}
