//! Everything that would make Azure refuse an action, found before it is tried.
//!
//! Each obstacle has a reason and a fix. The rules and their sources are those of
//! compute-snapshots §1; the portal, the API and the tick all ask here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    lineage::{Point, lineage},
    model::{
        AbandonCopy, Action, AdoptPoint, CopySnapshot, CreateSnapshot, Inventory, KeepPoint,
        Limits, LockLevel, NetworkAccess, PointState, Region, ResourceId, ResourceKind,
        RestoreDisk, Snapshot, valid_group,
    },
    names, tags,
};

/// One thing that stands against an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "obstacle", rename_all = "snake_case")]
pub enum Obstacle {
    /// The disk or snapshot to start from is not there.
    SourceMissing {
        /// Its id.
        id: ResourceId,
    },
    /// The source is of the wrong type.
    WrongSource {
        /// Its id.
        id: ResourceId,
        /// What it has to be.
        wanted: String,
    },
    /// The name is not one that Azure takes.
    BadName {
        /// The name.
        name: String,
    },
    /// Something has the name.
    NameTaken {
        /// The resource.
        id: ResourceId,
    },
    /// The subscription is not one that can be seen.
    UnknownSubscription {
        /// The subscription.
        subscription: String,
    },
    /// The group does not exist.
    UnknownGroup {
        /// The group.
        group: String,
        /// Its subscription.
        subscription: String,
    },
    /// The region does not exist or is not offered.
    UnknownRegion {
        /// The region.
        region: Region,
    },
    /// The region has no zones.
    NoZones {
        /// The region.
        region: Region,
    },
    /// Only incremental snapshots can be copied.
    NotIncremental {
        /// The snapshot.
        id: ResourceId,
    },
    /// Ultra and Premium SSD v2 disks have incremental snapshots only.
    MustBeIncremental {
        /// The disk's sku.
        sku: String,
    },
    /// The snapshot is not filled yet.
    NotReady {
        /// The snapshot.
        id: ResourceId,
    },
    /// Azure calls the snapshot failed.
    SourceFailed {
        /// The snapshot.
        id: ResourceId,
        /// What Azure said.
        message: String,
    },
    /// Another copy of the disk is in flight.
    CopyInFlight {
        /// The copy.
        copy: ResourceId,
    },
    /// A newer snapshot of the disk is in the region already.
    OutOfOrder {
        /// The newer copy.
        copy: ResourceId,
        /// The region.
        region: Region,
    },
    /// Azure's number of parallel copies is reached.
    TooManyCopies {
        /// The region.
        region: Region,
        /// The number.
        limit: usize,
    },
    /// Azure's number of snapshots per disk is reached.
    TooManySnapshots {
        /// The number.
        limit: usize,
    },
    /// A private endpoint's resource would have to be named.
    NeedsDiskAccess,
    /// A tag is not one that Azure takes, or is ours.
    BadTag {
        /// The tag's name.
        name: String,
    },
    /// The disk's sku is not one that a snapshot restores to.
    BadDiskSku {
        /// The sku.
        sku: String,
    },
    /// The zone is not one.
    BadZone {
        /// The zone.
        zone: String,
    },
    /// A management lock stands against it.
    Locked {
        /// Its name.
        lock: String,
        /// What it stands on.
        scope: String,
    },
    /// Another installation made it, and may delete it.
    AnotherInstallations {
        /// The snapshot.
        id: ResourceId,
        /// The other installation.
        installation: String,
    },
    /// Which disk it is of cannot be told.
    Unplaced {
        /// The snapshot.
        id: ResourceId,
    },
    /// It is not an incomplete copy of ours.
    NotAbandonable {
        /// The snapshot.
        id: ResourceId,
    },
    /// This installation may not write there.
    ReadOnly {
        /// The subscription.
        subscription: String,
    },
}

