//! A pure stand-in for Azure: carries a plan's steps out on an inventory, without faults.
//!
//! It is no mock of the emulator: it has no protocol, no bytes and no time of its own.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use shared::{
    Disk, Effect, Group, History, Inventory, Keep, Limits, NetworkAccess, Plan, PointState, Policy,
    Region, RegionInfo, ResourceId, ResourceKind, Run, Schedule, Selection, Snapshot, Subscription,
    Target, Violation, check,
    model::{Link, Outcome, RunTrigger, StepOutcome, Writes},
    plan, tags,
};

pub(crate) const SUBSCRIPTION: &str = "5a9f0000-0000-4000-8000-000000000001";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn limits() -> Limits {
    Limits::new("here", Writes::Everywhere)
}

pub(crate) fn disk_id(name: &str) -> ResourceId {
    ResourceId::disk(SUBSCRIPTION, "app", name)
}

pub(crate) fn target(region: &str, group: &str, keep: Keep) -> Target {
    Target {
        region: Region::new(region),
        subscription: None,
        group: Some(group.to_owned()),
        sku: None,
        encryption_set: None,
        keep,
        rpo_minutes: None,
        fast: false,
    }
}

pub(crate) fn policy(disks: &[&str]) -> Policy {
    Policy {
        id: "p".to_owned(),
        version: 1,
        name: "P".to_owned(),
        enabled: true,
        paused_until: None,
        disks: Selection::of_disks(disks.iter().map(|name| disk_id(name))),
        schedule: Schedule::Every { minutes: 360 },
        time_zone: "UTC".to_owned(),
        group: None,
        sku: None,
        network_access: NetworkAccess::DenyAll,
        keep: Keep::last(3),
        rpo_minutes: None,
        targets: vec![target("northeurope", "dr", Keep::last(4))],
        stop_loss_gib: None,
        first_copies_gib_per_day: None,
        abandon_after_hours: None,
        rules_before: vec![],
    }
}

/// An estate, and the counter that makes unique ids.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) inventory: Inventory,
    pub(crate) history: History,
    pub(crate) limits: Limits,
    made: u32,
}

impl World {
    /// Two regions, two groups, and the named disks.
    pub(crate) fn with_disks(now: Timestamp, disks: &[&str]) -> Self {
        let mut inventory = Inventory::empty(now);
        inventory.subscriptions.push(Subscription { id: SUBSCRIPTION.into(), name: "Main".into() });
        for (name, zones) in [("westeurope", true), ("northeurope", true), ("westus", false)] {
            let region = Region::new(name);
            inventory.regions.push(RegionInfo { region, display_name: name.into(), zones });
        }
        for (name, region) in [("app", "westeurope"), ("dr", "northeurope")] {
            let (subscription, region) = (SUBSCRIPTION.to_owned(), Region::new(region));
            inventory.groups.push(Group { subscription, name: name.to_owned(), region });
        }
        let mut world = Self { inventory, history: History::none(), limits: limits(), made: 0 };
        for name in disks {
            world.make_disk(name);
        }
        world
    }

