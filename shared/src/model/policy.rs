//! A policy: a schedule, targets and what is kept on each side, for some disks.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    Keep, NetworkAccess, Region, ResourceId, ResourceKind, Schedule, ScheduleError, Selection,
    Selector, Slots, SnapshotSku, time_zone,
};

/// The most points that a side's rules may keep: Azure allows 500 snapshots of a disk, and the
/// marked ones of the last day need room, too.
pub const MAX_KEEP: u32 = 450;

/// The most targets of a policy.
pub const MAX_TARGETS: usize = 5;

/// What people want for some disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its id: lower-case letters, digits and hyphens.
    pub id: String,
    /// Counts its saved versions from 1; 0 for one not saved yet.
    #[serde(default)]
    pub version: u32,
    /// Its name for people.
    pub name: String,
    /// Whether the timer carries it out.
    pub enabled: bool,
    /// Until when it rests; nothing of it is made or deleted meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
    /// The disks that it protects.
    pub disks: Selection,
    /// When snapshots are due.
    pub schedule: Schedule,
    /// The zone of the schedule's cron and of the keep rules' days.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// The group that snapshots go to; none for the disk's own, with which they would die.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Redundancy of the snapshots at the source; none for ZRS where the region offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<SnapshotSku>,
    /// Who may export points over the network; never wider than the disk's own.
    #[serde(default)]
    pub network_access: NetworkAccess,
    /// What stays at the source.
    #[serde(default)]
    pub keep: Keep,
    /// How old the newest point at the source may become, in minutes; none for twice the
    /// schedule's longest gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo_minutes: Option<u32>,
    /// Where copies go.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// GiB that copies of it may move in a month of UTC, by their upper bound; none for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_loss_gib: Option<u32>,
    /// GiB of first, full copies that it starts in 24 hours; none for no staging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_copies_gib_per_day: Option<u32>,
    /// Hours after which a copy that is still incomplete is given up by itself, so that it does
    /// not hold up the disk's other targets; none leaves that to a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandon_after_hours: Option<u32>,
    /// Rules that an edit replaced: what they keep stays until a person approves. The function
    /// fills this in when a policy is saved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules_before: Vec<RulesBefore>,
}

/// Where copies go, and what stays there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The region; it may be the disk's own, onto zone-redundant storage.
    pub region: Region,
    /// The subscription; none for the disk's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// The group; none for the one that the snapshots are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Redundancy; none for ZRS where the region offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<SnapshotSku>,
    /// The ARM id of the disk encryption set in the target's region, for disks under a customer's
    /// key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_set: Option<String>,
    /// What stays there.
    #[serde(default)]
    pub keep: Keep,
    /// How old the newest point there may become, in minutes; none for twice the schedule's
    /// longest gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo_minutes: Option<u32>,
    /// Whether Azure is asked for its faster, dearer copying (`provisionedBandwidthCopySpeed`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fast: bool,
}

/// The keep rules of an earlier version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RulesBefore {
    /// The version that replaced them.
    pub replaced_by: u32,
    /// The zone of their days.
    pub time_zone: String,
    /// What stayed at the source.
    pub keep: Keep,
    /// The targets with what stayed there.
    pub targets: Vec<Target>,
}

/// What is wrong with a policy, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// The id is not usable in a URL and a tag.
    #[error("the id `{0}` is not 1 to 40 lower-case letters, digits and hyphens")]
    Id(String),
    /// The name is empty or too long.
    #[error("give the policy a name of 1 to 80 characters")]
    Name,
    /// No disk is named.
    #[error("choose at least one disk, group, subscription or tag")]
    NoDisks,
    /// An id names something else than a disk.
    #[error("`{0}` is not a disk; a policy protects disks")]
    NotADisk(String),
    /// A selector's text is empty or cannot be a name.
    #[error("`{0}` is not a {1}")]
    Selector(String, &'static str),
    /// The schedule cannot be followed.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A rule's number is out of range.
    #[error("`{rule}` of {side} is {found}; choose 1 to {most}, or leave it out")]
    Keep {
        /// The rule.
        rule: &'static str,
        /// `the source` or the target's region.
        side: String,
        /// Its number.
        found: u32,
        /// The largest one.
        most: u32,
    },
    /// A side's rules keep more than Azure holds.
    #[error(
        "the rules of {side} keep up to {found} points; Azure holds 500 snapshots of a disk: keep at \
         most {MAX_KEEP}"
    )]
    KeepsTooMany {
        /// `the source` or the target's region.
        side: String,
        /// The sum.
        found: u32,
    },
    /// A group's name cannot be one.
    #[error("`{0}` is not a resource group's name")]
    Group(String),
    /// Too many targets.
    #[error("there are {0} targets; choose at most {MAX_TARGETS}")]
    TooManyTargets(usize),
    /// Two targets are one side.
    #[error("two targets are the same place in {0}; give them other groups or subscriptions")]
    SameTarget(Region),
    /// A number is out of range.
    #[error("`{field}` is {found}; choose {least} to {most}, or leave it out")]
    Number {
        /// The field.
        field: &'static str,
        /// Its number.
        found: u32,
        /// The smallest one.
        least: u32,
        /// The largest one.
        most: u32,
    },
    /// A disk encryption set's id cannot be one.
    #[error("`{0}` is not the id of a disk encryption set")]
    EncryptionSet(String),
    /// Private access would need a disk access resource.
    #[error("`network_access` cannot be AllowPrivate; choose DenyAll or AllowAll")]
    NetworkAccess,
}