impl Obstacle {
    /// What stands in the way.
    pub fn reason(&self) -> String {
        match self {
            Self::SourceMissing { id } => {
                format!("`{}` does not exist, or cannot be seen.", id.name())
            }
            Self::WrongSource { id, wanted } => format!("`{}` is not a {wanted}.", id.name()),
            Self::BadName { name } if name.is_empty() => "The name is empty.".into(),
            Self::BadName { name } => {
                format!(
                    "`{}` is not a name that Azure takes.",
                    name.chars().take(90).collect::<String>()
                )
            }
            Self::NameTaken { id } => {
                format!("`{}` exists in `{}` already.", id.name(), id.group())
            }
            Self::UnknownSubscription { subscription } => {
                format!("Subscription `{subscription}` cannot be seen.")
            }
            Self::UnknownGroup { group, subscription } => {
                format!("Resource group `{group}` does not exist in subscription `{subscription}`.")
            }
            Self::UnknownRegion { region } => format!("`{region}` is not a region of this cloud."),
            Self::NoZones { region } => format!("{region} has no zone-redundant storage."),
            Self::NotIncremental { id } => format!("`{}` is a full snapshot.", id.name()),
            Self::MustBeIncremental { sku } => {
                format!("A {sku} disk has incremental snapshots only.")
            }
            Self::NotReady { id } => format!("`{}` is not complete yet.", id.name()),
            Self::SourceFailed { id, message } => format!("`{}` failed: {message}", id.name()),
            Self::CopyInFlight { copy } => format!("`{}` is being copied.", copy.name()),
            Self::OutOfOrder { copy, region } => {
                format!("{region} has `{}` already, which is newer.", copy.name())
            }
            Self::TooManyCopies { region, limit } => {
                format!("{limit} copies to {region} are in flight.")
            }
            Self::TooManySnapshots { limit } => {
                format!("The disk has {limit} incremental snapshots.")
            }
            Self::NeedsDiskAccess => "AllowPrivate needs a disk access resource.".into(),
            Self::BadTag { name } => format!("The tag `{name}` cannot be set."),
            Self::BadDiskSku { sku } => format!("`{sku}` is not a disk sku to restore to."),
            Self::BadZone { zone } => format!("`{zone}` is not an availability zone."),
            Self::Locked { lock, scope } => format!("The lock `{lock}` stands on {scope}."),
            Self::AnotherInstallations { id, installation } => {
                format!("Installation `{installation}` made `{}`, and may delete it.", id.name())
            }
            Self::Unplaced { id } => {
                format!("Which disk `{}` is of cannot be told.", id.name())
            }
            Self::NotAbandonable { id } => {
                format!("`{}` is not an incomplete copy that this installation made.", id.name())
            }
            Self::ReadOnly { subscription } => {
                format!(
                    "This installation observes subscription `{subscription}`: it writes nothing there."
                )
            }
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::SourceMissing { .. } => "Check the id, and the rights on its group.".into(),
            Self::WrongSource { wanted, .. } => format!("Choose a {wanted}."),
            Self::BadName { .. } => {
                "Use 1 to 80 letters, digits, `_`, `-` and `.`, beginning with a \
                letter or digit and ending with one or `_`."
                    .into()
            }
            Self::NameTaken { .. } => "Choose another name.".into(),
            Self::UnknownSubscription { .. } => {
                "Choose a listed one, or give the identity the right to read it.".into()
            }
            Self::UnknownGroup { group, .. } => {
                format!(
                    "Choose a listed one, or make it: `az group create -n {group} -l <region>`."
                )
            }
            Self::UnknownRegion { .. } => {
                "Choose a listed one; `az account list-locations -o table` prints them.".into()
            }
            Self::NoZones { .. } => "Choose Standard_LRS, or a region with zones.".into(),
            Self::NotIncremental { .. } => {
                "Take an incremental snapshot of the disk and copy that.".into()
            }
            Self::MustBeIncremental { .. } => "Choose incremental.".into(),
            Self::NotReady { .. } => "Wait until it is at 100 %.".into(),
            Self::SourceFailed { .. } => "Choose another point.".into(),
            Self::CopyInFlight { .. } => {
                "Azure copies one snapshot of a disk at a time: wait until it is at 100 %.".into()
            }
            Self::OutOfOrder { .. } => {
                "Azure copies in creation order: copy a newer snapshot instead.".into()
            }
            Self::TooManyCopies { .. } => "Wait until one ends.".into(),
            Self::TooManySnapshots { .. } => "Delete some, or keep fewer by policy.".into(),
            Self::NeedsDiskAccess => "Choose DenyAll or AllowAll.".into(),
            Self::BadTag { .. } => format!(
                "Use up to 40 tags of 1 to 512 characters without <>%&\\?/ that do not begin with \
                 `{}`; values up to 256.",
                tags::PREFIX
            ),
            Self::BadDiskSku { .. } => {
                "Choose Premium_LRS, StandardSSD_LRS, Standard_LRS, Premium_ZRS or StandardSSD_ZRS."
                    .into()
            }
            Self::BadZone { .. } => {
                "Choose 1, 2 or 3, or leave it out; a ZRS disk has none.".into()
            }
            Self::Locked { .. } => "Ask whoever set the lock to take it away.".into(),
            Self::AnotherInstallations { .. } => {
                "Let that installation release it first: take its tags away.".into()
            }
            Self::Unplaced { .. } => {
                "Leave it to whoever made it; it is shown and never deleted.".into()
            }
            Self::NotAbandonable { .. } => {
                "Only an incomplete copy of ours can be given up; a complete one goes by policy."
                    .into()
            }
            Self::ReadOnly { subscription } => {
                format!("Start it with `--allow-writes-to {subscription}` to allow that.")
            }
        }
    }
}