    fn unique_id(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}-{}", self.made)
    }

    /// Makes a disk; one of that name is replaced, as by deleting it first.
    pub(crate) fn make_disk(&mut self, name: &str) {
        let id = disk_id(name);
        self.inventory.disks.retain(|disk| disk.id != id);
        let unique_id = self.unique_id("disk");
        self.inventory.disks.push(Disk {
            id,
            unique_id,
            region: Region::new("westeurope"),
            size_bytes: 1 << 30,
            sku: "Premium_LRS".to_owned(),
            os: None,
            managed_by: None,
            zones: vec![],
            state: "Unattached".to_owned(),
            created_at: Some(self.inventory.taken_at),
            network_access: NetworkAccess::AllowAll,
            encryption_set: None,
            logical_sector_size: None,
            tags: BTreeMap::new(),
        });
    }

    /// Moves time on; copies under way end.
    pub(crate) fn pass(&mut self, hours: i64) {
        self.inventory.taken_at += SignedDuration::from_hours(hours);
        for snapshot in &mut self.inventory.snapshots {
            if snapshot.state.is_under_way() {
                snapshot.state = PointState::Ready;
            }
        }
    }

    pub(crate) fn plan(&self, policies: &[Policy]) -> Plan {
        let now = self.inventory.taken_at;
        plan(&self.inventory, policies, &[], &self.history, &self.limits, now)
    }

    pub(crate) fn check(&self, plan: &Plan, policies: &[Policy]) -> Vec<Violation> {
        check(plan, &self.inventory, policies, &[], &self.history, &self.limits)
    }

    /// Plans, checks, applies; returns the plan.
    pub(crate) fn tick(&mut self, policies: &[Policy]) -> Plan {
        let plan = self.plan(policies);
        let violations = self.check(&plan, policies);
        assert_eq!(violations, [], "the check refuses {plan:#?}");
        for step in &plan.steps {
            self.apply(&step.effect);
        }
        self.fold(&plan, |_| Outcome::Done);
        plan
    }

    /// Folds a plan into the history whose steps ended so.
    pub(crate) fn fold(&mut self, plan: &Plan, outcome: impl Fn(&shared::Step) -> Outcome) {
        let ended = |step: &shared::Step| StepOutcome {
            step: step.clone(),
            outcome: outcome(step),
            azure_request_id: None,
        };
        self.history.fold(&Run {
            id: String::new(),
            link: Link { chain: Link::ESTATE.to_owned(), number: 1, previous: None },
            trigger: RunTrigger::Timer,
            now: self.inventory.taken_at,
            duration_ms: 0,
            inventory: None,
            inputs: None,
            steps: plan.steps.iter().map(ended).collect(),
            decisions: plan.decisions.clone(),
            problems: vec![],
        });
    }

    /// Ticks until nothing is left to do at this time.
    pub(crate) fn settle(&mut self, policies: &[Policy]) {
        for _ in 0..100 {
            if self.tick(policies).steps.is_empty() {
                return;
            }
            self.pass(0);
        }
        panic!("the planner finds no end");
    }

    pub(crate) fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::CreateSnapshot { id, source, tags, incremental, .. } => {
                let disk = self.inventory.disk(source).unwrap().clone();
                let mut snapshot = self.snapshot(id, &disk.region, tags);
                snapshot.incremental = *incremental;
                snapshot.source_id = Some(disk.id);
                snapshot.source_unique_id = Some(disk.unique_id.into());
                self.inventory.snapshots.push(snapshot);
            }
            Effect::StartCopy { id, region, source, tags, .. } => {
                let source = self.inventory.snapshot(source).unwrap().clone();
                let mut copy = self.snapshot(id, region, tags);
                copy.is_copy = true;
                copy.source_id = Some(source.id);
                copy.source_unique_id = Some(source.unique_id.into());
                copy.state = PointState::Copying { percent: None };
                self.inventory.snapshots.push(copy);
            }
            Effect::MarkPoint { id, delete_after, approved, .. } => {
                self.tag(id, tags::DELETE_AFTER, &delete_after.to_string());
                self.tag(id, tags::APPROVED, approved.as_deref().unwrap_or_default());
            }
            Effect::UnmarkPoint { id, .. } => {
                self.tag(id, tags::DELETE_AFTER, "");
                self.tag(id, tags::APPROVED, "");
            }
            Effect::AdoptPoint { id, tags, .. } => {
                for (name, value) in tags {
                    self.tag(id, name, value);
                }
            }
            Effect::PinPoint { id, actor, .. } => {
                self.tag(id, tags::DELETE_AFTER, "");
                self.tag(id, tags::PIN, actor);
            }
            Effect::DeletePoint { id, .. } | Effect::AbandonCopy { id, .. } => {
                self.inventory.snapshots.retain(|s| s.id != *id)
            }
            Effect::CreateDisk { id, .. } => self.make_disk(id.name()),
        }
    }

    fn snapshot(
        &mut self,
        id: &ResourceId,
        region: &Region,
        tags: &BTreeMap<String, String>,
    ) -> Snapshot {
        assert_eq!(id.kind(), ResourceKind::Snapshot);
        assert!(self.inventory.snapshot(id).is_none(), "{id} exists");
        Snapshot {
            id: id.clone(),
            unique_id: self.unique_id("snapshot"),
            region: region.clone(),
            incremental: true,
            is_copy: false,
            source_id: None,
            source_unique_id: None,
            family_id: None,
            size_bytes: 1 << 30,
            sku: "Standard_ZRS".to_owned(),
            created_at: Some(self.inventory.taken_at),
            network_access: NetworkAccess::DenyAll,
            state: PointState::Ready,
            immutable_until: None,
            tags: tags.clone().into(),
        }
    }

    pub(crate) fn tag(&mut self, id: &ResourceId, name: &str, value: &str) {
        let snapshot = self.inventory.snapshots.iter_mut().find(|s| s.id == *id).unwrap();
        snapshot.tags.insert(name.to_owned(), value.to_owned());
    }

    /// The names of what is in a group, oldest first.
    pub(crate) fn in_group(&self, group: &str) -> Vec<&Snapshot> {
        let mut found: Vec<&Snapshot> =
            self.inventory.snapshots.iter().filter(|s| s.id.group() == group).collect();
        found.sort_by_key(|s| tags::read_time(&s.tags, tags::SLOT));
        found
    }
}