/// The largest numbers of the rules: ten years of hours, and so on.
const MOST: u32 = 87_600;

impl Policy {
    /// Every problem that the policy has by itself, without looking at Azure.
    pub fn problems(&self) -> Vec<PolicyProblem> {
        let mut problems = vec![];
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.id.is_empty() || self.id.len() > 40 || !self.id.chars().all(allowed) {
            problems.push(PolicyProblem::Id(short(&self.id)));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 80 {
            problems.push(PolicyProblem::Name);
        }
        if self.disks.include.is_empty() {
            problems.push(PolicyProblem::NoDisks);
        }
        for selector in self.disks.include.iter().chain(&self.disks.exclude) {
            problems.extend(selector_problem(selector));
        }
        match time_zone(&self.time_zone) {
            Ok(zone) => problems.extend(self.schedule.slots(&zone).err().map(Into::into)),
            Err(error) => problems.push(error.into()),
        }
        keep_problems(&self.keep, "the source", &mut problems);
        if let Some(group) = self.group.as_ref().filter(|group| !valid_group(group)) {
            problems.push(PolicyProblem::Group(short(group)));
        }
        if self.network_access == NetworkAccess::AllowPrivate {
            problems.push(PolicyProblem::NetworkAccess);
        }
        number("rpo_minutes", self.rpo_minutes, 15, 527_040, &mut problems);
        number("stop_loss_gib", self.stop_loss_gib, 1, 10_000_000, &mut problems);
        let staged = self.first_copies_gib_per_day;
        number("first_copies_gib_per_day", staged, 1, 10_000_000, &mut problems);
        number("abandon_after_hours", self.abandon_after_hours, 6, 8_760, &mut problems);
        self.target_problems(&mut problems);
        problems
    }

    fn target_problems(&self, problems: &mut Vec<PolicyProblem>) {
        if self.targets.len() > MAX_TARGETS {
            problems.push(PolicyProblem::TooManyTargets(self.targets.len()));
        }
        let place = |target: &Target| {
            let lower = |text: &Option<String>| text.as_ref().map(|t| t.to_ascii_lowercase());
            (target.region.clone(), lower(&target.subscription), lower(&target.group))
        };
        for (nth, target) in self.targets.iter().enumerate() {
            let others = self.targets.iter().take(nth);
            if others.into_iter().any(|other| place(other) == place(target)) {
                problems.push(PolicyProblem::SameTarget(target.region.clone()));
            }
            if let Some(group) = target.group.as_ref().filter(|group| !valid_group(group)) {
                problems.push(PolicyProblem::Group(short(group)));
            }
            if let Some(set) = target.encryption_set.as_ref().filter(|set| !valid_set(set)) {
                problems.push(PolicyProblem::EncryptionSet(short(set)));
            }
            keep_problems(&target.keep, target.region.as_str(), problems);
            number("rpo_minutes", target.rpo_minutes, 15, 527_040, problems);
        }
    }

    /// Whether it is carried out at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.enabled && self.paused_until.is_none_or(|until| until <= now)
    }