/// The disk skus that a Standard snapshot restores to.
pub const DISK_SKUS: [&str; 5] =
    ["Premium_LRS", "StandardSSD_LRS", "Standard_LRS", "Premium_ZRS", "StandardSSD_ZRS"];

/// Everything that stands against `action`; none where Azure is expected to take it.
pub fn preconditions(action: &Action, inventory: &Inventory, limits: &Limits) -> Vec<Obstacle> {
    let mut found = vec![];
    if let Some(result) = action.result() {
        if !limits.writes.allow(result.subscription()) {
            found.push(Obstacle::ReadOnly { subscription: result.subscription().to_owned() });
        }
        locked(inventory, action, &result, &mut found);
    }
    match action {
        Action::CreateSnapshot(action) => create(action, inventory, limits, &mut found),
        Action::CopySnapshot(action) => copy(action, inventory, limits, &mut found),
        Action::RestoreDisk(action) => restore(action, inventory, &mut found),
        Action::KeepPoint(action) => keep(action, inventory, &mut found),
        Action::AdoptPoint(action) => adopt(action, inventory, limits, &mut found),
        Action::AbandonCopy(action) => abandon(action, inventory, limits, &mut found),
        // Whether the batch is the one that is held is decided with the deletions themselves.
        Action::ApproveDeletions(_) | Action::AcknowledgeVanished(_) => {}
    }
    found
}

/// A lock that stands against the action: any against deleting, a strict one against changing.
fn locked(inventory: &Inventory, action: &Action, result: &ResourceId, found: &mut Vec<Obstacle>) {
    let deletes = matches!(action, Action::AbandonCopy(_));
    let lock = inventory.lock_on(result);
    if let Some(lock) = lock.filter(|lock| deletes || lock.level == LockLevel::ReadOnly) {
        let (lock, scope) = (lock.name.clone(), lock.scope.clone());
        found.push(Obstacle::Locked { lock, scope });
    }
}

fn adopt(action: &AdoptPoint, inventory: &Inventory, limits: &Limits, found: &mut Vec<Obstacle>) {
    if !of_kind(&action.snapshot, ResourceKind::Snapshot, found) {
        return;
    }
    let Some(snapshot) = inventory.snapshot(&action.snapshot) else {
        return found.push(Obstacle::SourceMissing { id: action.snapshot.clone() });
    };
    ready(snapshot, found);
    let other = tags::read(&snapshot.tags, tags::INSTALLATION)
        .filter(|installation| *installation != limits.installation);
    if let Some(installation) = other {
        let (id, installation) = (snapshot.id.clone(), installation.to_owned());
        found.push(Obstacle::AnotherInstallations { id, installation });
    }
    if !snapshot.incremental {
        found.push(Obstacle::NotIncremental { id: snapshot.id.clone() });
    }
    let lineage = lineage(inventory);
    if lineage.unplaced.iter().any(|unplaced| unplaced.id == snapshot.id) {
        found.push(Obstacle::Unplaced { id: snapshot.id.clone() });
    }
}

