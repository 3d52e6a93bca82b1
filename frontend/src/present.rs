//! Words for what the model says: states, fates, owners. Pure; decides nothing.

pub(crate) mod number;
pub(crate) mod time;

use shared::{
    Decision, Disk, Fate, Inventory, NetworkAccess, PointState, Region, Side,
    api::Role,
    model::{Outcome, Owner, RequestState, RunTrigger},
    status::Protection,
};

/// A decision's reasons, word for word as the planner gives them.
pub(crate) fn reasons(decision: &Decision) -> String {
    let words: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
    words.join(" ")
}

/// How something is to be felt: a colour and an icon, which never stand without words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Busy,
    Warn,
    Bad,
    Quiet,
}

impl Tone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }
}

/// A state in a word, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: &'static str,
    pub(crate) tone: Tone,
    pub(crate) meaning: &'static str,
}

const fn word(text: &'static str, tone: Tone, meaning: &'static str) -> Word {
    Word { text, tone, meaning }
}

/// Every protection, the worst first.
pub(crate) const PROTECTIONS: [Protection; 7] = [
    Protection::Failing,
    Protection::Behind,
    Protection::Unprotected,
    Protection::Paused,
    Protection::Unknown,
    Protection::Starting,
    Protection::Protected,
];

pub(crate) const fn protection(protection: Protection) -> Word {
    match protection {
        Protection::Failing => {
            word("Failing", Tone::Bad, "The newest snapshot or copy of a side failed.")
        }
        Protection::Behind => {
            word("Behind", Tone::Bad, "The newest point of a side is older than its RPO.")
        }
        Protection::Unprotected => word("Unprotected", Tone::Warn, "No policy protects this disk."),
        Protection::Paused => word("Paused", Tone::Warn, "Its policy is switched off or paused."),
        Protection::Unknown => {
            word("Unknown", Tone::Warn, "Something that would tell could not be listed.")
        }
        Protection::Starting => {
            word("Starting", Tone::Busy, "A side still waits for its first recovery point.")
        }
        Protection::Protected => {
            word("Protected", Tone::Good, "Every side that its policy asks for has a recent point.")
        }
    }
}

/// The word in URLs.
pub(crate) const fn protection_key(protection: Protection) -> &'static str {
    match protection {
        Protection::Failing => "failing",
        Protection::Behind => "behind",
        Protection::Unprotected => "unprotected",
        Protection::Paused => "paused",
        Protection::Unknown => "unknown",
        Protection::Starting => "starting",
        Protection::Protected => "protected",
    }
}

pub(crate) const fn point_state(state: &PointState) -> Word {
    match state {
        PointState::Creating => word("Creating", Tone::Busy, "Azure is making the resource."),
        PointState::Copying { .. } => word("Copying", Tone::Busy, "Bytes are on their way."),
        PointState::Ready => word("Ready", Tone::Good, "A disk can be restored from it."),
        PointState::Failed { .. } => {
            word("Failed", Tone::Bad, "Azure calls it failed; it can never be restored from.")
        }
    }
}

pub(crate) const fn fate(fate: Fate) -> Word {
    match fate {
        Fate::Act => word("Acts", Tone::Busy, "The next tick starts something."),
        Fate::Idle => word("Nothing due", Tone::Quiet, "Nothing is due."),
        Fate::Wait => word("Waits", Tone::Busy, "Something else has to end first."),
        Fate::Blocked => word("Blocked", Tone::Bad, "Somebody has to act."),
        Fate::Keep => word("Kept", Tone::Good, "It stays."),
        Fate::Released => word("Released", Tone::Quiet, "It stays; no policy speaks for it."),
        Fate::Foreign => word("Foreign", Tone::Quiet, "It stays; somebody else made it."),
        Fate::Held => word("Held", Tone::Warn, "It would go, but a person has to approve."),
        Fate::Marked => {
            word("Marked for deletion", Tone::Warn, "It goes once the time of its mark has come.")
        }
        Fate::Delete => word("To be deleted", Tone::Bad, "The next tick deletes it."),
    }
}

