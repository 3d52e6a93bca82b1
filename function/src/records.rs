//! Policies, requests, inventories and runs as the model has them, in the store.

pub mod history;
pub mod parts;
mod recent;
pub mod runs;

use std::{
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use shared::{
    Inventory, Policy, Request,
    api::RequestView,
    model::{MAX_RULES_BEFORE, PolicyRef, RequestState},
};

use self::recent::Recent;
use crate::{
    error::Error,
    store::{Kind, Store, StoreError},
};

/// Ended requests that are shown.
const SHOWN_REQUESTS: usize = 50;

/// Pauses after which something is read again where the store fails.
const READ_AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];

/// Asks a store that fails again, but not one whose content is wrong.
async fn in_spite_of_faults<T, F>(read: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for pause in READ_AGAIN {
        match read().await {
            Err(Error::Store(StoreError::Io { source, .. }))
                if source.kind() != std::io::ErrorKind::InvalidData =>
            {
                tokio::time::sleep(pause).await;
            }
            result => return result,
        }
    }
    read().await
}

/// Typed access to the store.
#[derive(Clone, Debug)]
pub struct Records {
    store: Store,
    recent: Recent,
}

/// A policy's version: there, or taken away.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PolicyVersion {
    Saved(Box<Policy>),
    /// What it was: its points would be a later policy's of the same id.
    Deleted(Box<Policy>),
}

/// What stands in a request's first version and in its second.
#[derive(Serialize, Deserialize)]
struct RequestRecord {
    request: Request,
    state: RequestState,
}

impl Records {
    /// Records in `store`.
    pub fn new(store: Store) -> Self {
        Self { store, recent: Recent::default() }
    }

    /// The policies in force, by id, and what is wrong with those that cannot be read.
    ///
    /// One that cannot be read counts as missing, and nothing of it is deleted; it does not keep
    /// the others from being carried out. Fails if not even their list can be had.
    pub async fn policies_and_problems(&self) -> Result<(Vec<Policy>, Vec<String>), Error> {
        let (mut policies, mut problems) = (vec![], vec![]);
        for id in self.store.ids(Kind::Policy).await? {
            // Two processes at once that see other policies may put one slot's snapshot into two groups.
            match in_spite_of_faults(|| self.policy(&id)).await {
                Ok((_, policy)) => policies.extend(policy),
                Err(error) => {
                    let why = describe(&error);
                    tracing::error!(policy.id = id, why, "a policy cannot be read");
                    problems.push(format!(
                        "Policy `{id}` cannot be read ({why}). Nothing is done for it, and nothing of \
                         it is deleted, until it is saved anew."
                    ));
                }
            }
        }
        Ok((policies, problems))
    }

    /// The policies in force that can be read, by id.
    pub async fn policies(&self) -> Result<Vec<Policy>, Error> {
        Ok(self.policies_and_problems().await?.0)
    }

    /// A policy as it was in that version; none if there was no such one.
    pub async fn policy_version(&self, wanted: &PolicyRef) -> Result<Option<Policy>, Error> {
        let content = self.store.read(Kind::Policy, &wanted.id, wanted.version).await?;
        let Some(content) = content else { return Ok(None) };
        Ok(match parse::<PolicyVersion>(&wanted.id, &content)? {
            PolicyVersion::Saved(policy) => Some(Policy { version: wanted.version, ..*policy }),
            PolicyVersion::Deleted(_) => None,
        })
    }

    /// A policy's newest version number, and the policy if it is in force.
    pub async fn policy(&self, id: &str) -> Result<(u32, Option<Policy>), Error> {
        let Some((version, content)) = self.store.latest(Kind::Policy, id).await? else {
            return Ok((0, None));
        };
        Ok(match parse::<PolicyVersion>(id, &content)? {
            PolicyVersion::Saved(policy) => (version, Some(Policy { version, ..*policy })),
            PolicyVersion::Deleted(_) => (version, None),
        })
    }

