//! The notation of golden scenarios: one line, one thing; `#` begins a remark.
//!
//!     now 2026-11-23T07:00Z
//!     policy p: every 6h; keep last 3 daily 7; to northeurope/dr keep last 4 rpo 720
//!     disk data
//!     snap 2026-11-23T00:00Z [DISK] [of p,q] [pinned] [marked T] [foreign] …
//!     copy northeurope/dr 2026-11-23T00:00Z […]
//!     snaps every 6h from T to T
//!
//! Times are UTC. The disk is `data` where none is named, the policy `p`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use shared::{
    Action, Disk, Gap, History, Inventory, Keep, KeepPoint, Limits, NetworkAccess, PointState,
    Policy, Region, Request, ResourceId, Schedule, Selection, Selector, Side, Snapshot, Target,
    model::{ApproveDeletions, Lock, LockLevel, Refused, RulesBefore, Spent, Vanished},
    names, plan, tags,
};

use crate::world::{SUBSCRIPTION, World, at, limits, policy, target};

pub(crate) struct Scenario {
    pub(crate) inventory: Inventory,
    pub(crate) policies: Vec<Policy>,
    pub(crate) history: History,
    pub(crate) limits: Limits,
    /// How a person names each point.
    pub(crate) labels: BTreeMap<ResourceId, String>,
    asked: Vec<String>,
}

/// `2026-11-23T07:00Z`
pub(crate) fn time(text: &str) -> Timestamp {
    at(&text.replace('Z', ":00Z"))
}

/// `6h`, `15m` or `7d`
fn minutes(text: &str) -> u32 {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u32 = number.parse().unwrap_or_else(|_| panic!("no duration: {text}"));
    match unit {
        "m" => number,
        "h" => number * 60,
        "d" => number * 24 * 60,
        _ => panic!("no duration: {text}"),
    }
}

