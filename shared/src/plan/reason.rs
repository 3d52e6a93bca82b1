//! Why a decision is what it is: typed, with data, and the words that people read.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    model::{KeepRule, KeptBy, Region, ResourceId, Side},
    preconditions::Obstacle,
};

/// One reason of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// The slot has no snapshot yet.
    SlotDue {
        /// The slot.
        slot: Timestamp,
    },
    /// The slot has its snapshot.
    SlotDone {
        /// The slot.
        slot: Timestamp,
        /// When the next one begins.
        next: Timestamp,
    },
    /// The slot's snapshot was made and has since been deleted; it is not made again.
    SlotDeleted {
        /// The slot.
        slot: Timestamp,
    },
    /// The disk does not exist.
    DiskGone,
    /// The disk was not listed, and neither was everything else: whether it exists is unknown.
    DiskUnseen,
    /// Azure's number of snapshots per disk is reached.
    TooManySnapshots {
        /// How many there are.
        count: usize,
    },
    /// Somebody else's resource has the name.
    NameTaken {
        /// The resource.
        id: ResourceId,
    },
    /// The target has the slot's copy, made of a snapshot that has gone and was made again.
    SlotCopied {
        /// The copy.
        copy: ResourceId,
    },
    /// Everything that the target wants is there or on its way.
    TargetComplete,
    /// The target lacks this point.
    TargetLacks {
        /// The point.
        point: ResourceId,
        /// The region.
        region: Region,
    },
    /// Azure copies one snapshot of a disk at a time.
    CopyUnderWay {
        /// The copy.
        copy: ResourceId,
    },
    /// The next point is not ready to be copied.
    SourceNotReady {
        /// The point.
        point: ResourceId,
    },
    /// Azure's number of copies in flight to a region is reached.
    TooManyCopies {
        /// The region.
        region: Region,
    },
    /// The copy failed twice.
    CopyFailedTwice {
        /// The second copy.
        copy: ResourceId,
        /// What Azure said.
        message: String,
    },
    /// Azure did not begin the copy, and a copy of a later point failed, which may be why.
    BehindFailedCopy {
        /// The failed copy.
        copy: ResourceId,
        /// When it is tried again, if no later point is there by then.
        until: Timestamp,
    },
    /// The base of the next copy is gone from the source: the whole disk would travel again.
    BaseGone {
        /// The region.
        region: Region,
    },
    /// Past runs cannot be read, so that a full copy cannot be told from a second one.
    HistoryUnreadable,
    /// Kept by a policy's rule.
    KeptByRule {
        /// The policy's id.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        policy: Arc<str>,
        /// The rule and the point's place in it.
        by: KeptBy,
    },
    /// The side's rule is to keep everything.
    KeptByNoLimit,
    /// The last good point of its side.
    KeptAsFloor,
    /// The source's snapshots near Azure's limit, so the target goes without this one.
    GivenUp {
        /// The target's region.
        region: Region,
    },
    /// The next copy is reckoned from it.
    KeptAsBase {
        /// The copy of it that the target has.
        copy: ResourceId,
    },
    /// A copy reads from it.
    KeptAsCopySource {
        /// The copy.
        copy: ResourceId,
    },
    /// The target does not have it yet.
    KeptForTarget {
        /// The region.
        region: Region,
    },
    /// Somebody pinned it.
    KeptByPin {
        /// Who.
        actor: String,
    },
    /// Azure is still at work on it.
    UnderWay,
    /// Azure calls it failed.
    FailedInAzure {
        /// What Azure said.
        message: String,
    },
    /// A person made it; no policy speaks for it.
    MadeByHand,
    /// Its policy does not exist.
    PolicyMissing {
        /// Its id.
        policy: String,
    },
    /// Its policy is switched off.
    PolicyDisabled {
        /// Its id.
        policy: String,
    },
    /// Its policy no longer names its disk, or the disk is gone.
    DiskDeselected {
        /// The policy's id.
        policy: String,
    },
    /// It stands on a side that its policy does not speak of.
    SideDeselected {
        /// The policy's id.
        policy: String,
    },
    /// Another installation or somebody else made it.
    NotOurs,
    /// Whose it is cannot be told.
    Unplaced,
    /// No rule keeps it.
    NotKept {
        /// When it goes.
        delete_after: Timestamp,
    },
    /// No rule keeps it, but nothing is deleted for now.
    DeletesBarred {
        /// Why.
        bar: DeleteBar,
    },
    /// Only the rules before an edit keep it: it waits for a person's approval.
    HeldByEdit {
        /// The policy.
        policy: String,
        /// The version with the shorter retention.
        version: u32,
    },
    /// More would go in 24 hours than the policies foretold: it waits for a person's approval.
    HeldByBrake {
        /// Points that may be marked in 24 hours.
        allowed: usize,
    },
    /// The held deletions as a whole, for the approval.
    HeldBatch {
        /// Their hash.
        batch: String,
        /// How many they are.
        points: usize,
    },
    /// A person approved of the held deletions.
    Approved {
        /// Their hash.
        batch: String,
        /// The policies and versions whose shorter retention is accepted thereby.
        policies: Vec<(String, u32)>,
    },
    /// A person knows that these points are gone; their absence bars no deletions any more.
    Acknowledged {
        /// Their unique ids.
        points: Vec<String>,
    },
    /// The approval is for other deletions than those that are held now.
    BatchChanged {
        /// The hash of those that are held now; none if none are.
        now: Option<String>,
    },
    /// A management lock stands on it, its group or its subscription.
    Locked {
        /// The lock's name.
        lock: String,
        /// What it stands on.
        scope: String,
    },
    /// An immutability policy keeps it.
    Immutable {
        /// Until when.
        until: Timestamp,
    },
    /// Azure refused, for a reason that does not pass by itself.
    RefusedByAzure {
        /// Azure's code.
        code: String,
        /// When it is tried again.
        until: Timestamp,
    },
    /// A group, subscription or tag selects the disk, which is too young to be enrolled.
    NotYetEnrolled {
        /// From when it is.
        from: Timestamp,
    },
    /// The policy rests.
    PolicyPaused {
        /// Its id.
        policy: String,
        /// Until when.
        until: Timestamp,
    },
    /// Azure calls the slot's snapshot failed.
    SnapshotFailed {
        /// The snapshot.
        id: ResourceId,
        /// When the next slot begins.
        next: Option<Timestamp>,
    },
    /// The target is the place that the snapshots are in.
    TargetIsSource {
        /// The region.
        region: Region,
    },
    /// The list that may hold the region's copies is missing: the whole disk is not sent meanwhile.
    TargetUnlisted {
        /// The region.
        region: Region,
    },
    /// A full copy has been sent there once, and nothing is left of it.
    SecondFullCopy {
        /// The region.
        region: Region,
    },
    /// Copies stand there that no run has told of: the whole disk has been sent once.
    CopiesSeen {
        /// The disk's unique id.
        disk_unique_id: String,
        /// The sides.
        sides: Vec<Side>,
    },
    /// A snapshot of a slot stands there that no run has told of.
    SlotSeen {
        /// The disk's unique id.
        disk_unique_id: String,
        /// The slot.
        slot: Timestamp,
    },
    /// The policy's monthly stop-loss is reached.
    StopLoss {
        /// The policy.
        policy: String,
        /// GiB that its copies may have moved this month.
        spent_gib: u64,
        /// The stop-loss.
        limit_gib: u32,
    },
    /// The day's share of first copies is used up.
    StagedForLater {
        /// The policy.
        policy: String,
        /// GiB a day.
        limit_gib: u32,
    },
    /// The copy has not become complete in the time that its policy gives.
    CopyStuck {
        /// The copy.
        copy: ResourceId,
        /// The hours.
        hours: u32,
    },
    /// Somebody asked for it.
    Asked {
        /// Who.
        actor: String,
    },
    /// The resource that was asked for is there.
    AlreadyDone {
        /// The resource.
        id: ResourceId,
    },
    /// Something that would make Azure refuse.
    Obstacle(Obstacle),
}