    /// Saves a policy as the version after the one that it says it replaces.
    ///
    /// A deleted policy may be made anew with version 0.
    pub async fn save_policy(&self, mut policy: Policy) -> Result<Policy, Error> {
        let next = self.next_version(&policy.id, policy.version).await?;
        policy.version = next;
        // What the rules before kept stays until a person approves (design §3).
        policy.rules_before = match self.store.latest(Kind::Policy, &policy.id).await? {
            None => vec![],
            Some((_, content)) => match parse::<PolicyVersion>(&policy.id, &content)? {
                PolicyVersion::Saved(was) | PolicyVersion::Deleted(was) => policy.replacing(&was),
            },
        };
        if !policy.rules_before.is_empty() {
            let accepted = self.history().await.history.accepted.get(&policy.id).copied();
            policy.rules_before.retain(|rules| accepted.is_none_or(|n| rules.replaced_by > n));
        }
        if policy.rules_before.len() > MAX_RULES_BEFORE {
            return Err(Error::Conflict(format!(
                "{MAX_RULES_BEFORE} edits of policy `{}` wait for approval; approve of what they hold, \
                 or bring back the rules before, and then edit on",
                policy.id
            )));
        }
        let content = PolicyVersion::Saved(Box::new(policy.clone()));
        self.write_policy(&policy.id, next, &content).await?;
        Ok(policy)
    }

    /// Takes a policy out of force; its points stay.
    pub async fn delete_policy(&self, id: &str, version: u32) -> Result<(), Error> {
        let Some(was) = self.policy(id).await?.1 else {
            return Err(Error::NotFound(format!("there is no policy `{id}`")));
        };
        let next = self.next_version(id, version).await?;
        self.write_policy(id, next, &PolicyVersion::Deleted(Box::new(was))).await
    }

    async fn next_version(&self, id: &str, replaces: u32) -> Result<u32, Error> {
        let (newest, in_force) = self.policy(id).await?;
        let expected = in_force.map_or(0, |policy| policy.version);
        if replaces == expected { Ok(newest + 1) } else { Err(changed_meanwhile(id)) }
    }

    async fn write_policy(
        &self,
        id: &str,
        version: u32,
        content: &PolicyVersion,
    ) -> Result<(), Error> {
        match self.store.create(Kind::Policy, id, version, &bytes(content)).await {
            Err(StoreError::Exists { .. }) => Err(changed_meanwhile(id)),
            other => Ok(other?),
        }
    }

