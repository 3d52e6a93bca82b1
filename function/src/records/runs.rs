//! Runs, each a link of its subscription's chain: `{chain}/{number}`, written create-only, so that
//! two instances never fork one; each names the record before it by hash.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use shared::{
    Run,
    model::{Link, RunTrigger},
};

use super::{Records, hex, parse, unreadable};
use crate::{
    error::Error,
    store::{Kind, StoreError},
};

/// What stands before the run in a record: its hash, over the bytes that follow.
const HEAD: &str = "{\"hash\":\"";
const MIDDLE: &str = "\",\"run\":";
const TAIL: &str = "}";
const HASH_LENGTH: usize = 64;

/// A run as it is stored, with the hash that the next one names.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The run.
    pub run: Run,
    /// SHA-256 of its bytes, in hex.
    pub hash: String,
}

impl Records {
    /// Puts a run at the end of its chain, and returns it with its place and id.
    ///
    /// Of two that want the same place one is told, and goes on top of the other.
    pub async fn store_run(&self, mut run: Run) -> Result<Run, Error> {
        loop {
            (run.link.number, run.link.previous) = self.next_place(&run.link.chain).await?;
            run.id = run_id(&run.link.chain, run.link.number);
            let content = seal(&run);
            let Link { chain, number, .. } = &run.link;
            match self.store.create(Kind::Run, chain, *number, &content).await {
                Ok(()) => return Ok(run),
                Err(StoreError::Exists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The number after a chain's newest run, and the hash of that.
    async fn next_place(&self, chain: &str) -> Result<(u32, Option<String>), Error> {
        let Some(newest) = self.numbers(chain).await?.pop() else { return Ok((1, None)) };
        if let Some(stored) = self.recent.run(chain, newest) {
            return Ok((newest + 1, Some(stored.hash.clone())));
        }
        let content = self.store.read(Kind::Run, chain, newest).await?.unwrap_or_default();
        // On a record that was altered the chain goes on all the same: `verify` stops before.
        let hash = match unseal(&run_id(chain, newest), &content) {
            Ok(stored) => stored.hash,
            Err(_) => hex(&Sha256::digest(&content)),
        };
        Ok((newest + 1, Some(hash)))
    }

    /// The newest run of a chain.
    pub async fn head(&self, chain: &str) -> Result<Option<Arc<Stored>>, Error> {
        match self.numbers(chain).await?.pop() {
            Some(newest) => self.past(chain, newest).await,
            None => Ok(None),
        }
    }

    /// The run at a place of a chain, as this process knows it.
    pub async fn past(&self, chain: &str, number: u32) -> Result<Option<Arc<Stored>>, Error> {
        if let Some(kept) = self.recent.run(chain, number) {
            return Ok(Some(kept));
        }
        let Some(content) = self.store.read(Kind::Run, chain, number).await? else {
            return Ok(None);
        };
        let stored = unseal(&run_id(chain, number), &content)?;
        Ok(Some(self.recent.keep_run(stored, content.len())))
    }

    /// The run at a place of a chain, read anew, if its bytes are those that were written.
    pub async fn link(&self, chain: &str, number: u32) -> Result<Option<Stored>, Error> {
        match self.store.read(Kind::Run, chain, number).await? {
            Some(content) => unseal(&run_id(chain, number), &content).map(Some),
            None => Ok(None),
        }
    }

    /// The chains, by name.
    pub async fn chains(&self) -> Result<Vec<String>, Error> {
        Ok(self.store.ids(Kind::Run).await?)
    }

    /// The numbers that a chain has, in order.
    pub async fn numbers(&self, chain: &str) -> Result<Vec<u32>, Error> {
        Ok(self.store.versions(Kind::Run, chain).await?)
    }

    /// The run of that id.
    pub async fn run(&self, id: &str) -> Result<Option<Run>, Error> {
        let Some((chain, number)) = place(id) else { return Ok(None) };
        Ok(self.link(chain, number).await?.map(|stored| stored.run))
    }

    /// The newest runs of all chains, the newest first. What cannot be read is left out.
    pub async fn runs(&self, limit: usize) -> Result<Vec<Run>, Error> {
        let mut heads = vec![];
        for chain in self.chains().await? {
            let newest = self.numbers(&chain).await?.pop().unwrap_or(0);
            heads.extend(self.newest_readable(&chain, newest).await);
        }
        let mut runs = vec![];
        while runs.len() < limit {
            let newest =
                heads.iter().enumerate().max_by_key(|(_, head)| (head.run.now, &head.run.id));
            let Some((index, _)) = newest else { break };
            let head = heads.swap_remove(index);
            let Link { chain, number, .. } = &head.run.link;
            heads.extend(self.newest_readable(chain, number - 1).await);
            runs.push(head.run.clone());
        }
        Ok(runs)
    }

    /// The newest run of a chain that can be read, from `number` down.
    async fn newest_readable(&self, chain: &str, number: u32) -> Option<Arc<Stored>> {
        for number in (1..=number).rev() {
            match self.past(chain, number).await {
                Ok(Some(stored)) => return Some(stored),
                Ok(None) => {}
                Err(error) => {
                    let (id, why) = (run_id(chain, number), super::describe(&error));
                    tracing::error!(run.id = id, why, "a run cannot be read");
                }
            }
        }
        None
    }

    /// The hash of the inventory that the newest run was planned on.
    pub async fn last_inventory(&self) -> Result<Option<String>, Error> {
        let mut newest: Option<Arc<Stored>> = None;
        for chain in self.chains().await? {
            let head = self.head(&chain).await?;
            if let Some(head) = head.filter(|head| head.run.inventory.is_some())
                && newest.as_ref().is_none_or(|newest| {
                    (newest.run.now, &newest.run.id) < (head.run.now, &head.run.id)
                })
            {
                newest = Some(head);
            }
        }
        Ok(newest.and_then(|newest| newest.run.inventory.clone()))
    }

    /// The newest run of the timer among the last `limit` of a chain.
    pub async fn last_of_timer(
        &self,
        chain: &str,
        limit: usize,
    ) -> Result<Option<Arc<Stored>>, Error> {
        let newest = self.numbers(chain).await?.pop().unwrap_or(0);
        for number in (1..=newest).rev().take(limit) {
            let past = self.past(chain, number).await?;
            if let Some(past) = past.filter(|past| past.run.trigger == RunTrigger::Timer) {
                return Ok(Some(past));
            }
        }
        Ok(None)
    }
}

/// The id of the run at a place.
pub fn run_id(chain: &str, number: u32) -> String {
    format!("{chain}-{number:08}")
}

fn place(id: &str) -> Option<(&str, u32)> {
    let (chain, number) = id.rsplit_once('-')?;
    Some((chain, number.parse().ok()?))
}

fn seal(run: &Run) -> Vec<u8> {
    let content = super::bytes(run);
    let hash = hex(&Sha256::digest(&content));
    [HEAD.as_bytes(), hash.as_bytes(), MIDDLE.as_bytes(), &content, TAIL.as_bytes()].concat()
}

fn unseal(id: &str, record: &[u8]) -> Result<Stored, Error> {
    let altered = || unreadable(id, "its bytes are not those that were written");
    let rest = record.strip_prefix(HEAD.as_bytes()).ok_or_else(altered)?;
    let (hash, rest) = rest.split_at_checked(HASH_LENGTH).ok_or_else(altered)?;
    let rest = rest.strip_prefix(MIDDLE.as_bytes()).ok_or_else(altered)?;
    let content = rest.strip_suffix(TAIL.as_bytes()).ok_or_else(altered)?;
    let found = hex(&Sha256::digest(content));
    if found.as_bytes() != hash {
        return Err(altered());
    }
    Ok(Stored { run: parse(id, content)?, hash: found })
}
