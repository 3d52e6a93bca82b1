//! Seeding: what is to be there before the first request, given as one JSON document.

use std::path::PathBuf;

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    azure::Azure,
    world::{
        failure::Failure,
        fleet::{CONTENT, Fleet},
        id::ResourceId,
        image::Image,
        path::ResourcePath,
        resource::Tags,
        seed::{SeedDisk, random_bytes},
        seed_machines::{SeedMachine, SeedScaleSet},
    },
};

use super::{Answer, Refusal, bad_request, content::read_file, read_id};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seed {
    #[serde(default)]
    subscriptions: Vec<SubscriptionSeed>,
    #[serde(default)]
    groups: Vec<GroupSeed>,
    #[serde(default)]
    disks: Vec<DiskSeed>,
    fleet: Option<Fleet>,
    #[serde(default)]
    disk_encryption_sets: Vec<EncryptionSetSeed>,
    #[serde(default)]
    virtual_machines: Vec<MachineSeed>,
    #[serde(default)]
    scale_sets: Vec<ScaleSetSeed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EncryptionSetSeed {
    id: ResourcePath,
    location: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MachineSeed {
    id: ResourcePath,
    location: String,
    /// An existing disk; none: one from an image.
    os_disk: Option<String>,
    #[serde(default)]
    data_disks: Vec<String>,
    tags: Option<Tags>,
    /// The flexible scale set that it is in.
    scale_set: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleSetSeed {
    id: ResourcePath,
    location: String,
    #[serde(default)]
    flexible: bool,
    /// How many machines a uniform one has.
    #[serde(default)]
    instances: u64,
    tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionSeed {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupSeed {
    subscription: String,
    name: String,
    location: String,
    tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DiskSeed {
    id: ResourceId,
    location: String,
    sku: Option<String>,
    size_gb: u64,
    os_type: Option<String>,
    managed_by: Option<String>,
    #[serde(default)]
    zones: Vec<String>,
    tags: Option<Tags>,
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Random {
        random_bytes: usize,
        #[serde(default)]
        seed: u64,
    },
    File {
        file: PathBuf,
    },
}

/// Makes what is missing; answers which disks are new.
pub(super) async fn post_seed(State(azure): State<Azure>, Json(seed): Json<Seed>) -> Answer {
    azure.with(|world, _| {
        for subscription in &seed.subscriptions {
            let name = subscription.name.as_deref().unwrap_or(&subscription.id);
            world.seed_subscription(&subscription.id, name)?;
        }
        for group in seed.groups {
            world.seed_subscription(&group.subscription, &group.subscription)?;
            world.seed_group(&group.subscription, &group.name, &group.location, group.tags)?;
        }
        Ok::<_, Failure>(())
    })??;
    let mut created = Vec::new();
    for disk in seed.disks {
        let id = disk.id.clone();
        if azure.with(|world, _| world.disks.contains(&id.key()))? {
            continue;
        }
        // Read before the disk is made: a disk never shows without its content.
        let content = match disk.content {
            None => None,
            Some(Content::Random { random_bytes: length, .. }) if length > CONTENT => {
                return Err(bad_request("random_bytes is at most 1 GiB"));
            }
            Some(Content::Random { random_bytes: length, seed }) => {
                let mut image = Image::default();
                image.write(0, &random_bytes(seed, length));
                Some(image)
            }
            Some(Content::File { file }) => Some(read_file(file).await?),
        };
        let wanted = SeedDisk {
            id: disk.id,
            location: disk.location,
            sku: disk.sku,
            size_gb: disk.size_gb,
            os_type: disk.os_type,
            managed_by: disk.managed_by,
            zones: disk.zones,
            tags: disk.tags,
        };
        azure.with(|world, now| {
            let new = world.seed_disk(wanted, now)?;
            if let Some(image) = content.filter(|_| new) {
                world.replace(&id, image)?;
            }
            Ok::<_, Failure>(())
        })??;
        created.push(id.path());
    }
    azure.with(|world, now| {
        for set in seed.disk_encryption_sets {
            world.seed_encryption_set(set.id, set.location, now)?;
        }
        for set in seed.scale_sets {
            let wanted = SeedScaleSet {
                path: set.id,
                location: set.location,
                flexible: set.flexible,
                instances: set.instances,
                tags: set.tags,
            };
            world.seed_scale_set(wanted, now)?;
        }
        for machine in seed.virtual_machines {
            let wanted = SeedMachine {
                path: machine.id,
                location: machine.location,
                os_disk: machine.os_disk,
                data_disks: machine.data_disks,
                tags: machine.tags,
                scale_set: machine.scale_set,
            };
            world.seed_machine(wanted, now)?;
        }
        Ok::<_, Failure>(())
    })??;
    let mut answer = json!({"created": created});
    if let Some(fleet) = seed.fleet {
        let disks = seed_fleet(&azure, &fleet).await?;
        answer["fleet"] = json!({"disks": disks, "snapshots": disks * fleet.snapshots_per_disk});
    }
    Ok(Json(answer))
}

/// So many disks are made before others have their turn.
const AT_ONCE: u32 = 100;

/// Makes what is missing of a fleet; tells how many disks are new.
async fn seed_fleet(azure: &Azure, fleet: &Fleet) -> Result<u32, Refusal> {
    fleet.check()?;
    let mut made = 0;
    for first in (0..fleet.disks).step_by(AT_ONCE as usize) {
        made += azure.with(|world, now| {
            world.seed_subscription(&fleet.subscription, &fleet.subscription)?;
            world.seed_group(&fleet.subscription, &fleet.group, &fleet.location, None)?;
            let mut made = 0;
            for number in first..first.saturating_add(AT_ONCE).min(fleet.disks) {
                made += u32::from(world.seed_fleet_disk(fleet, number, now)?);
            }
            Ok::<_, Failure>(made)
        })??;
        tokio::task::yield_now().await;
    }
    Ok(made)
}

#[derive(Deserialize)]
pub(super) struct OwnedDisk {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Owner {
    managed_by: Option<String>,
}

/// Attaches a disk to a virtual machine, or detaches it.
pub(super) async fn put_owner(
    State(azure): State<Azure>,
    Query(target): Query<OwnedDisk>,
    Json(owner): Json<Owner>,
) -> Answer {
    let id = read_id(&target.id)?;
    azure.with(|world, _| match world.disks.get_mut(&id.key()) {
        Some(disk) => {
            disk.managed_by = owner.managed_by.clone();
            Ok(())
        }
        None => Err(Failure::resource_not_found(&id)),
    })??;
    Ok(Json(json!({"managed_by": owner.managed_by})))
}