/// Why nothing is deleted for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeleteBar {
    /// Something could not be listed.
    InventoryIncomplete,
    /// Points of ours are listed no more.
    PointsVanished,
    /// Past runs cannot be read.
    HistoryUnreadable,
    /// The host's clock and Azure's are more than 5 minutes apart.
    ClocksApart,
}

impl fmt::Display for DeleteBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InventoryIncomplete => "not everything could be listed",
            Self::PointsVanished => {
                "points of ours are listed no more, although nobody here deleted them"
            }
            Self::HistoryUnreadable => "past runs cannot be read",
            Self::ClocksApart => "the host's clock and Azure's are more than 5 minutes apart",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlotDue { slot } => write!(f, "The slot of {slot} has no snapshot yet."),
            Self::SlotDone { slot, next } => {
                write!(f, "The slot of {slot} has its snapshot; the next begins at {next}.")
            }
            Self::SlotDeleted { slot } => {
                write!(f, "The snapshot of the slot of {slot} was made and deleted since.")
            }
            Self::DiskGone => f.write_str(
                "The disk does not exist. Its points stay; take it off the policy or restore it.",
            ),
            Self::DiskUnseen => f.write_str("The disk was not listed, but not everything was."),
            Self::TooManySnapshots { count } => write!(
                f,
                "The disk has {count} snapshots, Azure's limit. Delete some or keep fewer."
            ),
            Self::NameTaken { id } => {
                write!(f, "`{}` has the name and was not made by this installation.", id.name())
            }
            Self::SlotCopied { copy } => write!(
                f,
                "The target has the slot's copy, `{}`, of a snapshot that has gone and was made again.",
                copy.name()
            ),
            Self::TargetComplete => f.write_str("The target has what it should have."),
            Self::TargetLacks { point, region } => {
                write!(f, "{region} does not have `{}` yet.", point.name())
            }
            Self::CopyUnderWay { copy } => write!(
                f,
                "`{}` is being copied; Azure copies one snapshot of a disk at a time.",
                copy.name()
            ),
            Self::SourceNotReady { point } => write!(f, "`{}` is not ready yet.", point.name()),
            Self::TooManyCopies { region } => {
                write!(f, "Azure's number of copies in flight to {region} is reached.")
            }
            Self::CopyFailedTwice { copy, message } => write!(
                f,
                "`{}` failed, the second time: {message} Copy the snapshot by hand to try again.",
                copy.name()
            ),
            Self::BehindFailedCopy { copy, until } => write!(
                f,
                "Azure did not begin it; `{}`, which failed, may stand in its way. Left out until {until}: \
                 the next copy takes its changes.",
                copy.name()
            ),
            Self::BaseGone { region } => write!(
                f,
                "No snapshot that {region} has is left at the source, so the whole disk would \
                 travel again. Copy a snapshot by hand to allow it."
            ),
            Self::HistoryUnreadable => f.write_str(
                "Past runs cannot be read, so a first full copy is not told from a second one.",
            ),
            Self::KeptByRule { policy, by } if by.rule == KeepRule::Within => {
                write!(f, "Within {} hours of the newest (policy `{policy}`).", by.of)
            }
            Self::KeptByRule { policy, by } if by.rule == KeepRule::Last => {
                write!(f, "Number {} of the last {} (policy `{policy}`).", by.place, by.of)
            }
            Self::KeptByRule { policy, by } => {
                let (place, of, word) = (by.place, by.of, by.rule.word());
                write!(f, "Number {place} of {of} {word} points (policy `{policy}`).")
            }
            Self::GivenUp { region } => write!(
                f,
                "Given up for {region}, which does not take copies, so that the source does not reach \
                 Azure's 500 snapshots."
            ),
            Self::HeldByEdit { policy, version } => write!(
                f,
                "Only the rules before version {version} of policy `{policy}` keep it: it waits for \
                 approval."
            ),
            Self::HeldByBrake { allowed } => write!(
                f,
                "More would go in 24 hours than the policies foretold ({allowed} may): it waits for \
                 approval."
            ),
            Self::HeldBatch { batch, points } => {
                write!(f, "{points} held deletions, batch {batch}.")
            }
            Self::Approved { batch, .. } => {
                write!(f, "The deletions of batch {batch} are approved.")
            }
            Self::Acknowledged { points } => {
                write!(f, "{} points that are listed no more may be missed.", points.len())
            }
            Self::BatchChanged { now: None } => {
                f.write_str("No deletion is held any more; there is nothing to approve.")
            }
            Self::BatchChanged { now: Some(now) } => write!(
                f,
                "The held deletions have changed since (they are batch {now}): look at them again."
            ),
            Self::Locked { lock, scope } => {
                write!(f, "The lock `{lock}` stands on {scope}. Whoever set it may take it away.")
            }
            Self::Immutable { until } => {
                write!(f, "An immutability policy keeps it until {until}.")
            }
            Self::RefusedByAzure { code, until } => write!(
                f,
                "Azure refused it with {code}, which does not pass by itself; tried again at {until}."
            ),
            Self::NotYetEnrolled { from } => {
                write!(f, "The disk is young: a rule enrols it from {from}.")
            }
            Self::PolicyPaused { policy, until } => {
                write!(f, "Its policy `{policy}` rests until {until}.")
            }
            Self::SnapshotFailed { id, next } => {
                write!(f, "Azure calls the slot's snapshot `{}` failed", id.name())?;
                match next {
                    Some(next) => write!(f, "; the next slot begins at {next}."),
                    None => f.write_str("."),
                }
            }
            Self::TargetIsSource { region } => write!(
                f,
                "The target in {region} is the place that the snapshots are in. Give it another group."
            ),
            Self::TargetUnlisted { region } => write!(
                f,
                "The list that may hold the copies in {region} is missing; the whole disk is not sent \
                 there meanwhile."
            ),
            Self::SecondFullCopy { region } => write!(
                f,
                "The whole disk was sent to {region} once and nothing of it is left there. Copy a \
                 snapshot by hand to send it again."
            ),
            Self::CopiesSeen { sides, .. } => {
                let regions: Vec<&str> = sides.iter().map(|side| side.region.as_str()).collect();
                write!(
                    f,
                    "Copies of the disk are seen for the first time in {}.",
                    regions.join(", ")
                )
            }
            Self::SlotSeen { slot, .. } => {
                write!(f, "The snapshot of {slot} is seen for the first time.")
            }
            Self::StopLoss { policy, spent_gib, limit_gib } => write!(
                f,
                "Copies of policy `{policy}` may have moved {spent_gib} GiB this month; its stop-loss is \
                 {limit_gib} GiB. Raise it, or wait for the next month."
            ),
            Self::StagedForLater { policy, limit_gib } => write!(
                f,
                "Policy `{policy}` starts {limit_gib} GiB of first copies a day; this one waits its turn."
            ),
            Self::CopyStuck { copy, hours } => {
                write!(f, "`{}` is not complete after {hours} hours; it is given up.", copy.name())
            }
            Self::KeptByNoLimit => f.write_str("This side keeps everything."),
            Self::KeptAsFloor => f.write_str("The last good point of this side."),
            Self::KeptAsBase { copy } => {
                write!(f, "The next copy is reckoned from it (`{}` has it).", copy.name())
            }
            Self::KeptAsCopySource { copy } => {
                write!(f, "`{}` is being copied from it.", copy.name())
            }
            Self::KeptForTarget { region } => write!(f, "{region} does not have it yet."),
            Self::KeptByPin { actor } => write!(f, "Pinned by {actor}."),
            Self::UnderWay => f.write_str("Azure is still at work on it."),
            Self::FailedInAzure { message } => write!(f, "Azure calls it failed: {message}"),
            Self::MadeByHand => f.write_str("Made by hand; no policy speaks for it."),
            Self::PolicyMissing { policy } => write!(f, "Its policy `{policy}` does not exist."),
            Self::PolicyDisabled { policy } => write!(f, "Its policy `{policy}` is switched off."),
            Self::DiskDeselected { policy } => {
                write!(f, "Policy `{policy}` does not protect its disk, or the disk is gone.")
            }
            Self::SideDeselected { policy } => {
                write!(f, "Policy `{policy}` does not speak of this side.")
            }
            Self::NotOurs => f.write_str("Not made by this installation."),
            Self::Unplaced => f.write_str("Whose snapshot it is cannot be told."),
            Self::NotKept { delete_after } => {
                write!(f, "No rule keeps it; it may go from {delete_after}.")
            }
            Self::DeletesBarred { bar } => write!(f, "Nothing is deleted for now: {bar}."),
            Self::Asked { actor } => write!(f, "{actor} asked for it."),
            Self::AlreadyDone { id } => write!(f, "`{}` is there already.", id.name()),
            Self::Obstacle(obstacle) => write!(f, "{} {}", obstacle.reason(), obstacle.fix()),
        }
    }
}
