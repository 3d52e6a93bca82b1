//! What a seed plays: disks, places, policies, the timer, the days.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
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

/// Where the year begins that has everything in it.
const YEAR: &str = "2027-10-01T00:00:00Z";

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
    pub(crate) paused_until: Option<Timestamp>,
    /// Indices of disks.
    pub(crate) disks: Vec<usize>,
    pub(crate) every_minutes: i64,
    /// Once a day at this hour and minute of the zone, in the interval's stead.
    pub(crate) daily_at: Option<(i8, i8)>,
    pub(crate) zone: &'static str,
    /// The group that snapshots go to.
    pub(crate) group: Option<String>,
    pub(crate) keep: Keep,
    /// Indices of places, and what stays there.
    pub(crate) targets: Vec<(usize, Keep)>,
    pub(crate) abandon_after_hours: Option<i64>,
}

/// What stays on a side; nothing set keeps everything.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Keep {
    pub(crate) last: Option<u32>,
    pub(crate) daily: Option<u32>,
}

impl Keep {
    pub(crate) fn last(n: u32) -> Self {
        Self { last: Some(n), daily: None }
    }

    fn draw(dice: &mut Dice) -> Self {
        let last = dice.one(&[None, Some(2), Some(3), Some(4), Some(6), Some(8)]);
        let daily = if dice.chance(0.3) { Some(dice.between(1, 5) as u32) } else { None };
        Self { last, daily }
    }
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
    /// Whether what only a person can put right is left out: points deleted by others, failed copies, years in Azure's
    /// clock. Over a year it would excuse every disk from every promise.
    pub(crate) gentle: bool,
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
        let targets = dice.one(&[0, 1, 1, 1, 2, 2, 3]);
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
        let tick_minutes = dice.one(&[90, 120, 180, 240]);
        let installations: Vec<Installation> = (0..1 + usize::from(dice.chance(0.15)))
            .map(|nth| Installation::draw(dice, nth, disks.len(), targets, every_minutes))
            .collect();
        // Azure copies one point of a disk at a time, so that a tick starts at most one: whoever asks
        // for more than that falls behind, whatever is done.
        let asking = |disk: usize| {
            let wishes = installations.iter().flat_map(|installation| &installation.meant);
            wishes.filter(|wish| wish.covers(disk)).count()
        };
        let copies = (0..disks.len()).map(asking).max().unwrap_or(0) * targets;
        let tick_minutes = tick_minutes.min(every_minutes / (copies as i64 + 2));
        Self {
            begins,
            tick_minutes,
            subscriptions,
            places,
            disks,
            installations,
            // A full copy of 256 KiB takes from 4 minutes to 3 hours.
            bandwidth: dice.one(&[24, 100, 400, 1000]),
            list_delay: dice.one(&[0, 0, 0, 20, 60]),
            gentle: false,
        }
    }

    /// A year of a team's whole estate: both changes of clocks, in Europe at an hour that a policy names, in America
    /// on other days, and a leap day.
    pub(crate) fn draw_year(dice: &mut Dice) -> Self {
        let mut drawn = Self::draw(dice);
        drawn.begins = YEAR.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        drawn.tick_minutes = 240;
        drawn.subscriptions = SUBSCRIPTIONS.iter().map(|s| (*s).to_owned()).collect();
        drawn.places.truncate(1);
        for (nth, region) in FAR.iter().enumerate().take(3) {
            let subscription = SUBSCRIPTIONS[nth % 2].to_owned();
            drawn.places.push(Place { region, subscription, group: format!("dr{nth}") });
        }
        drawn.disks = (0..50)
            .map(|nth| DiskOf::new(&drawn.places[0], nth, dice.between(8, 64) as u64 * 4096))
            .collect();
        drawn.bandwidth = 1_000;
        drawn.gentle = true;
        let keep = |last, daily| Keep { last: Some(last), daily: Some(daily) };
        let policy = |number: usize, zone, at, disks: std::ops::Range<usize>| Wish {
            id: format!("policy{number}"),
            enabled: true,
            deleted: false,
            paused_until: None,
            disks: disks.collect(),
            every_minutes: 1_440,
            daily_at: Some(at),
            zone,
            group: (number == 1).then(|| "vault".to_owned()),
            keep: keep(3, 7),
            targets: (1..=3).map(|place| (place, keep(2, 2 + place as u32))).collect(),
            abandon_after_hours: None,
        };
        // 02:30 is left out once a year in Berlin, and comes twice once.
        let meant = vec![
            policy(0, "Europe/Berlin", (2, 30), 0..25),
            policy(1, "America/New_York", (1, 10), 25..50),
        ];
        drawn.installations =
            vec![Installation { name: "installation0".to_owned(), saved: vec![], meant }];
        drawn
    }

    /// Whether another installation copies the disk to the region, too.
    pub(crate) fn rivals(
        &self,
        installation: usize,
        disk: usize,
        region: &str,
        now: Timestamp,
    ) -> bool {
        let others = self.installations.iter().enumerate().filter(|(nth, _)| *nth != installation);
        let mut wishes = others.flat_map(|(_, other)| &other.saved);
        wishes.any(|wish| {
            let mut places = wish.targets.iter().map(|(place, _)| &self.places[*place]);
            wish.in_force(now) && wish.covers(disk) && places.any(|place| place.region == region)
        })
    }

    /// The control API's seed.
    pub(crate) fn seed(&self) -> Value {
        let home = &self.places[0];
        let vault = Place { group: "vault".to_owned(), ..home.clone() };
        let groups = self.places.iter().chain([&vault]).map(|place| {
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
        let mut groups: Vec<Vec<usize>> = vec![(0..disks).collect()];
        match dice.below(10) {
            0..3 if disks > 1 => {
                let half = disks / 2;
                groups = vec![(0..half).collect(), (half..disks).collect()];
            }
            // Two policies on one disk.
            3..5 => groups.push(vec![disks - 1]),
            _ => {}
        }
        let meant: Vec<Wish> = groups
            .into_iter()
            .enumerate()
            .map(|(number, disks)| {
                let minute = dice.one(&[0, 10, 30]);
                let daily_at = (every == 1440).then(|| (dice.one(&[1, 2, 3, 7]), minute));
                Wish {
                    id: format!("policy{number}"),
                    enabled: true,
                    deleted: false,
                    paused_until: None,
                    disks,
                    every_minutes: if number == 0 { every } else { dice.one(&[every, 1440]) },
                    daily_at: daily_at.filter(|_| number == 0),
                    zone: dice.one(&["UTC", "Europe/Berlin", "America/New_York"]),
                    group: dice.chance(0.4).then(|| "vault".to_owned()),
                    keep: Keep::draw(dice),
                    targets: (1..=targets).map(|place| (place, Keep::draw(dice))).collect(),
                    abandon_after_hours: dice.chance(0.4).then(|| dice.between(6, 12)),
                }
            })
            .collect();
        Self { name: format!("installation{nth}"), saved: vec![], meant }
    }
}

impl Wish {
    pub(crate) fn covers(&self, disk: usize) -> bool {
        self.disks.contains(&disk)
    }

    /// Whether it is carried out at `now`.
    pub(crate) fn in_force(&self, now: Timestamp) -> bool {
        self.enabled && !self.deleted && self.paused_until.is_none_or(|until| until <= now)
    }

    /// The slot that `at` is in.
    pub(crate) fn slot(&self, at: Timestamp) -> Timestamp {
        let Some((hour, minute)) = self.daily_at else {
            let every = self.every_minutes * 60;
            return Timestamp::from_second(at.as_second().div_euclid(every) * every).unwrap_or(at);
        };
        let zone = TimeZone::get(self.zone).unwrap_or(TimeZone::UTC);
        let today = at.to_zoned(zone.clone()).date();
        let slots = [today, today.yesterday().unwrap_or(today)].into_iter().filter_map(|day| {
            let slot = day.at(hour, minute, 0, 0).to_zoned(zone.clone()).ok()?;
            Some(slot.timestamp())
        });
        slots.filter(|slot| *slot <= at).max().unwrap_or(at)
    }

    /// The day that `at` is in, for rules that count days.
    pub(crate) fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(TimeZone::get(self.zone).unwrap_or(TimeZone::UTC)).date()
    }
}

/// So many minutes later.
pub(crate) fn later(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(at)
}