impl Scenario {
    pub(crate) fn read(text: &str) -> Self {
        let lines: Vec<&str> = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim())
            .filter(|line| !line.is_empty())
            .collect();
        let now = lines.iter().find_map(|line| line.strip_prefix("now ")).expect("a `now` line");
        let mut scenario = Self {
            inventory: World::with_disks(time(now), &[]).inventory,
            policies: vec![],
            history: History::none(),
            limits: limits(),
            labels: BTreeMap::new(),
            asked: vec![],
        };
        // Policies name disks, points need both.
        let order = ["now", "disk", "policy"];
        for word in order {
            for line in lines.iter().filter(|line| line.split(' ').next() == Some(word)) {
                scenario.line(line);
            }
        }
        for line in lines.iter().filter(|line| !order.contains(&line.split(' ').next().unwrap())) {
            scenario.line(line);
        }
        if !lines.contains(&"untold") {
            scenario.remember_slots();
        }
        scenario
    }

    /// Runs have told of every snapshot that is there.
    fn remember_slots(&mut self) {
        let made = self.inventory.snapshots.iter().filter(|s| !s.is_copy);
        for snapshot in made.filter(|s| s.created_at <= Some(self.inventory.taken_at)) {
            let disk = tags::read(&snapshot.tags, tags::DISK);
            if let (Some(disk), Some(slot)) = (disk, tags::read_time(&snapshot.tags, tags::SLOT)) {
                let known = self.history.slots.entry(disk.to_owned()).or_insert(slot);
                *known = slot.max(*known);
            }
        }
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["now", _] | ["untold"] => {}
            ["disk", name, ref rest @ ..] => self.disk(name, rest),
            ["policy", ..] => self.policy(line),
            ["snap", when, ref rest @ ..] => self.point(None, time(when), rest),
            ["copy", place, when, ref rest @ ..] => self.point(Some(place), time(when), rest),
            ["snaps", "every", step, "from", from, "to", to, ref rest @ ..] => {
                for when in times(step, from, to) {
                    self.point(None, when, rest);
                }
            }
            ["copies", place, "every", step, "from", from, "to", to, ref rest @ ..] => {
                for when in times(step, from, to) {
                    self.point(Some(place), when, rest);
                }
            }
            ["gap", what, ref elsewhere @ ..] => {
                let subscription = elsewhere.first().unwrap_or(&SUBSCRIPTION).to_owned().to_owned();
                let what = what.to_owned();
                self.inventory.gaps.push(Gap { subscription, what, message: "no".to_owned() });
            }
            ["vanished"] => self.inventory.vanished.push(Vanished {
                id: ResourceId::snapshot(SUBSCRIPTION, "app", "lost"),
                unique_id: "lost".to_owned(),
                since: self.inventory.taken_at,
                whole_since: None,
            }),
            ["missed", group, disk, slot] => {
                let source = ResourceId::disk(SUBSCRIPTION, "app", disk);
                let name = names::snapshot_name("here", &source, &unique_id(disk), time(slot));
                self.inventory.vanished.push(Vanished {
                    id: ResourceId::snapshot(SUBSCRIPTION, group, &name),
                    unique_id: "missed".to_owned(),
                    since: self.inventory.taken_at,
                    whole_since: None,
                });
            }
            ["lock", group, level] => self.inventory.locks.push(Lock {
                scope: format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"),
                name: "keep-out".to_owned(),
                level: match level {
                    "CanNotDelete" => LockLevel::CanNotDelete,
                    "ReadOnly" => LockLevel::ReadOnly,
                    other => panic!("no lock: {other}"),
                },
            }),
            ["clocks", "apart"] => self.limits.clock_agrees = false,
            ["history", "unreadable"] => self.history = History::unreadable(),
            ["seeded", place] => {
                let sides = self.history.seeded.entry(unique_id("data")).or_default();
                sides.insert(side(place));
            }
            ["seeded", place, "by", ref label @ ..] => {
                let (side, copy) = (side(place), self.labelled(&label.join(" ")));
                let disk = unique_id("data");
                self.history.seeded.entry(disk.clone()).or_default().insert(side.clone());
                let sides = self.history.whole.entry(disk).or_default();
                sides.insert(side.to_string(), copy.key().to_owned());
            }
            ["slot", disk, when] => {
                self.history.slots.insert(unique_id(disk), time(when));
            }
            ["abandoned", place, when] => {
                let sides = self.history.abandoned.entry(unique_id("data")).or_default();
                sides.insert(side(place).to_string(), time(when));
            }
            ["spent", policy, first, gib] => {
                let day = self.inventory.taken_at.to_zoned(TimeZone::UTC).date();
                let bytes = gib.parse::<u64>().unwrap() << 30;
                let spent = match first {
                    "first" => Spent { first_bytes: bytes, delta_bytes: 0 },
                    _ => Spent { first_bytes: 0, delta_bytes: bytes },
                };
                let days = self.history.spent.entry(policy.to_owned()).or_default();
                days.insert(day, spent);
            }
            ["accepted", policy, version] => {
                self.history.accepted.insert(policy.to_owned(), version.parse().unwrap());
            }
            ["refused", ref label @ .., code, when] if label.len() >= 2 => {
                let id = self.labelled(&label.join(" "));
                let refused = Refused { code: code.to_owned(), at: time(when) };
                self.history.refused.insert(id.key().to_owned(), refused);
            }
            ["declined", place, slot, when] => {
                let (side, slot) = (side(place), time(slot));
                let name = names::copy_name("here", "data", &unique_id("data"), slot, &side, 1);
                let id = ResourceId::snapshot(SUBSCRIPTION, &side.group, &name);
                self.history.declined.insert(id.key().to_owned(), time(when));
            }
            ["limit", name, number] => self.limit(name, number.parse().unwrap()),
            ["no", "group", group] => self.inventory.groups.retain(|g| g.name != group),
            ["request", ..] => self.asked.push(words[1..].join(" ")),
            _ => panic!("what does this line say? {line}"),
        }
    }

    fn limit(&mut self, name: &str, number: usize) {
        match name {
            "snapshots" => self.limits.snapshots_per_disk = number,
            "thin" => self.limits.thin_above = number,
            "copies" => self.limits.copies_in_flight = number,
            "brake" => self.limits.brake_points = number,
            "percent" => self.limits.brake_percent = number,
            "deletes" => self.limits.deletes_per_tick = number,
            "steps" => self.limits.steps_per_tick = number,
            _ => panic!("no limit: {name}"),
        }
    }

    /// `disk NAME [age 2h] [size GiB] [tag k=v] [group g] [open] [remade]`
    fn disk(&mut self, name: &str, rest: &[&str]) {
        let mut disk = Disk {
            id: ResourceId::disk(SUBSCRIPTION, "app", name),
            unique_id: unique_id(name),
            region: Region::new("westeurope"),
            size_bytes: 1 << 30,
            sku: "Premium_LRS".to_owned(),
            os: None,
            managed_by: None,
            zones: vec![],
            state: "Unattached".to_owned(),
            created_at: Some(at("2020-01-01T00:00:00Z")),
            network_access: NetworkAccess::DenyAll,
            encryption_set: None,
            logical_sector_size: None,
            tags: BTreeMap::new(),
        };
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            match *word {
                "open" => disk.network_access = NetworkAccess::AllowAll,
                "age" => {
                    let age = i64::from(minutes(words.next().unwrap()));
                    let now = self.inventory.taken_at;
                    disk.created_at = Some(now - SignedDuration::from_mins(age));
                }
                "size" => {
                    disk.size_bytes = words.next().unwrap().parse::<u64>().unwrap() << 30;
                }
                "tag" => {
                    let (key, value) = words.next().unwrap().split_once('=').unwrap();
                    disk.tags.insert(key.to_owned(), value.to_owned());
                }
                "group" => {
                    disk.id = ResourceId::disk(SUBSCRIPTION, words.next().unwrap(), name);
                }
                other => panic!("what is this of a disk? {other}"),
            }
        }
        self.inventory.disks.push(disk);
    }

    /// `policy ID: PART; PART; …`
    fn policy(&mut self, line: &str) {
        let (head, parts) = line.split_once(':').expect("policy ID: …");
        let mut policy = Policy {
            id: head.split_whitespace().nth(1).unwrap().to_owned(),
            keep: Keep::default(),
            targets: vec![],
            disks: Selection::of_disks(self.inventory.disks.iter().map(|disk| disk.id.clone())),
            ..policy(&[])
        };
        for part in parts.split(';') {
            let words: Vec<&str> = part.split_whitespace().collect();
            match words[..] {
                ["every", step] => policy.schedule = Schedule::Every { minutes: minutes(step) },
                ["cron", ref fields @ ..] => {
                    policy.schedule = Schedule::Cron { expression: fields.join(" ") };
                }
                ["zone", zone] => policy.time_zone = zone.to_owned(),
                ["keep", ref rules @ ..] => policy.keep = keep(rules),
                ["to", place, ref rest @ ..] => policy.targets.push(to(place, rest)),
                ["before", version, ref rules @ ..] => {
                    let targets = policy.targets.clone();
                    policy.version = version.parse().unwrap();
                    policy.rules_before.push(RulesBefore {
                        replaced_by: policy.version,
                        time_zone: policy.time_zone.clone(),
                        keep: keep(rules),
                        targets,
                    });
                }
                ["disabled"] => policy.enabled = false,
                ["paused", until] => policy.paused_until = Some(time(until)),
                ["disks", names] => {
                    let ids = names.split(',').map(|n| ResourceId::disk(SUBSCRIPTION, "app", n));
                    policy.disks = Selection::of_disks(ids);
                }
                ["select", kind, what] => policy.disks.include = vec![selector(kind, what)],
                ["except", kind, what] => policy.disks.exclude.push(selector(kind, what)),
                ["group", group] => policy.group = Some(group.to_owned()),
                ["open"] => policy.network_access = NetworkAccess::AllowAll,
                ["rpo", minutes] => policy.rpo_minutes = Some(minutes.parse().unwrap()),
                ["stop-loss", gib] => policy.stop_loss_gib = Some(gib.parse().unwrap()),
                ["staged", gib] => policy.first_copies_gib_per_day = Some(gib.parse().unwrap()),
                ["abandon", hours] => policy.abandon_after_hours = Some(minutes(hours) / 60),
                _ => panic!("what does this part say? {part}"),
            }
        }
        assert_eq!(policy.problems(), [], "{line}");
        self.policies.push(policy);
    }

    fn point(&mut self, place: Option<&str>, when: Timestamp, rest: &[&str]) {
        let (mut disk, mut policies, mut earlier) = ("data", "p", false);
        let mut words = rest.iter().peekable();
        let mut marks: Vec<(&str, &str)> = vec![];
        while let Some(word) = words.next() {
            match *word {
                "of" => policies = words.next().unwrap(),
                "earlier" => earlier = true,
                "marked" | "immutable" | "copying" | "since" | "slot" => {
                    marks.push((*word, words.next().unwrap()));
                }
                "pinned" | "approved" | "foreign" | "by-hand" | "creating" | "failed" | "full"
                | "untagged" | "bare" | "second" | "garbled" | "remade" => marks.push((*word, "")),
                name => disk = name,
            }
        }
        let unique = if earlier { format!("earlier-{disk}") } else { unique_id(disk) };
        let disk_id = ResourceId::disk(SUBSCRIPTION, "app", disk);
        let slot = marks.iter().find(|(word, _)| *word == "slot").map_or(when, |(_, t)| time(t));
        let is = |mark: &str| marks.iter().any(|(word, _)| *word == mark);
        let snap_name = names::snapshot_name("here", &disk_id, &unique, slot);
        let source = ResourceId::snapshot(SUBSCRIPTION, "app", &snap_name);
        let (id, region) = match place {
            None => (source.clone(), Region::new("westeurope")),
            Some(place) => {
                let side = side(place);
                let attempt = if is("second") { 2 } else { 1 };
                let name = names::copy_name("here", disk, &unique, slot, &side, attempt);
                (ResourceId::snapshot(SUBSCRIPTION, &side.group, &name), side.region)
            }
        };
        let known = self.inventory.disks.iter().find(|disk| disk.id == disk_id);
        let size_bytes = known.map_or(1 << 30, |disk| disk.size_bytes);
        let mut snapshot = Snapshot {
            unique_id: format!("u-{}", id.name()),
            region,
            incremental: true,
            is_copy: place.is_some(),
            source_id: Some(if place.is_some() { source.clone() } else { disk_id }),
            source_unique_id: Some(match place {
                None => unique.as_str().into(),
                Some(_) => format!("u-{}", source.name()).into(),
            }),
            family_id: None,
            size_bytes,
            sku: "Standard_ZRS".to_owned(),
            created_at: Some(when),
            network_access: NetworkAccess::DenyAll,
            state: PointState::Ready,
            immutable_until: None,
            tags: BTreeMap::from([
                (tags::INSTALLATION.to_owned(), "here".to_owned()),
                (tags::DISK.to_owned(), unique),
                (tags::POINT.to_owned(), when.to_string()),
                (tags::POLICY.to_owned(), policies.to_owned()),
                (tags::SLOT.to_owned(), slot.to_string()),
            ])
            .into(),
            id: id.clone(),
        };
        for (mark, text) in marks {
            adorn(&mut snapshot, mark, text);
        }
        let label = format!(
            "{}{}{}",
            place.map_or("snap".to_owned(), |place| format!("copy {place}")),
            if disk == "data" { String::new() } else { format!(" {disk}") },
            format_args!(" {}", short(when)),
        );
        self.labels.insert(id, label);
        self.inventory.snapshots.push(snapshot);
    }

    pub(crate) fn labelled(&self, label: &str) -> ResourceId {
        let found = self.labels.iter().find(|(_, known)| *known == label);
        found.unwrap_or_else(|| panic!("no point `{label}`")).0.clone()
    }

    /// What people asked for; an approval is of what is held now, unless it says `old`.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let request = |nth: usize, action| Request {
            id: format!("request-{nth}"),
            actor: "ann".to_owned(),
            asked_at: self.inventory.taken_at,
            action,
        };
        let held = || {
            let now = self.inventory.taken_at;
            plan(&self.inventory, &self.policies, &[], &self.history, &self.limits, now).held
        };
        self.asked
            .iter()
            .enumerate()
            .map(|(nth, text)| match text.split_once(' ').unwrap_or((text, "")) {
                ("approve", "old") => {
                    let batch = "0123456789abcdef".to_owned();
                    request(nth, Action::ApproveDeletions(ApproveDeletions { batch }))
                }
                ("approve", _) => {
                    let batch = held().expect("something is held").hash;
                    request(nth, Action::ApproveDeletions(ApproveDeletions { batch }))
                }
                ("keep", label) => {
                    let snapshot = self.labelled(label);
                    request(nth, Action::KeepPoint(KeepPoint { snapshot }))
                }
                other => panic!("no request: {other:?}"),
            })
            .collect()
    }
}

