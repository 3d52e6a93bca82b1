//! The calls that the function makes: lists, and one PUT, PATCH or DELETE for each effect.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::{
    Disk, Effect, Group, RegionInfo, ResourceId, Snapshot, Subscription, model::Lock, tags,
};
use tokio::time::Instant;

use super::{
    Answer, ArmClient, ArmError, Ended,
    wire::{Properties, Resource, WireGroup, WireLocation, WireLock, WireSubscription},
};

/// Has `copyCompletionError` and `incrementalSnapshotFamilyId`, and every cloud has it.
const COMPUTE: &str = "api-version=2023-10-02";
/// Has `immutabilityPolicy`, and only newer clouds have it.
const COMPUTE_NEWEST: &str = "api-version=2026-03-02";
const LOCKS: &str = "api-version=2020-05-01";
const RESOURCES: &str = "api-version=2022-09-01";
const SUBSCRIPTIONS: &str = "api-version=2022-12-01";
const TAGS: &str = "api-version=2021-04-01";

/// The subscriptions, with Azure's time and the tenant's id.
pub struct Subscriptions {
    /// Those that the identity sees.
    pub subscriptions: Vec<Subscription>,
    /// The `Date` of the answer: a tick's `now`.
    pub date: Option<Timestamp>,
    /// The tenant.
    pub tenant: Option<String>,
}

/// Azure opens regions and zones a few times a year, and their list is the longest of a small estate.
const REGIONS_AGE: Duration = Duration::from_secs(12 * 3600);

/// The regions of a subscription, and when they were listed.
type Listed = (Instant, Arc<Vec<RegionInfo>>);

/// The regions of subscriptions, by id.
#[derive(Default)]
pub(super) struct Regions(Mutex<BTreeMap<String, Listed>>);

impl Regions {
    fn young(&self, subscription: &str) -> Option<Arc<Vec<RegionInfo>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (listed, regions) = kept.get(subscription)?;
        (listed.elapsed() < REGIONS_AGE).then(|| regions.clone())
    }

    fn keep(&self, subscription: &str, regions: &Arc<Vec<RegionInfo>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(subscription.to_owned(), (Instant::now(), regions.clone()));
    }
}

impl ArmClient {
    /// Lists the subscriptions that the identity sees.
    pub async fn subscriptions(&self) -> Result<Subscriptions, ArmError> {
        let path = format!("/subscriptions?{SUBSCRIPTIONS}");
        let (items, date) = self.list::<WireSubscription, _>(&path, Ok).await?;
        let mut tenant = None;
        let mut subscriptions = vec![];
        for item in items {
            let (subscription, its_tenant) = item.into_parts();
            tenant = tenant.or(its_tenant);
            subscriptions.push(subscription);
        }
        Ok(Subscriptions { subscriptions, date, tenant })
    }

    /// A subscription's regions, listed once in a while.
    pub async fn regions(&self, subscription: &str) -> Result<Arc<Vec<RegionInfo>>, ArmError> {
        if let Some(kept) = self.regions.young(subscription) {
            return Ok(kept);
        }
        let path = format!("/subscriptions/{subscription}/locations?{SUBSCRIPTIONS}");
        let (items, _) = self.list::<WireLocation, _>(&path, Ok).await?;
        let regions = Arc::new(items.into_iter().filter_map(|l| l.into_region()).collect());
        self.regions.keep(subscription, &regions);
        Ok(regions)
    }

    /// Lists a subscription's resource groups.
    pub async fn groups(&self, subscription: &str) -> Result<Vec<Group>, ArmError> {
        let path = format!("/subscriptions/{subscription}/resourcegroups?{RESOURCES}");
        let into = |group: WireGroup| Ok(group.into_group(subscription));
        Ok(self.list(&path, into).await?.0)
    }

    /// Lists a subscription's disks.
    pub async fn disks(&self, subscription: &str) -> Result<Vec<Disk>, ArmError> {
        self.compute_list(subscription, "disks", COMPUTE, Resource::into_disk).await
    }

    /// Lists a subscription's snapshots, with their immutability where the cloud knows of it.
    pub async fn snapshots(&self, subscription: &str) -> Result<Vec<Snapshot>, ArmError> {
        let list = |version| {
            self.compute_list(subscription, "snapshots", version, Resource::into_snapshot)
        };
        match list(COMPUTE_NEWEST).await {
            Err(error) if error.is_unknown_version() => list(COMPUTE).await,
            other => other,
        }
    }