    /// The zone of its schedule and days; UTC where the name is unknown.
    pub fn zone(&self) -> TimeZone {
        time_zone(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// Its slots; none where the schedule cannot be followed.
    pub fn slots(&self) -> Option<Slots> {
        self.schedule.slots(&self.zone()).ok()
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

fn selector_problem(selector: &Selector) -> Option<PolicyProblem> {
    let bad = |text: &str, what| Some(PolicyProblem::Selector(short(text), what));
    let good = |id: &str| (1..=64).contains(&id.len()) && !id.contains('/');
    match selector {
        Selector::Disk { id } if id.kind() != ResourceKind::Disk => {
            Some(PolicyProblem::NotADisk(id.to_string()))
        }
        Selector::Group { subscription, .. } | Selector::Subscription { subscription }
            if !good(subscription) =>
        {
            bad(subscription, "subscription's id")
        }
        Selector::Group { group, .. } if !valid_group(group) => {
            Some(PolicyProblem::Group(short(group)))
        }
        Selector::Tag { name, .. } if name.trim().is_empty() || name.chars().count() > 512 => {
            bad(name, "tag's name")
        }
        Selector::Disk { .. }
        | Selector::Group { .. }
        | Selector::Subscription { .. }
        | Selector::Tag { .. } => None,
    }
}

fn keep_problems(keep: &Keep, side: &str, problems: &mut Vec<PolicyProblem>) {
    let mut sum = 0_u32;
    for (rule, found) in keep.rules() {
        let counts = rule != super::KeepRule::Within;
        let most = if counts { MAX_KEEP } else { MOST };
        if !(1..=most).contains(&found) {
            let (rule, side) = (rule.word(), side.to_owned());
            problems.push(PolicyProblem::Keep { rule, side, found, most });
        } else if counts {
            sum = sum.saturating_add(found);
        }
    }
    if sum > MAX_KEEP {
        problems.push(PolicyProblem::KeepsTooMany { side: side.to_owned(), found: sum });
    }
}

fn number(
    field: &'static str,
    found: Option<u32>,
    least: u32,
    most: u32,
    problems: &mut Vec<PolicyProblem>,
) {
    if let Some(found) = found.filter(|n| !(least..=most).contains(n)) {
        problems.push(PolicyProblem::Number { field, found, least, most });
    }
}

/// Whether `id` can be a disk encryption set's.
fn valid_set(id: &str) -> bool {
    let parts: Vec<&str> = id.split('/').collect();
    let ["", subscriptions, _, groups, _, providers, provider, kind, name] = parts[..] else {
        return false;
    };
    let fixed = [
        (subscriptions, "subscriptions"),
        (groups, "resourceGroups"),
        (providers, "providers"),
        (provider, "Microsoft.Compute"),
        (kind, "diskEncryptionSets"),
    ];
    !name.is_empty() && fixed.iter().all(|(found, wanted)| found.eq_ignore_ascii_case(wanted))
}

/// Whether `name` can be a resource group's: 1 to 90 of letters, digits, `_ - . ( )`, not ending
/// with a full stop.
pub fn valid_group(name: &str) -> bool {
    (1..=90).contains(&name.chars().count())
        && !name.ends_with('.')
        && name.chars().all(|c| c.is_alphanumeric() || "_-.()".contains(c))
}

/// As many replaced rules as a policy may carry: with more, somebody has to approve first.
pub const MAX_RULES_BEFORE: usize = 16;

impl Policy {
    /// The rules that this version, which replaces `was`, has to honour until a person approves.
    pub fn replacing(&self, was: &Self) -> Vec<RulesBefore> {
        let rules = |policy: &Self| {
            (
                policy.keep.clone(),
                policy.time_zone.clone(),
                policy.targets.clone(),
                policy.group.clone(),
            )
        };
        let mut before = was.rules_before.clone();
        if rules(self) != rules(was) {
            let replaced = RulesBefore {
                replaced_by: self.version,
                time_zone: was.time_zone.clone(),
                keep: was.keep.clone(),
                targets: was.targets.clone(),
            };
            // Rules that come back need no second entry.
            before.retain(|old| {
                RulesBefore { replaced_by: replaced.replaced_by, ..old.clone() } != replaced
            });
            before.push(replaced);
        }
        before
    }

    /// The disks that it names by id.
    pub fn named_disks(&self) -> std::collections::BTreeSet<&ResourceId> {
        self.disks.ids()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(was: &Policy, last: u32) -> Policy {
        let version = was.version + 1;
        let mut policy = Policy { version, keep: Keep::last(last), ..was.clone() };
        policy.rules_before = policy.replacing(was);
        policy
    }

    #[test]
    fn every_replaced_rule_is_kept_once_and_an_edit_of_something_else_adds_none() {
        let first: Policy = serde_json::from_value(serde_json::json!({
            "id": "p", "version": 1, "name": "P", "enabled": true,
            "disks": { "include": [] }, "schedule": { "kind": "every", "minutes": 60 },
            "keep": { "last": 5 },
        }))
        .unwrap();
        let kept = |policy: &Policy| -> Vec<(u32, Option<u32>)> {
            policy.rules_before.iter().map(|b| (b.replaced_by, b.keep.last)).collect()
        };
        let second = edit(&first, 2);
        assert_eq!(kept(&second), [(2, Some(5))]);
        let mut renamed = Policy { version: 3, name: "Q".to_owned(), ..second.clone() };
        renamed.rules_before = renamed.replacing(&second);
        assert_eq!(kept(&renamed), [(2, Some(5))]);
        let longer = edit(&renamed, 9);
        let again = edit(&edit(&longer, 5), 2);
        assert_eq!(kept(&again), [(4, Some(2)), (5, Some(9)), (6, Some(5))]);
    }
}
