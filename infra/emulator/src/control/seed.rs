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
        resource::Tags,
        seed::{SeedDisk, random_bytes},
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
            world.seed_subscription(&subscription.id, name);
        }
        for group in seed.groups {
            world.seed_subscription(&group.subscription, &group.subscription);
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
            world.seed_subscription(&fleet.subscription, &fleet.subscription);
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