fn adorn(snapshot: &mut Snapshot, mark: &str, text: &str) {
    let tags = &mut snapshot.tags;
    match mark {
        "pinned" => tags.insert(tags::PIN.to_owned(), "ann".to_owned()),
        "marked" => tags.insert(tags::DELETE_AFTER.to_owned(), time(text).to_string()),
        "garbled" => tags.insert(tags::DELETE_AFTER.to_owned(), "soon".to_owned()),
        "approved" => tags.insert(tags::APPROVED.to_owned(), "batch".to_owned()),
        "remade" => snapshot.unique_id.push_str("-again"),
        "foreign" => tags.insert(tags::INSTALLATION.to_owned(), "elsewhere".to_owned()),
        "by-hand" => tags.remove(tags::POLICY),
        // Somebody took all of our tags away.
        "untagged" => tags.clear(),
        // Nothing leads back to its disk.
        "bare" => {
            tags.clear();
            snapshot.source_unique_id = None;
        }
        "creating" => snapshot.state = PointState::Creating,
        "copying" => {
            snapshot.state = PointState::Copying { percent: Some(text.parse().unwrap()) };
        }
        "failed" => {
            let (code, message) = ("CopyFailed".to_owned(), "it broke".to_owned());
            snapshot.state = PointState::Failed { code, message };
        }
        "full" => snapshot.incremental = false,
        "immutable" => snapshot.immutable_until = Some(time(text)),
        "since" => snapshot.created_at = Some(time(text)),
        "slot" | "second" => {}
        other => panic!("no mark: {other}"),
    }
}

