//! Why a decision is what it is: typed, with data, and the words that people read.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    model::{Region, ResourceId},
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
    /// The base of the next copy is gone from the source: the whole disk would travel again.
    BaseGone {
        /// The region.
        region: Region,
    },
    /// Past runs cannot be read, so that a full copy cannot be told from a second one.
    HistoryUnreadable,
    /// Kept by `keep the last n`.
    KeptAsLast {
        /// Its place, newest first, from 1.
        place: usize,
        /// n.
        of: u32,
    },
    /// The side's rule is to keep everything.
    KeptByNoLimit,
    /// The last good point of its side.
    KeptAsFloor,
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
    /// Past runs cannot be read.
    HistoryUnreadable,
    /// The host's clock and Azure's are more than 5 minutes apart.
    ClocksApart,
}

impl fmt::Display for DeleteBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InventoryIncomplete => "not everything could be listed",
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
            Self::BaseGone { region } => write!(
                f,
                "No snapshot that {region} has is left at the source, so the whole disk would \
                 travel again. Copy a snapshot by hand to allow it."
            ),
            Self::HistoryUnreadable => f.write_str(
                "Past runs cannot be read, so a first full copy is not told from a second one.",
            ),
            Self::KeptAsLast { place, of } => write!(f, "Number {place} of the last {of}."),
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