/// Every fate, in the order in which a run lists them: what changes first.
pub(crate) const FATES: [Fate; 10] = [
    Fate::Blocked,
    Fate::Delete,
    Fate::Held,
    Fate::Marked,
    Fate::Act,
    Fate::Wait,
    Fate::Keep,
    Fate::Released,
    Fate::Foreign,
    Fate::Idle,
];

pub(crate) const fn outcome(outcome: &Outcome) -> Word {
    match outcome {
        Outcome::Done => word("Done", Tone::Good, "Azure did it."),
        Outcome::Accepted => word("Accepted", Tone::Busy, "Azure took it on; a later tick looks."),
        Outcome::Failed { .. } => word("Failed", Tone::Bad, "Azure refused or did not answer."),
        Outcome::Blocked { .. } => {
            word("Blocked", Tone::Bad, "Azure will go on to refuse it until somebody acts.")
        }
        Outcome::Skipped { .. } => word("Skipped", Tone::Quiet, "Not tried."),
    }
}

pub(crate) fn outcome_message(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Done | Outcome::Accepted => None,
        Outcome::Failed { code, message } | Outcome::Blocked { code, message } => {
            Some(format!("{code}: {message}"))
        }
        Outcome::Skipped { message, .. } => Some(message.clone()),
    }
}

pub(crate) const fn request_state(state: &RequestState) -> Word {
    match state {
        RequestState::Pending => word("Requested…", Tone::Busy, "No run has come to it yet."),
        RequestState::Done { .. } => word("Carried out", Tone::Good, "A run carried it out."),
        RequestState::Refused { .. } => word("Refused", Tone::Bad, "It was not carried out."),
    }
}

pub(crate) fn trigger(trigger: &RunTrigger) -> String {
    match trigger {
        RunTrigger::Timer => "Timer".to_owned(),
        RunTrigger::Request { actor, .. } => format!("Request by {actor}"),
    }
}

pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Reader => "reader",
        Role::Operator => "operator",
        Role::Owner => "owner",
    }
}

/// What a disk is attached to; says so when it is not.
pub(crate) fn owner(disk: &Disk) -> String {
    match disk.owner() {
        Some(Owner::VirtualMachine(name)) => format!("VM {name}"),
        Some(Owner::ScaleSetInstance(set, instance)) => {
            format!("Scale set {set}, instance {instance}")
        }
        Some(Owner::Other(name)) => name,
        None => "Not attached".to_owned(),
    }
}

/// OS or data disk.
pub(crate) fn role_of_disk(disk: &Disk) -> String {
    disk.os.as_ref().map_or_else(|| "Data disk".to_owned(), |os| format!("{os} OS disk"))
}

/// A region's name for people.
pub(crate) fn region(inventory: &Inventory, region: &Region) -> String {
    inventory.region(region).map_or_else(|| region.to_string(), |info| info.display_name.clone())
}

/// A subscription's name for people; its id where it has none.
pub(crate) fn subscription(inventory: &Inventory, id: &str) -> String {
    inventory.subscription(id).map_or_else(|| id.to_owned(), |found| found.name.clone())
}

/// A side: the region, and what tells it from another one in that region.
pub(crate) fn side(inventory: &Inventory, side: &Side) -> String {
    let group = inventory.group(&side.subscription, &side.group);
    let group = group.map_or(side.group.as_str(), |found| found.name.as_str());
    let subscription = subscription(inventory, &side.subscription);
    format!("{} · {group} · {subscription}", region(inventory, &side.region))
}

pub(crate) const fn network_access(access: NetworkAccess) -> &'static str {
    match access {
        NetworkAccess::AllowAll => "AllowAll: export from any network",
        NetworkAccess::AllowPrivate => "AllowPrivate: export through a private endpoint",
        NetworkAccess::DenyAll => "DenyAll: no export; restoring still works",
    }
}

/// `1 disk`, `2 disks`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_lists_the_worst_first_as_the_model_does() {
        assert!(PROTECTIONS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn nothing_looks_good_unless_it_is_protected() {
        let good = PROTECTIONS.iter().filter(|p| protection(**p).tone == Tone::Good);
        assert_eq!(good.collect::<Vec<_>>(), [&Protection::Protected]);
    }

    #[test]
    fn counts_take_their_plural() {
        assert_eq!([count(0, "disk"), count(1, "disk")], ["0 disks", "1 disk"]);
    }
}