    /// Lists the management locks of a subscription, and of all that is in it.
    pub async fn locks(&self, subscription: &str) -> Result<Vec<Lock>, ArmError> {
        let path = format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/locks?{LOCKS}"
        );
        let unreadable = |id| ArmError::payload(&path, &format!("`{id}` is not a lock's id"));
        let into = |lock: WireLock| lock.into_lock().map_err(unreadable);
        Ok(self.list(&path, into).await?.0)
    }

    async fn compute_list<T>(
        &self,
        subscription: &str,
        kind: &str,
        version: &str,
        into: impl Fn(Resource<Properties>) -> Result<T, String>,
    ) -> Result<Vec<T>, ArmError> {
        let path =
            format!("/subscriptions/{subscription}/providers/Microsoft.Compute/{kind}?{version}");
        let unreadable = |id| ArmError::payload(&path, &format!("`{id}` is not an id"));
        Ok(self.list(&path, |resource| into(resource).map_err(unreadable)).await?.0)
    }

    /// Reads a snapshot again; none if it is gone.
    pub async fn snapshot(&self, id: &ResourceId) -> Result<Option<Snapshot>, ArmError> {
        let path = format!("{id}?{COMPUTE}");
        match self.send(Method::GET, &path, None).await {
            Ok(answer) => {
                let resource = read::<Resource<Properties>>(&path, answer.body)?;
                let unreadable =
                    |id: String| ArmError::payload(&path, &format!("`{id}` is not an id"));
                Ok(Some(resource.into_snapshot().map_err(unreadable)?))
            }
            Err(ArmError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the resource that `effect` describes; doing so twice is doing it once.
    pub async fn create(&self, effect: &Effect) -> Result<(Ended, Option<String>), ArmError> {
        let body = match effect {
            Effect::CreateSnapshot {
                region,
                source,
                incremental,
                sku,
                network_access,
                tags,
                ..
            } => json!({
                "location": region, "tags": tags, "sku": { "name": sku },
                "properties": {
                    "creationData": { "createOption": "Copy", "sourceResourceId": source },
                    "incremental": incremental,
                    "networkAccessPolicy": network_access.name(),
                },
            }),
            Effect::StartCopy {
                region,
                source,
                sku,
                network_access,
                encryption_set,
                fast,
                tags,
                ..
            } => {
                let mut body = json!({
                    "location": region, "tags": tags, "sku": { "name": sku },
                    "properties": {
                        "creationData": { "createOption": "CopyStart", "sourceResourceId": source },
                        "incremental": true,
                        "networkAccessPolicy": network_access.name(),
                    },
                });
                if let Some(set) = encryption_set {
                    body["properties"]["encryption"] = json!({
                        "type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": set,
                    });
                }
                if *fast {
                    body["properties"]["creationData"]["provisionedBandwidthCopySpeed"] =
                        json!("Enhanced");
                }
                body
            }
            Effect::CreateDisk { region, source, sku, zone, tags, .. } => {
                let mut body = json!({
                    "location": region, "tags": tags, "sku": { "name": sku },
                    "properties": {
                        "creationData": { "createOption": "Copy", "sourceResourceId": source },
                    },
                });
                if let Some(zone) = zone {
                    body["zones"] = json!([zone]);
                }
                body
            }
            Effect::MarkPoint { .. }
            | Effect::UnmarkPoint { .. }
            | Effect::PinPoint { .. }
            | Effect::AdoptPoint { .. }
            | Effect::AbandonCopy { .. }
            | Effect::DeletePoint { .. } => {
                return Err(ArmError::payload(effect.id().name(), "the effect creates nothing"));
            }
        };
        let path = format!("{}?{COMPUTE}", effect.id());
        self.run(Method::PUT, &path, Some(&body)).await
    }

    /// Merges tags into those of a snapshot; the only way that tags change (design §3).
    pub async fn merge_tags(
        &self,
        id: &ResourceId,
        tags: BTreeMap<&str, String>,
    ) -> Result<(Ended, Option<String>), ArmError> {
        let path = format!("{id}/providers/Microsoft.Resources/tags/default?{TAGS}");
        let body = json!({ "operation": "Merge", "properties": { "tags": tags } });
        self.run(Method::PATCH, &path, Some(&body)).await
    }

    /// Deletes a snapshot if `may_go` says so of it; none if it does not, or nothing is there.
    ///
    /// The snapshot is read again before each try: between two tries somebody may take its mark back,
    /// and Azure has no delete with a condition.
    pub async fn delete(
        &self,
        id: &ResourceId,
        may_go: impl Fn(&Snapshot) -> bool,
    ) -> Result<Option<(Ended, Option<String>)>, ArmError> {
        let target = format!("{id}?{COMPUTE}");
        let url = self.resolve(&target)?;
        let mut attempt = 1;
        loop {
            match self.snapshot(id).await? {
                Some(point) if may_go(&point) => {}
                // The last try has deleted it, and only the answer was lost.
                None if attempt > 1 => return Ok(Some((Ended::Succeeded, None))),
                _ => return Ok(None),
            }
            match self.send_once(Method::DELETE, url.clone(), None).await {
                Ok(received) => {
                    return self.follow(Answer::of(&target, received)?).await.map(Some);
                }
                Err(error) => self.pause(&Method::DELETE, &url, attempt, error).await?,
            }
            attempt += 1;
        }
    }
}

/// The tags of a mark, and of its undoing.
pub(crate) fn mark(
    delete_after: Option<Timestamp>,
    approved: Option<&str>,
) -> BTreeMap<&'static str, String> {
    let text = delete_after.map_or_else(String::new, |at| at.to_string());
    let approved = approved.unwrap_or_default().to_owned();
    BTreeMap::from([(tags::DELETE_AFTER, text), (tags::APPROVED, approved)])
}

fn read<T: DeserializeOwned>(path: &str, item: Value) -> Result<T, ArmError> {
    serde_json::from_value(item).map_err(|error| ArmError::payload(path, &error.to_string()))
}
