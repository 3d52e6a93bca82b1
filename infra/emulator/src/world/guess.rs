//! Answers that no recording, document or thread shows: the rule is documented, its words are
//! not. Each has a name, by which the control API gives it another status, code or message, or
//! switches the rule off.

use serde::{Deserialize, Serialize};

use super::{World, failure::Failure};

/// Every guessed refusal: its name, and when it is given.
pub(crate) const GUESSES: &[(&str, &str)] = &[
    ("access-attached", "beginGetAccess of a disk that a virtual machine has"),
    ("access-denied-by-policy", "beginGetAccess where networkAccessPolicy is DenyAll"),
    ("access-duration", "a duration that is no positive number of seconds"),
    (
        "access-incomplete",
        "beginGetAccess of a snapshot whose copy or background copy is below 100 %",
    ),
    ("access-private", "a SAS used over the public network where only private links may"),
    ("access-too-many", "a sixth SAS within one snapshot family"),
    ("access-write", "Write access to something that is not an upload"),
    ("active-sas", "deleting or attaching what has a SAS"),
    ("background-copies", "a 51st background copy in a subscription"),
    ("busy", "using a source whose creation has not ended"),
    ("copy-from-full", "CopyStart of a snapshot that is not incremental"),
    ("copy-incomplete", "using a copy below 100 %"),
    ("copy-ongoing", "a second copy of one disk while the first moves"),
    ("copy-order", "a copy older than one that is in the target region"),
    ("copy-speed", "provisionedBandwidthCopySpeed without CopyStart"),
    ("copy-too-many", "a 101st copy into one region of a subscription"),
    ("deleting", "using a name whose deletion has not ended"),
    ("disk-limit", "a 50,001st disk of one sku in a region of a subscription"),
    ("encryption-set", "a disk-encryption set of another region or subscription"),
    ("encryption-set-used", "deleting a disk-encryption set that something uses"),
    ("immutable", "deleting an immutable snapshot before its time"),
    ("immutable-locked", "shortening or unlocking a locked immutability policy"),
    ("invalid-name", "a name with other characters or more than 80"),
    ("invalid-value", "a property with a value that is not among the allowed ones"),
    ("key-disabled", "using what is encrypted with a key that is disabled"),
    ("os-disk-swap", "swapping the OS disk of a machine that runs"),
    ("other-subscription", "an incremental snapshot of a disk in another subscription"),
    ("pending-snapshots", "a fourth snapshot of a disk while three copy in the background"),
    ("preview-region", "CopyStart outside the regions of its preview, where that is switched on"),
    ("premium-v2-full", "a full snapshot of an Ultra or Premium SSD v2 disk"),
    ("resize-down", "a smaller diskSizeGB"),
    ("restores-at-once", "a sixth disk at once from one snapshot of Ultra or Premium SSD v2"),
    ("scale-set-machines", "deleting a flexible scale set that has machines"),
    ("sector-size", "a disk of another kind from a snapshot with sectors of 4096 bytes"),
    ("size-below-source", "a disk smaller than its snapshot"),
    ("sku", "a sku that is not one of the type's"),
    ("snapshot-limit", "a 501st incremental snapshot of a disk: the status"),
    ("snapshot-rate", "an eighth incremental snapshot of a disk within five minutes"),
    ("upload-size", "an uploadSizeBytes out of its range"),
    ("zrs-region", "zone redundancy in a region without zones"),
];

/// What the control API makes of a guess.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Correction {
    /// The rule does not hold.
    pub(crate) off: bool,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

impl World {
    /// Refuses by a guessed rule, unless it is switched off.
    pub(crate) fn guarded(&self, failure: Failure) -> Result<(), Failure> {
        let correction = failure.guess.and_then(|guess| self.settings.guesses.get(guess));
        if correction.is_some_and(|correction| correction.off) { Ok(()) } else { Err(failure) }
    }

    /// The refusal as the control API wants it.
    pub(crate) fn corrected(&self, mut failure: Failure) -> Failure {
        let correction = failure.guess.and_then(|guess| self.settings.guesses.get(guess));
        if let Some(correction) = correction {
            failure.status = correction.status.unwrap_or(failure.status);
            failure.code = correction.code.clone().unwrap_or(failure.code);
            failure.message = correction.message.clone().unwrap_or(failure.message);
        }
        failure
    }
}