fn abandon(
    action: &AbandonCopy,
    inventory: &Inventory,
    limits: &Limits,
    found: &mut Vec<Obstacle>,
) {
    if !of_kind(&action.copy, ResourceKind::Snapshot, found) {
        return;
    }
    match inventory.snapshot(&action.copy) {
        None => found.push(Obstacle::SourceMissing { id: action.copy.clone() }),
        Some(copy)
            if !copy.is_copy
                || !copy.state.is_under_way()
                || copy.is_pinned()
                || !copy.is_of(&limits.installation) =>
        {
            found.push(Obstacle::NotAbandonable { id: copy.id.clone() });
        }
        Some(_) => {}
    }
}

fn create(
    action: &CreateSnapshot,
    inventory: &Inventory,
    limits: &Limits,
    found: &mut Vec<Obstacle>,
) {
    place(inventory, action.disk.subscription(), &action.group, &action.name, found);
    taken(inventory, &action.result(), found);
    user_tags(&action.tags, found);
    network(action.network_access, found);
    if !of_kind(&action.disk, ResourceKind::Disk, found) {
        return;
    }
    let Some(disk) = inventory.disk(&action.disk) else {
        return found.push(Obstacle::SourceMissing { id: action.disk.clone() });
    };
    redundancy(inventory, action.sku.name(), &disk.region, found);
    if !action.incremental && disk.is_ultra_or_premium_v2() {
        found.push(Obstacle::MustBeIncremental { sku: disk.sku.clone() });
    }
    let lineage = lineage(inventory);
    let incremental = |point: &&Point<'_>| !point.snapshot.is_copy && point.snapshot.incremental;
    if action.incremental
        && lineage.of(disk).iter().filter(incremental).count() >= limits.snapshots_per_disk
    {
        found.push(Obstacle::TooManySnapshots { limit: limits.snapshots_per_disk });
    }
}

fn copy(action: &CopySnapshot, inventory: &Inventory, limits: &Limits, found: &mut Vec<Obstacle>) {
    place(inventory, &action.subscription, &action.group, &action.name, found);
    taken(inventory, &action.result(), found);
    user_tags(&action.tags, found);
    network(action.network_access, found);
    redundancy(inventory, action.sku.name(), &action.region, found);
    if !of_kind(&action.source, ResourceKind::Snapshot, found) {
        return;
    }
    let Some(source) = inventory.snapshot(&action.source) else {
        return found.push(Obstacle::SourceMissing { id: action.source.clone() });
    };
    if !source.incremental {
        found.push(Obstacle::NotIncremental { id: source.id.clone() });
    }
    ready(source, found);
    order(inventory, source, &action.region, found);
    let in_flight = inventory.snapshots.iter().filter(|other| {
        other.is_copy
            && other.state.is_under_way()
            && other.region == action.region
            && other.id.subscription().eq_ignore_ascii_case(&action.subscription)
    });
    if in_flight.count() >= limits.copies_in_flight {
        let limit = limits.copies_in_flight;
        found.push(Obstacle::TooManyCopies { region: action.region.clone(), limit });
    }
}

/// One copy of a disk at a time, and in creation order (compute-snapshots §1.4, §1.6).
fn order(inventory: &Inventory, source: &Snapshot, region: &Region, found: &mut Vec<Obstacle>) {
    let lineage = lineage(inventory);
    let chain = lineage
        .chains
        .values()
        .find_map(|chain| Some((chain, chain.iter().find(|p| p.snapshot.id == source.id)?)));
    let Some((chain, point)) = chain else { return };
    let copies = || chain.iter().filter(|p| p.snapshot.is_copy);
    if let Some(other) = copies().find(|p| p.snapshot.state.is_under_way()) {
        found.push(Obstacle::CopyInFlight { copy: other.snapshot.id.clone() });
    }
    let newer = copies()
        .filter(|p| p.snapshot.region == *region && p.snapshot.region != source.region)
        .filter(|p| !matches!(p.snapshot.state, PointState::Failed { .. }))
        .find(|p| p.point_time > point.point_time);
    if let Some(newer) = newer {
        let copy = newer.snapshot.id.clone();
        found.push(Obstacle::OutOfOrder { copy, region: region.clone() });
    }
}