fn unique_id(disk: &str) -> String {
    format!("disk-{disk}")
}

fn side(place: &str) -> Side {
    let (region, group) = place.split_once('/').expect("region/group");
    Side::new(&Region::new(region), SUBSCRIPTION, group)
}

fn to(place: &str, rest: &[&str]) -> Target {
    let (region, group) = place.split_once('/').expect("region/group");
    let mut target = target(region, group, Keep::default());
    for (nth, word) in rest.iter().enumerate() {
        match *word {
            "keep" => target.keep = keep(rest[nth + 1..].split(|w| *w == "rpo").next().unwrap()),
            "rpo" => target.rpo_minutes = Some(rest[nth + 1].parse().unwrap()),
            "fast" => target.fast = true,
            _ => {}
        }
    }
    target
}

fn selector(kind: &str, what: &str) -> Selector {
    match kind {
        "disk" => Selector::Disk { id: ResourceId::disk(SUBSCRIPTION, "app", what) },
        "group" => {
            Selector::Group { subscription: SUBSCRIPTION.to_owned(), group: what.to_owned() }
        }
        "subscription" => Selector::Subscription { subscription: SUBSCRIPTION.to_owned() },
        "tag" => match what.split_once('=') {
            Some((name, value)) => {
                Selector::Tag { name: name.to_owned(), value: Some(value.to_owned()) }
            }
            None => Selector::Tag { name: what.to_owned(), value: None },
        },
        _ => panic!("no selector: {kind}"),
    }
}

/// `last 3 daily 7 within 48`
pub(crate) fn keep(words: &[&str]) -> Keep {
    let mut keep = Keep::default();
    for pair in words.chunks(2) {
        let [rule, n] = pair else { panic!("a rule and a number: {pair:?}") };
        let n = Some(n.parse().unwrap());
        match *rule {
            "last" => keep.last = n,
            "within" => keep.within_hours = n,
            "hourly" => keep.hourly = n,
            "daily" => keep.daily = n,
            "weekly" => keep.weekly = n,
            "monthly" => keep.monthly = n,
            "yearly" => keep.yearly = n,
            _ => panic!("no rule: {rule}"),
        }
    }
    keep
}

fn times(step: &str, from: &str, to: &str) -> Vec<Timestamp> {
    let step = SignedDuration::from_mins(i64::from(minutes(step)));
    std::iter::successors(Some(time(from)), |at| Some(*at + step))
        .take_while(|at| *at <= time(to))
        .collect()
}

/// `2026-11-23T07:00Z`
pub(crate) fn short(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%MZ").to_string()
}