    /// Stores a request, unless it is stored already: a retry is the same request.
    pub async fn ask(&self, request: Request) -> Result<RequestView, Error> {
        let record = RequestRecord { request: request.clone(), state: RequestState::Pending };
        match self.store.create(Kind::Request, &request.id, 1, &bytes(&record)).await {
            Ok(()) => Ok(RequestView { request, state: RequestState::Pending }),
            Err(StoreError::Exists { .. }) => {
                let stored = self.request(&request.id).await?;
                let stored = stored.filter(|stored| stored.request.action == request.action);
                stored.ok_or_else(|| {
                    Error::Conflict(format!(
                        "the request id `{}` was used for something else; choose a new one",
                        request.id
                    ))
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A request and how it stands.
    pub async fn request(&self, id: &str) -> Result<Option<RequestView>, Error> {
        let Some((_, content)) = self.store.latest(Kind::Request, id).await? else {
            return Ok(None);
        };
        let record: RequestRecord = parse(id, &content)?;
        Ok(Some(RequestView { request: record.request, state: record.state }))
    }

    /// A request as it was asked; none if there is no such one.
    pub async fn asked(&self, id: &str) -> Result<Option<Request>, Error> {
        let Some(content) = self.store.read(Kind::Request, id, 1).await? else { return Ok(None) };
        Ok(Some(parse::<RequestRecord>(id, &content)?.request))
    }

    /// Every pending request and the latest ended ones, the newest first.
    pub async fn requests(&self) -> Result<Vec<RequestView>, Error> {
        let mut all = vec![];
        for id in self.store.ids(Kind::Request).await? {
            all.extend(self.request(&id).await?);
        }
        all.sort_by_key(|view| std::cmp::Reverse(view.request.asked_at));
        let mut ended = 0;
        all.retain(|view| {
            ended += usize::from(view.state != RequestState::Pending);
            view.state == RequestState::Pending || ended <= SHOWN_REQUESTS
        });
        Ok(all)
    }

    /// The requests that no run has come to.
    pub async fn pending(&self) -> Result<Vec<Request>, Error> {
        let pending = |view: &RequestView| view.state == RequestState::Pending;
        Ok(self.requests().await?.into_iter().filter(pending).map(|view| view.request).collect())
    }

    /// Ends a request. Of two runs that end it, the first counts.
    pub async fn end(&self, request: &Request, state: RequestState) -> Result<(), Error> {
        let record = RequestRecord { request: request.clone(), state };
        match self.store.create(Kind::Request, &request.id, 2, &bytes(&record)).await {
            Err(StoreError::Exists { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores an inventory once per content and returns its hash.
    pub async fn store_inventory(&self, inventory: &Inventory) -> Result<String, Error> {
        // The time of listing is in the run; without it, an unchanged estate has one hash.
        let timeless = Inventory { taken_at: jiff::Timestamp::UNIX_EPOCH, ..inventory.clone() };
        let content = bytes(&timeless);
        let hash = inventory_hash(&content);
        if self.recent.inventory(&hash).is_some() {
            return Ok(hash);
        }
        let packed = pack(&hash, &content)?;
        match self.store.create(Kind::Inventory, &hash, 1, &packed).await {
            Ok(()) | Err(StoreError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.recent.keep_inventory(&hash, Arc::new(timeless));
        Ok(hash)
    }

    /// The inventory of that hash, as this process knows it; its time of listing is in the run that names it.
    pub async fn inventory(&self, hash: &str) -> Result<Option<Arc<Inventory>>, Error> {
        if let Some(kept) = self.recent.inventory(hash) {
            return Ok(Some(kept));
        }
        let read = self.read_inventory(hash).await?.map(Arc::new);
        if let Some(inventory) = &read {
            self.recent.keep_inventory(hash, inventory.clone());
        }
        Ok(read)
    }

    /// The inventory of that hash, read anew and held against its hash.
    pub async fn read_inventory(&self, hash: &str) -> Result<Option<Inventory>, Error> {
        let Some((_, packed)) = self.store.latest(Kind::Inventory, hash).await? else {
            return Ok(None);
        };
        let content = unpack(hash, &packed)?;
        if inventory_hash(&content) != hash {
            return Err(unreadable(hash, "its content is not what it is named after"));
        }
        parse(hash, &content).map(Some)
    }

    /// Notes that the timer ran.
    pub async fn beat(&self, now: jiff::Timestamp) -> Result<(), Error> {
        Ok(self.store.beat(&now.to_string()).await?)
    }

    /// When the timer last ran.
    pub async fn heartbeat(&self) -> Option<jiff::Timestamp> {
        self.store.heartbeat().await
    }
}

fn changed_meanwhile(id: &str) -> Error {
    Error::Conflict(format!(
        "policy `{id}` was changed meanwhile; load it again, and make your change to what it is now"
    ))
}

fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn parse<T: DeserializeOwned>(id: &str, content: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(content).map_err(|error| unreadable(id, error))
}

/// Packs what is large and soon read no more.
fn pack(id: &str, content: &[u8]) -> Result<Vec<u8>, Error> {
    let mut packer = GzEncoder::new(vec![], Compression::default());
    let packed = packer.write_all(content).and_then(|()| packer.finish());
    Ok(packed.map_err(|source| StoreError::Io { path: id.into(), source })?)
}

fn unpack(id: &str, packed: &[u8]) -> Result<Vec<u8>, Error> {
    let mut content = vec![];
    let unpacked = GzDecoder::new(packed).read_to_end(&mut content);
    unpacked.map_err(|source| StoreError::Io { path: id.into(), source })?;
    Ok(content)
}

fn unreadable(id: &str, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    StoreError::Io { path: id.into(), source }.into()
}

/// An error with its causes.
pub(crate) fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn inventory_hash(content: &[u8]) -> String {
    hex(&Sha256::digest(content)[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