fn restore(action: &RestoreDisk, inventory: &Inventory, found: &mut Vec<Obstacle>) {
    place(inventory, action.source.subscription(), &action.group, &action.name, found);
    taken(inventory, &action.result(), found);
    user_tags(&action.tags, found);
    let known = DISK_SKUS.iter().any(|sku| sku.eq_ignore_ascii_case(&action.sku));
    if !known {
        found.push(Obstacle::BadDiskSku { sku: action.sku.chars().take(60).collect() });
    }
    let zonal = action.sku.to_ascii_uppercase().ends_with("_ZRS");
    if let Some(zone) = &action.zone
        && (zonal || !["1", "2", "3"].contains(&zone.as_str()))
    {
        found.push(Obstacle::BadZone { zone: zone.chars().take(20).collect() });
    }
    if !of_kind(&action.source, ResourceKind::Snapshot, found) {
        return;
    }
    let Some(source) = inventory.snapshot(&action.source) else {
        return found.push(Obstacle::SourceMissing { id: action.source.clone() });
    };
    ready(source, found);
    if zonal || action.zone.is_some() {
        redundancy(inventory, "_ZRS", &source.region, found);
    }
}

fn keep(action: &KeepPoint, inventory: &Inventory, found: &mut Vec<Obstacle>) {
    if of_kind(&action.snapshot, ResourceKind::Snapshot, found)
        && inventory.snapshot(&action.snapshot).is_none()
    {
        found.push(Obstacle::SourceMissing { id: action.snapshot.clone() });
    }
}

fn of_kind(id: &ResourceId, kind: ResourceKind, found: &mut Vec<Obstacle>) -> bool {
    let right = id.kind() == kind;
    if !right {
        let wanted = match kind {
            ResourceKind::Disk => "disk",
            ResourceKind::Snapshot => "snapshot",
        };
        found.push(Obstacle::WrongSource { id: id.clone(), wanted: wanted.into() });
    }
    right
}

/// Whether the subscription, the group and the name can hold something new.
fn place(
    inventory: &Inventory,
    subscription: &str,
    group: &str,
    name: &str,
    found: &mut Vec<Obstacle>,
) {
    if inventory.subscription(subscription).is_none() {
        found.push(Obstacle::UnknownSubscription {
            subscription: subscription.chars().take(60).collect(),
        });
    } else if !valid_group(group) || inventory.group(subscription, group).is_none() {
        found.push(Obstacle::UnknownGroup {
            group: group.chars().take(100).collect(),
            subscription: subscription.to_owned(),
        });
    }
    if !names::valid_name(name) {
        found.push(Obstacle::BadName { name: name.to_owned() });
    }
}

fn taken(inventory: &Inventory, id: &ResourceId, found: &mut Vec<Obstacle>) {
    if inventory.disk(id).is_some() || inventory.snapshot(id).is_some() {
        found.push(Obstacle::NameTaken { id: id.clone() });
    }
}

fn redundancy(inventory: &Inventory, sku: &str, region: &Region, found: &mut Vec<Obstacle>) {
    match inventory.region(region) {
        None => found.push(Obstacle::UnknownRegion { region: region.clone() }),
        Some(info) if sku.ends_with("_ZRS") && !info.zones => {
            found.push(Obstacle::NoZones { region: region.clone() });
        }
        Some(_) => {}
    }
}

fn ready(source: &Snapshot, found: &mut Vec<Obstacle>) {
    match &source.state {
        PointState::Ready => {}
        PointState::Creating | PointState::Copying { .. } => {
            found.push(Obstacle::NotReady { id: source.id.clone() });
        }
        PointState::Failed { message, .. } => {
            let (id, message) = (source.id.clone(), message.clone());
            found.push(Obstacle::SourceFailed { id, message });
        }
    }
}

fn network(access: NetworkAccess, found: &mut Vec<Obstacle>) {
    if access == NetworkAccess::AllowPrivate {
        found.push(Obstacle::NeedsDiskAccess);
    }
}

/// Azure takes 50 tags; ten are left to ours.
const MAX_USER_TAGS: usize = 40;

fn user_tags(tags: &BTreeMap<String, String>, found: &mut Vec<Obstacle>) {
    let bad = tags.iter().enumerate().find(|(at, (name, value))| {
        *at >= MAX_USER_TAGS
            || name.is_empty()
            || name.chars().count() > 512
            || name.chars().any(|c| "<>%&\\?/".contains(c) || c.is_control())
            || name.to_ascii_lowercase().starts_with(tags::PREFIX)
            || value.chars().count() > 256
    });
    if let Some((_, (name, _))) = bad {
        found.push(Obstacle::BadTag { name: name.chars().take(60).collect() });
    }
}
